"""`gameserver caller`: the outside systems that may tell of events."""

import re
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.running import Port, err, out, with_stores
from gameserver.records.callers import add_caller, list_callers, revoke_caller

cli = typer.Typer(
    no_args_is_help=True, help="Outside systems that may tell of purchases, sign-ins and so on."
)

CallerArgument = Annotated[str, typer.Argument(help="The caller's id: letters, digits, . _ -")]


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", value):
        raise typer.BadParameter("1 to 40 letters, digits, . _ -")
    return value


def _kinds(values: list[str]) -> list[str]:
    for value in values:
        if not re.fullmatch(r"[a-z_]{1,32}", value):
            raise typer.BadParameter("1 to 32 small letters and _, such as purchase")
    return values


def _sources(values: list[str]) -> list[str]:
    return [_name(value) for value in values]


@cli.command("add")
def caller_add(
    caller: Annotated[str, typer.Argument(help="Its id: letters, digits, . _ -", callback=_name)],
    source: Annotated[
        list[str], typer.Option(help="A system that it speaks for; may be repeated.", callback=_sources)
    ],
    kind: Annotated[
        list[str],
        typer.Option(
            help="A kind of event that it may tell of (return, freeze, thaw too); may be repeated.",
            callback=_kinds,
        ),
    ],
    port: Port = 8000,
) -> None:
    """Adds a caller and prints its secret, once: nobody can show it again."""

    async def work(stores: Stores) -> None:
        added = await add_caller(stores.database, caller, frozenset(source), frozenset(kind))
        err.print(f"{caller} signs with this secret, which is shown only now:")
        print(added.secret)

    with_stores(port, work)


@cli.command("list")
def caller_list(port: Port = 8000) -> None:
    """Callers by name, without their secrets."""

    async def work(stores: Stores) -> None:
        found = await list_callers(stores.database)
        if not found:
            out.print("no callers; add one with `gameserver caller add`")
            return
        table = Table("caller", "sources", "kinds", "added", "revoked", box=None)
        for one in found:
            lists = (", ".join(sorted(one.sources)), ", ".join(sorted(one.kinds)))
            table.add_row(one.id, *lists, _moment(one.created_at), _moment(one.revoked_at))
        out.print(table)

    with_stores(port, work)


@cli.command("revoke")
def caller_revoke(caller: CallerArgument, port: Port = 8000) -> None:
    """Ends a caller for good, at once; what it told stays."""

    async def work(stores: Stores) -> None:
        await revoke_caller(stores.database, caller)
        out.print(f"{caller} is revoked")

    with_stores(port, work)


def _moment(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000).astimezone().isoformat(timespec="seconds")
