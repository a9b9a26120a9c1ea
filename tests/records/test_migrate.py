import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from gameserver.records.database import Database, connect
from gameserver.records.migrate import migrate
from gameserver.records.tables import SCHEMA, metadata


async def test_the_migrations_make_exactly_the_tables_that_queries_are_written_for(engine: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "include_name": lambda name, type_, _: type_ != "schema" or name == SCHEMA,
            "include_object": lambda _, name, *rest: name != "alembic_version",
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_many_nodes_may_migrate_at_once(engine: Database, database_url: str) -> None:
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("drop database if exists migrate_at_once"))
        await autocommit.execute(text("create database migrate_at_once"))
    nodes = [connect(engine.url.set(database="migrate_at_once").render_as_string(False)) for _ in range(4)]
    try:
        await asyncio.gather(*map(migrate, nodes))
        async with nodes[0].connect() as connection:
            versions = await connection.execute(text("select version_num from game.alembic_version"))
            assert versions.scalars().all() == ["0002"]
    finally:
        for node in nodes:
            await node.dispose()
        async with engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text("drop database migrate_at_once with (force)"))
