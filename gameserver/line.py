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


class PurseFilled(Fact, array_like=True, frozen=True):
    """The fact that a line's member got `amount` points into purse `number`; `fill` 0 opened it."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    fill: Natural
    amount: Natural


class PurseClosed(Fact, array_like=True, frozen=True):
    """The fact that purse `number` of a line's member was closed with `left` points in it."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    left: Natural


class Spent(msgspec.Struct, array_like=True, frozen=True):
    """What a play cost: `amount` points of the member's purse `number` in this lane."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    amount: Annotated[int, msgspec.Meta(ge=1)]


class Line(msgspec.Struct, array_like=True, frozen=True):
    """One line.

    `session` is "clock" for the room's own commands; `ref` is 0 for what no command asked; `at` is
    server time in ms; `day` is yyyymmdd in the room's timezone, 0 where the room has no day rules;
    grant number i of `grants` has the line number i; `spent` is there where the play was paid for.
    """

    session: SessionId
    ref: Natural
    member: MemberId
    at: Natural
    day: Natural
    answer: msgspec.Raw
    fact: Fact
    grants: list[OutboxGrant]
    spent: Spent | None = None


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


class _PurseFill(Line, array_like=True, frozen=True):
    fact: PurseFilled


class _PurseEnd(Line, array_like=True, frozen=True):
    fact: PurseClosed


PURSE_FILLED = "purse"
PURSE_CLOSED = "purse_closed"
_LINE = msgspec.msgpack.Decoder(Line)
_PURSE_FILL = msgspec.msgpack.Decoder(_PurseFill)
_PURSE_END = msgspec.msgpack.Decoder(_PurseEnd)


def decode_line(body: bytes | msgspec.Raw) -> Line:
    """A line from its bytes. Raises msgspec.DecodeError."""
    return _LINE.decode(body)


def purse_filled(line: Line, body: bytes | msgspec.Raw) -> PurseFilled | None:
    """The fact of a line that filled a purse; None for all other lines."""
    return _PURSE_FILL.decode(body).fact if line.fact.kind == PURSE_FILLED else None


def purse_closed(line: Line, body: bytes | msgspec.Raw) -> PurseClosed | None:
    """The fact of a line that closed a purse; None for all other lines."""
    return _PURSE_END.decode(body).fact if line.fact.kind == PURSE_CLOSED else None
