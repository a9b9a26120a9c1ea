"""`gameserver codes`: pools of codes that prizes give out, one to each unit."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.moments import now
from gameserver.cli.running import By, Port, Reason, err, out, print_table, staff_name, with_stores
from gameserver.games.game import CampaignId
from gameserver.personal import Place
from gameserver.records.code_pools import pool_counts, void
from gameserver.records.codes import give_missing
from gameserver.sheets import read_table
from gameserver.staff.codes import import_codes

cli = typer.Typer(no_args_is_help=True, help="Pools of codes that prizes give out.")

PoolArgument = Annotated[str, typer.Argument(help="The pool's name, as a prize's `pool` says it.")]
CampaignOption = Annotated[str, typer.Option("--campaign", help="A campaign's id, such as c7.")]


@cli.command("import")
def codes_import(
    pool: PoolArgument,
    file: Annotated[Path, typer.Argument(help="CSV or XLSX: a code each row, and when it expires.")],
    campaign: CampaignOption,
    port: Port = 8000,
) -> None:
    """Adds codes to a pool, all or none; errors are told by row."""

    async def work(stores: Stores) -> None:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task(f"reading {file.name}", total=None)
            rows = read_table(file)
            progress.update(task, description=f"importing into {pool}", total=len(rows))
            added = await import_codes(
                stores.database, CampaignId(campaign), pool, rows, now(),
                lambda codes: progress.update(task, completed=codes),
            )  # fmt: skip
        out.print(f"{added:,} codes added to {escape(pool)}")

    with_stores(port, work)


@cli.command("list")
def codes_list(
    campaign: Annotated[str, typer.Option("--campaign", help="Only this campaign's.")] = "", port: Port = 8000
) -> None:
    """Pools, and how many of their codes are free, reserved for rooms, given, expired, voided."""

    async def work(stores: Stores) -> None:
        table = Table("campaign", "pool", "free", "reserved", "given", "expired", "voided", box=None)
        for one in await pool_counts(stores.database, now(), CampaignId(campaign) if campaign else None):
            counts = (one.free, one.reserved, one.given, one.expired, one.voided)
            table.add_row(one.campaign, escape(one.name), *(f"{number:,}" for number in counts))
        print_table(table, "no code pools; make one with `gameserver codes import`")

    with_stores(port, work)


@cli.command("void")
def codes_void(
    pool: PoolArgument,
    code: Annotated[str, typer.Argument(help="The code.")],
    campaign: CampaignOption,
    reason: Reason,
    by: By = "",
    port: Port = 8000,
) -> None:
    """Takes a code out of use for good; who had it, or was to have it, gets another of the pool."""

    async def work(stores: Stores) -> None:
        voided = await void(
            stores.database, CampaignId(campaign), pool, code,
            staff=staff_name(by), reason=reason, at=now(),
        )  # fmt: skip
        if voided.place is None:
            out.print("voided; nobody had it")
        else:
            room, prize, unit = voided.place
            had = "has" if voided.given else "will have"
            out.print(f"voided; unit {unit} of {prize} in {room} {had} another code now")

    with_stores(port, work)


@cli.command("give")
def codes_give(
    room: Annotated[str, typer.Argument(help="A room's id, such as r42.")],
    prize: Annotated[str, typer.Argument(help="A prize's id.")],
    unit: Annotated[int, typer.Argument(min=1, help="The unit that was won.")],
    port: Port = 8000,
) -> None:
    """Gives a free code to a grant in state code_needed: its pool was empty when it was settled."""

    async def work(stores: Stores) -> None:
        await give_missing(stores.database, Place(room, prize, unit), now())
        out.print(f"unit {unit} of {prize} in {room} has a code")

    with_stores(port, work)
