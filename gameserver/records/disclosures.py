"""Who has seen personal data in clear, and why. Times in ms."""

from typing import Any, NamedTuple

from sqlalchemy import Row, insert, select

from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.tables import disclosure as table


class Disclosure(NamedTuple):
    """One time that `staff` was shown what members of a room told, and why; its id is on every row shown."""

    id: int
    room: RoomId
    staff: str
    reason: str
    at: int


async def disclose(database: Database, room: RoomId, *, staff: str, reason: str, at: int) -> Disclosure:
    """Notes who is about to see personal data of a room in clear; it is on record when this returns."""
    values = {"room": room, "staff": staff, "reason": reason, "at": at}
    async with database.begin() as connection:
        return _disclosure((await connection.execute(insert(table).values(values).returning(*table.c))).one())


async def disclosures(
    database: Database, room: RoomId | None = None, id_: int | None = None, limit: int = 200
) -> list[Disclosure]:
    """The newest first: all, or those of one room, or the one with that id."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if room is not None:
        query = query.where(table.c.room == room)
    if id_ is not None:
        query = query.where(table.c.id == id_)
    async with database.connect() as connection:
        return [_disclosure(row) for row in await connection.execute(query)]


def _disclosure(row: Row[Any]) -> Disclosure:
    return Disclosure(row.id, row.room, row.staff, row.reason, row.at)
