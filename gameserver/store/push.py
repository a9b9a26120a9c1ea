"""What lanes publish, to this process: one pub/sub connection for all rooms."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gameserver.store.keys import ROOMS_CHANNEL

log = structlog.get_logger()

RETRY_SECONDS = 0.5
_decode = msgspec.msgpack.Decoder().decode


class Pushes:
    """Listens to channels and hands over decoded messages.

    Attributes:
        ready: set when what is announced from now on is heard.

    Args:
        redis: a client; the pub/sub connection is taken from its pool.
        heard: called with (channel, [kind, lines]).
        lost: called after a gap, when messages may have been missed.
    """

    def __init__(self, redis: Redis, heard: Callable[[str, Any], None], lost: Callable[[], None]) -> None:
        self._redis = redis
        self._pubsub = redis.pubsub(ignore_subscribe_messages=False)
        self._heard = heard
        self._lost = lost
        self._awaited: dict[str, asyncio.Future[None]] = {}
        # redis-py makes the connection at the first subscription, and must not be asked for two at once
        self.ready = asyncio.Event()
        self._turn = asyncio.Lock()

    async def listen(self) -> None:
        """Runs until cancelled; reconnects by itself."""
        await self._subscribe_first()
        broken = False
        while True:
            try:
                message = await self._pubsub.get_message(timeout=None)
            except (RedisError, OSError) as error:
                if not broken:
                    log.warning("push channel lost", error=str(error))
                broken = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if broken:
                broken = False
                self._lost()
            if message is not None:
                self._take(message)

    async def _subscribe_first(self) -> None:
        while True:
            try:
                return await self._pubsub.subscribe(ROOMS_CHANNEL)
            except (RedisError, OSError):
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode()
        if message["type"] == "message":
            try:
                self._heard(channel, _decode(message["data"]))
            except Exception:  # one bad message does not end the loop
                log.exception("push failed", channel=channel)
        elif message["type"] == "subscribe":
            self.ready.set()
            waiting = self._awaited.pop(channel, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    async def subscribe(self, channel: str) -> None:
        """Returns when Redis has confirmed: nothing published from now on is missed.

        After a lost connection redis-py subscribes again by itself, and that is the confirmation then.
        """
        await self.ready.wait()
        async with self._turn:
            confirmed = self._awaited[channel] = asyncio.get_running_loop().create_future()
            await self._pubsub.subscribe(channel)
            await confirmed

    async def unsubscribe(self, channel: str) -> None:
        """Stops hearing a channel."""
        await self._pubsub.unsubscribe(channel)

    async def close(self) -> None:
        """Gives the connection back."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped


async def announce(redis: Redis, room: str) -> None:
    """Tells every process that staff changed a room."""
    await redis.publish(ROOMS_CHANNEL, msgspec.msgpack.encode(room))
