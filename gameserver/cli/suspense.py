"""`gameserver ledger suspense`: spends that no purse could pay, for staff to collect or forgive."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.moments import now, shown
from gameserver.cli.moves import carry_out
from gameserver.cli.running import Port, Yes, print_table, with_stores
from gameserver.errors import Refused
from ledger_client.entry import Entry, Kind, derived_id

cli = typer.Typer(no_args_is_help=True, help="Spends that no purse could pay.")

AT_ONCE = 10_000
SuspendedArgument = Annotated[UUID, typer.Argument(help="The suspended entry's id.")]


@cli.command("list")
def list_(port: Port = 8000) -> None:
    """What waits, oldest first."""

    async def work(stores: Stores) -> None:
        table = Table("entry", "member", "points", "reason", "campaign", "room", "occurred", box=None)
        for one in await stores.ledger.suspended(AT_ONCE):
            table.add_row(
                str(one.entry_id), one.member, f"{one.amount:,}", one.reason, one.campaign, one.room,
                shown(one.occurred_at),
            )  # fmt: skip
        print_table(table, "nothing waits in suspense")

    with_stores(port, work)


@cli.command()
def collect(entry: SuspendedArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Takes the points from the member after all."""
    _resolve(port, yes, Kind.COLLECT, entry)


@cli.command("write-off")
def write_off(entry: SuspendedArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Forgives the member: the house pays."""
    _resolve(port, yes, Kind.WRITE_OFF, entry)


def _resolve(port: int, yes: bool, kind: Kind, id_: UUID) -> None:
    async def work(stores: Stores) -> None:
        waiting = await stores.ledger.suspended(AT_ONCE)
        for one in waiting:
            if one.entry_id == id_:
                break
        else:
            raise Refused("not_found", f"no entry {id_} waits in suspense")
        # the ledger resolves an entry once, whatever the id; a refusal may be tried again later
        entry = Entry(
            derived_id(f"staff|{kind}|{id_}|{now()}"), kind, one.member, one.campaign, one.room, one.amount,
            now(), 0, about=id_,
        )  # fmt: skip
        verb = "Collect" if kind is Kind.COLLECT else "Write off"
        await carry_out(stores.ledger, entry, f"{verb} {one.amount:,} points of {one.member}", yes)

    with_stores(port, work)
