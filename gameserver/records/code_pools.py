"""Code pools: a campaign's codes, as they are imported, counted and voided. Times in ms."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.personal import Place
from gameserver.records.database import Database
from gameserver.records.tables import code as table
from gameserver.records.tables import code_pool
from ledger_client.embedded.arrays import numbers, texts, unnest

# codes that may be reserved or given: of :campaign and :pool, valid beyond :until
FREE = """
    campaign = :campaign and pool = :pool and room is null and voided_at is null
    and (expires_at is null or expires_at > :until)
"""


class NewCode(NamedTuple):
    """A code as it is imported; `expires_at` None: never."""

    code: str
    expires_at: int | None


class PoolCount(msgspec.Struct, frozen=True):
    """A pool's codes: `free` ones may be reserved, `expired` ones were never given."""

    campaign: CampaignId
    name: str
    free: int
    reserved: int
    given: int
    expired: int
    voided: int


class Voided(NamedTuple):
    """What was voided: the unit that it was for, if any, and the code that is there instead."""

    place: Place | None
    given: bool
    replacement: str | None


async def lock_pool(connection: AsyncConnection, campaign: CampaignId, pool: str, *, make: bool) -> None:
    """Locks a pool until the transaction ends; makes it where `make` says so.

    Raises Refused("not_found") without the campaign, or without the pool.
    """
    key = {"campaign": campaign, "name": pool}
    if make:
        try:
            async with connection.begin_nested():
                await connection.execute(insert(code_pool).values(key).on_conflict_do_nothing())
        except IntegrityError:
            raise Refused("not_found", f"there is no campaign {campaign!r}") from None
    query = select(code_pool.c.name).filter_by(**key).with_for_update()
    if (await connection.execute(query)).scalar_one_or_none() is None:
        raise Refused("not_found", f"campaign {campaign} has no pool {pool!r}")


_ADD = text(f"""
    insert into game.code (campaign, pool, code, expires_at)
    select cast(:campaign as text), cast(:pool as text), given.*
    from {unnest(code="text", expires_at="bigint")} as given
    on conflict do nothing returning code
""")


async def add_codes(
    connection: AsyncConnection, campaign: CampaignId, pool: str, codes: Sequence[NewCode]
) -> set[str]:
    """Adds codes to a pool that is locked, in order; returns those that it had before."""
    values = {
        "campaign": campaign,
        "pool": pool,
        "code": texts([one.code for one in codes]),
        "expires_at": numbers([one.expires_at for one in codes]),
    }
    added = set((await connection.execute(_ADD, values)).scalars())
    return {one.code for one in codes} - added


_VOID = text("""
    update game.code set voided_at = :at, staff = :staff, reason = :reason where id = :id
""")
_REPLACE = text(f"""
    update game.code set room = :room, prize = :prize, unit = :unit, given_at = :given_at
    where id = (select id from game.code where {FREE} order by id limit 1)
    returning code
""")


async def void(
    database: Database, campaign: CampaignId, pool: str, code: str, *, staff: str, reason: str, at: int
) -> Voided:
    """Takes a code out of use for good; a unit that it was for gets another in the same moment.

    Raises Refused: not_found, bad_state (it is voided), too_few_codes (none to give instead: nothing is
    changed).
    """
    async with database.begin() as connection:
        await lock_pool(connection, campaign, pool, make=False)
        query = select(table).filter_by(campaign=campaign, pool=pool, code=code).with_for_update()
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise Refused("not_found", f"pool {pool!r} has no such code")
        if row.voided_at is not None:
            raise Refused("bad_state", "the code is voided already")
        await connection.execute(_VOID, {"id": row.id, "staff": staff, "reason": reason, "at": at})
        if row.room is None:
            return Voided(None, False, None)
        place = Place(row.room, row.prize, row.unit)
        values = {"campaign": campaign, "pool": pool, "until": at, **place._asdict()}
        given_at = None if row.given_at is None else at
        other = (await connection.execute(_REPLACE, {**values, "given_at": given_at})).scalar_one_or_none()
        if other is None:
            raise Refused("too_few_codes", f"pool {pool!r} has 0 free codes; 1 is needed instead")
        return Voided(place, row.given_at is not None, other)


async def pool_counts(database: Database, at: int, campaign: CampaignId | None = None) -> list[PoolCount]:
    """All pools, or those of one campaign, by campaign and name; `at` tells what has expired."""
    unused = table.c.room.is_(None) & table.c.voided_at.is_(None)
    expired = func.coalesce(table.c.expires_at <= at, False)
    counts = {
        "free": unused & ~expired & table.c.id.is_not(None),
        "reserved": table.c.room.is_not(None) & table.c.given_at.is_(None) & table.c.voided_at.is_(None),
        "given": table.c.given_at.is_not(None) & table.c.voided_at.is_(None),
        "expired": unused & expired & table.c.id.is_not(None),
        "voided": table.c.voided_at.is_not(None),
    }
    key = (code_pool.c.campaign, code_pool.c.name)
    same = (table.c.campaign == key[0]) & (table.c.pool == key[1])
    query = (
        select(*key, *(func.count().filter(condition).label(name) for name, condition in counts.items()))
        .outerjoin(table, same)
        .group_by(*key)
        .order_by(func.length(key[0]), *key)
    )
    if campaign is not None:
        query = query.where(key[0] == campaign)
    async with database.connect() as connection:
        return [PoolCount(**row._mapping) for row in await connection.execute(query)]
