"""`gameserver prizes`: goods on their way to who won them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.moments import now, shown
from gameserver.cli.running import By, Port, Reason, Yes, err, out, print_table, staff_name, with_stores
from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.personal import Place, redemption_code_of
from gameserver.records.disclosures import disclosures
from gameserver.records.fulfilment import State
from gameserver.records.handover import AlreadyRedeemed, cancel, redeem
from gameserver.sheets import read_table
from gameserver.staff.fulfilment import export, goods_of_room, import_tracking, receiver, ship_one

cli = typer.Typer(no_args_is_help=True, help="Goods on their way to who won them.")

RoomArgument = Annotated[str, typer.Argument(help="A room's id, such as r42.")]
PrizeArgument = Annotated[str, typer.Argument(help="A prize's id.")]
UnitArgument = Annotated[int, typer.Argument(min=1, help="The unit that was won.")]
StateOption = Annotated[State | None, typer.Option("--state", help="Only those in this state.")]


@cli.command("list")
def prizes_list(
    room: RoomArgument,
    state: StateOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 200,
    port: Port = 8000,
) -> None:
    """What was won in a room and where it is; people are masked."""

    async def work(stores: Stores) -> None:
        table = Table("prize", "unit", "member", "state", "claim by", "for", "carrier", "number", box=None)
        async for one in goods_of_room(stores.database, RoomId(room), state):
            if table.row_count == limit:
                err.print(f"only the first {limit:,} are shown: see --limit, --state or `prizes export`")
                break
            person = receiver(stores.seal, one)
            cells = (
                one.prize, str(one.unit), one.member, one.state.value,
                shown(one.claim_by) if one.claim_by else "",
                f"{person.name} {person.phone} {person.region}" if person else "",
                one.carrier or "", one.tracking or "",
            )  # fmt: skip
            table.add_row(*map(escape, cells))
        print_table(table, "nothing")

    with_stores(port, work)


@cli.command("ship")
def prizes_ship(
    room: RoomArgument,
    prize: PrizeArgument,
    unit: UnitArgument,
    carrier: Annotated[str, typer.Option(help="Who brings it.")],
    number: Annotated[str, typer.Option(help="The carrier's tracking number.")],
    by: By = "",
    port: Port = 8000,
) -> None:
    """Notes that a prize is on its way; of one that is, the number is mended."""

    async def work(stores: Stores) -> None:
        place = Place(room, prize, unit)
        await ship_one(stores.database, place, carrier, number, staff=staff_name(by), at=now())
        out.print(f"unit {unit} of {prize} is shipped")

    with_stores(port, work)


@cli.command("tracking")
def prizes_tracking(
    room: RoomArgument,
    file: Annotated[
        Path, typer.Argument(help="CSV or XLSX with the columns prize, unit, carrier and tracking.")
    ],
    by: By = "",
    port: Port = 8000,
) -> None:
    """Notes the parcels of a table, all or none; an export may be filled in and given back."""

    async def work(stores: Stores) -> None:
        rows = read_table(file)
        parcels = await import_tracking(stores.database, RoomId(room), rows, staff=staff_name(by), at=now())
        out.print(f"{parcels:,} prizes are shipped")

    with_stores(port, work)


@cli.command("export")
def prizes_export(
    room: RoomArgument,
    file: Annotated[Path, typer.Argument(help="Where to: .csv or .xlsx.")],
    reason: Annotated[
        str | None, typer.Option(help="Why people are shown in clear; it stays on record, and on every row.")
    ] = None,
    masked: Annotated[bool, typer.Option("--masked", help="With people masked: needs no reason.")] = False,
    state: StateOption = None,
    by: By = "",
    port: Port = 8000,
) -> None:
    """Writes what was won in a room, and where it goes, as a table that only you can read."""
    if (reason is None) != masked:
        raise Refused("bad_config", "people are shown in clear with --reason WHY, or else --masked")

    async def work(stores: Stores) -> None:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task(f"writing {file.name}", total=None)
            rows, disclosure = await export(
                stores.database, stores.seal, RoomId(room), file,
                staff=staff_name(by), reason=reason, at=now(), state=state,
                told=lambda rows: progress.update(task, completed=rows),
            )  # fmt: skip
        out.print(f"{rows:,} prizes are in {escape(str(file))}")
        if disclosure is not None:
            out.print(f"it is export {disclosure.id}, for: {escape(disclosure.reason)}")

    with_stores(port, work)


@cli.command("exports")
def prizes_exports(
    room: Annotated[str | None, typer.Argument(help="A room's id; without it those of all rooms.")] = None,
    number: Annotated[
        int | None, typer.Option("--id", min=1, help="The one whose number is on a row.")
    ] = None,
    port: Port = 8000,
) -> None:
    """Who has seen people in clear, when and why; the newest 200."""

    async def work(stores: Stores) -> None:
        table = Table("export", "room", "who", "when", "why", box=None)
        for one in await disclosures(stores.database, None if room is None else RoomId(room), number):
            table.add_row(str(one.id), one.room, escape(one.staff), shown(one.at), escape(one.reason))
        print_table(table, "nobody")

    with_stores(port, work)


@cli.command("cancel")
def prizes_cancel(
    room: RoomArgument,
    prize: PrizeArgument,
    unit: UnitArgument,
    reason: Reason,
    yes: Yes = False,
    by: By = "",
    port: Port = 8000,
) -> None:
    """Ends a prize that is not on its way yet, for good. Its member reads the reason."""

    async def work(stores: Stores) -> None:
        if not yes and not typer.confirm(f"Cancel unit {unit} of {prize} in {room} for good"):
            raise typer.Abort
        await cancel(stores.database, Place(room, prize, unit), staff=staff_name(by), reason=reason, at=now())
        out.print(f"unit {unit} of {prize} is canceled")

    with_stores(port, work)


@cli.command("redeem")
def prizes_redeem(
    code: Annotated[str, typer.Argument(help="The code that the member shows.")],
    by: By = "",
    port: Port = 8000,
) -> None:
    """Hands out a prize on the spot, once."""

    async def work(stores: Stores) -> None:
        try:
            done = await redeem(stores.database, redemption_code_of(code), staff=staff_name(by), at=now())
        except AlreadyRedeemed as again:
            first = again.first
            when = shown(first.ended_at or 0)
            raise Refused("already_redeemed", f"{first.staff} redeemed it at {when}") from None
        out.print(f"hand out: {done.prize}, unit {done.unit} of {done.room}, to {escape(done.member)}")

    with_stores(port, work)
