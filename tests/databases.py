"""Databases of one test alone, beside the one that all share; and all that is in a schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gameserver.records.database import connect

Contents = dict[str, list[str]]
"""Each table's rows as text, sorted."""

_TABLES = text("select tablename from pg_tables where schemaname = :schema order by tablename")


@asynccontextmanager
async def empty_database(beside: AsyncEngine, name: str) -> AsyncIterator[str]:
    """The address of a new database on the same server; it is dropped at the end."""
    await _autocommit(beside, f"drop database if exists {name} with (force)", f"create database {name}")
    try:
        yield beside.url.set(database=name).render_as_string(hide_password=False)
    finally:
        await _autocommit(beside, f"drop database {name} with (force)")


@asynccontextmanager
async def connected(beside: AsyncEngine, name: str) -> AsyncIterator[AsyncEngine]:
    """An empty database, connected to."""
    async with empty_database(beside, name) as url:
        database = connect(url)
        try:
            yield database
        finally:
            await database.dispose()


async def contents(database: AsyncEngine, schema: str) -> Contents:
    async with database.connect() as connection:
        tables = (await connection.execute(_TABLES, {"schema": schema})).scalars().all()
        return {
            table: sorted(
                (await connection.execute(text(f"select t::text from {schema}.{table} t"))).scalars()
            )
            for table in tables
        }


async def _autocommit(database: AsyncEngine, *statements: str) -> None:
    async with database.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await autocommit.execute(text(statement))
