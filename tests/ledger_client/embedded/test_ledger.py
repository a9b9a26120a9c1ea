import asyncio

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.errors import LedgerAway
from ledger_client.ledger import Balance, Ledger
from tests.ledger_client.entries import earn, lane, new_room


async def test_funding_rises_to_the_budget_once(ledger: EmbeddedLedger) -> None:
    campaign = f"c-{new_room()}"
    assert await asyncio.gather(*(ledger.fund(campaign, 500) for _ in range(4))) == [500] * 4
    assert await ledger.fund(campaign, 300) == 500
    assert await ledger.fund(campaign, 700) == 700
    assert await ledger.drift() == []


async def test_a_statement_runs_with_its_balance_newest_first(ledger: EmbeddedLedger) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 60)
    first, second, third = earn(room, 1, 30), earn(room, 2, 40), earn(room, 3, 5)
    await ledger.apply(lane(room), [first, second])
    await ledger.apply(lane(room), [third, earn(room, 4, 1, "m2")])
    lines = await ledger.statement(first.member)
    assert [(line.entry_id, line.amount, line.balance) for line in lines] == [
        (third.id, 5, 35),
        (first.id, 30, 30),
    ]
    assert (lines[0].campaign, lines[0].room, lines[0].occurred_at) == (
        third.campaign,
        room,
        third.occurred_at,
    )
    assert await ledger.statement(first.member, limit=1) == lines[:1]
    assert await ledger.balance(first.member) == Balance(35, 0)
    assert await ledger.balance("nobody") == Balance(0, 0)


async def test_an_empty_batch_asks_nothing_and_an_absent_database_says_so() -> None:
    engine = create_async_engine("postgresql+asyncpg://postgres@/nothing?host=/nonexistent")
    ledger: Ledger = EmbeddedLedger(engine)
    room = new_room()
    assert await ledger.apply(lane(room), []) == []
    for asked in (ledger.apply(lane(room), [earn(room, 1, 1)]), ledger.balance("m1")):
        with pytest.raises(LedgerAway):
            await asked
    await engine.dispose()
