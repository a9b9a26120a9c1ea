"""Purses of one room in this process: filled from the ledger when a play needs it, and given back.

A play is paid for inside its tick (store/lua/prelude/purse.lua). Here is what a tick cannot do: ask the
ledger. A purse's number and its fills live in Redis, and the ledger tells the same (purse, fill) the same, so
it does not matter which process asks, or that one asks twice.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog

from gameserver.errors import Refused
from gameserver.games.game import MemberId
from gameserver.records.rooms import Room as RoomRecord
from gameserver.rooms.holds import RETRY_MS, Holds
from gameserver.rooms.tasks import end
from gameserver.rooms.tick import Lane, Result, Target, Waiting
from ledger_client.entry import purse_id
from ledger_client.ledger import Held, HoldAsk, HoldState

log = structlog.get_logger()

PLAYS_A_FILL = 10
PLAYS_AHEAD = 3  # with fewer left the purse is filled before they are needed
PURSE_MS = 1_800_000
LEAVE_SECONDS = 60.0
POOR_SECONDS = 2.0  # so long nobody asks again for a member without points: taps come fast
SWEEP_SECONDS = 30.0
ATTEMPTS = 8  # fills that other pages of a member may use up before one page's play is refused
NUMBERS = 32  # purses of a member that may have ended before Redis was told of them


class Standing(NamedTuple):
    """A purse as a tick saw it; `plays` may follow in all, None: any number; `owed` are wanted at once."""

    number: int
    fill: int
    opened: bool
    left: int
    plays: int | None
    owed: int = 1


class Play(NamedTuple):
    """What the prelude tells with a play (prelude/purse.lua, `play_told`)."""

    cost: int
    free: int | bool
    left: int
    number: int
    fill: int
    plays: int | bool
    extra: int

    def standing(self) -> Standing:
        """The purse after the play."""
        return Standing(self.number, self.fill, True, self.left, _plays(self.plays))


@dataclass(slots=True, eq=False)
class _Guest:
    """A member with pages here, or whose last one has just gone.

    `turns` are the commands of each session, one after the other: filling a purse keeps their order.
    `number` is that of the last purse seen; `dry` is the purse for which the ledger had nothing more.
    """

    member: MemberId
    pages: int = 0
    number: int = 0
    dry: int = 0
    poor: bool = False
    turns: dict[str, deque[Waiting]] = field(default_factory=dict)
    filling: asyncio.Task[Refused | None] | None = None
    leaving: asyncio.TimerHandle | None = None


class Purses:
    """See the module.

    Args:
        record: a room whose plays cost points.
        cost: points a play.
        lane: runs the commands.
        holds: asks the ledger.
    """

    def __init__(self, record: RoomRecord, cost: int, lane: Lane, holds: Holds) -> None:
        self._record = record
        self._cost = cost
        self._lane = lane
        self._holds = holds
        self._guests: dict[MemberId, _Guest] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    # commands

    def submit(self, command: Sequence[Any], target: Target, ref: int) -> None:
        """Queues a command [member, session, ref, op, deny, ...] behind those of its session."""
        guest, session = self._guest(command[0]), command[1]
        if turn := guest.turns.get(session):
            turn.append((command, target, ref))
            return
        guest.turns[session] = deque([(command, target, ref)])
        self._spawn(self._serve(guest, session))

    async def idle(self) -> None:
        """Returns when every command that waited has been answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Ends what is under way; what it leaves in Redis any process can go on with."""
        for guest in self._guests.values():
            if guest.leaving:
                guest.leaving.cancel()
        await end(self._tasks)
        await self._holds.stop()

    async def _serve(self, guest: _Guest, session: str) -> None:
        turn = guest.turns[session]
        while turn:
            command, target, ref = turn[0]
            try:
                result = await self._executed(guest, command)
                target.answered(ref, result)
            except Exception:  # one broken reader never holds up the commands behind
                log.exception("answer failed", room=self._record.id, ref=ref)
            turn.popleft()
        del guest.turns[session]

    async def _executed(self, guest: _Guest, command: Sequence[Any]) -> Result:
        attempts = 0
        while attempts < ATTEMPTS:
            result = await self._lane.ask(command)
            if not (result[0] == 0 and result[1] == "purse_needed"):
                self._look_ahead(guest, result)
                return result
            if guest.filling:  # for as many plays as another page wants: then it is this one's turn
                await asyncio.wait((guest.filling,))
                continue
            attempts += 1
            number, fill, opened, plays, owed, left = result[2]
            standing = Standing(number, fill, opened, left if opened else 0, _plays(plays), owed)
            refused = await self._fill(guest, standing)
            if refused and refused.code == "not_enough_points":
                # the prelude refuses, so that the answer is remembered under its ref
                return await self._lane.ask([*command[:4], refused.code, refused.retry_ms])
            if refused:
                return 0, refused.code, refused.retry_ms or False
        return 0, "ledger_down", RETRY_MS

    def _look_ahead(self, guest: _Guest, result: Result) -> None:
        """Fills a purse before it is empty, while plays go on; once in vain is enough for a purse."""
        if result[0] == 0 or len(result) < 4:
            return
        play = Play(*result[3])
        guest.number = max(guest.number, play.number)
        low = play.left < PLAYS_AHEAD * self._cost
        if play.cost and low and guest.dry != play.number and self._plays_to_fill(play.standing()) > 0:
            self._fill(guest, play.standing())

    # filling

    def _fill(self, guest: _Guest, standing: Standing) -> "asyncio.Task[Refused | None]":
        """The task that fills the member's purse now: a new one, or the one that is under way."""
        if guest.filling is None:
            guest.filling = self._spawn(self._filled(guest, standing))
        return guest.filling

    async def _filled(self, guest: _Guest, standing: Standing) -> Refused | None:
        try:
            if guest.poor:
                return _no_points()
            number, fill = standing.number, standing.fill + 1
            if not standing.opened:
                number, fill = number + 1, 0
            for _ in range(NUMBERS):
                held = await self._holds.ask(self._hold_ask(guest.member, number, fill, standing))
                if isinstance(held, Refused):
                    return held
                if held.state is not HoldState.CLOSED:
                    return await self._load(guest, standing, held, number)
                # the ledger took it back before Redis was told of it
                number, fill = number + 1, 0
            log.error("no purse stays open", room=self._record.id, member=guest.member, number=number)
            return Refused("ledger_down", retry_ms=RETRY_MS)
        finally:
            guest.filling = None

    async def _load(self, guest: _Guest, standing: Standing, held: Held, number: int) -> Refused | None:
        """Tells Redis what the ledger holds."""
        if not held.granted:
            guest.dry = number
            if standing.left < standing.owed * self._cost:
                guest.poor = standing.owed == 1  # ten plays may be too dear while one is not
                asyncio.get_running_loop().call_later(POOR_SECONDS, setattr, guest, "poor", False)
            return _no_points()
        command = [guest.member, "", 0, "fill_purse", False, number, held.number, held.granted, held.until]
        result = await self._lane.ask(command)
        if result[0] == 0:
            return Refused(result[1], retry_ms=result[2] or None)
        guest.number = max(guest.number, number)
        enough = standing.left + held.granted >= standing.owed * self._cost
        return None if enough else _no_points()

    def _plays_to_fill(self, standing: Standing) -> int:
        has = standing.left // self._cost
        wanted = max(PLAYS_A_FILL, standing.owed - has)
        return wanted if standing.plays is None else min(wanted, standing.plays - has)

    def _hold_ask(self, member: MemberId, number: int, fill: int, standing: Standing) -> HoldAsk:
        now = self._lane.now()
        return HoldAsk(
            id=purse_id(self._lane.store.keys.name, member, number),
            number=fill,
            member=member,
            campaign=self._record.campaign,
            room=self._record.id,
            wanted=self._plays_to_fill(standing) * self._cost,
            step=self._cost,
            until=now + PURSE_MS,
            occurred_at=now,
        )

    # coming and going

    def came(self, member: MemberId, number: int) -> None:
        """A page of the member has come in; `number` is that of their last purse."""
        guest = self._guest(member)
        guest.pages += 1
        guest.number = max(guest.number, number)
        if guest.leaving:
            guest.leaving.cancel()
            guest.leaving = None

    def left(self, member: MemberId) -> None:
        """A page has gone: if it was the last one here and none comes in time, the purse goes back."""
        guest = self._guests[member]
        guest.pages -= 1
        if not guest.pages:
            self._wait_for(guest)

    def _wait_for(self, guest: _Guest) -> None:
        guest.leaving = asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._gone, guest)

    def _gone(self, guest: _Guest) -> None:
        if guest.turns or guest.filling:
            self._wait_for(guest)
            return
        del self._guests[guest.member]
        if guest.number:
            self._spawn(self._close(guest.member, guest.number))

    async def _close(self, member: MemberId, number: int) -> None:
        result = await self._lane.ask([member, "", 0, "close_purse", False, number])
        if result[0] == 0:  # then the sweep closes it, when its time is over
            log.info("purse not closed", room=self._record.id, code=result[1])

    async def sweep(self) -> None:
        """Closes purses whose time is over, again and again; in a closed room whatever is still open."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                while await self._lane.store.close_purses():
                    pass
            except Refused as refused:
                log.info("purses not swept", room=self._record.id, code=refused.code)

    def _guest(self, member: MemberId) -> _Guest:
        if member not in self._guests:
            self._guests[member] = _Guest(member)
        return self._guests[member]

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _plays(told: int | bool) -> int | None:
    """The prelude's false is no limit."""
    return None if told is False else int(told)


def _no_points() -> Refused:
    return Refused("not_enough_points", retry_ms=round(POOR_SECONDS * 1000))
