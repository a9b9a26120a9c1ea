"""Caps on a member's points, as far as one room knows them: by its own days, refused before the draw."""

from typing import Any

import pytest
from redis.asyncio import Redis

from ledger_client.terms import Caps, Terms
from tests.games.rains import BOMB, EMPTY, PACKET, grab, rain, raining, scored
from tests.store.lanes import PlayedLane, Seat, server_ms

MUG = {"id": "mug", "name": "杯子", "kind": "physical", "stock": 100}


async def capped(
    redis: Redis, caps: Caps, config: dict[str, Any] | None = None, room: str = "r1"
) -> PlayedLane:
    """A lane whose first round is open, in a campaign with these caps."""
    return await raining(redis, config or rain(), room=room, terms=Terms(caps=caps))


async def taps(lane: PlayedLane, seat: Seat, count: int, day: int) -> list[Any]:
    """What became of so many packets, each tried on that day: True, or the code that refused it."""
    first = seat.ref + 1
    asked = [grab(seat, drop) for drop in range(first, first + count)]
    return [True if result[0] == 1 else result[1] for result in await lane.ask(*asked, days=[(0, day)])]


async def earned(lane: PlayedLane, member: str = "a") -> list[int]:
    record = await lane.member(member)
    assert record is not None
    return record.earned


async def test_a_used_up_day_is_refused_until_the_next_one(redis: Redis) -> None:
    lane = await capped(redis, Caps(day=12))
    seat, other = await lane.seat("a"), await lane.seat("b")
    now = await server_ms(redis)
    days = [(now - 1000, 20260301), (now + 60_000, 20260302)]
    results = await lane.ask(
        *(grab(seat, drop) for drop in range(4)), grab(seat, 8, EMPTY), grab(seat, 9, BOMB), grab(other, 1),
        days=days,
    )  # fmt: skip
    # 5 and 5 leave 2: the third is granted, and the ledger cuts it
    assert [result[0] for result in results] == [1, 1, 1, 0, 1, 1, 1]
    kind, code, retry = results[3]
    assert (kind, code) == (0, "points_cap")
    assert 0 < retry <= 60_000
    assert await earned(lane) == [20260301, 15, 15, 15]
    assert await earned(lane, "b") == [20260301, 5, 5, 5]
    assert (await lane.ask(grab(seat, 3), days=[(now - 1000, 20260302)]))[0][0] == 1
    assert await earned(lane) == [20260302, 5, 20, 20]


async def test_a_cap_that_is_just_used_up(redis: Redis) -> None:
    lane = await capped(redis, Caps(day=10))
    assert await taps(lane, await lane.seat("a"), 3, 20260301) == [True, True, "points_cap"]


@pytest.mark.parametrize(
    ("caps", "days"),
    [
        # (day, points that are granted of two packets)
        (Caps(month=15), [(20261130, 2), (20261201, 2), (20261202, 1), (20261231, 0), (20270101, 2)]),
        (Caps(year=15), [(20261130, 2), (20261201, 1), (20261231, 0), (20270101, 2)]),
        (Caps(day=5, month=10, year=15), [(20260130, 1), (20260131, 1), (20260201, 1), (20261001, 0)]),
        # the same month of another year, the same day of another month
        (Caps(month=5), [(20260301, 1), (20270301, 1), (20270401, 1)]),
        (Caps(day=5), [(20260301, 1), (20260401, 1), (20270401, 1)]),
    ],
)  # fmt: skip
async def test_months_and_years(redis: Redis, caps: Caps, days: list[tuple[int, int]]) -> None:
    lane = await capped(redis, caps)
    seat = await lane.seat("a")
    for day, granted in days:
        results = await taps(lane, seat, 2, day)
        assert results == [True] * granted + ["points_cap"] * (2 - granted), day


@pytest.mark.parametrize("caps", [Caps(month=5), Caps(year=5), Caps(day=5, month=5)])
async def test_only_the_days_cap_says_when_it_resets(redis: Redis, caps: Caps) -> None:
    """Tomorrow helps nobody whose month is used up."""
    lane = await capped(redis, caps)
    seat, now = await lane.seat("a"), await server_ms(redis)
    days = [(now - 1000, 20260301), (now + 60_000, 20260302)]
    results = await lane.ask(grab(seat, 1), grab(seat, 2), days=days)
    assert results[1] == [0, "points_cap", False]


async def test_a_refused_packet_stays_for_others_and_costs_nothing(redis: Redis) -> None:
    lane = await capped(redis, Caps(day=5))
    seat, other = await lane.seat("a"), await lane.seat("b")
    assert await taps(lane, seat, 2, 20260301) == [True, "points_cap"]
    lines, stock = await lane.lines(), await lane.stock()
    assert await taps(lane, seat, 3, 20260301) == ["points_cap"] * 3
    assert (await lane.lines(), await lane.stock()) == (lines, stock)
    # the drop was not taken
    (result,) = await lane.ask(grab(seat, 2), days=[(0, 20260302)])
    assert result[0] == 1
    assert [grant[1] for grant in await lane.grants()] == [1, 2]
    assert await taps(lane, other, 1, 20260301) == [True]


async def test_the_other_limits_come_first_where_they_hold_longer(redis: Redis) -> None:
    wins = {"per_member": 1, "min_interval_ms": 60_000}
    lane = await capped(redis, Caps(day=5), rain(wins=wins))
    assert await taps(lane, await lane.seat("a"), 2, 20260301) == [True, "win_limit"]
    lane = await capped(redis, Caps(day=5), rain(wins={"min_interval_ms": 60_000}), "r2")
    assert await taps(lane, await lane.seat("a"), 2, 20260301) == [True, "points_cap"]


async def test_goods_are_no_points(redis: Redis) -> None:
    one = {"mode": "fixed", "count": 1, "amount": 5}
    lane = await capped(redis, Caps(day=6), rain(amounts=one, prizes=[MUG]))
    seat = await lane.seat("a")
    assert (await taps(lane, seat, 20, 20260301)).count(True) > 10
    assert (await earned(lane))[1] <= 5


async def test_places_pass_over_who_has_enough(redis: Redis) -> None:
    lane = await capped(redis, Caps(day=100), scored([(1, 100)]))
    dues = lane.dues()
    first, second = await lane.seat("a"), await lane.seat("b")
    days = [(0, 20260301)]
    for round_, winners in enumerate(["a", "b"]):
        if round_:
            await lane.clock(dues[2 * round_])
        taps_ = [*(grab(first, drop, round_=round_) for drop in (1, 2)), grab(second, 1, round_=round_)]
        assert {result[0] for result in await lane.ask(*taps_, days=days)} == {1}
        due = dues[2 * round_ + 1]
        await lane.ask(["", "clock", due.ref, due.op, False, *due.arguments], days=days)
        assert [grant[4] for grant in await lane.grants()][round_:] == [winners]
    assert await earned(lane) == [20260301, 100, 100, 100]


async def test_a_room_without_caps_keeps_nothing_of_it(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    await lane.ask(*(grab(seat, drop, PACKET) for drop in range(5)))
    assert await earned(lane) == []
    assert not await lane.store.capped()


async def test_without_a_day_the_ledger_alone_decides(redis: Redis) -> None:
    """A tick that was told no day counts nothing, rather than on a wrong one."""
    lane = await capped(redis, Caps(day=5))
    seat = await lane.seat("a")
    results = await lane.ask(grab(seat, 1), grab(seat, 2))
    assert [result[0] for result in results] == [1, 1]
    assert await earned(lane) == []
    assert await lane.store.capped()
