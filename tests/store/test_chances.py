"""What the prelude promises for plays that are counted: free ones first, then gifts, then paid ones."""

from typing import Any

import pytest
from redis.asyncio import Redis

from tests.games.rains import BOMB, grab, rain, raining
from tests.store.lanes import PlayedLane, Seat, server_ms
from tests.store.test_purse import COST, DAY_1, DAY_2, fill, next_round

CODE = 1


def order(number: int, op: str, *arguments: Any) -> list[Any]:
    """A staff order as it comes to the lane."""
    return ["!host", "staff", number, op, False, *arguments]


async def play(lane: PlayedLane, seat: Seat, round_: int, **how: Any) -> Any:
    """The result of one play: the first tap of a round."""
    if round_:
        await next_round(lane, round_)
    return (await lane.ask(grab(seat, 1, BOMB, round_=round_), **how))[0]


async def test_gifts_come_after_the_free_plays_and_before_the_paid_ones(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 1, "cost_points": COST}))
    seat = await lane.seat("a")
    assert (await lane.ask(order(1, "give_chances", "a", 1)))[0][0] == 1
    await lane.ask(fill(seat, 1, 0, 50))
    told = [(await play(lane, seat, round_))[3] for round_ in range(3)]
    # cost, free, points left, purse, fill, most, gifts
    assert told == [
        [0, 0, 50, 1, 0, False, 1],
        [0, 0, 50, 1, 0, False, 0],
        [COST, 0, 45, 1, 0, False, 0],
    ]


async def test_a_gift_outlives_the_day_and_leaves_the_next_days_free_plays(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_per_day": 1}))
    seat, now = await lane.seat("a"), await server_ms(redis)
    first, second = [(now - 2000, DAY_1), (now + 60_000, DAY_2)], [(now - 2000, DAY_1), (now - 1000, DAY_2)]
    await lane.ask(order(1, "give_chances", "a", 1), days=first)
    assert [(await play(lane, seat, n, days=first))[3][1] for n in range(2)] == [0, 0]
    assert (await lane.member("a")).gifts == [1, 1]  # type: ignore[union-attr]
    assert (await play(lane, seat, 2, days=second))[0] == 1


async def test_gifts_for_who_has_not_come_in_wait_for_them(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 0}))
    await lane.ask(order(1, "give_chances", "a", 1), order(2, "give_chances", "a", 1))
    assert await lane.store.joined() == 0
    assert await redis.hgetall(lane.keys.gifts) == {b"a": b"2"}
    seat = await lane.seat("a")
    assert not await redis.exists(lane.keys.gifts)
    assert [(await play(lane, seat, n))[0] for n in range(2)] == [1, 1]
    assert (await play(lane, seat, 2))[CODE] == "no_chance_left"


async def test_an_order_counts_once_however_often_it_is_brought(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 0}))
    await lane.seat("a")
    once = await lane.ask(order(1, "give_chances", "a", 3))
    assert await lane.ask(order(1, "give_chances", "a", 3)) == once
    assert (await lane.member("a")).gifts == [3, 0]  # type: ignore[union-attr]
    assert await lane.store.ordered() == 1


@pytest.mark.parametrize("state", ["paused", "closed"])
async def test_a_room_that_takes_no_commands_still_hears_its_staff(redis: Redis, state: str) -> None:
    lane = await raining(redis, rain(chances={"free_total": 0}))
    await lane.seat("a")
    await lane.store.set_state(state)
    assert (await lane.ask(order(1, "give_chances", "a", 3)))[0][0] == 1


async def test_an_order_that_nobody_knows_is_not_lost(redis: Redis) -> None:
    """The rule may be mended: the order is asked again, and those behind it wait."""
    lane = await raining(redis)
    assert await lane.ask(order(1, "no_such_order")) == [[0, "internal", False]]
    assert await lane.store.ordered() == 0


async def test_members_cannot_order(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    assert (await lane.ask(seat.asks("give_chances", "a", 99)))[0][:2] == [0, "internal"]
    assert await lane.ask(["a", "staff", 1, "give_chances", False, "a", 99]) == [
        [0, "session_unknown", False]
    ]
    assert (await lane.member("a")).gifts == []  # type: ignore[union-attr]


# why


async def why(lane: PlayedLane, member: str, deny: str | None = None, **how: Any) -> Any:
    return await lane.store.explain(how.get("days", ()), member, how.get("plays", 1), deny)  # type: ignore[arg-type]


async def test_what_would_decide_is_told_without_playing(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_per_day": 1}))
    seat, now = await lane.seat("a"), await server_ms(redis)
    days = [(now - 2000, DAY_1), (now + 60_000, DAY_2)]
    before = await lane.dump()
    assert await why(lane, "a", days=days) == (None, None, [0, 1, 0, 0, 0, False, 0])
    assert (await why(lane, "a", days=days, plays=2))[0] == "no_chance_left"
    assert await why(lane, "stranger", days=days) == (None, None, [0, 1, 0, 0, 0, False, 0])
    assert await lane.dump() == before
    await play(lane, seat, 0, days=days)
    code, retry, told = await why(lane, "a", days=days)
    assert code == "no_chance_left"
    assert retry is not None
    assert 0 < retry <= 60_000
    assert told == [0, 0, 0, 0, 0, False, 0]


async def test_what_is_told_is_what_the_gate_decides_first(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 0}, wins={"per_member": 1}))
    await lane.seat("a")
    assert (await why(lane, "a"))[0] == "no_chance_left"
    assert (await why(lane, "a", "not_in_audience"))[0] == "not_in_audience"
    await lane.store.set_state("paused")
    assert (await why(lane, "a", "not_in_audience"))[0] == "paused"
    assert (await why(lane, "a", "blocked"))[0] == "blocked"


async def test_who_has_won_enough_is_told_so(redis: Redis) -> None:
    lane = await raining(redis, rain(wins={"per_member": 1}))
    seat = await lane.seat("a")
    assert (await why(lane, "a"))[0] is None
    await lane.ask(grab(seat, 1))
    assert (await why(lane, "a"))[0] == "win_limit"


# refusals are counted


async def test_refusals_are_counted_by_code(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_total": 0}))
    seat, before = await lane.seat("a"), await server_ms(redis)
    await lane.ask(grab(seat, 1), grab(seat, 2), grab(seat, 3, deny="blocked"))
    counted = await redis.hgetall(lane.keys.refused)
    assert before <= int(counted[b"since"]) <= await server_ms(redis)
    assert counted == {b"no_chance_left": b"2", b"blocked": b"1", b"since": counted[b"since"]}
    await lane.ask(grab(seat, 1, ref=1))  # the answer of before, and no refusal of now
    assert await redis.hgetall(lane.keys.refused) == counted
    while await server_ms(redis) == int(counted[b"since"]):
        pass
    await lane.ask(grab(seat, 4, deny="blocked"))
    assert await redis.hgetall(lane.keys.refused) == {**counted, b"blocked": b"2"}, "since the first"
