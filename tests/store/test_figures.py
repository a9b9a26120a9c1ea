from redis.asyncio import Redis

from gameserver.figures import HOUR_MS, Counted, Figures, figures_of
from gameserver.games.game import RoomId
from gameserver.store.figures import ALIVE_MS, FigureStore
from gameserver.store.keys import LaneKeys

ROOM = RoomId("r7")
NOON = 495_000 * HOUR_MS


async def test_pages_asked_for_add_up_by_channel_and_room(redis: Redis) -> None:
    figures = FigureStore(redis)
    await figures.viewed(ROOM, {"browser": 3, "wechat": 1}, NOON)
    await figures.viewed(ROOM, {"wechat": 2}, NOON + 9)
    await figures.viewed(RoomId("r8"), {"browser": 9}, NOON)
    assert await figures.of(ROOM) == {
        Counted("views", "browser", NOON): 3, Counted("views", "wechat", NOON): 3,
    }  # fmt: skip


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
    assert figures_of(await figures.of(ROOM)).online == {NOON: 12, NOON + HOUR_MS: 4}


async def test_a_process_that_went_silent_has_nobody_online(redis: Redis) -> None:
    figures = FigureStore(redis)
    await figures.online(ROOM, "gone", 50, NOON)
    assert await figures.online(ROOM, "a", 1, NOON + ALIVE_MS) == 51
    assert await figures.online(ROOM, "a", 1, NOON + ALIVE_MS + 1) == 1


async def test_refusals_are_those_of_the_lane(redis: Redis) -> None:
    await redis.hset(LaneKeys(ROOM).refused, mapping={"sold_out": 4, "rate_limited": 1, "since": 9})
    assert await FigureStore(redis).of(ROOM) == {
        Counted("refused", "sold_out", 9): 4, Counted("refused", "rate_limited", 9): 1,
    }  # fmt: skip


def test_of_counts_of_one_time_the_higher_stands_and_those_of_two_times_add_up() -> None:
    kept = {
        Counted("views", "a", 1): 5, Counted("views", "b", 1): 2, Counted("refused", "x", 1): 4,
        Counted("online", str(NOON), 0): 7,
    }  # fmt: skip
    gone_back = {Counted("views", "a", 1): 4, Counted("views", "b", 1): 3}
    begun_anew = {
        Counted("views", "a", 9): 2,
        Counted("refused", "x", 8): 1,
        Counted("online", str(NOON), 0): 3,
    }
    assert figures_of(kept) == Figures({"a": 5, "b": 2}, {NOON: 7}, {"x": 4})
    assert figures_of(kept, gone_back) == Figures({"a": 5, "b": 3}, {NOON: 7}, {"x": 4})
    assert figures_of(kept, begun_anew, gone_back) == Figures({"a": 7, "b": 3}, {NOON: 7}, {"x": 5})
