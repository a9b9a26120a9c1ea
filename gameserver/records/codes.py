"""Codes of prizes: each code goes to one unit of a prize, each unit has one code.

Opening a room gives every unit its code, unseen; who wins the unit has it. So giving one is a note on a
row that is known already: nobody looks for a free code at the same time as another, and doing it again
changes nothing. Times in ms.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import CampaignId, PrizeId, RoomId
from gameserver.personal import Place
from gameserver.records.code_pools import FREE, lock_pool
from gameserver.records.database import Database
from gameserver.records.goods import Goods, goods_of
from gameserver.records.tables import code_pool, code_reservation
from gameserver.records.tables import room as rooms
from ledger_client.embedded.arrays import numbers, texts, unnest

log = structlog.get_logger()


class UnitWon(NamedTuple):
    """A unit that is granted, at which time."""

    prize: PrizeId
    unit: int
    at: int


_COUNT_FREE = text(f"select count(*) from game.code where {FREE}")
_RESERVE = text(f"""
    update game.code set room = :room, prize = :prize, unit = free.unit
    from (
        select id, row_number() over (order by id) as unit
        from (select id from game.code where {FREE} order by id limit :units) as first
    ) as free
    where code.id = free.id
""")


async def reserve(
    connection: AsyncConnection,
    campaign: CampaignId,
    room: RoomId,
    config: Mapping[str, Any],
    stock: Mapping[PrizeId, int],
    at: int,
) -> None:
    """Gives each unit of a room's prizes its code, in the transaction that opens the room.

    Codes that expire before the room's `closes_at` are left alone. Raises Refused("too_few_codes") with
    both numbers.
    """
    wanted: dict[str, list[PrizeId]] = {}
    for prize, good in goods_of(config).items():
        if good.pool and stock.get(prize):
            wanted.setdefault(good.pool, []).append(prize)
    until = max(at, _closing(config))
    for pool in sorted(wanted):  # the same order for all: no circle of locks
        of_pool = {"campaign": campaign, "pool": pool, "until": until}
        try:
            await lock_pool(connection, campaign, pool, make=False)
        except Refused as refused:
            raise Refused("too_few_codes", refused.message) from None
        units = sum(stock[prize] for prize in wanted[pool])
        free = (await connection.execute(_COUNT_FREE, of_pool)).scalar_one()
        if free < units:
            raise Refused("too_few_codes", f"pool {pool!r} has {free} free codes; the room needs {units}")
        for prize in wanted[pool]:
            await connection.execute(
                _RESERVE, {**of_pool, "room": room, "prize": prize, "units": stock[prize]}
            )
    if wanted:
        await connection.execute(insert(code_reservation).values(room=room))


def _closing(config: Mapping[str, Any]) -> int:
    closes_at = config.get("closes_at")
    return round(datetime.fromisoformat(closes_at).timestamp() * 1000) if closes_at else 0


# each code is looked up by itself: of a room that has just opened PostgreSQL knows nothing, would take its
# codes for none, and read all of them once per unit
_GIVE = text(f"""
    update game.code set given_at = given.at
    from (
        select given.at, (
            select id from game.code
            where room = :room and prize = given.prize and unit = given.unit and voided_at is null
        ) as id
        from {unnest(prize="text", unit="bigint", at="bigint")} as given (prize, unit, at) offset 0
    ) as given
    where code.id = given.id and code.given_at is null
""")
_WITHOUT = text(f"""
    select given.prize, given.unit, given.at
    from {unnest(prize="text", unit="bigint", at="bigint")} as given (prize, unit, at)
    where not exists (
        select from game.code
        where room = :room and code.prize = given.prize and code.unit = given.unit and voided_at is null
    )
""")
_ASSIGN = text(f"""
    update game.code set room = :room, prize = wanted.prize, unit = wanted.unit, given_at = wanted.at
    from (
        select id, row_number() over (order by id) as n
        from (select id from game.code where {FREE} order by id limit :units) as first
    ) as free join (
        select given.*, row_number() over () as n
        from {unnest(prize="text", unit="bigint", at="bigint")} as given (prize, unit, at)
    ) as wanted using (n)
    where code.id = free.id
    returning code.code
""")


async def give(connection: AsyncConnection, room: RoomId, goods: Goods, won: Sequence[UnitWon]) -> None:
    """Notes that units of prizes with a pool are won: their codes are given now. Repeatable.

    A unit that has no code gets a free one: its room was over, and what it had not given was given back.
    """
    given = await connection.execute(_GIVE, {"room": room, **_columns(won)})
    if given.rowcount < len(won):
        rows = await connection.execute(_WITHOUT, {"room": room, **_columns(won)})
        if late := [UnitWon(*row) for row in rows]:
            await _give_late(connection, room, goods, late)


async def _give_late(
    connection: AsyncConnection, room: RoomId, goods: Goods, late: Sequence[UnitWon]
) -> None:
    query = select(rooms.c.campaign).where(rooms.c.id == room)
    campaign = (await connection.execute(query)).scalar_one()
    for pool in sorted({goods[one.prize].pool or "" for one in late}):
        of_pool = [one for one in late if goods[one.prize].pool == pool]
        given = await _assign(connection, campaign, pool, room, of_pool, max(one.at for one in of_pool))
        if len(given) < len(of_pool):
            log.error("grants without a code", room=room, pool=pool, units=len(of_pool) - len(given))


async def _assign(
    connection: AsyncConnection,
    campaign: CampaignId,
    pool: str,
    room: str,
    units: Sequence[UnitWon],
    until: int,
) -> list[str]:
    """Gives free codes to units that have none, as far as there are any; the codes."""
    key = select(code_pool.c.name).filter_by(campaign=campaign, name=pool).with_for_update()
    await connection.execute(key)
    values = {"campaign": campaign, "pool": pool, "until": until, "room": room, "units": len(units)}
    return [*(await connection.execute(_ASSIGN, {**values, **_columns(units)})).scalars()]


def _columns(units: Sequence[UnitWon]) -> dict[str, str]:
    return {
        "prize": texts([one.prize for one in units]),
        "unit": numbers([one.unit for one in units]),
        "at": numbers([one.at for one in units]),
    }


async def give_missing(database: Database, place: Place, at: int) -> str:
    """A free code to a grant that has none, as `give` would have; the code.

    Raises Refused: not_found (no such grant of a prize with a pool), bad_state (it has one),
    too_few_codes.
    """
    async with database.begin() as connection:
        row = (await connection.execute(_GRANTED, place._asdict())).one_or_none()
        pool = goods_of(row.config).get(PrizeId(place.prize)) if row else None
        if row is None or pool is None or pool.pool is None:
            raise Refused("not_found", f"no code is owed to {place.room} {place.prize} {place.unit}")
        await lock_pool(connection, row.campaign, pool.pool, make=False)
        won = [UnitWon(PrizeId(place.prize), place.unit, at)]
        if not (await connection.execute(_WITHOUT, {"room": place.room, **_columns(won)})).all():
            raise Refused("bad_state", "the grant has a code")
        given = await _assign(connection, row.campaign, pool.pool, place.room, won, at)
        if not given:
            raise Refused("too_few_codes", f"pool {pool.pool!r} has 0 free codes; 1 is needed")
        return given[0]


_GRANTED = text("""
    select room.campaign, room.config from game.grants join game.room on room.id = grants.room
    where grants.room = :room and prize = :prize and unit = :unit
""")
_HELD = text("""
    select room.id from game.code_reservation join game.room on room.id = code_reservation.room
    where returned_at is null and state = 'closed' and closed_at < :before
      and not exists (
          select from game.dead_letter where resolved_at is null and starts_with(source, room.id || '.')
      )
""")
_GIVE_BACK = text("""
    update game.code set room = null, prize = null, unit = null
    where room = :room and given_at is null and voided_at is null
""")
_RETURNED = text(
    "update game.code_reservation set returned_at = :at where room = :room and returned_at is null"
)


async def rooms_holding_codes(database: Database, before: int) -> list[RoomId]:
    """Rooms that were closed before `before`, have nothing put aside, and hold codes yet."""
    async with database.connect() as connection:
        return [RoomId(room) for room in (await connection.execute(_HELD, {"before": before})).scalars()]


async def give_back(database: Database, room: RoomId, at: int) -> int:
    """Frees what a room reserved and has not given; how many codes that were."""
    async with database.begin() as connection:
        if not (await connection.execute(_RETURNED, {"room": room, "at": at})).rowcount:
            return 0
        return (await connection.execute(_GIVE_BACK, {"room": room})).rowcount
