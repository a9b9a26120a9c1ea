import asyncio
from collections.abc import Sequence

import pytest

from gameserver.line import PlacedLine
from gameserver.records.batches import record
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters
from gameserver.records.facts import lines_of
from gameserver.records.grants import Grant, grants_of
from gameserver.records.lanes import Lane, StaleEpoch, get_lanes, raise_epoch
from ledger_client.entry import entry_id
from tests.records.lines import body_of, placed
from tests.records.rooms import opened


async def grants_in(database: Database, lane: Lane) -> list[Grant]:
    return [grant async for grant in grants_of(database, lane.room)]


async def reasons(database: Database) -> list[tuple[str, int]]:
    return [(letter.reason, letter.attempts) for letter in await dead_letters(database)]


def batch() -> list[PlacedLine]:
    return [
        placed(body_of("s1", 1, [("packet", 1, 30, 1, "m1")]), 10),
        placed(body_of("s1", 2), 10, 0, 1),
        placed(body_of("clock", 4, [("packet", 2, 5, 1, "m1"), ("mug", 1, 0, 1, "m2")], member=""), 11),
    ]


async def test_a_batch_is_recorded_once_however_often_it_comes(engine: Database) -> None:
    _, lane = await opened(engine)
    first = await record(engine, lane, batch())
    again = await asyncio.gather(*(record(engine, lane, batch()) for _ in range(3)))
    assert [(grant.prize, grant.unit, grant.amount, grant.member, grant.line) for grant in first.grants] == [
        ("packet", 1, 30, "m1", 0),
        ("packet", 2, 5, "m1", 0),
        ("mug", 1, 0, "m2", 1),
    ]
    assert [recorded.grants for recorded in again] == [first.grants] * 3
    assert first.grants[0].entry_id == entry_id(lane.room, "s1", 1, 0)
    assert first.grants[2].entry_id is None
    packet, second, mug = first.grants
    assert await grants_in(engine, lane) == [mug, packet, second]
    assert [held.applied_id for held in await get_lanes(engine, lane.room)] == ["11-0"]
    assert await reasons(engine) == []


async def test_lines_come_back_byte_for_byte_in_the_order_of_the_outbox(engine: Database) -> None:
    _, lane = await opened(engine)
    bodies = [body_of("s1", ref + 1) for ref in range(2500)]
    lines = [placed(body, 5 + n // 100, n // 10 % 10, n % 10) for n, body in enumerate(bodies)]
    await record(engine, lane, lines[1200:])
    await record(engine, lane, lines[:1200])
    assert [body async for body in lines_of(engine, lane.room)] == bodies
    assert [body async for body in lines_of(engine, lane.room, lane=1)] == []


async def test_a_unit_that_belongs_to_another_is_put_aside_and_its_siblings_are_not(engine: Database) -> None:
    _, lane = await opened(engine)
    await record(engine, lane, batch())
    thief = body_of("s9", 1, [("packet", 1, 30, 1, "m9"), ("packet", 7, 30, 1, "m9")])
    for attempts in (1, 2):
        recorded = await record(engine, lane, [placed(thief, 20)])
        assert [(grant.unit, grant.line) for grant in recorded.grants] == [(7, 1)]
        assert await reasons(engine) == [("unit_conflict: packet/1 of line 0", attempts)]
    (letter,) = await dead_letters(engine)
    assert (letter.source, letter.raw) == (lane.name, thief)
    owners = {(grant.prize, grant.unit): grant.member for grant in await grants_in(engine, lane)}
    assert owners == {("packet", 1): "m1", ("packet", 2): "m1", ("packet", 7): "m9", ("mug", 1): "m2"}


async def test_two_lines_of_one_batch_cannot_win_the_same_unit(engine: Database) -> None:
    _, lane = await opened(engine)
    lines = [placed(body_of(f"s{n}", 1, [("packet", 1, 5, 1, f"m{n}")]), n) for n in (1, 2)]
    assert [grant.member for grant in (await record(engine, lane, lines)).grants] == ["m1"]
    assert await reasons(engine) == [("unit_conflict: packet/1 of line 0", 1)]


@pytest.mark.parametrize("together", [True, False])
async def test_one_command_with_two_outcomes_keeps_the_first(engine: Database, together: bool) -> None:
    _, lane = await opened(engine)
    lines = [placed(body_of("s1", 1, [("packet", unit, 5, 1, "m1")]), unit) for unit in (1, 2)]
    batches: Sequence[Sequence[PlacedLine]] = [lines] if together else [lines[:1], lines[1:]]
    recorded = [await record(engine, lane, batch) for batch in batches]
    assert [grant.unit for result in recorded for grant in result.grants] == [1]
    assert [letter.reason for result in recorded for letter in result.letters] == ["line_mismatch"]
    assert [grant.unit for grant in await grants_in(engine, lane)] == [1]


async def test_a_worker_of_an_older_epoch_records_nothing(engine: Database) -> None:
    _, lane = await opened(engine)
    await raise_epoch(engine, lane.room)
    with pytest.raises(StaleEpoch):
        await record(engine, lane, batch())
    assert await grants_in(engine, lane) == []
