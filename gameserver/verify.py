"""Reconciliation: do Redis, the record and the ledger say the same? What does not agree pauses its room."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Gauge

from gameserver.checks import LANE, Checks, Look, Mismatch
from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.claims import Claims
from gameserver.records.counts import rooms_concerned
from gameserver.records.database import Database, passes
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import Room, RoomState, list_rooms
from gameserver.rooms.tasks import end
from gameserver.staff.lifecycle import Lifecycle
from gameserver.store.redis import Redis, RedisError
from ledger_client.errors import LedgerAway
from ledger_client.ledger import Ledger

log = structlog.get_logger()

EVERY_SECONDS = 60.0
WHOLE_EVERY_SECONDS = 600.0  # what has the ledger read all of its entries
AGAIN_SECONDS = 1.0
MOST_ROOMS = 100_000
CLAIM = "verify"  # no lane is named so

DRIFT = Gauge("gameserver_drift", "Numbers that do not agree; room empty: within the ledger", ["room"])

Told = Callable[[int, int], None]
"""Hears how many steps of how many are done."""

_Cause = tuple[str, str, int]


class Verification:
    """Compares everything again and again, in one process at a time.

    Args:
        database: the record, migrated.
        redis: the store; it must not decode replies.
        ledger: where points end.
        lifecycle: pauses rooms.
        every: seconds from one round to the next.
    """

    def __init__(
        self,
        database: Database,
        redis: Redis,
        ledger: Ledger,
        lifecycle: Lifecycle,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._lifecycle = lifecycle
        self._every = every
        self._checks = Checks(database, redis, ledger)
        self._claims = Claims(database)
        self._whole_at: float | None = None  # None: the next round is a whole one
        self._paused_for: dict[RoomId, set[_Cause]] = {}
        self._measured: set[RoomId] = set()
        self._away = False

    async def run(self, stop: asyncio.Event) -> None:
        """A round every minute until `stop` is set; tolerates that what it reads is away."""
        while not await _is_set(stop, self._every):
            try:
                if await self._is_ours():
                    await self._round(stop)
                self._away = False
            except Exception as error:
                self._is_away(error)

    async def close(self) -> None:
        """Lets another process take over."""
        await self._claims.close()

    async def verify(
        self, rooms: Sequence[Room], *, whole: bool = True, books: bool = True, told: Told = lambda *_: None
    ) -> Look:
        """The comparisons of rooms; `whole`: with their entries; `books`: with the ledger's own.

        What does not agree must be found by a second look too, in the same direction. Between two steps of
        an opening, of a rebuild, or of a batch that settlement has to repeat, there is a moment at which
        the record is behind; and a purse may come and go while it is looked at.
        """
        look = await self._look(rooms, whole, books, told)
        if look.mismatches:
            await asyncio.sleep(AGAIN_SECONDS)
            seen = {(one.room, one.what, one.key, one.too_many) for one in look.mismatches}
            concerned = {one.room for one in look.mismatches}
            again = [room for room in rooms if room.id in concerned]
            found = (await self._look(again, whole, "" in concerned)).mismatches
            look.mismatches = [one for one in found if (one.room, one.what, one.key, one.too_many) in seen]
        return look

    async def pause(self, mismatches: Sequence[Mismatch]) -> list[RoomId]:
        """Pauses the rooms concerned, and resumes none; returns those that it has paused.

        What staff resume is not paused again for the very same difference: theirs is the last word.
        """
        concerned, paused = await self._concerned(mismatches), []
        for room, causes in concerned.items():
            if causes <= self._paused_for.get(room, set()):
                continue
            try:
                await self._lifecycle.pause(room)
            except Refused as refused:
                if refused.code != "bad_state":  # it is paused or closed already
                    raise
            else:
                log.error("room paused, its numbers do not agree", room=room, mismatches=len(causes))
                paused.append(room)
        self._paused_for = concerned
        return paused

    async def _is_ours(self) -> bool:
        await self._claims.check()
        if self._claims.holds(CLAIM) or await self._claims.claim(CLAIM):
            return True
        await self._claims.close()  # no need to keep a connection until the next round
        return False

    async def _round(self, stop: asyncio.Event) -> None:
        """One look at all open and paused rooms, cut short by `stop`; then alarms and pauses."""
        whole = self._whole_at is None or time.monotonic() - self._whole_at >= WHOLE_EVERY_SECONDS
        rooms = await self._playable()
        looking = asyncio.ensure_future(self.verify(rooms, whole=whole, books=whole))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((looking, stopping), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                mismatches = looking.result().mismatches
                self._alarm(rooms, mismatches)
                await self.pause(mismatches)
                if mismatches:
                    self._whole_at = None  # as long as anything is wrong all is looked at
                elif whole:
                    self._whole_at = time.monotonic()
        finally:
            await end((looking, stopping))

    async def _playable(self) -> list[Room]:
        return await list_rooms(self._database, (RoomState.OPEN, RoomState.PAUSED), MOST_ROOMS)

    async def _look(
        self, rooms: Sequence[Room], whole: bool, books: bool, told: Told = lambda *_: None
    ) -> Look:
        look, steps = Look(), len(rooms) + books
        for done, room in enumerate(rooms):
            told(done, steps)
            if room.opened_at is not None:
                await self._checks.room(room, look)
                if whole:
                    await self._checks.entries(room, look)
        if books:
            told(len(rooms), steps)
            await self._checks.books(look)
        told(steps, steps)
        return look

    async def _concerned(self, mismatches: Sequence[Mismatch]) -> dict[RoomId, set[_Cause]]:
        """What each room is to be paused for. A lane that Redis has lost takes no commands anyway."""
        concerned: dict[RoomId, set[_Cause]] = {}
        of_ledger: dict[str, set[_Cause]] = {}
        for one in mismatches:
            cause = (one.what, one.key, one.found - one.expected)
            if not one.room:
                of_ledger.setdefault(one.key, set()).add(cause)
            elif one.what != LANE:
                concerned.setdefault(RoomId(one.room), set()).add(cause)
        for key, room in await self._rooms_about(set(of_ledger)) if of_ledger else ():
            concerned.setdefault(room, set()).update(of_ledger[key])
        return concerned

    async def _rooms_about(self, keys: set[str]) -> list[tuple[str, RoomId]]:
        """The open and paused rooms that entries and accounts of the ledger are about."""
        found = await rooms_concerned(self._database, list(keys))
        if any(key.startswith("purse:") for key in keys):
            for room in await self._playable():
                for lane in await get_lanes(self._database, room.id):
                    purses = {f"purse:{purse.id}" for purse in await self._ledger.purses(lane.name)}
                    found += [(key, room.id) for key in keys & purses]
        return found

    def _alarm(self, rooms: Sequence[Room], mismatches: Sequence[Mismatch]) -> None:
        for one in mismatches:
            log.error(
                "numbers do not agree", what=one.what, room=one.room, key=one.key, expected=one.expected,
                found=one.found,
            )  # fmt: skip
        wrong, ids = Counter(one.room for one in mismatches), {room.id for room in rooms}
        for room in ids | {RoomId("")}:
            DRIFT.labels(room).set(wrong[room])
        for room in self._measured - ids:
            DRIFT.remove(room)
        self._measured = ids

    def _is_away(self, error: Exception) -> None:
        waits = isinstance(error, RedisError | LedgerAway) or passes(error)
        if not (waits or isinstance(error, Refused)):
            log.error("verification failed", exc_info=error)
        elif not self._away:
            log.warning("verification waits", error=str(error).partition("\n")[0])
        self._away = True


async def _is_set(stop: asyncio.Event, seconds: float) -> bool:
    """Whether `stop` is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
