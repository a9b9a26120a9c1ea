"""Server processes: everything on one machine, a node, a settlement worker, the migration."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from gameserver.app import KEY_LENGTH, Node, Stores, port_is_free, secret_in
from gameserver.cli.running import Port, err, out, with_stores
from gameserver.engines import EngineError, engines, var_folder
from gameserver.logs import configure
from gameserver.settings import Settings
from gameserver.welcome import print_welcome


def demo(
    port: Port = 8000, host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1"
) -> None:
    """Everything on this machine: embedded stores under ./var, sample rooms, server and settlement."""
    configure()
    _need_port(host, port)
    settings = Settings(port=port, host=host, demo=True)
    folder = var_folder(port)
    with _stores_of(settings, folder) as complete:
        _serve(complete, settles=True, ready=lambda: print_welcome(complete, folder))


def serve(
    port: Port = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Embedded stores: for one small machine.")
    ] = False,
    settles: Annotated[bool, typer.Option("--settle", help="Run a settlement worker in here too.")] = False,
) -> None:
    """A server process. Asks for REDIS_URL, DATABASE_URL and SECRET_KEY, or --embedded."""
    configure()
    settings = Settings(port=port, host=host)
    _need_port(host, port)
    if not embedded and not (settings.redis_url and settings.database_url):
        raise EngineError("set REDIS_URL and DATABASE_URL, or use --embedded for one small machine")
    if not embedded and len(settings.secret_key) < KEY_LENGTH:
        raise EngineError(
            f"set SECRET_KEY to at least {KEY_LENGTH} random characters, the same on every node"
        )
    with _stores_of(settings, var_folder(port)) as complete:
        _serve(complete, settles=settles or embedded, ready=lambda: None)


def _need_port(host: str, port: int) -> None:
    if not port_is_free(host, port):
        raise EngineError(f"port {port} is taken. Choose another, such as PORT={port + 1}")


@contextlib.contextmanager
def _stores_of(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Settings with addresses and key: those of the environment, else the embedded ones in `folder`."""
    with contextlib.ExitStack() as stack:
        found = {"redis_url": settings.redis_url, "database_url": settings.database_url}
        if not all(found.values()):
            embedded = stack.enter_context(engines(folder))
            found = {name: url or getattr(embedded, name) for name, url in found.items()}
        folder.mkdir(parents=True, exist_ok=True)
        key = settings.secret_key or secret_in(folder)
        yield settings.model_copy(update={**found, "secret_key": key})


def _serve(settings: Settings, *, settles: bool, ready: Callable[[], None]) -> None:
    server = Node(settings, settles=settles).server()

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            ready()
        await serving

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(run())


def settle(port: Port = 8000) -> None:
    """A settlement worker: outbox to record to ledger, until stopped."""
    configure()

    async def work(stores: Stores) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stores.migrate()
        err.print("settling; Ctrl-C stops after the batch in hand")
        await stores.work(stop)

    with_stores(port, work)


def migrate(port: Port = 8000) -> None:
    """Brings the database up to date; safe to repeat and to run on many nodes at once."""

    async def work(stores: Stores) -> None:
        await stores.migrate()
        out.print("the database is up to date")

    with_stores(port, work)
