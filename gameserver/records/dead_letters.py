"""Lines that could not be recorded as they came: kept whole, for a person to resolve."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.records.database import Database
from gameserver.records.tables import dead_letter as table


class Letter(NamedTuple):
    """Raw bytes from `source` (such as "r42.0") and why they were put aside."""

    source: str
    raw: bytes
    reason: str

    @property
    def id(self) -> bytes:
        """The same letter brought again is counted, not kept twice."""
        head = f"{self.source}|{self.reason}|".encode()
        return hashlib.sha256(head + self.raw).digest()


class DeadLetter(msgspec.Struct, frozen=True):
    """A letter on record; `attempts` is how often it was brought; times in ms."""

    id: bytes
    source: str
    raw: bytes
    reason: str
    attempts: int
    at: int
    resolved_at: int | None


async def bury(connection: AsyncConnection, letters: Sequence[Letter]) -> None:
    """Keeps the letters within the caller's transaction."""
    for letter in letters:
        kept = insert(table).values(id=letter.id, source=letter.source, raw=letter.raw, reason=letter.reason)
        again = kept.on_conflict_do_update(index_elements=["id"], set_={"attempts": table.c.attempts + 1})
        await connection.execute(again)


async def dead_letters(database: Database, limit: int = 1000) -> list[DeadLetter]:
    """The newest unresolved letters, newest first."""
    query = select(table).where(table.c.resolved_at.is_(None)).order_by(table.c.at.desc()).limit(limit)
    async with database.connect() as connection:
        return [DeadLetter(**row._mapping) for row in await connection.execute(query)]
