"""The schema `ledger`, brought up to date."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.postgres import upgrade
from ledger_client.embedded.tables import SCHEMA


async def migrate(engine: AsyncEngine) -> None:
    """Creates or upgrades the schema. Safe from any number of nodes at once."""
    await upgrade(engine, SCHEMA, Path(__file__).parent / "migrations")
