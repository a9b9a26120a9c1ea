"""Real servers for the tests: one Valkey and one PostgreSQL a run, started by the first test that asks."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from gameserver.engines import Engines
from gameserver.records.database import connect
from gameserver.records.migrate import migrate
from ledger_client.embedded.migrate import migrate as migrate_ledger
from tests.engines import owning

TABLES = text("""
    SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'alembic_version'
""")
# a busy machine is no failure; and whether an example finds what an earlier one left, its test decides
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("untimed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Engines of this run alone: several runs may go on at once."""
    with owning(Path(tempfile.mkdtemp(prefix="gameserver-test-")), "--discard") as owner:
        yield owner.engines


@pytest.fixture(scope="session")
def valkey_url(engines: Engines) -> str:
    return engines.redis_url


@pytest.fixture(scope="session")
def database_url(engines: Engines) -> str:
    return engines.database_url


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Valkey: no keys, no functions."""
    client = Redis.from_url(valkey_url)
    await client.flushall()
    await client.function_flush()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
async def migrated(database_url: str) -> AsyncIterator[AsyncEngine]:
    database = connect(database_url)
    await migrate(database)
    await migrate_ledger(database)
    yield database
    await database.dispose()


@pytest.fixture
async def engine(migrated: AsyncEngine) -> AsyncEngine:
    """The database with every table of ours, all of them empty."""
    await truncate(migrated)
    return migrated


async def truncate(database: AsyncEngine) -> None:
    """Empties every table of ours."""
    async with database.begin() as connection:
        if tables := (await connection.execute(TABLES)).scalar():
            # a test that left a transaction open is an error here, not a hang
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            # what is append-only in use (by trigger) may be emptied between tests
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text(f"TRUNCATE {tables}"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of the browser tests. Its absence is a failure: nothing here is skipped."""
    names = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else BROWSERS
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.fail("no Chromium found: run tools/chromium.sh")
