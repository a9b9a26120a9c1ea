import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

import ledger_client.embedded
from ledger_client.embedded.audit import audit
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.migrate import migrate
from ledger_client.embedded.postgres import downgrade
from ledger_client.embedded.tables import SCHEMA, metadata
from ledger_client.entry import Entry, Kind, derived_id, payload_hash
from ledger_client.ledger import Balance, LaneAt, Status
from ledger_client.terms import Caps, Terms
from tests.databases import connected, contents

FOLDER = Path(ledger_client.embedded.__file__).parent / "migrations"
LANE = LaneAt("r1.0", 1, "5-0")
FIRST = "0001"


@pytest.fixture
async def database(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    async with connected(engine, "ledger_migrations") as database:
        await migrate(database)
        yield database


async def back_to(database: AsyncEngine, revision: str) -> None:
    await downgrade(database, SCHEMA, FOLDER, revision)


async def revision_of(database: AsyncEngine) -> list[str]:
    async with database.connect() as connection:
        return [*(await connection.execute(text("select version_num from ledger.alembic_version"))).scalars()]


def earn(n: int, amount: int, member: str) -> Entry:
    return Entry(derived_id(f"earn {n}"), Kind.EARN, member, "c1", "r1", amount, 1_790_000_000_000 + n, 1)


REDEEM = replace(earn(100, 3, "m1"), id=derived_id("redeem"), kind=Kind.REDEEM)


async def filled(database: AsyncEngine) -> EmbeddedLedger:
    """Books with no more in them than the first revision knew: funds, earnings, a refusal, dead letters."""
    ledger = EmbeddedLedger(database)
    await ledger.fund("c1", 1000)
    earned = [earn(n, n, f"m{n % 3}") for n in range(1, 40)]
    too_much = replace(earned[0], id=derived_id("too much"), amount=5000)
    poison = replace(earned[0], id=derived_id("poison"), rule_version=2**40)
    changed = replace(earned[0], amount=99)
    outcomes = await ledger.apply(LANE, [*earned, too_much, poison, changed])
    assert [outcome.status for outcome in outcomes[-4:]] == ["applied", "rejected", "dead", "mismatch"]
    return ledger


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


async def test_filled_books_are_the_same_after_the_way_back_and_forth(database: AsyncEngine) -> None:
    ledger = await filled(database)
    balance = await ledger.balance("m1")
    # whose letter it is was not known there, and is not known afterwards
    forget = text("update ledger.dead_letter set entry_id = null, member = ''")
    async with database.begin() as connection:
        await connection.execute(forget)
    before = await contents(database, SCHEMA)
    await back_to(database, FIRST)
    assert await revision_of(database) == [FIRST]
    assert set(await contents(database, SCHEMA)) == {
        "account", "alembic_version", "dead_letter", "entry", "lane", "lot", "posting",
    }  # fmt: skip
    await migrate(database)
    assert await contents(database, SCHEMA) == before
    assert await ledger.balance("m1") == balance == Balance(sum(n for n in range(1, 40) if n % 3 == 1), 0)
    assert await ledger.drift() == []
    assert await audit(database) == []
    assert [outcome.status for outcome in await ledger.apply(LANE, [earn(1, 1, "m1"), REDEEM])] == [
        "already",
        "applied",
    ]


async def test_what_the_first_revision_wrote_is_still_as_it_was_sealed(database: AsyncEngine) -> None:
    """Rows as the code of the first revision wrote them, with the link that it computed."""
    await back_to(database, FIRST)
    fund = Entry(derived_id("fund"), Kind.FUND, "", "c1", "", 50, 1, 0)
    entries = [(fund, None), (earn(1, 20, "m1"), None), (earn(2, 90, "m1"), "budget_exhausted")]
    link = bytes(32)
    async with database.begin() as connection:
        for seq, (entry, reason) in enumerate(entries, 1):
            status = "rejected" if reason else "applied"
            verdict = f"{status}|{reason}" if reason else status
            link = hashlib.sha256(link + entry.id.bytes + payload_hash(entry) + verdict.encode()).digest()
            await connection.execute(
                text("""
                    insert into ledger.entry (id, payload_hash, kind, member, campaign, room, amount, status,
                        reason, occurred_at, rule_version, source, seq, link)
                    values (:id, :hash, :kind, :member, 'c1', :room, :amount, :status, :reason, :at, :rules,
                        'r1.0', :seq, :link)
                """),
                {
                    "id": entry.id, "hash": payload_hash(entry), "kind": entry.kind.value, "seq": seq,
                    "member": entry.member, "room": entry.room, "amount": entry.amount, "status": status,
                    "reason": reason, "at": entry.occurred_at, "rules": entry.rule_version, "link": link,
                },
            )  # fmt: skip
        for statement in (
            "insert into ledger.posting select id, 'issuance', -50 from ledger.entry where kind = 'fund'",
            "insert into ledger.posting select id, 'campaign:c1', 50 from ledger.entry where kind = 'fund'",
            "insert into ledger.posting select id, 'campaign:c1', -20 from ledger.entry where seq = 2",
            "insert into ledger.posting select id, 'member:m1', 20 from ledger.entry where seq = 2",
            "insert into ledger.account (id, posted, min_balance) values "
            "('issuance', -50, null), ('campaign:c1', 30, 0), ('member:m1', 20, 0)",
            "insert into ledger.lot select id, member, campaign, null, 20 from ledger.entry where seq = 2",
        ):
            await connection.execute(text(statement))
        seal = text("insert into ledger.lane values ('r1.0', 1, '5-0', 3, :link)")
        await connection.execute(seal, {"link": link})
    await migrate(database)
    ledger = EmbeddedLedger(database)
    assert await audit(database) == []
    assert await ledger.drift() == []
    told = await ledger.apply(LANE, [entry for entry, _ in entries] + [REDEEM])
    assert [(one.status, one.credited) for one in told] == [
        (Status.ALREADY, 50), (Status.ALREADY, 20), (Status.REJECTED, 0), (Status.APPLIED, 3),
    ]  # fmt: skip
    assert await ledger.balance("m1") == Balance(17, 0)
    assert await audit(database) == []
    assert await ledger.drift() == []


async def test_there_is_no_way_back_for_what_the_first_revision_could_not_say(database: AsyncEngine) -> None:
    ledger = await filled(database)
    freeze = replace(REDEEM, id=derived_id("freeze"), kind=Kind.FREEZE, about=earn(1, 1, "m1").id)
    transfer = replace(REDEEM, id=derived_id("transfer"), kind=Kind.TRANSFER, to="m2")
    for entry in (REDEEM, freeze, transfer):
        assert (await ledger.apply(LaneAt("mall", 1), [entry]))[0].status in ("applied", "rejected")
        await refused(database)


async def test_there_is_no_way_back_from_terms_and_what_they_cut(database: AsyncEngine) -> None:
    ledger = await filled(database)
    await ledger.agree("c1", Terms(caps=Caps(day=1000)))
    await refused(database)
    await ledger.agree("c1", Terms())
    await ledger.apply(LANE, [earn(50, 5, "m1")])
    await refused(database)


async def test_there_is_no_way_back_while_an_entry_is_parked(database: AsyncEngine) -> None:
    ledger = await filled(database)
    poison = replace(earn(60, 5, "m9"), rule_version=2**40)
    told = await ledger.apply(LANE, [poison, replace(REDEEM, member="m9")])
    assert [one.status for one in told] == ["dead", "parked"]
    await refused(database)


async def refused(database: AsyncEngine) -> None:
    before = await contents(database, SCHEMA)
    with pytest.raises(RuntimeError, match="0001"):
        await back_to(database, FIRST)
    assert await contents(database, SCHEMA) == before
    assert await revision_of(database) == ["0002"]


async def test_before_the_first_revision_there_is_nothing(database: AsyncEngine) -> None:
    await filled(database)
    await back_to(database, "base")
    assert await contents(database, SCHEMA) == {"alembic_version": []}
    await migrate(database)
    assert (await (await filled(database)).balance("m1")).available
