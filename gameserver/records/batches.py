"""One batch of lines into the record: facts, grants and the lane's position, all or nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.line import PlacedLine
from gameserver.records.database import Database, by_index, passes
from gameserver.records.facts import insert_facts
from gameserver.records.fulfilment import fulfil
from gameserver.records.goods import NO_GOODS, Goods
from gameserver.records.grants import Grant, grants_of_line, insert_grants
from gameserver.records.lanes import Lane, advance, lock_lane
from gameserver.records.tables import dead_letter
from ledger_client.embedded.dead_letters import Letter, bury

LINE_MISMATCH = "line_mismatch"
UNIT_CONFLICT = "unit_conflict"
UNRECORDABLE = "unrecordable"


class Recorded(NamedTuple):
    """The batch's grants and lines that stand in the record, and what had to be put aside."""

    grants: list[Grant]
    letters: list[Letter]
    lines: list[PlacedLine]


async def record(
    database: Database,
    lane: Lane,
    lines: Sequence[PlacedLine],
    letters: Sequence[Letter] = (),
    goods: Goods = NO_GOODS,
) -> Recorded:
    """Writes a batch; the same batch again changes nothing and returns the same grants.

    With the grants of `goods` their fulfilment begins, and codes are given.

    A line whose (session, ref) is on record with other bytes is put aside whole, as is one that
    PostgreSQL will not store; a grant whose unit (or whose place in its line) belongs to another is put
    aside alone. `letters` are kept with them.

    Raises StaleEpoch when the lane has a newer epoch.
    """
    async with database.begin() as connection:
        await by_index(connection)
        held = await lock_lane(connection, lane)
        distinct, repeated = _distinct(lines)
        recorded = Recorded([], [*letters, *(_mismatch(lane, line) for line in repeated)], [])
        if distinct:
            written = await _write_or_bisect(connection, lane, distinct, goods)
            recorded = Recorded(written.grants, recorded.letters + written.letters, written.lines)
            await advance(connection, held, max(line.position[:2] for line in distinct))
        await bury(connection, dead_letter, recorded.letters)
    return recorded


async def _write_or_bisect(
    connection: AsyncConnection, lane: Lane, lines: Sequence[PlacedLine], goods: Goods
) -> Recorded:
    """Writes lines; one that the database will not store is found and put aside alone."""
    try:
        async with connection.begin_nested():
            return await _write(connection, lane, lines, goods)
    except DBAPIError as error:
        if passes(error):
            raise
        if len(lines) == 1:
            return Recorded([], [Letter(lane.name, lines[0].body, f"{UNRECORDABLE}: {_cause(error)}")], [])
        middle = len(lines) // 2
        left = await _write_or_bisect(connection, lane, lines[:middle], goods)
        right = await _write_or_bisect(connection, lane, lines[middle:], goods)
        return Recorded(left.grants + right.grants, left.letters + right.letters, left.lines + right.lines)


async def _write(
    connection: AsyncConnection, lane: Lane, lines: Sequence[PlacedLine], goods: Goods
) -> Recorded:
    others = await insert_facts(connection, lane, lines)
    standing = [placed for n, placed in enumerate(lines) if n not in others]
    owed = [(placed, grant) for placed in standing for grant in grants_of_line(lane.room, placed.line)]
    lost = await insert_grants(connection, lane.room, [grant for _, grant in owed]) if owed else set()
    granted = [grant for n, (_, grant) in enumerate(owed) if n not in lost]
    if goods:
        await fulfil(connection, lane.room, goods, granted)
    return Recorded(
        granted,
        [
            *(_mismatch(lane, lines[n]) for n in sorted(others)),
            *(_conflict(lane, *owed[n]) for n in sorted(lost)),
        ],
        standing,
    )


def _distinct(lines: Sequence[PlacedLine]) -> tuple[list[PlacedLine], list[PlacedLine]]:
    """The first line of each (session, ref), and later ones of the same name with other bytes."""
    first: dict[tuple[str, int], PlacedLine] = {}
    repeated = [
        placed
        for placed in lines
        if first.setdefault((placed.line.session, placed.line.ref), placed).body != placed.body
    ]
    return list(first.values()), repeated


def _cause(error: DBAPIError) -> str:
    """The kind of a driver's error; its text may hold what cannot be stored."""
    source = error.orig and error.orig.__cause__
    return type(source or error).__name__


def _mismatch(lane: Lane, placed: PlacedLine) -> Letter:
    return Letter(lane.name, placed.body, LINE_MISMATCH)


def _conflict(lane: Lane, placed: PlacedLine, grant: Grant) -> Letter:
    return Letter(lane.name, placed.body, f"{UNIT_CONFLICT}: {grant.prize}/{grant.unit} of line {grant.line}")
