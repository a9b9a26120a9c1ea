from typing import Any

from redis.asyncio import Redis

from gameserver.games.game import MemberId
from gameserver.store import snapshot as snapshots
from gameserver.store.snapshot import OpenPurse, Stock, open_purses, snapshot
from tests.games.rains import grab, rain, raining
from tests.store.lanes import PlayedLane, server_ms, unpacked
from tests.store.test_purse import LATER, close, fill, paying


async def lines_in(lane: PlayedLane) -> int:
    seen = await snapshot(lane.redis, lane.keys)
    return sum(len(sent.lines or ()) for sent in seen.sent)


async def test_a_snapshot_has_stock_purses_and_outbox(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seats = await lane.seats(3)
    await lane.ask(*(fill(seat, 1, 0, 50) for seat in seats), close(seats[2], 1))
    before = await server_ms(redis)
    await lane.ask(grab(seats[0], 1))
    seen = await snapshot(redis, lane.keys, [MemberId(name) for name in ("m0", "m1", "m2", "nobody")])
    assert (seen.epoch, seen.state) == (1, "open")
    assert before <= seen.now <= await server_ms(redis)
    assert seen.stock == {"packet": Stock(1, 2, 300)}
    assert seen.purses == {"m0": OpenPurse(1, 0, 45, LATER), "m1": OpenPurse(1, 0, 50, LATER)}
    assert [line for sent in seen.sent for line in map(unpacked, sent.lines or ())] == await lane.lines()
    assert [members async for members in open_purses(redis, lane.keys)] == [["m0", "m1"]]


async def test_lines_are_told_apart_by_the_moment_of_the_snapshot(redis: Redis) -> None:
    lane = await raining(redis, rain())
    seat = await lane.seat("a")
    for drop in range(50):
        await lane.ask(grab(seat, drop))
        seen = await snapshot(redis, lane.keys)
        ids = [tuple(map(int, sent.id.split("-"))) for sent in seen.sent]
        assert all(id_ <= seen.last for id_ in ids)
        later: Any = await redis.xadd(lane.keys.outbox, {"l": b"\x90"})
        assert tuple(map(int, later.decode().split("-"))) > seen.last


async def test_an_outbox_longer_than_one_reply_is_read_whole(redis: Redis) -> None:
    lane = await raining(redis, rain())
    seat = await lane.seat("a")
    for drop in range(snapshots.ENTRIES_A_READ + 50):
        await lane.ask(grab(seat, drop % 190))
    written = len(await lane.lines())
    assert await lines_in(lane) == written


async def test_a_lane_that_is_not_there(redis: Redis) -> None:
    lane = await raining(redis, rain())
    await redis.flushall()
    seen = await snapshot(redis, lane.keys)
    assert (seen.epoch, seen.state, seen.stock, seen.sent) == (0, "", {}, [])
    # what the record has is older than this moment
    assert seen.last[0] >= seen.now - 1
    assert [members async for members in open_purses(redis, lane.keys)] == []
