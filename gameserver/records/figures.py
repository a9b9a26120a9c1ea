"""What rooms have counted beside their record, as far as it was kept."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gameserver.figures import Counted, Counts
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.tables import figure as table


async def save_figures(database: Database, room: RoomId, counts: Counts) -> None:
    """Keeps the counts; repeated, each stays as it was highest."""
    rows = [
        {"room": room, **counted._asdict(), "count": count}
        for counted, count in sorted(counts.items())  # in one order: several processes do this at once
    ]
    if not rows:
        return
    insertion = insert(table)
    insertion = insertion.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"count": insertion.excluded.count},
        where=table.c.count < insertion.excluded.count,
    )
    async with database.begin() as connection:
        await connection.execute(insertion, rows)


async def saved_figures(database: Database, room: RoomId) -> Counts:
    """The counts as they were kept."""
    query = select(table.c.kind, table.c.key, table.c.since, table.c.count).where(table.c.room == room)
    async with database.connect() as connection:
        return {
            Counted(kind, key, since): count for kind, key, since, count in await connection.execute(query)
        }
