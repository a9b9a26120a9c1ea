"""Frames to commands, events to frames: JSON in text frames, MessagePack in binary ones. Pure."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Union

import msgspec

from gameserver.errors import Refused
from gameserver.games.game import Command, Event, Game, Ref, names

MAX_FRAME_BYTES = 8 * 1024


class Format(StrEnum):
    """How a session's frames are written."""

    JSON = "json"
    MSGPACK = "msgpack"


class Hello(Command, tag="hello"):
    """The first frame. `session` and `since` (the last `v` seen) resume what a connection lost."""

    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    room: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    session: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    since: Annotated[int, msgspec.Meta(ge=0)] | None = None
    format: Format | None = None


class Time(Command, tag="time"):
    """Asks for the server's clock; free of the rule that refs rise."""


class Welcome(Event, tag="welcome", kw_only=True):
    """Answers hello. `recovered`: everything missed since `since` follows as events; else not."""

    member: str
    session: str
    room: dict[str, Any]
    now: int
    recovered: bool
    snapshot: dict[str, Any]


class TimeIs(Event, tag="time", kw_only=True):
    """Server time in ms."""

    now: int


class RefusedEvent(Event, tag="refused", kw_only=True):
    """A coded refusal; `retry_ms` says when to try again."""

    code: str
    message: str
    retry_ms: int | None = None


class Settled(Event, tag="settled", kw_only=True):
    """Grants that are in the ledger now: the session's `refs`, and [prize, unit] of all of them.

    `cut`: [prize, unit, points credited, points granted, why] where the ledger credited only a part of a
    grant, or refused it: that one is not among `units`.
    """

    refs: list[int]
    units: list[tuple[str, int]]
    cut: list[tuple[str, int, int, int, str]] = msgspec.field(default_factory=list)


class Charged(Event, tag="charged", kw_only=True):
    """The member was given plays; `charge` says how many there are now."""


class RoomChanged(Event, tag="room_changed", kw_only=True):
    """Staff opened, paused, resumed or closed the room; `state` is open, paused or closed."""

    state: str


SHARED_EVENTS: tuple[type[Event], ...] = (Welcome, TimeIs, RefusedEvent, Settled, Charged, RoomChanged)


class _OnlyRef(msgspec.Struct):
    ref: Ref


class _OnlyOp(msgspec.Struct):
    op: str


_HELLO: dict[Format, Any] = {
    Format.JSON: msgspec.json.Decoder(Hello),
    Format.MSGPACK: msgspec.msgpack.Decoder(Hello),
}
_REF: dict[Format, Any] = {
    Format.JSON: msgspec.json.Decoder(_OnlyRef),
    Format.MSGPACK: msgspec.msgpack.Decoder(_OnlyRef),
}
_OP: dict[Format, Any] = {
    Format.JSON: msgspec.json.Decoder(_OnlyOp),
    Format.MSGPACK: msgspec.msgpack.Decoder(_OnlyOp),
}
_ENCODE = {Format.JSON: msgspec.json.Encoder().encode, Format.MSGPACK: msgspec.msgpack.Encoder().encode}

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Frame = bytes | bytearray | memoryview


class Codec:
    """The frames of one game: its commands beside `time`.

    Raises Refused with `bad_frame`, `unknown_op` or `bad_field` on what it cannot read.
    """

    def __init__(self, game: Game) -> None:
        commands = (*game.commands, *game.host_commands)
        union: Any = Union[(Time, Hello, *commands)]
        self._decode: dict[Format, Callable[[Frame], Any]] = {
            Format.JSON: msgspec.json.Decoder(union).decode,
            Format.MSGPACK: msgspec.msgpack.Decoder(union).decode,
        }
        self._known = {"time", "hello", *names(commands)}

    def decode(self, frame: Frame, format_: Format) -> Command:
        """A command of this game."""
        try:
            command: Command = self._decode[format_](frame)
        except _UNREADABLE as error:
            raise self._refusal(frame, format_, error) from None
        return command

    def _refusal(self, frame: Frame, format_: Format, error: Exception) -> Refused:
        if not isinstance(error, msgspec.ValidationError):
            return Refused("bad_frame")
        try:
            op = _OP[format_].decode(frame).op
        except _UNREADABLE:
            return Refused("bad_field", str(error))
        return Refused("bad_field", str(error)) if op in self._known else Refused("unknown_op")


def decode_hello(frame: Frame, format_: Format) -> Hello:
    """The first frame. Raises Refused."""
    try:
        hello: Hello = _HELLO[format_].decode(frame)
    except msgspec.ValidationError as error:
        try:
            said_hello = _OP[format_].decode(frame).op == "hello"
        except _UNREADABLE:
            said_hello = False
        raise (Refused("bad_field", str(error)) if said_hello else Refused("hello_required")) from None
    except _UNREADABLE:
        raise Refused("bad_frame") from None
    return hello


def ref_of(frame: Frame, format_: Format) -> int | None:
    """The ref of a frame that could not be read otherwise, so that the refusal can say what it answers."""
    try:
        ref: int = _REF[format_].decode(frame).ref
    except _UNREADABLE:
        return None
    return ref


def encoder(format_: Format) -> Callable[[Event], bytes]:
    """What writes one event as the payload of a frame."""
    return _ENCODE[format_]


def encode(event: Event, format_: Format) -> bytes:
    """One event as the payload of a frame."""
    return _ENCODE[format_](event)


def refusal(refused: Refused, re: int | None) -> RefusedEvent:
    """A refusal as the event that tells it."""
    return RefusedEvent(re=re, code=refused.code, message=refused.message, retry_ms=refused.retry_ms)


def schema(games: Sequence[Game]) -> dict[str, Any]:
    """JSON Schema of everything that crosses the socket, by game."""
    shared = msgspec.json.schema_components((Hello, Time, *SHARED_EVENTS))[1]
    return {
        "shared": shared,
        "games": {
            g.name: msgspec.json.schema_components((*g.commands, *g.host_commands, *g.events))[1]
            for g in games
        },
    }
