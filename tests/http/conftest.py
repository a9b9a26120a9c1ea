from collections.abc import AsyncIterator

import pytest

from gameserver.engines import Engines
from tests.node import Live, emptied, living


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live
