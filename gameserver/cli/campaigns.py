"""`gameserver campaign`: funding campaigns, and the rules by which outside events earn in them."""

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.running import Port, out, read_file, with_stores
from gameserver.earning import EXAMPLE, Rules
from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records.campaigns import (
    RulesVersion,
    get_campaign,
    get_rules,
    list_campaigns,
    points_of_rooms,
)
from gameserver.staff import campaigns

cli = typer.Typer(no_args_is_help=True, help="Fund campaigns, and set how outside events earn in them.")

CampaignArgument = Annotated[str, typer.Argument(help="A campaign's id, such as c7.")]
MAX_POINTS = 10**12


@cli.command("create")
def campaign_create(
    name: Annotated[str, typer.Argument(help="As staff call it.")],
    budget: Annotated[int, typer.Option(min=0, max=MAX_POINTS, help="Points in all.")],
    events: Annotated[
        int, typer.Option(min=0, max=MAX_POINTS, help="Points of these set aside for outside events.")
    ] = 0,
    port: Port = 8000,
) -> None:
    """Makes a funded campaign and prints its id."""

    async def work(stores: Stores) -> None:
        print((await campaigns.create(stores.database, stores.ledger, name, budget, events)).id)

    with_stores(port, work)


@cli.command("list")
def campaign_list(port: Port = 8000) -> None:
    """Campaigns, newest first."""

    async def work(stores: Stores) -> None:
        found = await list_campaigns(stores.database)
        if not found:
            out.print("no campaigns; make one with `gameserver campaign create`")
            return
        table = Table("campaign", "name", "budget", "for events", "given to events", box=None)
        for one in found:
            points = (one.budget, one.events_budget, one.events_taken)
            table.add_row(one.id, escape(one.name), *(f"{number:,}" for number in points))
        out.print(table)

    with_stores(port, work)


@cli.command("show")
def campaign_show(campaign: CampaignArgument, port: Port = 8000) -> None:
    """A campaign's points and rules, as JSON."""

    async def work(stores: Stores) -> None:
        found = await get_campaign(stores.database, CampaignId(campaign))
        shown = {
            **msgspec.to_builtins(found),
            "rooms_promised": await points_of_rooms(stores.database, found.id),
            "rules": await _rules_of(stores, found.id),
        }
        _print(shown)

    with_stores(port, work)


async def _rules_of(stores: Stores, campaign: CampaignId) -> dict[str, Any] | None:
    try:
        return _shown(await get_rules(stores.database, campaign))
    except Refused:
        return None


@cli.command("fund")
def campaign_fund(
    campaign: CampaignArgument,
    budget: Annotated[
        int | None, typer.Option(min=0, max=MAX_POINTS, help="Points in all from now on; it only rises.")
    ] = None,
    events: Annotated[
        int | None, typer.Option(min=0, max=MAX_POINTS, help="Points of these set aside for outside events.")
    ] = None,
    port: Port = 8000,
) -> None:
    """Raises a campaign's budget, or changes what of it is for outside events. May be repeated."""

    async def work(stores: Stores) -> None:
        before = await get_campaign(stores.database, CampaignId(campaign))
        funded = await campaigns.fund(
            stores.database,
            stores.ledger,
            before.id,
            before.budget if budget is None else budget,
            before.events_budget if events is None else events,
        )
        out.print(f"{campaign} has {funded.budget:,} points, {funded.events_budget:,} of them for events")

    with_stores(port, work)


@cli.command("rules")
def campaign_rules(
    campaign: Annotated[str, typer.Argument(help="A campaign's id, such as c7.")] = "",
    file: Annotated[Path | None, typer.Option(help="Sets these rules: a JSON file, or `-`.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Shows an earlier version.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Prints the JSON Schema of such a file.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Prints a valid file.")] = False,
    port: Port = 8000,
) -> None:
    """Shows a campaign's rules; with --file sets new ones and prints their version."""
    if schema or example:
        _print(msgspec.json.schema(Rules) if schema else msgspec.to_builtins(EXAMPLE, order="deterministic"))
        return
    if not campaign:
        raise typer.BadParameter("say which campaign, or --schema or --example")
    rules = campaigns.rules_from(read_file(file)) if file else None

    async def work(stores: Stores) -> None:
        if rules:
            set_ = await campaigns.set_rules(stores.database, stores.ledger, CampaignId(campaign), rules)
            out.print(f"{campaign} has version {set_.version} of its rules")
        else:
            _print(_shown(await get_rules(stores.database, CampaignId(campaign), version)))

    with_stores(port, work)


def _shown(version: RulesVersion) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(version, order="deterministic")
    return shown


def _print(shown: Any) -> None:
    print(json.dumps(shown, ensure_ascii=False, indent=2))
