"""A real server for tests: in this process (`Live`), where its parts can be reached, or as a process
of its own (`Served`), which can be killed. Rooms are opened on its stores; pages talk to it by socket.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import httpx
import jwt
import msgspec
import structlog
from redis.asyncio import Redis

from gameserver.app import Node, Stores
from gameserver.engines import Engines
from gameserver.fairness import derive
from gameserver.games import game_named
from gameserver.records.lanes import get_lanes, open_lane
from gameserver.records.rooms import Room
from gameserver.settings import Settings
from gameserver.store.keys import LaneKeys
from gameserver.websocket import Socket
from ledger_client.terms import Terms
from tests.conftest import truncate
from tests.page import PATIENCE_S, Page, Peer, dial

ROOT = Path(__file__).parent.parent
SECRET = "a secret key for tests, thirty-two characters and more"
GAME = "red_packet_rain"
STOP_S = 30
AGO_MS = 10_000
LOOK_S = 0.02


# the default renders a traceback with every local variable, and takes seconds for it
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),  # never among what a command prints
)


def downpour(**fields: Any) -> dict[str, Any]:
    """A config whose every drop is a packet of 5 points and dozens can be tapped at any moment."""
    return {
        "title": "downpour",
        "rounds": [{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000, "times": 2}],
        "drops_per_member": 2000,
        "packet_share": 100,
        "bomb_share": 0,
        "max_grabs_per_round": 2000,
        "amounts": {"mode": "fixed", "count": 10_000, "amount": 5},
        "limits": {"per_second": 1000, "burst": 1000},
        **fields,
    }


class Member(NamedTuple):
    """Somebody with a token."""

    token: str
    id: str
    name: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


def member_token(key: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    """A token made as the operator's own login would make it."""
    secret = derive(key.encode(), "member-token") if algorithm != "none" else None
    return jwt.encode({"sub": "m1", "exp": int(time.time()) + 60, **claims}, secret, algorithm)


class Site:
    """A server somewhere, and its stores as its staff reach them."""

    def __init__(self, url: str, stores: Stores) -> None:
        self.url = url
        self.stores = stores
        self._dialled: list[Page | Peer] = []
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False)

    @property
    def redis(self) -> Redis:
        return self.stores.redis

    async def member(self, name: str = "小明") -> Member:
        answer = await self.http.post("/api/demo/login", json={"name": name})
        assert answer.status_code == 200, answer.text
        return Member(*answer.json().values())

    async def ticket(self, room: str, member: Member | None) -> str:
        """A ticket; without a member, one to watch with."""
        headers, form = (member.bearer, {}) if member else ({}, {"spectator": True})
        answer = await self.http.post("/api/tickets", json={"room": room, **form}, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    async def dial(self, path: str = "/ws", **options: Any) -> Page:
        """A socket that has said nothing yet."""
        page = await dial(self.url.replace("http", "ws", 1) + path, **options)
        self._dialled.append(page)
        return page

    async def peer(self, **options: Any) -> Peer:
        """A bare one."""
        peer = await Peer.connect(self.url, **options)
        self._dialled.append(peer)
        return peer

    async def hang_up(self) -> None:
        """Closes every socket of this side."""
        for one in self._dialled:
            await one.vanish()
        self._dialled.clear()

    async def join(
        self,
        room: str,
        member: Member | None,
        *,
        packed: bool = False,
        max_size: int | None = 2**20,
        **resuming: Any,
    ) -> Page:
        """A page whose hello was welcomed; `resuming` are `session` and `since`."""
        page = await self.dial(packed=packed, max_size=max_size)
        welcome = await page.hello(room, await self.ticket(room, member), **resuming)
        assert welcome["ev"] == "welcome", welcome
        return page

    async def open_room(self, ago_ms: int = AGO_MS, terms: Terms | None = None, **fields: Any) -> Room:
        """An open room, by default one whose first round has been on for a while."""
        room = await self.stores.lifecycle.create(GAME, downpour(**fields))
        if terms:
            await self.stores.ledger.agree(room.campaign, terms)
        config = game_named(GAME).config.model_validate(room.config)
        opened_at = time.time_ns() // 1_000_000 - ago_ms
        plan = game_named(GAME).plan(room.id, config, room.seed, opened_at)
        await open_lane(
            self.stores.database, room.id, opened_at=opened_at, stock=plan.stock(), points=plan.budget()
        )
        async with self.pushes(room) as pushes:
            opened = await self.stores.lifecycle.open(room.id)  # finishes what was begun above
            if ago_ms:
                await until_pushed(pushes, "round_opened")
        return opened

    @asynccontextmanager
    async def pushes(self, room: Room) -> AsyncIterator[Any]:
        """The room's channel, subscribed."""
        pubsub = self.redis.pubsub(ignore_subscribe_messages=False)
        await pubsub.subscribe(LaneKeys(room.id).channel)
        confirmed = await pubsub.get_message(timeout=PATIENCE_S)
        assert confirmed is not None
        try:
            yield pubsub
        finally:
            await pubsub.aclose()

    async def push(self, room: Room, *lines: Any) -> None:
        """Publishes room events [v, class, name, body] as the prelude does."""
        await self.redis.publish(LaneKeys(room.id).channel, msgspec.msgpack.encode(("events", lines)))

    async def metric(self, name: str) -> float:
        """One number of /metrics, by its name with labels."""
        text = (await self.http.get("/metrics")).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return next((float(value) for label, _, value in lines if label == name), 0.0)


async def until_pushed(pushes: Any, name: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await pushes.get_message(timeout=PATIENCE_S)
            if message is None or message["type"] != "message":
                continue
            kind, lines = msgspec.msgpack.decode(message["data"])
            if kind == "events" and name in [line[2] for line in lines]:
                return


class Live(Site):
    """A server in this process."""

    def __init__(self, url: str, stores: Stores, node: Node) -> None:
        super().__init__(url, stores)
        self.node = node

    def sockets(self) -> list[Socket]:
        """The server's ends of all open sockets."""
        return list(self.node._sockets._open)

    async def hang_up(self) -> None:
        """Closes every socket, and returns when the server knows."""
        await super().hang_up()
        async with asyncio.timeout(PATIENCE_S):
            while self.sockets():
                await asyncio.sleep(LOOK_S)

    def check(self, later_s: float) -> None:
        """The sweep's look at every socket, as it will be in so many seconds."""
        for one in self.sockets():
            one.check(time.monotonic() + later_s)


class Served(Site):
    """A server of its own process."""

    def __init__(self, url: str, stores: Stores, process: subprocess.Popen[str], log: Path) -> None:
        super().__init__(url, stores)
        self.process = process
        self.log = log

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        self.process.kill()
        self.process.wait(STOP_S)

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, STOP_S)


def settings_of(engines: Engines, **fields: Any) -> Settings:
    return Settings(
        redis_url=engines.redis_url, database_url=engines.database_url, secret_key=SECRET, **fields
    )


@asynccontextmanager
async def emptied(engines: Engines) -> AsyncIterator[Stores]:
    """The stores, migrated, without anything that earlier tests left there."""
    stores = Stores(settings_of(engines))
    await stores.redis.flushall()
    await stores.redis.function_flush()
    await stores.migrate()
    await truncate(stores.database)
    yield stores
    await stores.close()


async def forgotten(stores: Stores, room: Room) -> None:
    """All of the room is on record, and nothing of it is in Redis."""
    (lane,) = await get_lanes(stores.database, room.id)
    await stores.settlement.drain(lane)
    keys = [key async for key in stores.redis.scan_iter(match=LaneKeys(room.id).tag + ":*")]
    assert keys
    await stores.redis.delete(*keys)


@asynccontextmanager
async def living(engines: Engines, *, settles: bool = True, **fields: Any) -> AsyncIterator[Live]:
    """A server in this process, on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    settings = settings_of(engines, port=port, **{"demo": True, "samples": False, **fields})
    stores = Stores(settings)
    node = Node(settings, settles=settles)
    server = node.server()
    serving = asyncio.create_task(server.serve([listening]))
    live = Live(f"http://127.0.0.1:{port}", stores, node)
    try:
        # the socket listens already: the answer comes once the server is up
        await _unless_ended(live.http.get("/healthz"), serving)
        yield live
    finally:
        await Site.hang_up(live)
        await live.http.aclose()
        server.should_exit = True
        await serving
        await stores.close()


async def _unless_ended(work: Any, serving: asyncio.Task[None]) -> None:
    working = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({working, serving}, return_when=asyncio.FIRST_COMPLETED)
    if working not in done:
        working.cancel()
        serving.result()
        raise AssertionError("the server ended while starting")
    working.result().raise_for_status()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def environment(engines: Engines, **variables: str) -> dict[str, str]:
    """What a server process finds in its environment; none of our own settings."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    stores = {"REDIS_URL": engines.redis_url, "DATABASE_URL": engines.database_url}
    return {**kept, "PYTHONUNBUFFERED": "1", **stores, "SECRET_KEY": SECRET, **variables}


@asynccontextmanager
async def serving(engines: Engines, port: int = 0, **variables: str) -> AsyncIterator[Served]:
    """`gameserver serve --settle` in demo mode, on a free port; killed at the end if it still runs."""
    port = port or free_port()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        output = stack.enter_context((folder / "log").open("w"))
        process = _spawn(port, environment(engines, **{"DEMO": "1", "SAMPLES": "0", **variables}), output)
        stores = Stores(settings_of(engines))
        stack.push_async_callback(stores.close)
        served = Served(f"http://127.0.0.1:{port}", stores, process, folder / "log")
        stack.push_async_callback(served.http.aclose)
        stack.callback(served.kill)
        await answering(served)
        yield served


def _spawn(port: int, variables: dict[str, str], output: TextIO) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gameserver", "serve", "--settle", "--port", str(port)],
        cwd=ROOT,
        env=variables,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def answering(served: Served) -> None:
    """Returns once the server answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            assert served.process.poll() is None, served.log.read_text()
            try:
                (await served.http.get("/healthz")).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(LOOK_S)
            else:
                return
