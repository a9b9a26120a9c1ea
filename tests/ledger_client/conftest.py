import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.migrate import migrate


@pytest.fixture(scope="session")
async def books(migrated: AsyncEngine) -> None:
    await migrate(migrated)


@pytest.fixture
def ledger(books: None, engine: AsyncEngine) -> EmbeddedLedger:
    return EmbeddedLedger(engine)
