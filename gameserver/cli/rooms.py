"""`gameserver room`: making rooms and running them without the console."""

import json
import re
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.running import MemberArgument, Port, err, out, read_file, with_stores
from gameserver.errors import Refused
from gameserver.fairness import Receipts
from gameserver.games import game_named, games
from gameserver.games.game import CampaignId, RoomId
from gameserver.http.tokens import Tokens
from gameserver.records.grants import given_by_prize
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import RoomState, get_room, list_rooms
from gameserver.rooms.explaining import explained
from gameserver.rooms.opening import public_room
from gameserver.rooms.room import Room
from gameserver.staff.questions import picked
from gameserver.store.lane import Guest, LaneStore

cli = typer.Typer(no_args_is_help=True, help="Make rooms and run them without the console.")

RoomArgument = Annotated[str, typer.Argument(help="A room's id, such as r42.")]


@cli.command("schema")
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


def _levels(value: str) -> str:
    if value and (not re.fullmatch(r"[1-5](-[1-5])?", value) or value[0] > value[-1]):
        raise typer.BadParameter("a level from 1 to 5, or a range such as 1-3")
    return value


@cli.command("create")
def room_create(
    game: Annotated[str, typer.Option(help="A game's name; see `room schema`.")],
    config: Annotated[Path, typer.Option(help="A JSON file; `-` reads standard input.")],
    campaign: Annotated[
        str, typer.Option(help="A campaign's id; without it the room gets one of its own.")
    ] = "",
    questions: Annotated[
        str, typer.Option(metavar="BANK", help="Fill a quiz's questions from this bank.")
    ] = "",
    tag: Annotated[
        list[str] | None, typer.Option(help="Only questions of this tag; may be repeated.")
    ] = None,
    difficulty: Annotated[
        str, typer.Option(help="Only questions of these levels, such as 2 or 1-3.", callback=_levels)
    ] = "",
    port: Port = 8000,
) -> None:
    """Makes a draft from a config and prints its id."""
    given = _read_config(config)
    if not questions and (tag or difficulty):
        raise typer.BadParameter("only questions of a bank have tags and levels", param_hint="--questions")
    if questions and "questions" in given:
        raise typer.BadParameter("the config has questions of its own", param_hint="--questions")

    async def work(stores: Stores) -> None:
        if questions:
            first, _, last = (difficulty or "1-5").partition("-")
            levels = int(first), int(last or first)
            found = await picked(stores.database, questions, frozenset(tag or ()), levels)
            given["questions"] = [one.model_dump(mode="json") for one in found]
        room = await stores.lifecycle.create(game, given, CampaignId(campaign) if campaign else None)
        print(room.id)

    with_stores(port, work)


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(read_file(file))
    except json.JSONDecodeError as error:
        raise Refused("bad_config", f"{file} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise Refused("bad_config", f"{file} holds no JSON object")
    return config


@cli.command("open")
def room_open(room: RoomArgument, port: Port = 8000) -> None:
    """Opens a draft: lends the stock and starts its clock."""
    _change(port, room, lambda stores: stores.lifecycle.open(RoomId(room)))


@cli.command("pause")
def room_pause(room: RoomArgument, port: Port = 8000) -> None:
    """Refuses commands until resumed; the room's schedule goes on."""
    _change(port, room, lambda stores: stores.lifecycle.pause(RoomId(room)))


@cli.command("resume")
def room_resume(room: RoomArgument, port: Port = 8000) -> None:
    """Takes commands again."""
    _change(port, room, lambda stores: stores.lifecycle.resume(RoomId(room)))


@cli.command("close")
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

    with_stores(port, work)


@cli.command("list")
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

    with_stores(port, work)


@cli.command("show")
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

    with_stores(port, work)


@cli.command("rebuild")
def room_rebuild(room: RoomArgument, port: Port = 8000) -> None:
    """Folds a room's Redis state anew from PostgreSQL, under a new epoch."""

    async def work(stores: Stores) -> None:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task(f"folding {room}", total=None)
            folded = await stores.lifecycle.rebuild(
                RoomId(room), lambda lines: progress.update(task, completed=lines)
            )
        out.print(f"{room} is rebuilt from {folded:,} lines")

    with_stores(port, work)


@cli.command("host")
def room_host(
    room: RoomArgument,
    hours: Annotated[int, typer.Option(help="How long the link holds.", min=1, max=24 * 31)] = 24,
    url: Annotated[str, typer.Option(help="Where members find the server.")] = "",
    port: Port = 8000,
) -> None:
    """Prints the link of a big screen from which its host conducts the room, such as a live quiz."""

    async def work(stores: Stores) -> None:
        record = await get_room(stores.database, RoomId(room))
        if not stores.secret_key:
            raise Refused("bad_config", "set SECRET_KEY to that of the servers")
        if not game_named(record.game).host_commands:
            raise Refused("bad_state", f"{record.game} has no host: it runs by itself")
        token = Tokens(stores.secret_key).issue_host(record.id, hours * 3600)
        err.print(f"whoever has this link conducts {record.id} for {hours} h:")
        print(f"{url.rstrip('/') or f'http://localhost:{port}'}/screen/{record.id}#host={token}")

    with_stores(port, work)


@cli.command("why")
def room_why(
    room: RoomArgument,
    member: MemberArgument,
    level: Annotated[list[str] | None, typer.Option(help="A level of the member; may be repeated.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag of the member; may be repeated.")] = None,
    plays: Annotated[int, typer.Option(help="How many plays at once.", min=1, max=10)] = 1,
    port: Port = 8000,
) -> None:
    """Why a member cannot play now: the deciding step, and when it resets; as members see it themselves."""

    async def work(stores: Stores) -> None:
        record = await get_room(stores.database, RoomId(room))
        lane = (await get_lanes(stores.database, record.id))[0]
        loaded = Room(
            record,
            LaneStore(stores.redis, game_named(record.game), record.id, lane.epoch),
            Receipts(b""),
            stores.ledger,
        )
        found = await explained(loaded, Guest(member, "", level or [], tag or []), plays)
        out.print(
            f"{member} may play" if found.code is None else f"{found.code}: {loaded.message(found.code)}"
        )
        if found.retry_ms:
            at = datetime.fromtimestamp(time.time() + found.retry_ms / 1000).astimezone()
            out.print(f"until {at.isoformat(timespec='seconds')}")
        if found.play:
            free = "any number" if found.play.free is False else found.play.free
            out.print(f"free plays left: {free}; given beside them: {found.play.extra}")

    with_stores(port, work)
