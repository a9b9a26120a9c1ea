from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens
from tests.ledger_client.http.serving import READER, WRITER, serving


@pytest.fixture(scope="session")
async def url(migrated: AsyncEngine) -> AsyncIterator[str]:
    """The embedded ledger, served."""
    async with serving(ledger_api(EmbeddedLedger(migrated), Tokens([WRITER], [READER]))) as address:
        yield address
