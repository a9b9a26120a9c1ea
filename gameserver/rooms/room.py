"""One running room in this process: its plan, its lane, and the pages that are joined here."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from gameserver.errors import CloseCode, Refused, message_of
from gameserver.fairness import Receipts
from gameserver.games import game_named
from gameserver.games.game import (
    HOST,
    Charge,
    Command,
    Event,
    EventClass,
    Granted,
    MemberId,
    Sender,
    SessionId,
    names,
)
from gameserver.games.room_config import Audience
from gameserver.metrics import SESSIONS
from gameserver.records.rooms import Room as RoomRecord
from gameserver.rooms.days import Days
from gameserver.rooms.holds import Holds
from gameserver.rooms.opening import plan_of, public_room
from gameserver.rooms.purse import Play, Purses
from gameserver.rooms.session import Seat, Session, Sink
from gameserver.rooms.tick import Asked, Lane, Result
from gameserver.store.lane import Guest, LaneStore
from gameserver.wire import Charged, Codec, Format, Hello, RoomChanged, Settled, Welcome, encode
from ledger_client.ledger import Ledger

log = structlog.get_logger()

VIEWS_A_CALL = 256
(_ROOM_CHANGED,) = names((RoomChanged,))


class Joining(Asked):
    """A hello on its way through a tick.

    Attributes:
        told: the room events that the others were told meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: deque[Sequence[Any]] = deque()


class Gifted(NamedTuple):
    """Who was given plays; the next tick says how many there are, in its order among the answers."""

    room: "Room"
    member: MemberId

    def answered(self, ref: int, result: Result) -> None:
        """Takes the tick's result; where there is none the next play or welcome tells."""
        if result[0]:
            self.room.tell_plays(self.member, Play(*result[1]))


class Room:
    """See the module. A room is loaded once per process and dropped when it is of no more use.

    Args:
        record: the room as PostgreSQL has it; it has been opened.
        store: its lane in Redis, in the epoch of the record.
        receipts: signs grants.
        ledger: asked where plays cost points.
        capped: whether the lane counts points by day.
    """

    def __init__(
        self,
        record: RoomRecord,
        store: LaneStore,
        receipts: Receipts,
        ledger: Ledger,
        *,
        capped: bool = False,
    ) -> None:
        self.record = record
        self.game = game_named(record.game)
        self.config = self.game.config.model_validate(record.config)
        self.plan = plan_of(record)
        self.codec = Codec(self.game)
        self.public = public_room(record)
        self._receipts = receipts
        self.host_commands = self.game.host_commands
        chances = self.config.chances
        self.days = Days(self.config.timezone, self.now)
        self.lane = Lane(record.id, store, self.days if capped or self.config.by_day else tuple)
        self.purses: Purses | None = None
        if chances.cost_points is not None:
            holds = Holds(ledger, store.keys.name, store.epoch)
            self.purses = Purses(record, chances.cost_points, self.lane, holds)
        self._sessions: set[Session] = set()
        self._members: dict[MemberId, list[Session]] = {}
        self._joining: set[Joining] = set()
        self._gauge = SESSIONS.labels(record.id)
        self._untold: deque[Sequence[Any]] = deque()
        self._telling: asyncio.Task[None] | None = None

    # what sessions use

    def now(self) -> int:
        """About the server time in ms."""
        return self.lane.now()

    def submit(self, command: list[Any], session: Session, ref: int) -> None:
        """Queues a command."""
        (self.purses or self.lane).submit(command, session, ref)

    def arguments(self, sender: Sender, command: Command) -> tuple[Any, ...]:
        """What the game's rule needs. Raises Refused."""
        return self.plan.arguments(sender, command, self.lane.now())

    def answer(self, session: Session, ref: int, result: Result) -> Event:
        """The event of an executed command, with a receipt for every grant."""
        granted = [self._granted(grant, session.member, session.id, ref) for grant in result[2]]
        event = self.plan.answer(session.member, ref, result[1], granted)
        if len(result) > 3:
            event.charge = _charge(Play(*result[3]))
        return event

    def _granted(self, grant: Sequence[Any], member: MemberId, session: str, ref: int) -> Granted:
        prize, unit, amount, epoch = grant
        receipt = self._receipts.sign(self.record.id, prize, unit, amount, member, session, ref, epoch)
        return Granted(prize, unit, amount, receipt)

    def message(self, code: str) -> str:
        """The engineers' text of a refusal."""
        return self.game.refusals.get(code) or message_of(code)

    # joining and leaving

    async def join(self, hello: Hello, sink: Sink, format_: Format) -> Session:
        """Joins a page: one command in the next tick. Raises Refused, with `bad_ticket` among others.

        Sends the welcome, and after it what was missed since `hello.since` where that is still known, and
        what happened since the tick.
        """
        joining = Joining()
        self._joining.add(joining)
        try:
            return await self._enter(joining, hello, sink, format_)
        finally:
            self._joining.discard(joining)

    async def _enter(self, joining: Joining, hello: Hello, sink: Sink, format_: Format) -> Session:
        since = hello.since if hello.since is not None else False
        command = ["", "", 0, "join", False, hello.ticket, hello.session or False, since]
        self.lane.submit(command, joining, hello.ref)
        result = await joining.result
        if result[0] == 0:
            raise Refused(result[1], retry_ms=result[2] or None)
        _, id_, guest_, version, state, recovered, missed, joined, view, given, answers, *plays = result
        guest = Guest(*guest_)
        member = MemberId(guest.member)
        deny = self.denied(guest)
        sender = Sender(member, SessionId(id_), frozenset(guest.levels), frozenset(guest.tags))
        session = Session(Seat(self, sender, deny), sink, format_, version)
        frames = await self._overheard(joining, session)
        # no await from here on: what is told next, this session is told with the others
        snapshot = {
            "v": version,
            "state": state,
            "denied": deny,
            "name": guest.name,
            "joined": joined,
            "answers": [self._remembered(session, *answer) for answer in answers if answer[1][0] == 1],
            "game": self.plan.snapshot(member, self.now(), view),
        }
        play = Play(*plays[0]) if plays else None
        if play:
            snapshot["charge"] = _charge(play)
        welcome = Welcome(
            re=hello.ref, member=member, session=id_, room=self.public | {"state": state}, now=self.now(),
            recovered=bool(recovered), snapshot=snapshot,
        )  # fmt: skip
        session.send(welcome)
        self._add(session)
        if self.purses and member:
            self.purses.came(member, play.number if play else 0)
        for v, _, name, body in missed:
            session.send(self._event(name, v, body, member, view, self._given(given, member)))
        for frame, event_class, name in frames:
            session.push(frame, event_class, name)
        return session

    async def _overheard(self, joining: Joining, session: Session) -> Sequence[tuple[bytes, EventClass, str]]:
        """What was told after the tick of a hello and before its answer was here.

        Events come by another connection than answers, and often sooner: the tally of the very tick is one.
        """
        frames = []
        while joining.told:
            v, event_class, name, body = joining.told.popleft()
            if v <= session.seen:
                continue
            view, given = (), ()
            if name in self.game.personal:
                ((view, given),) = await self.lane.store.views([session.member])
            event = self._event(name, v, body, session.member, view, self._given(given, session.member))
            frames.append((encode(event, session.format), EventClass(event_class), name))
        return frames

    def _remembered(self, session: Session, ref: int, result: Result) -> dict[str, Any]:
        event = self.answer(session, ref, result)
        tag = str(event.__struct_config__.tag)
        return {"ev": tag} | {name: getattr(event, name) for name in event.__struct_fields__}

    def denied(self, guest: Guest) -> str | None:
        """The code that refuses every command of a guest, or None."""
        audience: Audience = self.config.audience
        if guest.member == HOST:
            return None
        if guest.member in audience.blocklist:
            return "blocked"
        return None if audience.admits(frozenset(guest.levels), frozenset(guest.tags)) else "not_in_audience"

    def _add(self, session: Session) -> None:
        for other in self._members.get(session.member, ()) if session.member else ():
            if other.id == session.id:
                other.close(CloseCode.REPLACED)
        self._sessions.add(session)
        if session.member:
            self._members.setdefault(session.member, []).append(session)
        self._gauge.set(len(self._sessions))

    def leave(self, session: Session) -> None:
        """Forgets a page whose socket has gone; its session stays in Redis."""
        self._sessions.discard(session)
        others = self._members.get(session.member)
        if others and session in others:
            others.remove(session)
            if not others:
                del self._members[session.member]
            if self.purses:
                self.purses.left(session.member)
        self._gauge.set(len(self._sessions))

    @property
    def sessions(self) -> int:
        """Pages joined in this process."""
        return len(self._sessions)

    @property
    def online(self) -> int:
        """Members with a page in this process; hosts and those who only watch are none."""
        return len(self._members) - (HOST in self._members)

    async def idle(self) -> None:
        """Returns when every command that waited has been answered."""
        if self.purses:
            await self.purses.idle()
        await self.lane.idle()

    def close_sessions(self, code: CloseCode) -> None:
        """Closes every page's socket."""
        for session in list(self._sessions):
            session.close(code)

    # events

    def published(self, kind: str, lines: Sequence[Any]) -> None:
        """Takes what the lane's channel carries: room events, settled grants, or who was given plays."""
        if kind == "settled":
            for member, session, refs, units, cut in lines:
                self._tell_settled(member, session, refs, units, cut)
            return
        if kind == "gifted":
            for member in self._members.keys() & lines:
                self.lane.submit([member, "", 0, "plays", False], Gifted(self, member), 0)
            return
        self._untold.extend(lines)
        if self._telling is None:
            self._tell_on()

    def _tell_on(self) -> None:
        """Tells room events one after the other: a page that has seen `v` has seen all before it."""
        self._telling = None
        while self._untold:
            line = self._untold.popleft()
            for joining in self._joining:
                joining.told.append(line)
            v, event_class, name, body = line
            if name in self.game.personal:
                hearers = [session for session in self._sessions if v > session.seen]
                telling = self._tell_each(hearers, v, name, body)
                self._telling = asyncio.get_running_loop().create_task(telling)
                self._telling.add_done_callback(lambda _: self._tell_on())
                return
            event = self._event(name, v, body, MemberId(""), (), {})
            self.broadcast(event, EventClass(event_class), name, v)

    def broadcast(self, event: Event, event_class: EventClass, name: str, v: int) -> None:
        """Sends an event to every page here, encoded once per format."""
        frames = {format_: encode(event, format_) for format_ in Format}
        for session in self._sessions:
            if v > session.seen:
                session.push(frames[session.format], event_class, name)

    def _event(
        self, name: str, v: int, body: Any, member: MemberId, view: Any, granted: Mapping[int, Granted]
    ) -> Event:
        if name == _ROOM_CHANGED:
            self.public["state"] = body[0]
            return RoomChanged(v=v, state=body[0])
        if name in self.game.personal:
            return self.plan.personal(name, v, body, member, view, granted)
        return self.plan.event(name, v, body)

    async def _tell_each(self, sessions: Sequence[Session], v: int, name: str, body: Any) -> None:
        """A personal event: each of these pages gets its own."""
        for first in range(0, len(sessions), VIEWS_A_CALL):
            some = sessions[first : first + VIEWS_A_CALL]
            try:
                views = await self.lane.store.views([session.member for session in some])
            except Refused as refused:
                log.warning("views refused", room=self.record.id, code=refused.code)
                for session in some:  # the page takes the snapshot when it is back
                    session.close(CloseCode.NOT_READY)
                continue
            for session, (view, given) in zip(some, views, strict=True):
                granted = self._given(given, session.member)
                session.send(self._event(name, v, body, session.member, view, granted))

    def _given(self, given: Any, member: MemberId) -> Mapping[int, Granted]:
        """What the room's clock granted a member, by its ref.

        `given`: [[prize, unit, amount, epoch, session, ref] ...].
        """
        return {ref: self._granted(grant, member, session, ref) for *grant, session, ref in given}

    def _tell_settled(
        self,
        member: MemberId,
        session_id: str,
        refs: list[int],
        units: list[tuple[str, int]],
        cut: list[tuple[str, int, int, int, str]],
    ) -> None:
        for session in self._members.get(member, ()):
            session.send(Settled(refs=refs if session.id == session_id else [], units=units, cut=cut))

    def tell_plays(self, member: MemberId, play: Play) -> None:
        """Tells a member's pages how many plays there are."""
        for session in self._members.get(member, ()):
            session.send(Charged(charge=_charge(play)))


def _charge(play: Play) -> Charge:
    free = None if play.free is False else int(play.free)
    return Charge(cost=play.cost, left=play.left, free=free, extra=play.extra)
