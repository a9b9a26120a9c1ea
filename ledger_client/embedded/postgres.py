"""What every schema in PostgreSQL needs: migrations by one node at a time, and which errors pass."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_PASSING_CLASSES = frozenset(
    {
        "08",  # connection
        "40",  # serialization, deadlock
        "53",  # out of connections, disk or memory
        "57",  # shutdown, starting up, cancelled
        "58",  # system error outside of PostgreSQL
    }
)


def passes(error: BaseException) -> bool:
    """Whether the error is the moment's and not the statement's: the same may succeed later."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    source = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(source, "sqlstate", None)
    return isinstance(state, str) and state[:2] in _PASSING_CLASSES


async def upgrade(engine: AsyncEngine, schema: str, folder: Path) -> None:
    """Brings `schema` to the newest revision in the Alembic `folder`, all or nothing.

    Any number of nodes may call it at once: one migrates, the others wait and find nothing to do.
    """
    async with engine.begin() as connection:
        await _one_at_a_time(connection, schema)
        await connection.execute(text(f'create schema if not exists "{schema}"'))
        await connection.run_sync(lambda inside: command.upgrade(_config(inside, schema, folder), "head"))


async def downgrade(engine: AsyncEngine, schema: str, folder: Path, revision: str) -> None:
    """Takes `schema` back to a revision, all or nothing; "base" is before the first: nothing is left.

    Raises RuntimeError, and changes nothing, where the revision could not keep what is stored.
    """
    async with engine.begin() as connection:
        await _one_at_a_time(connection, schema)
        await connection.run_sync(lambda inside: command.downgrade(_config(inside, schema, folder), revision))


async def _one_at_a_time(connection: AsyncConnection, schema: str) -> None:
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended('migrate:' || :schema, 0))"), {"schema": schema}
    )


def _config(connection: Connection, schema: str, folder: Path) -> Config:
    config = Config(attributes={"connection": connection, "schema": schema})
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
