"""The way into Redis."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

__all__ = ["Redis", "RedisError", "answers", "connect"]


def connect(url: str) -> Redis:
    """A pool; nothing is opened yet. `url` is redis://, rediss:// or unix://."""
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=3, health_check_interval=30)


async def answers(redis: Redis) -> bool:
    """Whether Redis answers now."""
    try:
        await redis.ping()
    except (RedisError, OSError):
        return False
    return True
