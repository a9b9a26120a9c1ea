"""Lines that could not be recorded as they came."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select, update

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


async def letters_of(database: Database, source: str, raw: bytes) -> dict[bytes, int]:
    """How often these bytes of a source were brought, by unresolved letter: one for each reason."""
    query = select(table.c.id, table.c.attempts).where(
        table.c.source == source, table.c.raw == raw, table.c.resolved_at.is_(None)
    )
    async with database.connect() as connection:
        return {row.id: row.attempts for row in await connection.execute(query)}


async def resolve_letters(database: Database, ids: Sequence[bytes], at: int) -> None:
    """Marks letters as dealt with at `at` (ms)."""
    query = update(table).where(table.c.id.in_(ids), table.c.resolved_at.is_(None)).values(resolved_at=at)
    async with database.begin() as connection:
        await connection.execute(query)
