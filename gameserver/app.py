"""The composition root: the only place where parts are built and wired."""

import asyncio
import contextlib
import gc
import os
import secrets
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request

from gameserver.demo import keep_rooms_open
from gameserver.engines import var_folder
from gameserver.errors import Refused
from gameserver.events import Events
from gameserver.fairness import Receipts, derive
from gameserver.games.game import RoomId
from gameserver.http.api import api
from gameserver.http.chances_api import chances_api
from gameserver.http.contestant_lists import ContestantLists
from gameserver.http.contestants_api import ContestantsApi
from gameserver.http.events_api import events_api
from gameserver.http.fulfilment_api import fulfilment_api
from gameserver.http.health import health
from gameserver.http.media_api import MediaApi
from gameserver.http.member_api import MemberApi
from gameserver.http.tokens import DEMO_SECONDS, Tokens
from gameserver.http.visits import Visits
from gameserver.media.store import MediaStore
from gameserver.personal import Seal
from gameserver.records import database as record
from gameserver.records.migrate import migrate as migrate_record
from gameserver.rooms.attendance import Attendance
from gameserver.rooms.hub import Hub
from gameserver.rooms.tasks import end
from gameserver.settings import Settings
from gameserver.settlement import Settlement
from gameserver.staff.contestants import Contestants
from gameserver.staff.lifecycle import Lifecycle
from gameserver.staff.orders import Orders
from gameserver.store import redis as store
from gameserver.store.figures import FigureStore
from gameserver.store.uploads import Uploads
from gameserver.upkeep import Upkeep
from gameserver.verify import Verification
from gameserver.websocket import Sockets
from gameserver.welcome import print_host
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.migrate import migrate as migrate_ledger
from ledger_client.http.client import HttpLedger
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens as LedgerTokens
from ledger_client.ledger import Ledger

log = structlog.get_logger()

KEY_LENGTH = 32
BACKLOG = 4096
GC_THRESHOLD = 50_000  # objects; at the default of 700 collections took 5% of a busy server


class Stores:
    """The stores of one process and what stands directly on them: enough for the CLI and for settling."""

    def __init__(self, settings: Settings, connections: int = 10) -> None:
        self.secret_key = settings.secret_key
        self.seal = Seal(settings.secret_key.encode())
        self.database = record.connect(settings.database_url, connections)
        self.redis = store.connect(settings.redis_url)
        self._served = HttpLedger(settings.ledger_url, settings.ledger_token) if settings.ledger_url else None
        self.ledger: Ledger = self._served or EmbeddedLedger(self.database)
        self.settlement = Settlement(self.database, self.redis, self.ledger)
        self.media = MediaStore(settings.media_url or media_beside(settings.port))
        self.events = Events(self.database, self.ledger)
        self.orders = Orders(self.database, self.redis)
        self.contestants = Contestants(self.database, self.orders)
        self.lifecycle = Lifecycle(self.database, self.redis, self.ledger, self.settlement.drain)
        self.verification = Verification(self.database, self.redis, self.ledger, self.lifecycle)

    async def migrate(self) -> None:
        """Brings both schemas up to date."""
        await migrate_record(self.database)
        if self._served is None:
            await migrate_ledger(self.database)

    async def work(self, stop: asyncio.Event) -> None:
        """What a settlement worker does until `stop` is set: settle, verify, and keep up with the time."""
        collect_seldom()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.settlement.run(stop))
            tasks.create_task(self.verification.run(stop))
            tasks.create_task(
                Upkeep(self.ledger, self.events, self.orders, self.database, self.redis).run(stop)
            )

    async def close(self) -> None:
        """Gives all connections back."""
        await self.settlement.close()
        await self.verification.close()
        if self._served is not None:
            await self._served.close()
        await self.redis.aclose()
        await self.database.dispose()


def media_beside(port: int) -> str:
    """The URL of the folder for pictures beside the embedded stores of that port."""
    return (var_folder(port) / "media").absolute().as_uri()


def collect_seldom() -> None:
    """What stands now stays: collections look only at what commands leave behind, and seldom."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


class Node:
    """One server process.

    Args:
        settings: with both addresses and the secret key filled in.
        settles: whether a settlement worker runs in here too.
    """

    def __init__(self, settings: Settings, *, settles: bool) -> None:
        self._settings = settings
        self._settles = settles
        self._stores = Stores(settings)
        receipts = Receipts(derive(settings.secret_key.encode(), "receipt"))
        stores = self._stores
        self._hub = Hub(stores.database, stores.redis, receipts, stores.ledger, self._ended)
        self._sockets = Sockets(self._hub, settings.allowed_origins(), settings.frames_per_second)
        self._tokens = tokens = Tokens(settings.secret_key)
        visits = Visits(settings.secret_key)
        members = MemberApi(
            stores.database,
            self._hub,
            stores.ledger,
            tokens,
            visits,
            receipts,
            stores.seal,
            demo=settings.demo,
        )  # fmt: skip
        self._media = MediaApi(stores.media, Uploads(stores.redis), tokens)
        told = events_api(stores.database, stores.events)
        chances = chances_api(stores.database, stores.orders)
        contestants = ContestantsApi(
            ContestantLists(stores.database, self._hub), self._hub, stores.contestants, stores.media, tokens
        )
        goods = fulfilment_api(stores.database, tokens, stores.seal)
        sound = health(stores.database, stores.redis)
        routers = [members.router(), contestants.router(), goods, self._media.router(), told, chances, sound]
        self._attendance = Attendance(self._hub, FigureStore(stores.redis))

        def viewed(request: Request, room: str) -> None:
            in_frame = request.headers.get("sec-fetch-dest") == "iframe"
            self._attendance.viewed(room, visits.of(request, embed=in_frame).channel)

        self.app = api(routers, self._lifespan, viewed)

    def server(self) -> uvicorn.Server:
        """The server, not started; pages, API and sockets on one port."""
        return uvicorn.Server(
            uvicorn.Config(
                self.app,
                host=self._settings.host,
                port=self._settings.port,
                ws=self._sockets.protocol(),  # type: ignore[arg-type] # any class called like its own
                loop="uvloop",
                http="httptools",
                log_level="warning",
                access_log=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=10,
                server_header=False,
            )
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        stores, stop = self._stores, asyncio.Event()
        await stores.migrate()
        await self._hub.start()
        collect_seldom()
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._sockets.sweep()), loop.create_task(self._attendance.run())]
        if self._settings.demo and self._settings.samples:
            rooms = keep_rooms_open(stores.database, stores.lifecycle, stores.contestants, self._hosted)
            tasks.append(loop.create_task(rooms))
        settling = loop.create_task(stores.work(stop)) if self._settles else None
        try:
            yield
        finally:
            await self._sockets.drain()
            await end(tasks)
            await self._hub.stop()
            stop.set()
            if settling:
                await settling
            self._media.close()
            await stores.close()

    def _hosted(self, room: RoomId) -> None:
        """Shows on the terminal, and in no log, from where a room of the demo is conducted."""
        print_host(self._settings, room, self._tokens.issue_host(room, DEMO_SECONDS))

    async def _ended(self, room: RoomId) -> None:
        """A room's time is over: the first process to see it closes it."""
        try:
            await self._stores.lifecycle.close(room)
        except Refused as refused:
            if refused.code != "bad_state":
                raise


async def serve_ledger(url: str, tokens: LedgerTokens, host: str, port: int) -> None:
    """Serves the embedded ledger in the database at `url` to the bearers of tokens, until stopped."""
    database = record.connect(url)
    try:
        await migrate_ledger(database)
        server = uvicorn.Server(
            uvicorn.Config(
                ledger_api(EmbeddedLedger(database), tokens),
                host=host,
                port=port,
                http="httptools",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=10,
                server_header=False,
            )
        )
        await server.serve()
    finally:
        await database.dispose()


def secret_in(folder: Path) -> str:
    """The secret key of an embedded server: made once, readable by its owner only."""
    file = folder / "secret_key"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as new:
            new.write(secrets.token_hex(KEY_LENGTH))
    return file.read_text()


def known_secret(folder: Path) -> str:
    """The secret key of the embedded server in that folder; "" where there is none."""
    file = folder / "secret_key"
    return file.read_text() if file.exists() else ""


def port_is_free(host: str, port: int) -> bool:
    """Whether this process could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
