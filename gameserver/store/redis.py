"""The way into Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from gameserver.errors import Refused

__all__ = ["Redis", "RedisError", "answers", "connect", "reached"]

CONNECTIONS = 64  # of one process; a herd waits for one of them
WAIT_SECONDS = 5


def connect(url: str) -> Redis:
    """A pool; nothing is opened yet. `url` is redis://, rediss:// or unix://."""
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=WAIT_SECONDS,
        socket_timeout=5,
        socket_connect_timeout=3,
        health_check_interval=30,
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def reached() -> AsyncIterator[None]:
    """Calls to Redis inside fail as Refused("store_down")."""
    try:
        yield
    except (OutOfMemoryError, ReadOnlyError) as error:
        raise Refused("store_down", str(error), retry_ms=1000) from error
    except ResponseError:
        raise  # a fault of ours
    except (RedisError, OSError) as error:
        raise Refused("store_down", str(error), retry_ms=1000) from error


async def answers(redis: Redis) -> bool:
    """Whether Redis answers now."""
    try:
        await redis.ping()
    except (RedisError, OSError):
        return False
    return True
