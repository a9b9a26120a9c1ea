"""Lines in the outbox's own form, written by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gameserver.line import PlacedLine, Position, decode_line

_encode = msgspec.msgpack.encode


def body_of(
    session: str,
    ref: int,
    grants: Sequence[tuple[str, int, int, int, str]] = (),
    *,
    member: str = "m1",
    at: int = 1_790_000_000_000,
    fact: Sequence[Any] = ("grabbed", 0),
) -> bytes:
    return _encode(
        [session, ref, member, at, 0, [1, "answer"], list(fact), [list(grant) for grant in grants]]
    )


def placed(body: bytes, ms: int = 1, seq: int = 0, place: int = 0) -> PlacedLine:
    return PlacedLine(decode_line(body), body, Position(ms, seq, place))
