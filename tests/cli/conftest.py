from collections.abc import AsyncIterator

import pytest

from gameserver.engines import Engines
from tests.node import Live, emptied, environment, living


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live


@pytest.fixture(scope="module")
def variables(live: Live, engines: Engines) -> dict[str, str]:
    return environment(engines, PORT=live.url.rpartition(":")[2])
