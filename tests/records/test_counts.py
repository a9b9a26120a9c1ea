from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gameserver.records.counts import entry_count, rooms_concerned, stock_count
from gameserver.records.database import Database
from gameserver.records.grants import grants_of_line
from gameserver.records.lanes import get_lanes
from gameserver.store.snapshot import snapshot
from tests.games.rains import grab, rain
from tests.promises.world import World, world
from tests.records.lines import body_of, placed
from tests.store.lanes import PlayedLane, Seat

AMOUNT = 5


@pytest.fixture
async def here(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as here:
        yield here


async def raining(here: World) -> tuple[PlayedLane, Seat]:
    lane = await here.open("red_packet_rain", rain())
    await lane.clock(lane.dues()[0])
    return lane, await lane.seat("a")


async def test_what_came_after_the_moment_that_is_asked_about_is_left_out(here: World) -> None:
    lane, seat = await raining(here)
    await lane.ask(*(grab(seat, drop) for drop in range(3)))
    await here.settle(lane)
    then = await snapshot(here.redis, lane.keys)
    await lane.ask(*(grab(seat, drop) for drop in range(3, 7)))
    await here.settle(lane)
    (at,) = await get_lanes(here.database, lane.record.id)
    now = await snapshot(here.redis, lane.keys)
    for moment, units in ((then, 3), (now, 7)):
        count = await stock_count(here.database, at, moment.last, [])
        assert (count.epoch, count.owed) == (1, [])
        assert {prize: tuple(one) for prize, one in count.prizes.items()} == {
            "packet": (1, 300, units, moment.stock["packet"].next_unit - 1)  # type: ignore[index]
        }


async def test_a_grant_is_owed_until_it_is_on_record(here: World) -> None:
    lane, _ = await raining(here)
    (at,) = await get_lanes(here.database, lane.record.id)
    line = placed(body_of("s9", 1, [("packet", 1, AMOUNT, 1, "a"), ("packet", 2, AMOUNT, 1, "b")])).line
    grants = grants_of_line(at.room, line)
    count = await stock_count(here.database, at, (1, 0), [*grants, grants[0]])
    assert count.owed == grants


async def test_entries_are_decided_by_the_ledger_and_owed_by_the_record(here: World) -> None:
    lane, seat = await raining(here)
    await lane.ask(*(grab(seat, drop) for drop in range(3)))
    assert tuple(await entry_count(here.database, lane.record.id)) == (0, 0, 0, 0)
    await here.settle(lane)
    assert tuple(await entry_count(here.database, lane.record.id)) == (3, 15, 3, 15)
    for change, expected in (
        ("settled_at = null where unit = 1", (2, 10, 3, 15)),
        ("refused = 'parked' where unit = 1", (2, 10, 3, 15)),
        ("refused = 'daily_cap' where unit = 1", (3, 10, 3, 10)),
        ("credited = 2 where unit = 2", (3, 7, 3, 7)),
    ):
        async with here.database.begin() as connection:
            await connection.exec_driver_sql(f"update game.grants set {change}")
        assert tuple(await entry_count(here.database, lane.record.id)) == expected


async def test_rooms_are_found_by_what_the_ledger_calls_its_things(here: World) -> None:
    lane, seat = await raining(here)
    closed, late = await raining(here)
    for one, by in ((lane, seat), (closed, late)):
        await one.ask(grab(by, 1))
        await here.settle(one)
    await here.lifecycle.close(closed.record.id)
    room, campaign = lane.record.id, f"campaign:{lane.record.campaign}"
    (won,) = await here.grants(lane)
    things = [str(won.entry_id), "member:a", campaign]
    found = await rooms_concerned(here.database, [*things, "member:b", "issuance"])
    assert sorted(found) == sorted((thing, room) for thing in things)
