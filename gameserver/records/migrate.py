"""The schema `game`, brought up to date."""

from pathlib import Path

from gameserver.records.database import Database
from gameserver.records.tables import SCHEMA
from ledger_client.embedded.postgres import upgrade


async def migrate(database: Database) -> None:
    """Creates or upgrades the schema. Safe from any number of nodes at once."""
    await upgrade(database, SCHEMA, Path(__file__).parent / "migrations")
