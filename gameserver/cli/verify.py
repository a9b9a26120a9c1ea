"""`gameserver verify`: whether Redis, the record and the ledger say the same."""

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from gameserver.app import Stores
from gameserver.checks import Look
from gameserver.cli.running import Port, err, out, print_table, with_stores
from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.rooms import Room, RoomState, get_room, list_rooms
from gameserver.verify import MOST_ROOMS


def verify(
    room: Annotated[
        str, typer.Argument(help="A room's id, such as r42; without one: all, and the ledger.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed rooms too.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Pause the rooms concerned.")] = False,
    port: Port = 8000,
) -> None:
    """Compares stock, entries and purses of open and paused rooms; exit code 1 if anything differs.

    Nothing is changed without --pause, and play goes on meanwhile.
    """
    wrong = False

    async def work(stores: Stores) -> None:
        nonlocal wrong
        rooms = await _rooms(stores, room, every)
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("comparing", total=None)
            look = await stores.verification.verify(
                rooms, books=not room, told=lambda done, of: progress.update(task, completed=done, total=of)
            )
        wrong = bool(look.mismatches)
        _print(look, len(rooms))
        for paused in await stores.verification.pause(look.mismatches) if pause else ():
            out.print(f"{paused} is paused")

    with_stores(port, work)
    if wrong:
        raise typer.Exit(1)


async def _rooms(stores: Stores, room: str, every: bool) -> list[Room]:
    if room:
        one = await get_room(stores.database, RoomId(room))
        if one.opened_at is None:
            raise Refused("bad_state", f"room {room} has never been opened")
        return [one]
    states = [RoomState.OPEN, RoomState.PAUSED]
    return await list_rooms(stores.database, [*states, RoomState.CLOSED] if every else states, MOST_ROOMS)


def _print(look: Look, rooms: int) -> None:
    table = Table("check", "room", "of", "expected", "found", box=None)
    for one in look.mismatches:
        table.add_row(one.what, one.room or "ledger", one.key, f"{one.expected:,}", f"{one.found:,}")
    print_table(table, f"all {look.checks:,} checks of {rooms:,} rooms agree")
