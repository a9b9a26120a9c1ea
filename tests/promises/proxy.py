"""A wire to Redis that loses a reply: the call has run, and its caller does not know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import ConnectionPool


class LosingProxy:
    """Forwards everything, until `lose` names a command: its reply is dropped and the connection cut.

    Attributes:
        lost: how often that happened.
        port: for a client of the proxy.
    """

    def __init__(self, target: str) -> None:
        self._target: dict[str, Any] = ConnectionPool.from_url(target).connection_kwargs
        self._losing: bytes | None = None
        self.lost = 0
        self.port = 0

    def lose(self, command: bytes) -> None:
        """The reply to the next request with this word in it."""
        self._losing = command

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LosingProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "path" in self._target:
            upstream, sending = await asyncio.open_unix_connection(self._target["path"])
        else:
            upstream, sending = await asyncio.open_connection(self._target["host"], self._target["port"])
        replies = asyncio.ensure_future(self._pump(upstream, writer))
        with suppress(ConnectionError):
            while request := await reader.read(1 << 20):
                if self._losing is not None and self._losing in request:
                    self._losing = None
                    replies.cancel()
                    await asyncio.wait([replies])
                    sending.write(request)
                    await upstream.read(1 << 20)  # Redis has done it
                    self.lost += 1
                    break
                sending.write(request)
        replies.cancel()
        for end in (writer, sending):
            end.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while octets := await source.read(1 << 20):
            target.write(octets)
        target.close()
