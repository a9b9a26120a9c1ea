from redis.asyncio import Redis

from gameserver.figures import HOUR_MS, Figures
from gameserver.games.game import RoomId
from gameserver.store.figures import ALIVE_MS, FigureStore
from gameserver.store.keys import LaneKeys

ROOM = RoomId("r7")
NOON = 495_000 * HOUR_MS


async def test_pages_asked_for_add_up_by_channel_and_room(redis: Redis) -> None:
    figures = FigureStore(redis)
    await figures.viewed(ROOM, {"browser": 3, "wechat": 1})
    await figures.viewed(ROOM, {"wechat": 2})
    await figures.viewed(RoomId("r8"), {"browser": 9})
    assert (await figures.of(ROOM)).views == {"browser": 3, "wechat": 3}


async def test_the_most_members_of_all_processes_at_once_are_kept_by_hour(redis: Redis) -> None:
    figures = FigureStore(redis)
    sums = [
        await figures.online(ROOM, "a", 5, NOON),
        await figures.online(ROOM, "b", 7, NOON + 1000),
        await figures.online(ROOM, "a", 1, NOON + 2000),
        await figures.online(ROOM, "b", 0, NOON + HOUR_MS),
        await figures.online(ROOM, "a", 4, NOON + HOUR_MS + 1000),
    ]
    assert sums == [5, 12, 8, 0, 4]
    assert (await figures.of(ROOM)).online == {NOON: 12, NOON + HOUR_MS: 4}


async def test_a_process_that_went_silent_has_nobody_online(redis: Redis) -> None:
    figures = FigureStore(redis)
    await figures.online(ROOM, "gone", 50, NOON)
    assert await figures.online(ROOM, "a", 1, NOON + ALIVE_MS) == 51
    assert await figures.online(ROOM, "a", 1, NOON + ALIVE_MS + 1) == 1


async def test_refusals_are_those_of_the_lane(redis: Redis) -> None:
    await redis.hset(LaneKeys(ROOM).refused, mapping={"sold_out": 4, "rate_limited": 1})
    assert (await FigureStore(redis).of(ROOM)).refused == {"sold_out": 4, "rate_limited": 1}


def test_of_two_counts_the_higher_one_stands() -> None:
    one, other = Figures({"a": 1, "b": 5}, {NOON: 2}, {}), Figures({"b": 3, "c": 4}, {NOON: 3}, {"x": 1})
    assert one.with_most_of(other) == Figures({"a": 1, "b": 5, "c": 4}, {NOON: 3}, {"x": 1})
