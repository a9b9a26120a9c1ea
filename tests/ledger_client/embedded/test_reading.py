import time
import tracemalloc

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.calendar import expiry_of
from ledger_client.embedded import reading
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Kind
from ledger_client.ledger import Balance, Reminder
from ledger_client.terms import Caps, Expiry, Reversal, Terms
from tests.ledger_client.moves import AT, Moves

DAY_MS = 86_400_000
MANY = 20_000
MONTH, YEAR = Terms(expiry=Expiry.FIXED, months=1), Terms(expiry=Expiry.FIXED, months=12)


@pytest.fixture
async def moves(ledger: EmbeddedLedger) -> Moves:
    moves = Moves(ledger)
    await moves.under(Terms(transfer_per_day=1000))
    return moves


def now() -> int:
    return time.time_ns() // 1_000_000


async def test_a_balance_tells_what_is_free_what_is_held_and_what_expires_soon(moves: Moves) -> None:
    member, ledger = moves.member("m"), moves.ledger
    assert await ledger.balance(member) == Balance(0, 0)
    later, sooner = now() - 20 * DAY_MS, now() - 23 * DAY_MS
    for terms, points, at in (
        (MONTH, 50, later),
        (MONTH, 7, sooner),
        (YEAR, 100, now()),
        (Terms(), 1000, AT),
    ):
        await ledger.agree(moves.campaign, terms)
        await moves.move(Kind.EARN, points, occurred_at=at)
    assert await ledger.balance(member) == Balance(1157, 0, 57, expiry_of(MONTH, sooner))
    await moves.purse(30)  # takes what expires first
    assert await ledger.balance(member) == Balance(1127, 30, 27, expiry_of(MONTH, later))
    await moves.move(Kind.FREEZE, 1120, about=moves.entry(Kind.FREEZE, 1).id)
    assert await ledger.balance(member) == Balance(7, 1150, 7, expiry_of(MONTH, later))  # no more is free
    await moves.move(Kind.REDEEM, 7)
    assert await ledger.balance(member) == Balance(0, 1150)


async def test_a_debt_is_a_balance_below_zero(moves: Moves) -> None:
    await moves.ledger.agree(moves.campaign, Terms(reversal=Reversal.DEBT))
    earned = await moves.move(Kind.EARN, 10)
    await moves.move(Kind.REDEEM, 8)
    await moves.move(Kind.REVERSE, 10, reverses=earned)
    assert await moves.ledger.balance(moves.member("m")) == Balance(-8, 0)


async def whole_life(moves: Moves) -> list[tuple[Kind, int, int]]:
    """Every kind of movement of `m`: its kind, how it changes what is owned, how MANY points it moves."""
    move = moves.move
    await moves.ledger.agree(moves.campaign, Terms(transfer_per_day=1000, expiry=Expiry.FIXED, months=1))
    await move(Kind.EARN, 100)
    purse = await moves.purse(40)
    spent = await move(Kind.SPEND, 15, about=purse)
    await moves.release(purse)
    freeze = moves.entry(Kind.FREEZE, 1).id
    await move(Kind.FREEZE, 20, about=freeze)
    await move(Kind.THAW, 20, about=freeze)
    redeemed = await move(Kind.REDEEM, 10)
    given = await move(Kind.TRANSFER, 5, to="n")
    await move(Kind.REVERSE, 10, reverses=redeemed)
    await move(Kind.REVERSE, 5, reverses=given)
    mistaken = await move(Kind.EARN, 3)
    await move(Kind.REVERSE, 3, reverses=mistaken)
    await move(Kind.COLLECT, 9, about=await moves.suspend(9))
    await move(Kind.WRITE_OFF, 4, about=await moves.suspend(4))
    await move(Kind.REVERSE, 6, reverses=await moves.suspend(6))
    await move(Kind.REVERSE, 15, reverses=spent)
    lot = await move(Kind.EARN, 2, occurred_at=AT - 40 * DAY_MS)
    await move(Kind.EXPIRE, 2, about=lot, occurred_at=AT)
    assert (await moves.outcome(moves.entry(Kind.REDEEM, 10_000))).reason == "not_enough_points"
    return [
        (Kind.EARN, 100, 100), (Kind.HOLD, 0, 40), (Kind.SPEND, -15, 15), (Kind.RELEASE, 0, 25),
        (Kind.FREEZE, 0, 20), (Kind.THAW, 0, 20), (Kind.REDEEM, -10, 10), (Kind.TRANSFER, -5, 5),
        (Kind.REVERSE, 10, 10), (Kind.REVERSE, 5, 5), (Kind.EARN, 3, 3), (Kind.REVERSE, -3, 3),
        (Kind.COLLECT, -9, 9), (Kind.WRITE_OFF, 0, 4), (Kind.REVERSE, 0, 6), (Kind.REVERSE, 15, 15),
        (Kind.EARN, 2, 2), (Kind.EXPIRE, -2, 2),
    ]  # fmt: skip


async def test_a_statement_says_how_every_movement_changed_what_the_member_owns(moves: Moves) -> None:
    expected = await whole_life(moves)
    ledger, member = moves.ledger, moves.member("m")
    lines = [line async for line in ledger.statement_lines(member)]
    assert [(line.kind, line.amount, line.moved) for line in lines] == expected
    owned = 0
    for line in lines:
        owned += line.amount
        assert line.balance == owned
    balance = await ledger.balance(member)
    assert balance.available + balance.held == owned == 91
    assert await ledger.statement(member) == lines[::-1]
    assert await ledger.statement(member, limit=3) == lines[:-4:-1]
    assert await ledger.drift() == []


async def test_the_receiver_of_a_transfer_sees_it_come_and_go(moves: Moves) -> None:
    await moves.move(Kind.EARN, 5)
    given = await moves.move(Kind.TRANSFER, 5, to="n")
    await moves.move(Kind.REVERSE, 5, reverses=given)
    lines = await moves.ledger.statement(moves.member("n"))
    assert [(line.kind, line.amount, line.balance) for line in lines] == [
        (Kind.REVERSE, -5, 0), (Kind.TRANSFER, 5, 5),
    ]  # fmt: skip


async def test_a_balance_of_the_past_counts_all_that_was_applied_by_then(moves: Moves) -> None:
    await whole_life(moves)
    ledger = moves.ledger
    for name in ("m", "n"):
        lines = [line async for line in ledger.statement_lines(moves.member(name))]
        by_moment = {line.applied_at: line.balance for line in lines}
        for at, owned in by_moment.items():
            assert await ledger.balance_at(moves.member(name), at) == owned
        assert await ledger.balance_at(moves.member(name), lines[0].applied_at - 1) == 0


async def test_a_statement_shows_what_was_cut_and_why(moves: Moves) -> None:
    await moves.ledger.agree(moves.campaign, Terms(caps=Caps(day=12)))
    await moves.move(Kind.EARN, 20)
    (line,) = await moves.ledger.statement(moves.member("m"))
    assert (line.amount, line.moved, line.asked, line.reason) == (12, 12, 20, "daily_cap")


async def test_reminders_are_of_points_that_are_still_there(moves: Moves) -> None:
    ledger, member = moves.ledger, moves.member("m")
    await ledger.agree(moves.campaign, MONTH)
    await moves.move(Kind.EARN, 30)
    await moves.move(Kind.EARN, 5, occurred_at=AT + DAY_MS)
    first, second = expiry_of(MONTH, AT), expiry_of(MONTH, AT + DAY_MS)
    assert first is not None
    assert second is not None
    assert await ledger.reminders(member, AT) == []
    await ledger.upkeep(first - 20 * DAY_MS)
    at = first - 6 * DAY_MS
    await ledger.upkeep(at)
    assert await ledger.reminders(member, at) == [
        Reminder(member, moves.campaign, 30, first, 7),
        Reminder(member, moves.campaign, 5, second, 7),
    ]
    await moves.move(Kind.REDEEM, 12)
    assert [reminder.points for reminder in await ledger.reminders(member, at)] == [18, 5]
    await moves.move(Kind.REDEEM, 18)
    assert [reminder.points for reminder in await ledger.reminders(member, at)] == [5]
    assert await ledger.reminders(member, second) == []


async def test_a_long_statement_is_streamed_and_found_by_index(moves: Moves, engine: AsyncEngine) -> None:
    for n in range(0, MANY, 1000):
        others = [moves.entry(Kind.EARN, 1, f"other{n}") for _ in range(100)]
        await moves.ledger.apply(moves.lane, [*others, *(moves.entry(Kind.EARN, 1) for _ in range(1000))])
    member, count = moves.member("m"), 0
    tracemalloc.start()
    try:
        async for line in moves.ledger.statement_lines(member):
            count += 1
            assert line.balance == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == MANY
    assert peak < 3_000_000  # held at once, they would be 12 MB

    async with engine.begin() as connection:
        await connection.execute(text("analyze ledger.entry"))
        values = {"member": moves.member("other0"), "limit": 100}
        plan = await connection.execute(text(f"explain {reading._STATEMENT.text}"), values)
        assert "Seq Scan" not in "\n".join(plan.scalars())
