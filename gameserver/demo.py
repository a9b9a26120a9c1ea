"""Demo mode: every game always has a room to play."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gameserver.errors import Refused
from gameserver.games import games
from gameserver.records.database import Database, passes
from gameserver.records.rooms import list_rooms
from gameserver.rooms.hub import LIVE
from gameserver.staff.lifecycle import Lifecycle
from ledger_client.errors import LedgerAway

log = structlog.get_logger()

LOOK_SECONDS = 5.0


async def keep_rooms_open(database: Database, lifecycle: Lifecycle) -> None:
    """Opens a room of every game that has none open, now and whenever one has ended; runs until cancelled."""
    while True:
        await _quietly(lambda: open_missing(database, lifecycle))
        await asyncio.sleep(LOOK_SECONDS)


async def open_missing(database: Database, lifecycle: Lifecycle) -> None:
    """Opens a room of every game that has none open."""
    played = {room.game for room in await list_rooms(database, LIVE, 1000)}
    for name, game in games().items():
        if name not in played:
            room = await lifecycle.create(name, game.demo())
            await lifecycle.open(room.id)
            log.info("demo room opened", room=room.id, game=name)


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Refused as refused:
        log.warning("no demo room", code=refused.code, message=refused.message)
    except Exception as error:
        if not (passes(error) or isinstance(error, LedgerAway)):
            raise
        log.warning("no demo room: the record or the ledger does not answer", error=str(error))
