"""`gameserver contestants`: who stands in a vote, and what is decided on their votes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.moments import shown
from gameserver.cli.running import Port, out, print_table, with_stores
from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.contests import Standing
from gameserver.games.game import RoomId
from gameserver.records.contestants import Contestant, ContestantState
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import Room, RoomState
from gameserver.sheets import table_file
from gameserver.staff.contestant_sheets import read_works
from gameserver.staff.contestants import Verdict, recorded_standings, standings_of
from gameserver.store.lane import LaneStore

cli = typer.Typer(
    no_args_is_help=True, help="Enter contestants of a vote, and decide on sign-ups and reviews."
)

RoomArgument = Annotated[str, typer.Argument(help="The id of a vote's room, such as r42.")]
OneArgument = Annotated[str, typer.Argument(help="A contestant's id such as c0007, or an entry such as e12.")]
Reason = Annotated[str, typer.Option(help="Why, in words that members may read.")]
ARCHIVE = (
    "number", "id", "name", "group", "text", "cover", "media", "state", "signed up by", "raw", "counted",
    "kept", "removed", "reason", "entered at",
)  # fmt: skip


@cli.command("import")
def contestants_import(
    room: RoomArgument,
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or JSON: name, text, group, cover, media.")],
    port: Port = 8000,
) -> None:
    """Enters all contestants of a file, or none where a row does not fit; they are in the list at once."""

    async def work(stores: Stores) -> None:
        _, config = await stores.contestants.room(RoomId(room))
        entered = await stores.contestants.enter(RoomId(room), read_works(file, config.groups))
        out.print(f"{len(entered):,} contestants entered, {entered[0].id} to {entered[-1].id}")

    with_stores(port, work)


@cli.command("list")
def contestants_list(
    room: RoomArgument,
    state: Annotated[
        list[ContestantState] | None, typer.Option(help="Only entries in this state; may be repeated.")
    ] = None,
    port: Port = 8000,
) -> None:
    """Entries with their votes, by number; sign-ups that wait for a decision come last."""

    async def work(stores: Stores) -> None:
        found = await stores.contestants.list(RoomId(room), state or tuple(ContestantState))
        record, _ = await stores.contestants.room(RoomId(room))
        numbers = await _standings(stores, record) or {}
        table = Table(
            "entry", "id", "name", "group", "state", "counted", "kept", "removed", "reason", box=None
        )
        for one in found:
            standing = numbers.get(one.id or "")
            votes = [f"{part:,}" for part in standing[:3]] if standing else ["", "", ""]
            table.add_row(
                f"e{one.entry}", one.id or "", escape(one.work.name), escape(one.work.group),
                _state(one, standing), *votes, escape(_why(one, standing)),
            )  # fmt: skip
        print_table(table, "no contestants; enter some with `gameserver contestants import`")

    with_stores(port, work)


async def _standings(stores: Stores, room: Room) -> dict[str, Standing] | None:
    """The lane's numbers, where it is gone those of the record; None where there never was one."""
    if room.state is RoomState.DRAFT:
        return None
    lane = (await get_lanes(stores.database, room.id))[0]
    store = LaneStore(stores.redis, game_named(room.game), room.id, lane.epoch, lane.lane)
    try:
        return await standings_of(store)
    except Refused as refused:
        if refused.code != "lane_lost":
            raise
        return await recorded_standings(stores.database, room.id)


def _state(one: Contestant, standing: Standing | None) -> str:
    reviewed = standing is not None and standing.state == "under_review"
    return "under_review" if reviewed and one.state is ContestantState.APPROVED else one.state.value


def _why(one: Contestant, standing: Standing | None) -> str:
    return one.reason or (standing.reason if standing else None) or ""


@cli.command("approve")
def contestants_approve(
    room: RoomArgument,
    names: Annotated[list[str], typer.Argument(help="Entries such as e12, or ids of withdrawn contestants.")],
    port: Port = 8000,
) -> None:
    """Takes sign-ups into the list, all of those named or none, and gives them numbers."""

    async def work(stores: Stores) -> None:
        approved = await stores.contestants.approve(RoomId(room), names)
        for one in approved:
            out.print(f"{one.id} {escape(one.work.name)}")
        if not approved:
            out.print("they are in the list already")

    with_stores(port, work)


@cli.command("reject")
def contestants_reject(room: RoomArgument, name: OneArgument, reason: Reason, port: Port = 8000) -> None:
    """Does not take a sign-up; its member reads why, and may send another."""

    async def work(stores: Stores) -> None:
        await stores.contestants.reject(RoomId(room), name, reason)
        out.print(f"{name} is rejected")

    with_stores(port, work)


@cli.command("withdraw")
def contestants_withdraw(room: RoomArgument, name: OneArgument, reason: Reason, port: Port = 8000) -> None:
    """Takes a contestant out of the list; votes that were given stay on record."""

    async def work(stores: Stores) -> None:
        await stores.contestants.withdraw(RoomId(room), name, reason)
        out.print(f"{name} is withdrawn")

    with_stores(port, work)


@cli.command("review")
def contestants_review(
    room: RoomArgument,
    name: OneArgument,
    verdict: Annotated[
        Verdict,
        typer.Argument(help="mark: keep votes apart from now on; count or remove: all that were kept."),
    ],
    reason: Reason,
    port: Port = 8000,
) -> None:
    """Puts a contestant under review, or decides on all the votes that were kept in one."""

    async def work(stores: Stores) -> None:
        order = await stores.contestants.review(RoomId(room), name, verdict, reason)
        done = {"mark": "is under review", "count": "has its kept votes", "remove": "lost its kept votes"}
        waits = "" if order.done_at else ", as soon as the room can hear of it"
        out.print(f"{name} {done[verdict]}{waits}")

    with_stores(port, work)


@cli.command("archive")
def contestants_archive(
    room: RoomArgument,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, as its name ends.")],
    port: Port = 8000,
) -> None:
    """Writes all works with their numbers into a table: what counted, was kept, was removed, and why."""
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise Refused("bad_table", f"{file} must end in .csv or .xlsx")

    async def work(stores: Stores) -> None:
        record, _ = await stores.contestants.room(RoomId(room))
        entries = await stores.contestants.list(record.id, tuple(ContestantState))
        numbers = await _standings(stores, record) or {}
        with table_file(file, ARCHIVE) as table:
            for one in entries:
                table.write(_archived(one, numbers.get(one.id or "")))
        out.print(f"{len(entries):,} works are in {file}")

    with_stores(port, work)


def _archived(one: Contestant, standing: Standing | None) -> list[object]:
    work = one.work
    votes = [standing.raw, *standing[:3]] if standing else [None] * 4
    return [
        one.number, one.id, work.name, work.group, work.text, work.cover,
        " ".join(picture.url for picture in work.media), _state(one, standing), one.member, *votes,
        _why(one, standing), shown(one.created_at),
    ]  # fmt: skip
