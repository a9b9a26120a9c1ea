"""Campaigns: what staff fund, and the rules by which outside events earn in them."""

from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.earning import Rules
from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records.database import Database
from gameserver.records.rooms import lock_campaign, promised
from gameserver.records.tables import campaign as table
from gameserver.records.tables import campaign_rules


class Campaign(msgspec.Struct, frozen=True):
    """`budget` in points; `events_budget` of it is set aside for outside events, the rest is for its rooms.

    `events_taken` of the events' budget is given or promised to members; `created_at` in ms.
    """

    id: CampaignId
    name: str
    budget: int
    created_at: int
    events_budget: int
    events_taken: int


class RulesVersion(msgspec.Struct, frozen=True):
    """Rules of a campaign as they were set at `at` (ms); versions count from 1."""

    campaign: CampaignId
    version: int
    rules: Rules
    at: int


async def create_campaign(database: Database, name: str, budget: int, events_budget: int = 0) -> Campaign:
    """A new campaign of `budget` points, at least 0, `events_budget` of them for outside events."""
    values = {"name": name, "budget": budget, "events_budget": events_budget}
    async with database.begin() as connection:
        row = (await connection.execute(insert(table).values(values).returning(*table.c))).one()
    return Campaign(**row._mapping)


async def get_campaign(database: Database, campaign: CampaignId) -> Campaign:
    """Raises Refused("not_found")."""
    async with database.connect() as connection:
        row = (await connection.execute(select(table).where(table.c.id == campaign))).one_or_none()
    if row is None:
        raise Refused("not_found", f"there is no campaign {campaign!r}")
    return Campaign(**row._mapping)


async def list_campaigns(database: Database, limit: int = 1000) -> list[Campaign]:
    """The newest `limit` campaigns, newest first."""
    newest = (table.c.created_at.desc(), func.length(table.c.id).desc(), table.c.id.desc())
    async with database.connect() as connection:
        rows = await connection.execute(select(table).order_by(*newest).limit(limit))
        return [Campaign(**row._mapping) for row in rows]


async def points_of_rooms(database: Database, campaign: CampaignId) -> int:
    """What the campaign's opened rooms can grant at most."""
    async with database.connect() as connection:
        return await promised(connection, campaign)


def check_budget(campaign: Campaign, for_rooms: int, budget: int, events_budget: int) -> None:
    """Raises Refused("budget_too_small") where a new budget breaks what was funded or promised before."""
    if budget < campaign.budget:
        why = f"the campaign has {campaign.budget} points, and a budget only rises"
    elif events_budget < campaign.events_taken:
        why = f"outside events were given {campaign.events_taken} points already"
    elif events_budget + for_rooms > budget:
        why = f"{budget} points are less than {events_budget} for events and {for_rooms} of open rooms"
    else:
        return
    raise Refused("budget_too_small", why)


async def set_budget(database: Database, campaign: CampaignId, budget: int, events_budget: int) -> Campaign:
    """Raises the budget, and sets aside `events_budget` of it for outside events.

    Raises Refused: not_found, budget_too_small (see `check_budget`).
    """
    async with database.begin() as connection:
        await lock_campaign(connection, campaign)
        row = (await connection.execute(select(table).where(table.c.id == campaign))).one()
        check_budget(Campaign(**row._mapping), await promised(connection, campaign), budget, events_budget)
        query = update(table).where(table.c.id == campaign).returning(*table.c)
        changed = await connection.execute(query.values(budget=budget, events_budget=events_budget))
        return Campaign(**changed.one()._mapping)


async def set_rules(database: Database, campaign: CampaignId, rules: Rules) -> RulesVersion:
    """The next version of a campaign's rules; the newest itself where it says the same already.

    Raises Refused("not_found").
    """
    async with database.begin() as connection:
        await lock_campaign(connection, campaign)
        newest = (await rules_of(connection, [campaign])).get(campaign)
        if newest is not None and newest.rules == rules:
            return newest
        values = {
            "campaign": campaign,
            "version": newest.version + 1 if newest else 1,
            "earning": msgspec.to_builtins(rules.earning),
            "terms": msgspec.to_builtins(rules.terms),
        }
        query = insert(campaign_rules).values(values).returning(*campaign_rules.c)
        return _version((await connection.execute(query)).one())


async def get_rules(database: Database, campaign: CampaignId, version: int | None = None) -> RulesVersion:
    """One version of a campaign's rules, by default the newest. Raises Refused("not_found")."""
    query = select(campaign_rules).where(campaign_rules.c.campaign == campaign)
    if version is not None:
        query = query.where(campaign_rules.c.version == version)
    async with database.connect() as connection:
        row = (
            await connection.execute(query.order_by(campaign_rules.c.version.desc()).limit(1))
        ).one_or_none()
    if row is None:
        wanted = "rules" if version is None else f"version {version} of its rules"
        raise Refused("not_found", f"campaign {campaign!r} has no {wanted}")
    return _version(row)


async def rules_of(
    connection: AsyncConnection, campaigns: list[CampaignId]
) -> dict[CampaignId, RulesVersion]:
    """The newest rules of those of `campaigns` that have any."""
    of = campaign_rules.c
    query = (
        select(campaign_rules)
        .where(of.campaign.in_(campaigns))
        .ext(distinct_on(of.campaign))
        .order_by(of.campaign, of.version.desc())
    )
    return {row.campaign: _version(row) for row in await connection.execute(query)}


def _version(row: Row[Any]) -> RulesVersion:
    rules = msgspec.convert({"earning": row.earning, "terms": row.terms}, Rules)
    return RulesVersion(row.campaign, row.version, rules, row.at)
