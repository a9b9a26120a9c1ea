"""Campaigns: what staff fund."""

import msgspec
from sqlalchemy import insert, select

from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records.database import Database
from gameserver.records.tables import campaign as table


class Campaign(msgspec.Struct, frozen=True):
    """`budget` in points, over all its rooms; `created_at` in ms."""

    id: CampaignId
    name: str
    budget: int
    created_at: int


async def create_campaign(database: Database, name: str, budget: int) -> Campaign:
    """A new campaign that may grant `budget` points, at least 0."""
    async with database.begin() as connection:
        row = (
            await connection.execute(insert(table).values(name=name, budget=budget).returning(*table.c))
        ).one()
    return Campaign(**row._mapping)


async def get_campaign(database: Database, campaign: CampaignId) -> Campaign:
    """Raises Refused("not_found")."""
    async with database.connect() as connection:
        row = (await connection.execute(select(table).where(table.c.id == campaign))).one_or_none()
    if row is None:
        raise Refused("not_found", f"there is no campaign {campaign!r}")
    return Campaign(**row._mapping)
