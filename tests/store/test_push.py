import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from gameserver.store.keys import ROOMS_CHANNEL
from gameserver.store.push import Pushes, announce
from tests.rooms.pages import PATIENCE_SECONDS


class Ears:
    """What was heard, and how often a gap was told."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.gaps: asyncio.Queue[None] = asyncio.Queue()

    def take(self, channel: str, message: Any) -> None:
        if message == "broken":
            raise RuntimeError("a broken hearer")
        self.heard.put_nowait((channel, message))

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.heard.get()


@asynccontextmanager
async def listening(redis: Redis) -> AsyncIterator[tuple[Pushes, Ears]]:
    ears = Ears()
    pushes = Pushes(redis, ears.take, lambda: ears.gaps.put_nowait(None))
    task = asyncio.get_running_loop().create_task(pushes.listen())
    try:
        yield pushes, ears
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pushes.close()


async def publish(redis: Redis, channel: str, message: Any) -> int:
    hearers: int = await redis.publish(channel, msgspec.msgpack.encode(message))
    return hearers


async def test_what_is_published_after_a_subscription_is_heard(redis: Redis, valkey_url: str) -> None:
    """On a client that has no connection yet, and at the very moment at which listening begins."""
    for _ in range(5):
        fresh = Redis.from_url(valkey_url)
        async with listening(fresh) as (pushes, ears):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(pushes.subscribe("one"), pushes.subscribe("two"))
            for channel in ("two", "one"):
                assert await publish(redis, channel, ["events", [channel]]) == 1
                assert await ears.next() == (channel, ["events", [channel]])
        await fresh.aclose()


async def test_rooms_that_staff_change_are_heard_without_asking(redis: Redis) -> None:
    async with listening(redis) as (pushes, ears):
        await pushes.subscribe("any")
        while not await redis.publish(ROOMS_CHANNEL, msgspec.msgpack.encode("r1")):
            await asyncio.sleep(0)
        assert await ears.next() == (ROOMS_CHANNEL, "r1")
        await announce(redis, "r2")
        assert await ears.next() == (ROOMS_CHANNEL, "r2")


async def test_a_channel_that_was_left_is_silent(redis: Redis) -> None:
    async with listening(redis) as (pushes, ears):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await pushes.subscribe("one")
            await pushes.unsubscribe("one")
            await pushes.subscribe("two")
        await publish(redis, "one", 1)
        await publish(redis, "two", 2)
        assert await ears.next() == ("two", 2)


async def test_one_bad_message_does_not_end_the_listening(redis: Redis) -> None:
    async with listening(redis) as (pushes, ears):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await pushes.subscribe("one")
        await redis.publish("one", b"\xc1 no MessagePack")
        await publish(redis, "one", "broken")
        await publish(redis, "one", "fine")
        assert await ears.next() == ("one", "fine")


async def test_a_gap_is_told_and_listening_goes_on(redis: Redis) -> None:
    async with listening(redis) as (pushes, ears):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await pushes.subscribe("one")
        assert await redis.client_kill_filter(_type="pubsub") >= 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ears.gaps.get()
            while not await publish(redis, "one", "back"):
                await asyncio.sleep(0)
        assert await ears.next() == ("one", "back")
