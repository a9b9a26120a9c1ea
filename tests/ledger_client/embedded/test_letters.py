from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, decode_entry
from ledger_client.errors import UnknownLetter
from ledger_client.ledger import DeadLetter, LaneAt, Status
from tests.ledger_client.moves import Moves


@pytest.fixture
async def moves(ledger: EmbeddedLedger) -> Moves:
    moves = Moves(ledger)
    await moves.under()
    return moves


@asynccontextmanager
async def poisonous(engine: AsyncEngine, amount: int) -> AsyncIterator[None]:
    """Stands for any fault of the database with one entry: those of this amount cannot be stored."""

    async def run(statement: str) -> None:
        async with engine.begin() as connection:
            await connection.execute(text(statement))

    await run(f"alter table ledger.entry add constraint poison check (amount <> {amount}) not valid")
    try:
        yield
    finally:
        await run("alter table ledger.entry drop constraint poison")


async def put_aside(moves: Moves, entry: Entry) -> DeadLetter:
    """The letter of an entry that does not go through."""
    outcome = await moves.outcome(entry)
    assert outcome.status in (Status.DEAD, Status.PARKED, Status.MISMATCH), outcome
    (letter,) = [letter for letter in await moves.ledger.letters() if letter.entry_id == entry.id]
    return letter


async def available(moves: Moves) -> int:
    return (await moves.ledger.balance(moves.member("m"))).available


async def test_a_letter_is_the_whole_entry_and_a_failed_retry_counts(
    moves: Moves, engine: AsyncEngine
) -> None:
    earn = moves.entry(Kind.EARN, 666)
    async with poisonous(engine, 666):
        letter = await put_aside(moves, earn)
        assert decode_entry(bytes.fromhex(letter.raw)) == earn
        assert (letter.source, letter.reason, letter.attempts) == (moves.lane.id, "unstorable", 1)
        assert letter.member == earn.member
        (outcome,) = await moves.ledger.retry(letter.id)
        assert (outcome.id, outcome.status) == (earn.id, Status.DEAD)
        assert await moves.ledger.letters() == [replace(letter, attempts=2)]


async def test_a_retry_takes_along_what_waits_behind_it_in_order(moves: Moves, engine: AsyncEngine) -> None:
    earn = moves.entry(Kind.EARN, 666)
    waiting = [
        moves.entry(Kind.REDEEM, 600),
        moves.entry(Kind.REDEEM, 10_000),
        moves.entry(Kind.REVERSE, 666, reverses=earn.id),
        moves.entry(Kind.REDEEM, 66),
    ]
    async with poisonous(engine, 666):
        letter = await put_aside(moves, earn)
        for entry in waiting:
            await put_aside(moves, entry)
    outcomes = await moves.ledger.retry(letter.id)
    assert {outcome.id for outcome in outcomes} == {entry.id for entry in (earn, *waiting)}
    assert outcomes[0].id == earn.id
    told = {outcome.id: (outcome.status, outcome.reason) for outcome in outcomes}
    applied = (Status.APPLIED, None)
    # what is missing now is really missing: it waits no more
    rejected = (Status.REJECTED, "not_enough_points")
    assert [told[entry.id] for entry in (earn, waiting[0], waiting[1], waiting[3])] == [
        applied, applied, rejected, applied,
    ]  # fmt: skip
    assert told[waiting[2].id] == (Status.REJECTED, "already_spent")
    assert await moves.ledger.letters() == []
    assert await available(moves) == 0
    again = await moves.ledger.apply(moves.lane, [earn, waiting[0]])
    assert [outcome.status for outcome in again] == [Status.ALREADY] * 2
    assert await moves.ledger.drift() == []
    assert await moves.ledger.audit() == []


async def test_what_fails_again_keeps_all_that_waits_behind_it(moves: Moves, engine: AsyncEngine) -> None:
    async with poisonous(engine, 666):
        letter = await put_aside(moves, moves.entry(Kind.EARN, 666))
        behind = await put_aside(moves, moves.entry(Kind.REDEEM, 5))
        last = await put_aside(moves, moves.entry(Kind.REDEEM, 6))
        assert len(await moves.ledger.retry(letter.id)) == 1
        assert {one.id for one in await moves.ledger.letters()} == {letter.id, behind.id, last.id}
        # by itself it still waits: the points may be the ones that are missing
        (outcome,) = await moves.ledger.retry(behind.id)
        assert outcome.status is Status.PARKED
        assert {one.id for one in await moves.ledger.letters()} == {letter.id, behind.id, last.id}
    outcomes = await moves.ledger.retry(letter.id)
    assert [outcome.status for outcome in outcomes] == [Status.APPLIED] * 3
    assert await available(moves) == 655


async def test_one_of_those_behind_that_cannot_be_stored_keeps_only_its_own_followers(
    moves: Moves, engine: AsyncEngine
) -> None:
    async with poisonous(engine, 666):
        letter = await put_aside(moves, moves.entry(Kind.EARN, 666))
        await put_aside(moves, moves.entry(Kind.REDEEM, 5))
        poison = await put_aside(moves, moves.entry(Kind.REDEEM, 7))
        follower = await put_aside(moves, moves.entry(Kind.REDEEM, 6))
    async with poisonous(engine, 7):
        outcomes = await moves.ledger.retry(letter.id)
    assert [outcome.status for outcome in outcomes] == [Status.APPLIED, Status.APPLIED, Status.DEAD]
    left = await moves.ledger.letters()
    assert [(one.entry_id, one.reason) for one in left] == [
        (follower.entry_id, "parked"), (poison.entry_id, "unstorable"),
    ]  # fmt: skip
    outcomes = await moves.ledger.retry(left[1].id)
    assert [outcome.status for outcome in outcomes] == [Status.APPLIED] * 2
    assert await moves.ledger.letters() == []
    assert await available(moves) == 648


async def test_a_letter_that_is_resolved_leaves_the_others_to_be_tried_alone(
    moves: Moves, engine: AsyncEngine
) -> None:
    await moves.move(Kind.EARN, 5)
    async with poisonous(engine, 666):
        letter = await put_aside(moves, moves.entry(Kind.EARN, 666))
        behind = await put_aside(moves, moves.entry(Kind.REDEEM, 6))
    await moves.ledger.resolve(letter.id)
    assert await moves.ledger.letters() == [behind]
    for unknown in (letter.id, "00" * 32, "no hex"):
        with pytest.raises(UnknownLetter):
            await moves.ledger.resolve(unknown)
        with pytest.raises(UnknownLetter):
            await moves.ledger.retry(unknown)
    (outcome,) = await moves.ledger.retry(behind.id)
    assert (outcome.status, outcome.reason) == (Status.REJECTED, "not_enough_points")
    assert await moves.ledger.letters() == []


async def test_another_payload_under_a_known_id_never_goes_through(moves: Moves) -> None:
    earn = moves.entry(Kind.EARN, 5)
    await moves.outcome(earn)
    letter = await put_aside(moves, replace(earn, amount=50))
    (outcome,) = await moves.ledger.retry(letter.id)
    assert outcome.status is Status.MISMATCH
    assert await moves.ledger.letters() == [replace(letter, attempts=2)]
    assert await available(moves) == 5


async def test_a_retry_goes_by_the_lane_as_it_is_now(moves: Moves, engine: AsyncEngine) -> None:
    async with poisonous(engine, 666):
        letter = await put_aside(moves, moves.entry(Kind.EARN, 666))
    taken_over = LaneAt(moves.lane.id, 5, "7-0")
    await moves.ledger.apply(taken_over, [moves.entry(Kind.EARN, 1)])
    (outcome,) = await moves.ledger.retry(letter.id)
    assert outcome.status is Status.APPLIED
    await moves.ledger.apply(taken_over, [moves.entry(Kind.EARN, 1)])  # it was not fenced off
    assert await available(moves) == 668
    assert await moves.ledger.audit() == []
