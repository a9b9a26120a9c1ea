import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Lost

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.rooms.tick import Lane, Result
from gameserver.store.lane import MAX_BATCH, LaneStore, Ticked
from tests.games.rains import PACKET, grab, rain, raining
from tests.rooms.pages import PATIENCE_SECONDS
from tests.store.lanes import PlayedLane, server_ms, unpacked


class Watched(LaneStore):
    """The real store; notes what was asked and whether calls overlapped."""

    def __init__(self, lane: PlayedLane) -> None:
        super().__init__(lane.redis, game_named(lane.record.game), lane.record.id, lane.store.epoch)
        self.batches: list[list[Any]] = []
        self.overlapped = False
        self.fails: Exception | None = None
        self._busy = False

    async def tick(self, days: Sequence[tuple[int, int]], commands: Sequence[Sequence[Any]]) -> Ticked:
        self.overlapped |= self._busy
        self._busy = True
        self.batches.append([*commands])
        try:
            if self.fails:
                raise self.fails
            return await super().tick(days, commands)
        finally:
            self._busy = False


class Asker:
    """Takes results; breaks where it is told to."""

    def __init__(self, told: list[tuple[int, Result]], breaks: bool = False) -> None:
        self.told = told
        self.breaks = breaks

    def answered(self, ref: int, result: Result) -> None:
        if self.breaks:
            raise RuntimeError("a broken reader")
        self.told.append((ref, result))


async def laned(redis: Redis) -> tuple[PlayedLane, Watched, Lane]:
    played = await raining(redis, rain(amounts={"mode": "fixed", "count": 5000, "amount": 1}))
    store = Watched(played)
    return played, store, Lane("r1", store, tuple)


async def test_one_call_at_a_time_takes_all_that_waited_in_order(redis: Redis) -> None:
    played, store, lane = await laned(redis)
    seats = await played.seats(120)
    told: list[tuple[int, Result]] = []
    numbers = iter(range(10_000))
    for drop in range(5):
        for seat in seats:
            lane.submit(grab(seat, drop), Asker(told), next(numbers))
    await lane.idle()
    assert not store.overlapped
    # nothing was in flight: the first call took what fitted, then the next
    assert [len(batch) for batch in store.batches] == [MAX_BATCH, MAX_BATCH, 600 - 2 * MAX_BATCH]
    assert [number for number, _ in told] == list(range(600))
    assert {result[0] for _, result in told} == {1}


async def test_what_comes_during_a_call_is_the_next_batch(redis: Redis) -> None:
    played, store, lane = await laned(redis)
    seat = await played.seat("a")
    told: list[tuple[int, Result]] = []

    class Again(Asker):
        """Asks three more when it is answered."""

        def answered(self, ref: int, result: Result) -> None:
            super().answered(ref, result)
            for drop in (11, 12, 13):
                lane.submit(grab(seat, drop), Asker(told), drop)

    lane.submit(grab(seat, 10), Again(told), 10)
    await lane.idle()
    assert [number for number, _ in told] == [10, 11, 12, 13]
    assert [len(batch) for batch in store.batches] == [1, 3]
    assert not store.overlapped
    lane.submit(grab(seat, 14), Asker(told), 14)
    await lane.idle()
    assert told[-1][0] == 14


async def test_a_broken_reader_spoils_nobody_elses_answer(redis: Redis) -> None:
    played, _, lane = await laned(redis)
    seat = await played.seat("a")
    told: list[tuple[int, Result]] = []
    for drop in range(6):
        lane.submit(grab(seat, drop), Asker(told, breaks=drop in (0, 3)), drop)
    await lane.idle()
    assert [number for number, _ in told] == [1, 2, 4, 5]
    assert len(await played.grants()) == 6


@pytest.mark.parametrize(
    ("error", "code", "retry"),
    [
        (Refused("lane_lost", retry_ms=1000), "lane_lost", 1000),
        (Refused("store_down", "gone", retry_ms=1000), "store_down", 1000),
        (RuntimeError("a bug"), "internal", False),
    ],
)
async def test_a_call_that_fails_answers_everybody_and_the_loop_goes_on(
    redis: Redis, error: Exception, code: str, retry: Any
) -> None:
    played, store, lane = await laned(redis)
    seat = await played.seat("a")
    told: list[tuple[int, Result]] = []
    store.fails = error
    for drop in range(3):
        lane.submit(grab(seat, drop), Asker(told), drop)
    await lane.idle()
    assert [(number, [*result]) for number, result in told] == [(n, [0, code, retry]) for n in range(3)]
    store.fails = None
    lane.submit(grab(seat, 1), Asker(told), 9)
    await lane.idle()
    assert told[-1][1][0] == 1


async def test_a_store_that_does_not_answer_is_down(redis: Redis) -> None:
    played = await raining(redis)

    class Unplugged:
        async def fcall(self, *_: Any) -> bytes:
            raise Lost("no connection")

    store = LaneStore(Unplugged(), game_named("red_packet_rain"), played.record.id, 1)  # type: ignore[arg-type]
    lane, told = Lane("r1", store, tuple), []  # type: ignore[var-annotated]
    lane.submit(["a", "s1-1", 1, "grab", False], Asker(told), 1)
    await lane.idle()
    assert told == [(1, (0, "store_down", 1000))]


async def test_the_last_change_is_told_without_another_command(redis: Redis) -> None:
    played, _, lane = await laned(redis)
    pubsub = redis.pubsub()
    await pubsub.subscribe(played.keys.channel)
    seat = await played.seat("a")
    told: list[tuple[int, Result]] = []
    for drop in range(3):
        lane.submit(grab(seat, drop), Asker(told), drop)
        await lane.idle()
    left = None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while left != 4997:
            message = await pubsub.get_message(timeout=None)
            if message and message["type"] == "message":
                _, events = unpacked(message["data"])
                left = next((event[3][1] for event in events if event[2] == "tally"), left)
    await lane.idle()
    assert await played.head("dirty") == "0"
    await pubsub.aclose()


async def test_the_lanes_clock_is_the_stores(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    played, _, _ = await laned(redis)
    lane = Lane("r1", played.store, tuple)
    real = time.time
    # this process's own clock is two hours wrong
    monkeypatch.setattr(time, "time", lambda: real() + 7200)
    await lane.sync()
    before = await server_ms(redis)
    now = lane.now()
    after = await server_ms(redis)
    assert before - 1000 <= now <= after + 1000


async def test_days_go_with_the_batch(redis: Redis) -> None:
    played = await raining(redis)
    seat, told = await played.seat("a"), []  # type: ignore[var-annotated]
    lane = Lane("r1", played.store, lambda: [(0, 20260301), (2**50, 20260302)])
    lane.submit(grab(seat, 1, PACKET), Asker(told), 1)
    await lane.idle()
    assert (await played.lines())[-1][4] == 20260301
