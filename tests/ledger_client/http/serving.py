"""Real sockets for tests of the HTTP ledger: its server, and a server that misbehaves as told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

WRITER = "a-token-that-may-write-and-is-long-enough"
READER = "a-token-that-may-only-read-and-is-long-too"

# the default renders a traceback with every local variable, and takes seconds for it
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
)

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """The url of an application on a loopback port, until the end."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Between:
    """A relay between client and server that may break each exchange as told, by number from 1.

    It reads a whole request, sends it on (if there is a server), and has the whole answer before it does
    what it was told: one of the words below, or an answer of its own.
    """

    def __init__(self, upstream: str | None, faults: dict[int, str]) -> None:
        self._upstream = upstream
        self._faults = faults
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _message(reader):
                self.requests.append(request)
                fault = self._faults.get(len(self.requests), "")
                if fault == "drop before":
                    return
                answer = await self._passed_on(request)
                if fault == "drop after":
                    return
                if fault == "never":
                    await reader.read()  # until the client gives up
                    return
                if fault == "half":
                    writer.write(answer[:-5])
                    await writer.drain()
                    return
                writer.write(fault.encode() if fault else answer)
                await writer.drain()
        finally:
            writer.close()

    async def _passed_on(self, request: bytes) -> bytes:
        if self._upstream is None:
            return b""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self._upstream.rpartition(":")[2]))
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer with its body; b"" where there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lines = head.lower().split(b"\r\n")
    lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
    return head + await reader.readexactly(lengths[0] if lengths else 0)


@asynccontextmanager
async def answering(exchange: Exchange) -> AsyncIterator[str]:
    """The url of a server that does what the function does with each connection."""
    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def problem(status: str, code: str, *headers: str) -> str:
    """An answer as a fault of `Between`."""
    body = f'{{"code":"{code}","message":"made up"}}'
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines) + f"\r\n\r\n{body}"
