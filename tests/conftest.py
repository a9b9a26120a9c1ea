"""Real servers for the tests: one Valkey and one PostgreSQL a run, started by the first test that asks."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gameserver.engines import Engines
from tests.engines import owning

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
def chromium() -> str:
    """The browser of the browser tests. Its absence is a failure: nothing here is skipped."""
    names = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else BROWSERS
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.fail("no Chromium found: run tools/chromium.sh")
