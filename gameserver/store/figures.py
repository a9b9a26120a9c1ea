"""Counts of rooms in Redis (gameserver/figures.py)."""

from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from gameserver.figures import HOUR_MS, Counted, Counts
from gameserver.games.game import RoomId
from gameserver.store.keys import LaneKeys, RoomKeys
from gameserver.store.redis import reached

ALIVE_MS: Final = 30_000  # a process that has told nothing for so long has nobody online
SINCE: Final = b"since"  # beside the counts of a hash: when they began, in ms


class FigureStore:
    """Counts of all rooms.

    Args:
        redis: the store.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def viewed(self, room: RoomId, views: Mapping[str, int], now: int) -> None:
        """Adds pages asked for until `now` (server ms), by channel."""
        key = RoomKeys(room).views
        async with reached(), self._redis.pipeline() as call:  # whole: no count is without its beginning
            call.hsetnx(key, SINCE, now)
            for channel, count in views.items():
                call.hincrby(key, channel, count)
            await call.execute()

    async def online(self, room: RoomId, node: str, members: int, now: int) -> int:
        """Takes how many members are online in a process at `now` (server ms); returns those of all."""
        keys = RoomKeys(room)
        async with reached():
            if members:
                await self._redis.hset(keys.nodes, node, f"{members}:{now + ALIVE_MS}")
            else:
                await self._redis.hdel(keys.nodes, node)
            told: Any = await self._redis.hgetall(keys.nodes)
            counts = {name: tuple(map(int, said.split(b":"))) for name, said in told.items()}
            if gone := [name for name, (_, until) in counts.items() if until < now]:
                await self._redis.hdel(keys.nodes, *gone)
            sum_ = sum(count for count, until in counts.values() if until >= now)
            if sum_:
                await self._redis.zadd(keys.online, {str(now // HOUR_MS * HOUR_MS): sum_}, gt=True)
        return sum_

    async def of(self, room: RoomId, lane: int = 0) -> Counts:
        """The counts now."""
        keys = RoomKeys(room)
        async with reached(), self._redis.pipeline(transaction=False) as call:
            call.hgetall(keys.views)
            call.zrange(keys.online, 0, -1, withscores=True)
            call.hgetall(LaneKeys(room, lane).refused)
            views, online, refused = await call.execute()
        most = {Counted("online", hour.decode(), 0): int(count) for hour, count in online}
        return {**_counts("views", views), **most, **_counts("refused", refused)}


def _counts(kind: str, found: Mapping[bytes, bytes]) -> Counts:
    since = int(found.get(SINCE, 0))
    return {Counted(kind, key.decode(), since): int(count) for key, count in found.items() if key != SINCE}
