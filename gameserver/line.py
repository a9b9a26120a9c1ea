"""Lines of the outbox: what one executed command leaves to the record. Pure.

A stream entry of the outbox carries a MessagePack array of lines, written by the prelude
(store/lua/prelude/); a line is the array of the fields of `Line`.
"""

from typing import Annotated, NamedTuple

import msgspec

from gameserver.games.game import MemberId, PrizeId, SessionId

Natural = Annotated[int, msgspec.Meta(ge=0)]


class OutboxGrant(msgspec.Struct, array_like=True, frozen=True):
    """A granted unit: `amount` in points (0 for goods), granted under `epoch` to `member`."""

    prize: PrizeId
    unit: Natural
    amount: Natural
    epoch: Natural
    member: MemberId


class Fact(msgspec.Struct, array_like=True, frozen=True):
    """A fact is `kind` and whatever the game's rule adds, which only the game reads."""

    kind: str


class Line(msgspec.Struct, array_like=True, frozen=True):
    """One line.

    `session` is "clock" for the room's own commands; `ref` is 0 for what no command asked; `at` is
    server time in ms; `day` is yyyymmdd in the room's timezone, 0 where the room has no day rules;
    grant number i of `grants` has the line number i.
    """

    session: SessionId
    ref: Natural
    member: MemberId
    at: Natural
    day: Natural
    answer: msgspec.Raw
    fact: Fact
    grants: list[OutboxGrant]


class Position(NamedTuple):
    """Where a line stands in its lane's outbox: the stream id's two numbers, the place in the entry."""

    ms: int
    seq: int
    place: int


class PlacedLine(NamedTuple):
    """A line, its bytes as they came, and where it stood."""

    line: Line
    body: bytes
    position: Position


_LINE = msgspec.msgpack.Decoder(Line)


def decode_line(body: bytes | msgspec.Raw) -> Line:
    """A line from its bytes. Raises msgspec.DecodeError."""
    return _LINE.decode(body)
