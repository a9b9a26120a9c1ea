"""Demo mode: there is always a room to play of all that the games show."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gameserver.errors import Refused
from gameserver.games import games
from gameserver.games.game import RoomId
from gameserver.records.contestants import Work
from gameserver.records.database import Database, passes
from gameserver.records.rooms import Room, list_rooms
from gameserver.rooms.hub import LIVE
from gameserver.staff.contestants import Contestants
from gameserver.staff.lifecycle import Lifecycle
from ledger_client.errors import LedgerAway

log = structlog.get_logger()

LOOK_SECONDS = 5.0


async def keep_rooms_open(
    database: Database,
    lifecycle: Lifecycle,
    contestants: Contestants,
    hosted: Callable[[RoomId], None],
) -> None:
    """Opens every demo that has no open room, now and whenever one has ended; runs until cancelled.

    `hosted` is told once of each open room that somebody has to conduct.
    """
    told: set[RoomId] = set()
    while True:
        await _quietly(lambda: open_missing(database, lifecycle, contestants))
        await _quietly(lambda: _tell(database, hosted, told))
        await asyncio.sleep(LOOK_SECONDS)


async def open_missing(database: Database, lifecycle: Lifecycle, contestants: Contestants) -> None:
    """Opens every demo that has no open room; the last ones first, so that the first stand above."""
    played = {_key(room) for room in await list_rooms(database, LIVE, 1000)}
    shown = [(name, demo) for name, game in games().items() for demo in game.demos()]
    for name, demo in reversed(shown):
        if (name, demo.config["title"]) in played:
            continue
        room = (await lifecycle.create(name, demo.config)).id
        if demo.contestants:
            works = [Work(name=name, group=group, text=text) for name, group, text in demo.contestants]
            await contestants.enter(room, works)
        await lifecycle.open(room)
        log.info("demo room opened", room=room, game=name)


async def _tell(database: Database, hosted: Callable[[RoomId], None], told: set[RoomId]) -> None:
    conducted = {
        (game.name, demo.config["title"]) for game in games().values() for demo in game.demos() if demo.hosted
    }
    for room in await list_rooms(database, LIVE, 1000):
        if _key(room) in conducted and room.id not in told:
            told.add(room.id)
            hosted(room.id)


def _key(room: Room) -> tuple[str, str]:
    return room.game, room.config["title"]


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Refused as refused:
        log.warning("no demo room", code=refused.code, message=refused.message)
    except Exception as error:
        if not (passes(error) or isinstance(error, LedgerAway)):
            raise
        log.warning("no demo room: the record or the ledger does not answer", error=str(error))
