"""Lines that could not be recorded as they came."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from gameserver.records.database import Database
from gameserver.records.tables import dead_letter as table
from ledger_client.embedded.dead_letters import Letter, bury


class DeadLetter(msgspec.Struct, frozen=True):
    """A letter on record; `attempts` is how often it was brought; times in ms."""

    id: bytes
    source: str
    raw: bytes
    reason: str
    attempts: int
    at: int
    resolved_at: int | None


async def keep_letters(database: Database, letters: Sequence[Letter]) -> None:
    """Keeps letters by themselves."""
    async with database.begin() as connection:
        await bury(connection, table, letters)


async def dead_letters(database: Database, limit: int = 1000) -> list[DeadLetter]:
    """The newest unresolved letters, newest first."""
    query = select(table).where(table.c.resolved_at.is_(None)).order_by(table.c.at.desc()).limit(limit)
    async with database.connect() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query)]
