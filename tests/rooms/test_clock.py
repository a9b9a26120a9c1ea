import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.fairness import Receipts
from gameserver.rooms.clock import run_clock
from gameserver.rooms.opening import window_of
from gameserver.rooms.room import Room
from tests.games.rains import grab, rain, scored
from tests.rooms.pages import KEY, PATIENCE_SECONDS, unreachable
from tests.store.lanes import PlayedLane, opened, unpacked

SHORT = [{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 5000, "times": 3}]
OVER = 40_000  # ms ago: all three rounds and the end have passed
LONG_OVER = 3_600_000


async def process(redis: Redis, lane: PlayedLane) -> Room:
    """The room as one process has it."""
    room = Room(lane.record, PlayedLane(redis, lane.record).store, Receipts(KEY), unreachable())
    await room.lane.sync()
    return room


async def run(room: Room, lane: PlayedLane) -> int:
    """Runs a clock to the room's end; how often it said that the room has ended."""
    ended = 0

    async def note() -> None:
        nonlocal ended
        ended += 1

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_clock(room, window_of(lane.record, lane.plan)[1], note)
    return ended


async def events(lane: PlayedLane) -> list[tuple[str, int]]:
    entries = await lane.redis.xrange(lane.keys.events)
    told = [unpacked(fields[b"e"]) for _, fields in entries]
    return [(name, body[0]) for _, _, name, body in told]


ALL = [(name, round_) for round_ in range(3) for name in ("round_opened", "round_closed")]


@pytest.mark.parametrize("ago", [OVER, LONG_OVER])
async def test_a_room_that_nobody_ran_is_run_to_its_end(redis: Redis, ago: int) -> None:
    lane = await opened(redis, rain(rounds=SHORT), ago=ago)
    assert await run(await process(redis, lane), lane) == 1
    assert await events(lane) == ALL
    assert [line[1] for line in await lane.lines()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("done", range(7))
async def test_a_restart_goes_on_where_the_clock_stood(redis: Redis, done: int) -> None:
    lane = await opened(redis, rain(rounds=SHORT), ago=OVER)
    for due in lane.dues()[:done]:
        await lane.clock(due)
    assert await run(await process(redis, lane), lane) == 1
    assert await events(lane) == ALL


async def test_two_processes_have_the_effect_of_one(redis: Redis, valkey_url: str) -> None:
    lane = await opened(redis, rain(rounds=SHORT), ago=OVER)
    other = Redis.from_url(valkey_url)
    rooms = [await process(client, lane) for client in (redis, other, redis)]
    assert await asyncio.gather(*(run(room, lane) for room in rooms)) == [1, 1, 1]
    assert await events(lane) == ALL
    assert [line[:2] for line in await lane.lines()] == [["clock", ref] for ref in range(1, 7)]
    await other.aclose()


async def test_places_are_won_though_every_process_was_down_at_the_end(redis: Redis) -> None:
    lane = await opened(redis, scored([(1, 100)], rounds=SHORT), ago=LONG_OVER, window=(0, 2**50))
    await lane.clock(lane.dues()[0])
    await lane.ask(grab(await lane.seat("a"), 1))
    assert await lane.grants() == []
    await run(await process(redis, lane), lane)
    assert [grant[4] for grant in await lane.grants()] == ["a"]


async def test_the_clock_waits_for_a_lane_that_is_being_rebuilt(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameserver.rooms.clock.RETRY_SECONDS", 0)
    lane = await opened(redis, rain(rounds=SHORT), ago=OVER)
    room = await process(redis, lane)
    await redis.hset(lane.keys.room, "state", "rebuilding")
    running = asyncio.ensure_future(run(room, lane))
    refused = asyncio.Event()
    tick = room.lane.store.tick

    async def noting(*arguments: Any) -> Any:
        try:
            return await tick(*arguments)
        except Exception:
            refused.set()
            raise

    monkeypatch.setattr(room.lane.store, "tick", noting)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await refused.wait()
    assert await events(lane) == []
    await redis.hset(lane.keys.room, "state", "open")
    assert await running == 1
    assert await events(lane) == ALL


async def test_nothing_is_run_after_the_rooms_end(redis: Redis) -> None:
    """A room that staff let end earlier than its rounds do."""
    lane = await opened(redis, rain(rounds=SHORT), ago=OVER)
    room = await process(redis, lane)
    ended: list[bool] = []

    async def note() -> None:
        ended.append(True)

    await run_clock(room, lane.dues()[1].at, note)
    assert await events(lane) == ALL[:2]
    assert ended == [True]
