"""What the record has, counted: one side of every comparison that reconciliation makes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.games.game import PrizeId, RoomId
from gameserver.line import decode_line, purse_filled
from gameserver.records.database import Database, by_index
from gameserver.records.grants import Grant, grants_of_line, on_record
from gameserver.records.lanes import Lane
from gameserver.records.tables import dead_letter, facts
from ledger_client.embedded.batch import MISMATCH, UNSTORABLE
from ledger_client.embedded.deciding import PARKED

_A_QUERY = 5000
# what the ledger has put aside without an entry; it may be retried there, and counts as not decided
_ASIDE = [MISMATCH, UNSTORABLE, PARKED]
_PURSE_END = 1_000_000  # the ref of the line that closes a purse (store/lua/prelude/purse.lua)
_PAID = 0x99  # first byte of a line of nine fields: only one that was paid for has the ninth


class PrizeCount(NamedTuple):
    """Units first_unit..last_unit are lent; `units` of them are granted, up to `highest` (0: none)."""

    first_unit: int
    last_unit: int
    units: int
    highest: int


class StockCount(NamedTuple):
    """A lane's stock on record; `epoch` is the lane's now, 0 where it has no such lane.

    `owed`: those of the grants asked about, and of grants in dead letters, that are not on record.
    """

    epoch: int
    prizes: Mapping[PrizeId, PrizeCount]
    owed: Sequence[Grant]


class EntryCount(NamedTuple):
    """A room's grants that owe an entry: those the ledger has decided on, and all of them.

    `credited` points are on record as credited; what is not decided may bring them to `most`.
    """

    decided: int
    credited: int
    owed: int
    most: int


_EPOCH = text("select epoch from game.lane where room = :room and lane = :lane")
_LENT = text("""
    select prize, min(first_unit), max(last_unit) from game.lease
    where room = :room and lane = :lane and epoch = :epoch group by prize
""")
# grants by lines that came later: few, however many grants the room has. `offset 0`: see grants.py
_LATER = text("""
    select grants.prize, grants.unit from (
        select room, session, ref from game.facts
        where room = :room and lane = :lane and (ms, seq) > (:ms, :seq) offset 0
    ) as line join game.grants using (room, session, ref)
""")
_GRANTED = text("""
    select count(*) from game.grants where room = :room and prize = :prize and unit between :first and :last
""")
_HIGHEST = text("""
    select unit from game.grants where room = :room and prize = :prize and unit between :first and :last
    order by unit desc limit :most
""")


async def stock_count(
    database: Database, lane: Lane, last: tuple[int, int], unfinished: Sequence[Grant]
) -> StockCount:
    """What is granted of the units lent to the lane under its epoch, by lines up to `last` (ms, seq).

    `unfinished` are grants of lines up to `last` that may be on record or not yet. All is one moment.
    """
    values = {"room": lane.room, "lane": lane.lane, "epoch": lane.epoch, "ms": last[0], "seq": last[1]}
    async with database.connect() as connection:
        moment = await connection.execution_options(isolation_level="REPEATABLE READ")
        await by_index(moment)
        epoch: int | None = (await moment.execute(_EPOCH, values)).scalar_one_or_none()
        later: dict[PrizeId, set[int]] = {}
        for prize, unit in await moment.execute(_LATER, values):
            later.setdefault(prize, set()).add(unit)
        lent = (await moment.execute(_LENT, values)).all()
        prizes = {
            prize: await _prize_count(moment, lane.room, prize, first, last, later.get(prize, set()))
            for prize, first, last in lent
        }
        asked = {_place(grant): grant for grant in [*unfinished, *await _dead_grants(moment, lane)]}
        owed = await _not_on_record(moment, lane.room, list(asked.values()))
    return StockCount(epoch or 0, prizes, owed)


async def _prize_count(
    connection: AsyncConnection, room: RoomId, prize: PrizeId, first: int, last: int, later: set[int]
) -> PrizeCount:
    values = {"room": room, "prize": prize, "first": first, "last": last, "most": len(later) + 1}
    units = (await connection.execute(_GRANTED, values)).scalar_one()
    highest = (await connection.execute(_HIGHEST, values)).scalars()
    return PrizeCount(first, last, units - len(later), next((x for x in highest if x not in later), 0))


async def _dead_grants(connection: AsyncConnection, lane: Lane) -> list[Grant]:
    """Grants of lines that were put aside. Those of older epochs went with what Redis was then.

    A line that nobody can read names no units: what it granted stays a mismatch, for a person to see.
    """
    query = select(dead_letter.c.raw).where(dead_letter.c.source == lane.name)
    found = []
    for raw in (await connection.execute(query)).scalars():
        try:
            line = decode_line(raw)
        except msgspec.MsgspecError:
            continue
        found += [grant for grant in grants_of_line(lane.room, line) if grant.epoch == lane.epoch]
    return found


async def _not_on_record(connection: AsyncConnection, room: RoomId, given: Sequence[Grant]) -> list[Grant]:
    missing = []
    for first in range(0, len(given), _A_QUERY):
        part = given[first : first + _A_QUERY]
        held = await on_record(connection, room, part)
        missing += [grant for n, grant in enumerate(part) if n not in held]
    return missing


def _place(grant: Grant) -> tuple[str, int, int, str, int]:
    return grant.session, grant.ref, grant.line, grant.prize, grant.unit


_ENTRIES = text("""
    select count(*) filter (where decided), coalesce(sum(paid) filter (where settled), 0), count(*),
           coalesce(sum(case when settled then paid when decided then 0 else amount end), 0)
    from (
        select settled_at is not null as settled, amount, coalesce(credited, amount) as paid,
               settled_at is not null or coalesce(refused <> all(cast(:aside as text[])), false) as decided
        from game.grants where room = :room and entry_id is not null
    ) as owed
""")


async def entry_count(database: Database, room: RoomId) -> EntryCount:
    """What the room's grants owe the ledger, and what of it is decided."""
    async with database.connect() as connection:
        row = (await connection.execute(_ENTRIES, {"room": room, "aside": _ASIDE})).one()
    return EntryCount(*map(int, row))


async def paid_plays(database: Database, room: RoomId) -> int:
    """Plays of the room that cost points; reads all of its lines."""
    query = select(func.count()).where(facts.c.room == room, func.get_byte(facts.c.body, 0) == _PAID)
    async with database.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


async def fills_of(database: Database, room: RoomId, sessions: Sequence[str]) -> dict[tuple[str, int], int]:
    """Points that came into purses by (session of the purse, ref)."""
    query = select(facts.c.session, facts.c.ref, facts.c.body).where(
        facts.c.room == room, facts.c.session.in_(sessions), facts.c.ref < _PURSE_END
    )
    found = {}
    async with database.connect() as connection:
        for session, ref, body in await connection.execute(query):
            if filled := purse_filled(decode_line(body), body):
                found[session, ref] = filled.amount
    return found


# asked only when something is wrong: a scan will do
_CONCERNED = text("""
    select distinct named.key, room.id from (
        select entry_id::text as key, room from game.grants
        union all
        select 'member:' || member, room from game.grants
        union all
        select 'campaign:' || campaign, id from game.room
    ) as named join game.room on room.id = named.room
    where named.key = any(cast(:keys as text[])) and room.state in ('open', 'paused')
""")


async def rooms_concerned(database: Database, keys: Sequence[str]) -> list[tuple[str, RoomId]]:
    """(key, room) of the open and paused rooms that an entry's id, "member:m1" or "campaign:c1" is about."""
    async with database.connect() as connection:
        rows = await connection.execute(_CONCERNED, {"keys": list(keys)})
        return [(key, RoomId(room)) for key, room in rows]
