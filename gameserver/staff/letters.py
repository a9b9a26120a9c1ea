"""Lines that the record put aside, brought again once the cause is mended."""

import time
from collections.abc import Awaitable, Callable

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.dead_letters import letters_of, resolve_letters
from gameserver.records.lanes import Lane, get_lanes
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Outbox
from gameserver.store.redis import Redis


async def record_again(
    database: Database, redis: Redis, drain: Callable[[Lane], Awaitable[None]], source: str, raw: bytes
) -> bool:
    """Puts a line back into its lane's outbox, so that it is recorded, paid and told as any other.

    Args:
        database: the record.
        redis: the store.
        drain: settles what is in a lane's outbox (see `Settlement.drain`).
        source: the lane's name.
        raw: the line.

    Returns whether it is on record now; then its letters are resolved. Raises Refused("not_found").
    """
    lane = await _lane(database, source)
    before = await letters_of(database, source, raw)
    await Outbox(redis, LaneKeys(lane.room, lane.lane)).put_back(raw)
    await drain(lane)
    after = await letters_of(database, source, raw)
    # each reason has a letter of its own: one for a reason that is no longer so has been dealt with
    failed = {id_ for id_, attempts in after.items() if attempts != before.get(id_)}
    await resolve_letters(database, list(after.keys() - failed), time.time_ns() // 1_000_000)
    return not failed


async def _lane(database: Database, source: str) -> Lane:
    room, _, number = source.rpartition(".")
    for lane in await get_lanes(database, RoomId(room)):
        if str(lane.lane) == number:
            return lane
    raise Refused("not_found", f"there is no lane {source}")
