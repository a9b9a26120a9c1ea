"""What rooms have counted beside their record, as it stood when they ended."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from gameserver.figures import Figures
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.tables import figure as table


async def save_figures(database: Database, room: RoomId, figures: Figures) -> None:
    """Keeps the counts; repeated, each stays as it was highest."""
    kinds: dict[str, Mapping[str, int]] = {
        "views": figures.views,
        "online": {str(hour): most for hour, most in figures.online.items()},
        "refused": figures.refused,
    }
    rows = [
        {"room": room, "kind": kind, "key": key, "count": count}
        for kind, counts in kinds.items()
        for key, count in counts.items()
    ]
    if not rows:
        return
    insertion = insert(table)
    most = {"count": func.greatest(table.c.count, insertion.excluded.count)}
    async with database.begin() as connection:
        await connection.execute(
            insertion.on_conflict_do_update(index_elements=list(table.primary_key), set_=most), rows
        )


async def saved_figures(database: Database, room: RoomId) -> Figures:
    """The counts as they were kept; none of a room that has not ended."""
    kinds: dict[str, dict[str, int]] = {"views": {}, "online": {}, "refused": {}}
    async with database.connect() as connection:
        query = select(table.c.kind, table.c.key, table.c.count).where(table.c.room == room)
        for kind, key, count in await connection.execute(query):
            kinds[kind][key] = count
    online = {int(hour): most for hour, most in kinds["online"].items()}
    return Figures(kinds["views"], online, kinds["refused"])
