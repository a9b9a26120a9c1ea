"""How much a member has uploaded of late."""

from typing import Final

from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.game import MemberId
from gameserver.store.keys import uploaded
from gameserver.store.redis import reached

HOUR_PICTURES: Final = 20
DAY_BYTES: Final = 200 * 2**20
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


class Uploads:
    """Counts of pictures within an hour and of bytes within a day, each from the first one on.

    Args:
        redis: where counts are, for all processes.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, member: MemberId) -> None:
        """Counts a picture that the member begins to send. Raises Refused("rate_limited")."""
        await self._add(uploaded(member, "pictures"), 1, HOUR_PICTURES, _HOUR_S)

    async def take(self, member: MemberId, size: int) -> None:
        """Counts the bytes of a picture that was sent. Raises Refused("rate_limited")."""
        await self._add(uploaded(member, "bytes"), size, DAY_BYTES, _DAY_S)

    async def _add(self, key: str, by: int, most: int, seconds: int) -> None:
        """What would go over the limit is not counted; two at once may both be refused, never both let in."""
        async with reached():
            async with self._redis.pipeline(transaction=True) as call:
                call.incrby(key, by)
                call.expire(key, seconds, nx=True)
                call.pttl(key)
                counted, _, left_ms = await call.execute()
            if counted <= most:
                return
            await self._redis.decrby(key, by)
        raise Refused("rate_limited", "too many uploads", retry_ms=max(1, left_ms))
