"""What time does: purses and lots run out, reminders fall due, outside events are tried again, prizes that
nobody claimed expire, rooms that are over give back what codes they have left, counts of Redis are kept.
"""

import asyncio
import time

import structlog
from prometheus_client import Counter

from gameserver.errors import Refused
from gameserver.events import Events
from gameserver.records.database import Database, passes
from gameserver.records.figures import save_figures
from gameserver.records.handover import expire
from gameserver.records.rooms import RoomState, list_rooms
from gameserver.staff.codes import return_unused
from gameserver.staff.orders import Orders
from gameserver.store.figures import FigureStore
from gameserver.store.redis import Redis
from ledger_client.errors import LedgerAway
from ledger_client.ledger import Ledger, Upkept

log = structlog.get_logger()

EVERY_SECONDS = 60.0
MOST_ROOMS = 100_000

RELEASED = Counter("gameserver_purses_timed_out_total", "Purses that the ledger released by itself")
EXPIRED = Counter("gameserver_points_expired_total", "Points that expired")
UNCLAIMED = Counter("gameserver_prizes_unclaimed_total", "Prizes that nobody claimed in time")
REMINDED = Counter("gameserver_reminders_total", "Members told that points will expire")


class Upkeep:
    """Runs in every settlement worker; the ledger and the record see to it that each thing happens once.

    Args:
        ledger: whose books are kept up.
        events: outside events that the ledger has not had yet.
        orders: what rooms have not heard yet.
        database: where goods and codes are kept.
        redis: what rooms that are over may have left.
    """

    def __init__(
        self, ledger: Ledger, events: Events, orders: Orders, database: Database, redis: Redis
    ) -> None:
        self._ledger = ledger
        self._events = events
        self._orders = orders
        self._database = database
        self._redis = redis
        self._away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every minute until `stop` is set; tolerates that the ledger or PostgreSQL is away."""
        stopping = asyncio.ensure_future(stop.wait())
        while not stop.is_set():
            try:
                await self.once(stop)
                self._away = False
            except Exception as error:
                if not (passes(error) or isinstance(error, LedgerAway)):
                    log.exception("upkeep failed")
                elif not self._away:
                    log.warning("upkeep waits", error=str(error).partition("\n")[0])
                self._away = True
            await asyncio.wait((stopping,), timeout=EVERY_SECONDS)

    async def once(self, stop: asyncio.Event) -> None:
        """Does all that is due now, in bounded steps; ends early when `stop` is set."""
        await self._keep_figures(stop)
        while not stop.is_set() and _found(await self._ledger.upkeep(time.time_ns() // 1_000_000)):
            pass
        while not stop.is_set() and await self._events.retry_pending():
            pass
        await self._orders.deliver_all()
        while not stop.is_set() and (unclaimed := await expire(self._database, time.time_ns() // 1_000_000)):
            UNCLAIMED.inc(unclaimed)
            log.info("prizes expired", prizes=unclaimed)
        await return_unused(self._database, self._redis, time.time_ns() // 1_000_000)

    async def _keep_figures(self, stop: asyncio.Event) -> None:
        """Rooms that are played lose no more than a minute of their counts with Redis."""
        figures = FigureStore(self._redis)
        for room in await list_rooms(self._database, (RoomState.OPEN, RoomState.PAUSED), MOST_ROOMS):
            if stop.is_set():
                return
            try:
                await save_figures(self._database, room.id, await figures.of(room.id))
            except Refused as refused:  # while Redis is away the ledger's own upkeep goes on
                log.warning("counts not kept", room=room.id, code=refused.code)
                return


def _found(upkept: Upkept) -> bool:
    """Whether a step did anything, and counts it."""
    RELEASED.inc(upkept.purses_released)
    EXPIRED.inc(upkept.points_expired)
    REMINDED.inc(len(upkept.reminders))
    done = bool(upkept.purses_released or upkept.lots_expired or upkept.reminders)
    if done:
        log.info(
            "upkeep", purses_released=upkept.purses_released, lots_expired=upkept.lots_expired,
            points_expired=upkept.points_expired, reminders=len(upkept.reminders),
        )  # fmt: skip
    return done
