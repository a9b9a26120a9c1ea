"""The programs of a benchmark run: each a process of its own, and none left behind."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gameserver.engines import Engines
from loadtests.seats import EPOCH

ROOT = Path(__file__).parent.parent
GAMESERVER = [sys.executable, "-m", "gameserver"]
NODE_PEER = Path(__file__).parent / "peers" / "node"
START_SECONDS = 30.0
STOP_SECONDS = 20.0


class Broken(Exception):  # noqa: N818 - ends the benchmark with one line
    """What a program of the benchmark said when it failed."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Programs:
    """Starts programs on the engines of this run; what they say goes to a log file.

    Args:
        engines: the stores.
        log: appended to.
    """

    def __init__(self, engines: Engines, log: Path) -> None:
        self.engines = engines
        self._log = log

    def _environment(self, port: int) -> Mapping[str, str]:
        return os.environ | {
            "REDIS_URL": self.engines.redis_url,
            "DATABASE_URL": self.engines.database_url,
            "SECRET_KEY": "the benchmark signs with this key; nobody else does",
            "PORT": str(port),
            "FRAMES_PER_SECOND": "100000",
            "PYTHONUNBUFFERED": "1",
        }

    @contextlib.asynccontextmanager
    async def running(self, argv: Sequence[str], port: int) -> AsyncIterator[int]:
        """A program that listens on `port`; yields its pid. Raises Broken if it does not come up."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=ROOT, env=self._environment(port), stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            await self._listening(process, argv, port)
            yield process.pid
        finally:
            await _stop(process)

    async def _listening(self, process: asyncio.subprocess.Process, argv: Sequence[str], port: int) -> None:
        ends = asyncio.get_running_loop().time() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            if process.returncode is not None or asyncio.get_running_loop().time() > ends:
                raise Broken(f"{' '.join(argv[1:4])} did not start: {self._last_words()}")
            await asyncio.sleep(0.05)

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def server(self, port: int) -> contextlib.AbstractAsyncContextManager[int]:
        """The game server, without a settlement worker."""
        return self.running([*GAMESERVER, "serve"], port)

    def echo(self, port: int) -> contextlib.AbstractAsyncContextManager[int]:
        return self.running([sys.executable, "-m", "loadtests.peers.echo", str(port)], port)

    def peer(
        self, name: str, port: int, function: str, tag: str
    ) -> contextlib.AbstractAsyncContextManager[int]:
        """`node` or `starlette`, serving the room of that tag."""
        argv = {
            "node": lambda: [_node(), str(NODE_PEER / "server.mjs")],
            "starlette": lambda: [sys.executable, "-m", "loadtests.peers.starlette_peer"],
        }[name]()
        return self.running([*argv, str(port), self.engines.redis_url, function, tag, str(EPOCH)], port)

    @contextlib.asynccontextmanager
    async def settling(self) -> AsyncIterator[int]:
        """A settlement worker; yields its pid."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *GAMESERVER, "settle", cwd=ROOT, env=self._environment(0),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process.pid
        finally:
            await _stop(process)

    async def storm(self, port: int, *flags: str) -> dict[str, Any]:
        """What a storm measured. Raises Broken with its reason."""
        async with self.held_storm(port, *flags) as process:
            out, _ = await process.communicate(b"")
            return self._read(process, out)

    @contextlib.asynccontextmanager
    async def held_storm(self, port: int, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A storm's process, with its input and output as pipes."""
        argv = [sys.executable, "-m", "loadtests.storm", "--port", str(port), *flags]
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *argv, cwd=ROOT, env=self._environment(port), stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            await _stop(process)

    def _read(self, process: asyncio.subprocess.Process, out: bytes) -> dict[str, Any]:
        if process.returncode != 0 or not out:
            raise Broken(f"the storm failed: {self._last_words()} {out.decode()[:500]}")
        figures: dict[str, Any] = json.loads(out)
        return figures

    async def ready(self, process: asyncio.subprocess.Process) -> None:
        """Returns once a holding storm has joined everybody. Raises Broken."""
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise Broken(f"the storm failed: {self._last_words()}")

    async def released(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        """Ends a holding storm; what it counted."""
        out, _ = await process.communicate(b"")
        return self._read(process, out)


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise Broken("the Node peer needs Node.js 20 or newer on the PATH")
    return node


async def bring_node_modules() -> None:
    """The Node peer's packages, exactly as its lock file names them; nothing where they are there."""
    if (NODE_PEER / "node_modules" / ".package-lock.json").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Broken("the Node peer needs npm on the PATH")
    process = await asyncio.create_subprocess_exec(
        npm, "ci", "--no-audit", "--no-fund", cwd=NODE_PEER,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise Broken(f"npm ci failed in {NODE_PEER}: {out.decode()[-300:]}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
