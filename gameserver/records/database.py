"""The way into PostgreSQL."""

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger_client.embedded.postgres import passes

__all__ = ["Database", "answers", "by_index", "connect", "passes"]

Database = AsyncEngine


def connect(url: str, connections: int = 10) -> Database:
    """A pool of at most `connections`; nothing is opened yet.

    Args:
        url: any PostgreSQL URL, such as `postgresql://user:password@host/name`.
        connections: how many this process may hold at once.
    """
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        # a connection that died while it was idle is replaced instead of failing its next user
        pool_pre_ping=True,
        connect_args={"timeout": 5, "server_settings": {"application_name": "gameserver", "jit": "off"}},
    )


async def answers(database: Database) -> bool:
    """Whether PostgreSQL answers now."""
    try:
        async with database.connect() as connection:
            await connection.execute(text("select 1"))
    except Exception as error:
        if not passes(error):
            raise
        return False
    return True


_BY_INDEX = text("""
    select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
           set_config('enable_seqscan', 'off', true)
""")


async def by_index(connection: AsyncConnection) -> None:
    """Has the transaction find the rows of a batch one by one through their key.

    Without statistics of a room that has just opened, PostgreSQL would read the whole room per batch.
    """
    await connection.execute(_BY_INDEX)
