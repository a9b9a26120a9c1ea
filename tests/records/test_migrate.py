import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

import gameserver.records
from gameserver.games.game import PrizeId
from gameserver.records.batches import record
from gameserver.records.database import Database, connect
from gameserver.records.grants import Given, given_by_prize, mark_settled
from gameserver.records.lanes import Lane
from gameserver.records.migrate import migrate
from gameserver.records.tables import SCHEMA, metadata
from ledger_client.embedded.postgres import downgrade
from tests.databases import connected, contents, empty_database
from tests.records.lines import body_of, placed
from tests.records.rooms import opened

FOLDER = Path(gameserver.records.__file__).parent / "migrations"


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


async def test_many_nodes_may_migrate_at_once(engine: Database) -> None:
    async with empty_database(engine, "migrate_at_once") as url:
        nodes = [connect(url) for _ in range(4)]
        try:
            await asyncio.gather(*map(migrate, nodes))
            assert await revision_of(nodes[0]) == ["0008"]
        finally:
            for node in nodes:
                await node.dispose()


@pytest.fixture
async def database(engine: Database) -> AsyncIterator[Database]:
    async with connected(engine, "game_migrations") as database:
        await migrate(database)
        yield database


async def back_to(database: Database, revision: str) -> None:
    await downgrade(database, SCHEMA, FOLDER, revision)


async def revision_of(database: Database) -> list[str]:
    async with database.connect() as connection:
        return [*(await connection.execute(text("select version_num from game.alembic_version"))).scalars()]


async def filled(database: Database) -> Lane:
    """A played room: leases, facts, grants that are settled, refused and pending, a letter put aside."""
    _, lane = await opened(database, {"packet": 100, "mug": 3})
    won = [("packet", unit, unit, 1, f"m{unit % 3}") for unit in range(1, 20)] + [("mug", 1, 0, 1, "m1")]
    lines = [placed(body_of("s1", n + 1, [grant]), n) for n, grant in enumerate(won)]
    recorded = await record(database, lane, [*lines, placed(body_of("s2", 1, [won[0]]), 99)])
    assert len(recorded.letters) == 1
    await mark_settled(
        database, lane.room, recorded.grants[:10], [(recorded.grants[10], "budget_exhausted")], 5
    )
    return lane


async def test_a_filled_record_is_the_same_after_the_way_back_and_forth(database: Database) -> None:
    lane = await filled(database)
    before = await contents(database, SCHEMA)
    await back_to(database, "0001")
    assert await revision_of(database) == ["0001"]
    gone = set(before) - set(await contents(database, SCHEMA))
    assert gone >= {"caller", "campaign_rules", "events", "code_pool", "code", "fulfilment", "disclosure"}
    await migrate(database)
    assert await contents(database, SCHEMA) == before
    # and it goes on from there
    await record(database, lane, [placed(body_of("s3", 1, [("packet", 50, 5, 1, "m1")]), 100)])
    assert (await given_by_prize(database, lane.room))[PrizeId("packet")] == Given(20, 195)


@pytest.mark.parametrize(
    "later",
    [
        "update game.campaign set events_budget = 5",
        "insert into game.caller (id, secret, sources, kinds) values ('pos', 's', '{pos}', '{purchase}')",
        "insert into game.campaign_rules select id, 1, '{}', '{}', 0 from game.campaign",
        "update game.grants set credited = 1 where prize = 'packet' and unit = 2",
        """
        insert into game.events (source, source_id, caller, hash, kind, member, campaign, occurred_at, body,
            rule_version, decision, points, entry_id, status)
        select 'pos', '1', 'pos', '', 'purchase', 'm1', id, 0, '', 1, '{}', 1, gen_random_uuid(), 'pending'
        from game.campaign
        """,
    ],
)
async def test_there_is_no_way_back_for_what_the_first_revision_could_not_say(
    database: Database, later: str
) -> None:
    await filled(database)
    async with database.begin() as connection:
        await connection.execute(text(later))
    before = await contents(database, SCHEMA)
    with pytest.raises(RuntimeError, match="0001"):
        await back_to(database, "0001")
    assert await contents(database, SCHEMA) == before
    assert await revision_of(database) == ["0008"]


@pytest.mark.parametrize(
    "later",
    [
        "insert into game.code_pool (campaign, name) select id, 'mall' from game.campaign",
        """
        insert into game.fulfilment (room, prize, unit, member, state, claim_by)
        values ('r1', 'mug', 1, 'm1', 'to_ship', 9)
        """,
        "insert into game.disclosure (room, staff, reason, at) values ('r1', 'ann', 'an audit', 9)",
    ],
)
async def test_there_is_no_way_back_once_codes_or_goods_are_on_record(database: Database, later: str) -> None:
    await filled(database)
    async with database.begin() as connection:
        await connection.execute(text(later))
    before = await contents(database, SCHEMA)
    with pytest.raises(RuntimeError, match="0002"):
        await back_to(database, "0002")
    assert await contents(database, SCHEMA) == before


async def test_before_the_first_revision_there_is_nothing(database: Database) -> None:
    await filled(database)
    await back_to(database, "base")
    assert await contents(database, SCHEMA) == {"alembic_version": []}
    await migrate(database)
    lane = await filled(database)
    assert lane.room == "r1"


async def test_there_is_no_way_back_once_questions_are_banked(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("insert into game.question_bank (id) values ('poems')"))
        await connection.execute(text("insert into game.question values ('poems', 'q1', 1, '{}')"))
    before = await contents(database, SCHEMA)
    with pytest.raises(RuntimeError, match="0003"):
        await back_to(database, "0003")
    assert await contents(database, SCHEMA) == before
    async with database.begin() as connection:
        await connection.execute(text("delete from game.question_bank"))
    await back_to(database, "0003")
    assert not {"question", "question_bank"} & set(await contents(database, SCHEMA))
