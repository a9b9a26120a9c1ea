"""Callers: outside systems that may tell of events, each with a secret of its own."""

import secrets
from typing import Any

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from gameserver.errors import Refused
from gameserver.records.database import Database
from gameserver.records.tables import caller as table
from ledger_client.embedded.dead_letters import NOW

SECRET_BYTES = 32


class Caller(msgspec.Struct, frozen=True):
    """It signs with `secret` and may tell of `kinds` of events of `sources`; times in ms."""

    id: str
    secret: str
    sources: frozenset[str]
    kinds: frozenset[str]
    created_at: int
    revoked_at: int | None

    def may_tell(self, source: str, kind: str) -> bool:
        """Whether an event of this source and kind is its to tell."""
        return source in self.sources and kind in self.kinds


def _caller(row: Row[Any]) -> Caller:
    return Caller(**{**row._mapping, "sources": frozenset(row.sources), "kinds": frozenset(row.kinds)})


async def add_caller(database: Database, id_: str, sources: frozenset[str], kinds: frozenset[str]) -> Caller:
    """A new caller with a secret of 256 random bits.

    Raises Refused("caller_exists"), also where that one was revoked.
    """
    values = {
        "id": id_,
        "secret": secrets.token_hex(SECRET_BYTES),
        "sources": sorted(sources),
        "kinds": sorted(kinds),
    }
    query = insert(table).values(values).on_conflict_do_nothing().returning(*table.c)
    async with database.begin() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("caller_exists", f"there is a caller {id_!r} already")
    return _caller(row)


async def find_caller(database: Database, id_: str) -> Caller | None:
    """The caller, unless it is unknown or revoked."""
    if "\0" in id_:  # no text of PostgreSQL's
        return None
    query = select(table).where(table.c.id == id_, table.c.revoked_at.is_(None))
    async with database.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    return _caller(row) if row else None


async def list_callers(database: Database) -> list[Caller]:
    """All of them by name, the revoked too."""
    async with database.connect() as connection:
        return [_caller(row) for row in await connection.execute(select(table).order_by(table.c.id))]


async def revoke_caller(database: Database, id_: str) -> Caller:
    """Ends a caller for good, at once; again changes nothing. Raises Refused("not_found")."""
    known = select(table).where(table.c.id == id_)
    ended = update(table).where(table.c.id == id_, table.c.revoked_at.is_(None)).values(revoked_at=NOW)
    async with database.begin() as connection:
        await connection.execute(ended)
        row = (await connection.execute(known)).one_or_none()
    if row is None:
        raise Refused("not_found", f"there is no caller {id_!r}")
    return _caller(row)
