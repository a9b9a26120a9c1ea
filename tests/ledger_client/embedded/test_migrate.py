from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.migrate import migrate
from ledger_client.embedded.tables import SCHEMA, metadata


async def test_the_migrations_make_exactly_the_tables_that_queries_are_written_for(
    engine: AsyncEngine,
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "include_name": lambda name, type_, _: type_ != "schema" or name == SCHEMA,
            "include_object": lambda _, name, *rest: name != "alembic_version",
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
