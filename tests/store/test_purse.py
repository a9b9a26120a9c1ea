"""What the prelude promises for plays that cost points: the purse in the tick, its lines, its end."""

from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from tests.games.rains import BOMB, grab, rain, raining
from tests.store.lanes import PlayedLane, Seat, server_ms, unpacked

COST = 5
DAY_1, DAY_2 = 20260301, 20260302
LATER = 2**50


def paying(**chances: Any) -> dict[str, Any]:
    """A rain whose rounds cost points, by default each of them."""
    return rain(chances={"free_total": 0, "cost_points": COST, **chances})


def fill(seat: Seat, number: int, nth: int, amount: int, until: int = LATER) -> list[Any]:
    return [seat.member, "", 0, "fill_purse", False, number, nth, amount, until]


def close(seat: Seat, number: int) -> list[Any]:
    return [seat.member, "", 0, "close_purse", False, number]


async def next_round(lane: PlayedLane, round_: int) -> None:
    for due in lane.dues()[2 * round_ - 1 : 2 * round_ + 1]:
        assert (await lane.clock(due))[0] == 1


async def purse(lane: PlayedLane, member: str = "a") -> list[int] | None:
    """[number, fill, left, until, paid], read from Redis."""
    octets = await lane.redis.hget(lane.keys.purse, member)
    return None if octets is None else list(unpacked(octets))


async def test_a_play_without_a_purse_is_no_answer_and_leaves_no_trace(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    await lane.quiet()
    before = await lane.dump()
    assert await lane.ask(grab(seat, 1)) == [[0, "purse_needed", [0, 0, False, False, 1, 0]]]
    assert await lane.dump() == before
    # the same ref is executed once the purse is there
    filled, played = await lane.ask(fill(seat, 1, 0, 50), grab(seat, 1, ref=1))
    assert filled == [1, [1, 0, 50, LATER, 0], []]
    assert played == [1, [1, 1, 5, 1], [["packet", 1, 5, 1]], [COST, 0, 45, 1, 0, False, 0]]
    assert await purse(lane) == [1, 0, 45, LATER, 1]


async def test_only_what_begins_a_play_costs(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    results = await lane.ask(fill(seat, 1, 0, 50), *(grab(seat, drop, drop % 3) for drop in range(6)))
    assert [len(result) for result in results[1:]] == [4, 3, 3, 3, 3, 3]
    assert await purse(lane) == [1, 0, 45, LATER, 1]
    await next_round(lane, 1)
    assert (await lane.ask(grab(seat, 1, BOMB, round_=1)))[0][3] == [COST, 0, 40, 1, 0, False, 0]


async def test_a_refused_play_costs_nothing(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat, now = await lane.seat("a"), await server_ms(redis)
    await lane.ask(fill(seat, 1, 0, 50))
    before = await purse(lane), await lane.lines()
    results = await lane.ask(
        grab(seat, 1, window=(now + 60_000, LATER)), grab(seat, 1, round_=9), grab(seat, 1, deny="no_round")
    )
    assert [result[1] for result in results] == ["too_early", "no_round", "no_round"]
    assert (await purse(lane), await lane.lines()) == before


async def test_a_repeated_ref_costs_nothing_and_tells_the_same(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    first = await lane.ask(fill(seat, 1, 0, 50), grab(seat, 1))
    await lane.quiet()
    before = await lane.dump()
    assert await lane.ask(grab(seat, 1, ref=1), grab(seat, 1, ref=1)) == [first[1], first[1]]
    assert await lane.dump() == before


async def test_the_line_of_a_paid_play_carries_what_it_cost_and_others_have_eight_parts(redis: Redis) -> None:
    lane = await raining(redis, paying(free_total=1))
    seat = await lane.seat("a")
    await lane.ask(grab(seat, 1, BOMB), grab(seat, 2, BOMB))
    await next_round(lane, 1)
    await lane.ask(fill(seat, 1, 0, 50), grab(seat, 1, BOMB, round_=1), grab(seat, 2, BOMB, round_=1))
    lines = [line for line in await lane.lines() if line[6][0] == "grab"]
    assert [line[8:] for line in lines] == [[], [], [[1, COST]], []]


async def test_free_chances_go_first_and_paid_plays_do_not_use_them_up(redis: Redis) -> None:
    """Two free plays in all, one a day: a play paid for on the first day leaves the second day's free."""
    lane = await raining(redis, paying(free_per_day=1, free_total=2))
    seat, now = await lane.seat("a"), await server_ms(redis)
    first, second = [(now - 2000, DAY_1), (now + 60_000, DAY_2)], [(now - 2000, DAY_1), (now - 1000, DAY_2)]
    await lane.ask(fill(seat, 1, 0, 50), days=first)
    told = []
    for round_, days in enumerate((first, first, second)):
        if round_:
            await next_round(lane, round_)
        told.append((await lane.ask(grab(seat, 1, BOMB, round_=round_), days=days))[0][3][:3])
    assert told == [[0, 0, 50], [COST, 0, 45], [0, 0, 45]]


async def test_the_most_plays_hold_for_those_who_pay(redis: Redis) -> None:
    lane = await raining(redis, paying(max_total=2, max_per_day=1))
    seat, now = await lane.seat("a"), await server_ms(redis)
    first, second = [(now - 2000, DAY_1), (now + 60_000, DAY_2)], [(now - 2000, DAY_1), (now - 1000, DAY_2)]
    await lane.ask(fill(seat, 1, 0, 50), days=first)
    assert (await lane.ask(grab(seat, 1, BOMB), days=first))[0][3] == [COST, 0, 45, 1, 0, 0, 0]
    await next_round(lane, 1)
    kind, code, retry = (await lane.ask(grab(seat, 1, BOMB, round_=1), days=first))[0]
    assert (kind, code) == (0, "no_chance_left")
    assert 0 < retry <= 60_000
    assert (await lane.ask(grab(seat, 1, BOMB, round_=1), days=second))[0][3][5] == 0
    await next_round(lane, 2)
    assert (await lane.ask(grab(seat, 1, round_=2), days=second))[0] == [0, "no_chance_left", False]


async def test_the_most_plays_hold_without_a_cost(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"max_total": 1}))
    seat = await lane.seat("a")
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1
    await next_round(lane, 1)
    assert (await lane.ask(grab(seat, 1, round_=1)))[0][1] == "no_chance_left"


async def test_a_spent_purse_asks_for_its_next_fill_and_says_how_many_plays_may_follow(redis: Redis) -> None:
    lane = await raining(redis, paying(max_total=9))
    seat = await lane.seat("a")
    await lane.ask(fill(seat, 1, 0, COST), grab(seat, 1))
    await next_round(lane, 1)
    needed = grab(seat, 1, round_=1)
    assert await lane.ask(needed) == [[0, "purse_needed", [1, 0, True, 8, 1, 0]]]
    assert (await lane.ask(fill(seat, 1, 1, COST), needed))[1][3] == [COST, 0, 0, 1, 1, 7, 0]


async def test_a_fill_has_effect_once_and_in_its_turn(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    results = await lane.ask(
        fill(seat, 1, 1, 50), fill(seat, 1, 0, 50, 1000 + LATER), fill(seat, 1, 0, 50), fill(seat, 1, 2, 50),
        fill(seat, 1, 1, 20), fill(seat, 1, 1, 20),
    )  # fmt: skip
    assert [result[1][:3] for result in results] == [
        [0, 0, 0], [1, 0, 50], [1, 0, 50], [1, 0, 50], [1, 1, 70], [1, 1, 70],
    ]  # fmt: skip
    # the last fill moves the end
    assert await purse(lane) == [1, 1, 70, LATER, 0]
    assert [[*line[:3], line[6]] for line in (await lane.lines())[-2:]] == [
        ["p1.a", 0, "a", ["purse", 1, 0, 50, 1000 + LATER]],
        ["p1.a", 1, "a", ["purse", 1, 1, 20, LATER]],
    ]


async def test_a_purse_is_closed_once_with_what_is_left(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    await lane.ask(fill(seat, 1, 0, 50), grab(seat, 1), close(seat, 1), close(seat, 1))
    assert await purse(lane) == [1, 0, 0, 0, 1]
    ends = [line for line in await lane.lines() if line[6][0] == "purse_closed"]
    assert [[*line[:3], line[6]] for line in ends] == [["p1.a", 1_000_000, "a", ["purse_closed", 1, 45]]]
    await next_round(lane, 1)
    again = grab(seat, 1, round_=1)
    # neither a late fill nor a late close touches what came after
    late = await lane.ask(again, fill(seat, 1, 1, 50), again)
    assert late[2] == [0, "purse_needed", [1, 0, False, False, 1, 0]]
    await lane.ask(fill(seat, 2, 0, 50), close(seat, 1))
    assert await purse(lane) == [2, 0, 50, LATER, 1]


async def test_a_purse_whose_time_is_over_pays_no_more_and_is_closed_by_the_play(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat, now = await lane.seat("a"), await server_ms(redis)
    needed = grab(seat, 1)
    over = await lane.ask(fill(seat, 1, 0, 50, now - 1), needed)
    assert over[1] == [0, "purse_needed", [1, 0, False, False, 1, 0]]
    assert await purse(lane) == [1, 0, 0, 0, 0]
    assert (await lane.ask(fill(seat, 2, 0, 20), needed))[1][3] == [COST, 0, 15, 2, 0, False, 0]
    assert [line[6] for line in (await lane.lines())[-4:-1]] == [
        ["purse", 1, 0, 50, now - 1], ["purse_closed", 1, 50], ["purse", 2, 0, 20, LATER],
    ]  # fmt: skip


async def test_the_sweep_closes_what_is_over_and_a_closed_room_everything(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seats, now = await lane.seats(5), await server_ms(redis)
    await lane.ask(*(fill(seat, 1, 0, 50, now - 1 if n < 2 else LATER) for n, seat in enumerate(seats)))
    assert await lane.store.close_purses(1) == 1
    assert await lane.store.close_purses() == 0
    closed = [line[2] for line in await lane.lines() if line[6][0] == "purse_closed"]
    assert sorted(closed) == ["m0", "m1"]
    await lane.store.set_state("closed")
    assert await lane.store.close_purses(2) == 1
    assert await lane.store.close_purses(2) == 0
    assert [(await purse(lane, seat.member))[2:4] for seat in seats] == [[0, 0]] * 5  # type: ignore[index]
    assert not await redis.exists(lane.keys.purses)


async def test_what_is_granted_to_a_closed_room_goes_back_at_once(redis: Redis) -> None:
    lane = await raining(redis, paying())
    seat = await lane.seat("a")
    await lane.store.set_state("closed")
    await lane.ask(fill(seat, 1, 0, 50))
    assert [line[6] for line in (await lane.lines())[-2:]] == [
        ["purse", 1, 0, 50, LATER], ["purse_closed", 1, 50],
    ]  # fmt: skip
    assert await purse(lane) == [1, 0, 0, 0, 0]


async def test_a_stale_process_closes_no_purse(redis: Redis) -> None:
    lane = await raining(redis, paying())
    stale = PlayedLane(redis, lane.record, epoch=0)
    with pytest.raises(Refused, match="lane_lost"):
        await stale.store.close_purses()


async def test_who_comes_in_is_told_the_cost_and_the_purse(redis: Redis) -> None:
    lane = await raining(redis, paying(free_total=1, max_total=9))
    seat = await lane.seat("a")
    await lane.ask(grab(seat, 1), fill(seat, 1, 0, 50))
    ticket = await lane.ticket("a")
    (result,) = await lane.ask(["", "", 0, "join", False, ticket, seat.session, False])
    assert result[11] == [0, 0, 50, 1, 0, 8, 0]
    ticket = await lane.ticket("")
    (watching,) = await lane.ask(["", "", 0, "join", False, ticket, False, False])
    assert len(watching) == 11


async def test_a_free_room_has_no_purse_and_reads_none(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 2}))
    seat = await lane.seat("a")
    await redis.config_resetstat()
    assert (await lane.ask(grab(seat, 1)))[0][3] == [0, 1, 0, 0, 0, False, 0]
    calls = await redis.info("commandstats")
    assert calls["cmdstat_hmget"]["calls"] == 2  # the head and the members
    assert not await redis.exists(lane.keys.purse, lane.keys.purses)
