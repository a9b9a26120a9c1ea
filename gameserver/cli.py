"""The command line. `gameserver --help` lists the commands."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gameserver import play as terminal
from gameserver.app import KEY_LENGTH, Node, Stores, port_is_free, secret_in
from gameserver.engines import EngineError, addresses, engines, var_folder
from gameserver.errors import Refused
from gameserver.games import game_named, games
from gameserver.games.game import CampaignId, RoomId
from gameserver.logs import configure
from gameserver.records.database import passes
from gameserver.records.grants import given_by_prize
from gameserver.records.rooms import RoomState, get_room, list_rooms
from gameserver.rooms.opening import public_room
from gameserver.settings import Settings
from gameserver.store.redis import RedisError
from gameserver.welcome import print_welcome

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Campaign game server."
)
room_cli = typer.Typer(no_args_is_help=True, help="Make rooms and run them without the console.")
cli.add_typer(room_cli, name="room")
# lines are never broken: a pipe has no width
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Port = Annotated[
    int, typer.Option("--port", envvar="PORT", help="Port; also tells which embedded stores are meant.")
]
RoomArgument = Annotated[str, typer.Argument(help="A room's id, such as r42.")]


def main() -> None:
    """Entry point: expected errors become one line and exit code 1."""
    try:
        cli(standalone_mode=True)
    except (EngineError, Refused) as error:
        _fail(error)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            err.print(f"[red]error[/red]: {'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}")
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, RedisError | OSError) and not passes(error):
            raise
        _fail(error)


def _fail(error: Exception) -> None:
    if isinstance(error, Refused):
        err.print(
            f"[red]{error.code}[/red]: {error.message}" if not error.fields else f"[red]{error.code}[/red]"
        )
        for path, why in (error.fields or {}).items():
            err.print(f"  {path}: {why}")
    elif isinstance(error, EngineError):
        err.print(f"[red]error[/red]: {error}")
    else:
        err.print(f"[red]error[/red]: the stores do not answer ({error}). Is the server running? See --port.")
    sys.exit(1)


# servers


@cli.command()
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


@cli.command()
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


@cli.command()
def settle(port: Port = 8000) -> None:
    """A settlement worker: outbox to record to ledger, until stopped."""
    configure()

    async def work(stores: Stores) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stores.migrate()
        err.print("settling; Ctrl-C stops after the batch in hand")
        await stores.settlement.run(stop)

    _with_stores(port, work)


@cli.command()
def migrate(port: Port = 8000) -> None:
    """Brings the database up to date; safe to repeat and to run on many nodes at once."""

    async def work(stores: Stores) -> None:
        await stores.migrate()
        out.print("the database is up to date")

    _with_stores(port, work)


def _with_stores(port: int, work: Callable[[Stores], Coroutine[Any, Any, None]]) -> None:
    """Runs on the stores of the environment, else on those that a running `make run` keeps for the port."""
    settings = Settings(port=port)
    running = addresses(var_folder(port))
    complete = settings.model_copy(
        update={
            "redis_url": settings.redis_url or running.redis_url,
            "database_url": settings.database_url or running.database_url,
        }
    )

    async def run() -> None:
        stores = Stores(complete, connections=4)
        try:
            await work(stores)
        finally:
            await stores.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


# rooms


@room_cli.command("schema")
def room_schema(
    game: Annotated[str, typer.Argument(help="A game's name.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Print a valid config instead.")] = False,
) -> None:
    """The JSON Schema of a game's config; without a game, the games' names."""
    if not game:
        for name in games():
            out.print(name)
        return
    kind = game_named(game)
    shown = kind.example() if example else kind.config.model_json_schema()
    print(json.dumps(shown, ensure_ascii=False, indent=2))


@room_cli.command("create")
def room_create(
    game: Annotated[str, typer.Option(help="A game's name; see `room schema`.")],
    config: Annotated[Path, typer.Option(help="A JSON file; `-` reads standard input.")],
    campaign: Annotated[
        str, typer.Option(help="A campaign's id; without it the room gets one of its own.")
    ] = "",
    port: Port = 8000,
) -> None:
    """Makes a draft from a config and prints its id."""
    given = _read_config(config)

    async def work(stores: Stores) -> None:
        room = await stores.lifecycle.create(game, given, CampaignId(campaign) if campaign else None)
        print(room.id)

    _with_stores(port, work)


def _read_config(file: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad_config", f"cannot read {file}: {error}") from None
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused("bad_config", f"{file} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise Refused("bad_config", f"{file} holds no JSON object")
    return config


@room_cli.command("open")
def room_open(room: RoomArgument, port: Port = 8000) -> None:
    """Opens a draft: lends the stock and starts its clock."""
    _change(port, room, lambda stores: stores.lifecycle.open(RoomId(room)))


@room_cli.command("pause")
def room_pause(room: RoomArgument, port: Port = 8000) -> None:
    """Refuses commands until resumed; the room's schedule goes on."""
    _change(port, room, lambda stores: stores.lifecycle.pause(RoomId(room)))


@room_cli.command("resume")
def room_resume(room: RoomArgument, port: Port = 8000) -> None:
    """Takes commands again."""
    _change(port, room, lambda stores: stores.lifecycle.resume(RoomId(room)))


@room_cli.command("close")
def room_close(
    room: RoomArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    port: Port = 8000,
) -> None:
    """Ends a room for good and reveals its seed."""
    if not yes and not typer.confirm(
        f"Close {room} for good? Members can play no more, and its seed is revealed"
    ):
        raise typer.Abort
    _change(port, room, lambda stores: stores.lifecycle.close(RoomId(room)))


def _change(port: int, room: str, change: Callable[[Stores], Coroutine[Any, Any, Any]]) -> None:
    async def work(stores: Stores) -> None:
        changed = await change(stores)
        out.print(f"{room} is {changed.state}")

    _with_stores(port, work)


@room_cli.command("list")
def room_list(
    every: Annotated[bool, typer.Option("--all", help="Closed rooms too.")] = False, port: Port = 8000
) -> None:
    """Rooms, newest first."""

    async def work(stores: Stores) -> None:
        states = tuple(RoomState) if every else (RoomState.DRAFT, RoomState.OPEN, RoomState.PAUSED)
        rooms = await list_rooms(stores.database, states)
        if not rooms:
            out.print("no rooms; make one with `gameserver room create`")
            return
        table = Table("room", "game", "title", "state", "campaign", "points at most", box=None)
        for room in rooms:
            title = str(room.config["title"])
            table.add_row(room.id, room.game, title, room.state, room.campaign, f"{room.points:,}")
        out.print(table)

    _with_stores(port, work)


@room_cli.command("show")
def room_show(room: RoomArgument, port: Port = 8000) -> None:
    """A room's public config and what it has granted, as JSON."""

    async def work(stores: Stores) -> None:
        record = await get_room(stores.database, RoomId(room))
        given = await given_by_prize(stores.database, record.id)
        shown = {
            **public_room(record),
            "campaign": record.campaign,
            "rule_hash": record.rule_hash,
            "commitment": record.commitment,
            "granted": {prize: {"units": x.units, "points": x.points} for prize, x in given.items()},
        }
        print(json.dumps(shown, ensure_ascii=False, indent=2))

    _with_stores(port, work)


@room_cli.command("rebuild")
def room_rebuild(room: RoomArgument, port: Port = 8000) -> None:
    """Folds a room's Redis state anew from PostgreSQL, under a new epoch."""

    async def work(stores: Stores) -> None:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task(f"folding {room}", total=None)
            folded = await stores.lifecycle.rebuild(
                RoomId(room), lambda lines: progress.update(task, completed=lines)
            )
        out.print(f"{room} is rebuilt from {folded:,} lines")

    _with_stores(port, work)


# members


@cli.command()
def play(
    room: Annotated[str, typer.Argument(help="A room's id or a game's name.")],
    name: Annotated[str, typer.Option(help="The name to play under.")] = "terminal",
    server: Annotated[str, typer.Option(help="The server's address.")] = "",
    seconds: Annotated[float, typer.Option(help="How long to play.")] = 60.0,
    port: Port = 8000,
) -> None:
    """A member in the terminal: joins, plays what comes and prints every event."""
    address = server or f"http://127.0.0.1:{port}"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(terminal.play(address.rstrip("/"), room, name, seconds))
