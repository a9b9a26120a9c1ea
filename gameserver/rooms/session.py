"""One page of one member, connected to this process."""

from typing import Any, NamedTuple, Protocol

from gameserver.errors import CloseCode, Refused
from gameserver.games.game import HOST, Command, Event, EventClass, MemberId, Sender, SessionId
from gameserver.metrics import REFUSALS
from gameserver.rooms.tick import Result
from gameserver.wire import Format, Hello, RefusedEvent, Time, TimeIs, encoder, refusal

MAX_RTT_MS = 500  # who delays a pong gains no more than that
MAX_IN_FLIGHT = 8  # as many as the prelude remembers answers: a tick that runs twice can answer all again


class Sink(Protocol):
    """Where a session's frames go."""

    def send(self, frame: bytes, event_class: EventClass, name: str) -> None:
        """Sends an encoded event by its class's rule for slow readers."""

    def close(self, code: CloseCode) -> None:
        """Closes the socket."""


class Seat(NamedTuple):
    """What a session needs of its room."""

    room: "RoomOfSession"
    sender: Sender
    deny: str | None


class RoomOfSession(Protocol):
    """The room as its sessions see it."""

    @property
    def host_commands(self) -> tuple[type[Command], ...]:
        """What only a host may send."""

    def now(self) -> int:
        """About the server time in ms."""

    def submit(self, command: list[Any], session: "Session", ref: int) -> None:
        """Queues a command."""

    def arguments(self, sender: Sender, command: Command) -> tuple[Any, ...]:
        """What the game's rule needs. Raises Refused."""

    def answer(self, session: "Session", ref: int, result: Result) -> Event:
        """The event of an executed command."""

    def message(self, code: str) -> str:
        """The engineers' text of a refusal."""


class Session:
    """A joined page.

    Attributes:
        member: whose page it is; "" for a spectator.
        id: the server's number for this page; "" for a spectator.
        deny: the code that refuses every command of this member, or None.
        format: how its frames are written.
        seen: the room's version at its welcome; events up to it are in the snapshot.
    """

    __slots__ = (
        "_encode", "_in_flight", "_room", "_sender", "_sink", "deny", "format", "id", "member", "seen",
    )  # fmt: skip

    def __init__(self, seat: Seat, sink: Sink, format_: Format, seen: int) -> None:
        self._room, self._sender, self.deny = seat
        self.member: MemberId = seat.sender.member
        self.id: SessionId = seat.sender.session
        self._sink = sink
        self._encode = encoder(format_)
        self._in_flight = 0
        self.format = format_
        self.seen = seen

    def push(self, frame: bytes, event_class: EventClass, name: str) -> None:
        """Sends an event that is encoded already, in this session's format."""
        self._sink.send(frame, event_class, name)

    def send(self, event: Event) -> None:
        """Sends an event that must arrive."""
        self._sink.send(self._encode(event), EventClass.MUST, "")

    def close(self, code: CloseCode) -> None:
        """Closes the page's socket."""
        self._sink.close(code)

    def measured(self, rtt_ms: int) -> None:
        """Takes a round trip of this page's socket; the least one counts."""
        known = self._sender.rtt_ms or MAX_RTT_MS
        self._sender = self._sender._replace(rtt_ms=max(1, min(rtt_ms, known)))

    def handle(self, command: Command) -> None:
        """Takes a command of the page. Raises Refused where no tick is needed to refuse."""
        if isinstance(command, Time):
            self.send(TimeIs(re=command.ref, now=self._room.now()))
            return
        if isinstance(command, Hello):
            raise Refused("hello_repeated")
        room, member, deny = self._room, self.member, self.deny
        if not member:
            raise Refused("spectator")
        if isinstance(command, room.host_commands) is not (member == HOST):
            raise Refused("not_host")
        if self._in_flight >= MAX_IN_FLIGHT:
            raise Refused("too_many_in_flight", retry_ms=100)
        code: str | bool = deny or False
        arguments: tuple[Any, ...] = (False,)
        if not deny:
            try:
                arguments = room.arguments(self._sender, command)
            except Refused as refused:
                # the gate still decides what comes first, and remembers the answer
                code, arguments = refused.code, (refused.retry_ms or False,)
        self._in_flight += 1
        op = command.__struct_config__.tag
        room.submit([member, self.id, command.ref, op, code, *arguments], self, command.ref)

    def answered(self, ref: int, result: Result) -> None:
        """Takes a tick's result."""
        self._in_flight -= 1
        if result[0] == 1:
            self.send(self._room.answer(self, ref, result))
            return
        _, code, retry = result
        REFUSALS.labels(code).inc()
        message = self._room.message(code)
        self.send(RefusedEvent(re=ref, code=code, message=message, retry_ms=retry or None))

    def refuse(self, refused: Refused, re: int | None) -> None:
        """Tells a refusal that no tick made."""
        REFUSALS.labels(refused.code).inc()
        self.send(refusal(refused, re))
