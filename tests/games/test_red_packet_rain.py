"""Red-packet rain, GAMES.md: what a member sees of a round."""

from collections.abc import Mapping
from struct import unpack
from typing import Any

import msgpack
import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.game import Sender
from gameserver.games.red_packet_rain.events import Grab
from gameserver.games.red_packet_rain.plan import RainPlan
from gameserver.games.red_packet_rain.player import RainPlayer
from gameserver.games.red_packet_rain.rain import EARLY_MS, Kind, Rain, content_key, round_key
from gameserver.games.red_packet_rain.schedule import GRACE_MS
from tests.games.rains import BOMB, EMPTY, PACKET, PRIZE, grab, rain, raining, scored
from tests.store.lanes import (
    SEED,
    PlayedLane,
    Seat,
    clock_command,
    opened,
    record_of,
    server_ms,
    unpacked,
)

# what tests/test_every_game.py plays until nothing is left
SCARCE: Mapping[str, Any] = rain(
    rounds=[{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000}],
    drops_per_member=400,
    amounts={"mode": "double_mean", "total_points": 200, "count": 40, "min": 1, "max": 20},
)
OPENED_AT = 1_790_000_000_000


def plan_of(config: dict[str, Any]) -> RainPlan:
    record = record_of("red_packet_rain", config, OPENED_AT)
    plan = PlayedLane(Redis(), record).plan
    assert isinstance(plan, RainPlan)
    return plan


async def taps(lane: PlayedLane, *commands: list[Any]) -> list[Any]:
    """(prize, amount) of what was won, else the code, else the kind of drop."""
    told: list[Any] = []
    for result in await lane.ask(*commands):
        if result[0] == 0:
            told.append(result[1])
        else:
            told.append((result[2][0][0], result[2][0][2]) if result[2] else result[1][1])
    return told


async def next_round(lane: PlayedLane) -> int:
    """Closes the round that is open and opens the next."""
    done = await lane.store.clock()
    for due in lane.dues()[done : done + 2]:
        assert (await lane.clock(due))[0] == 1
    return done // 2 + 1


# the window of a drop


def test_a_drop_is_valid_from_a_reaction_after_it_appears_until_a_grace_after_it_has_gone() -> None:
    plan = plan_of(rain())
    times = plan._rounds[1]
    drops = Rain(
        round_key(SEED, "r1", 1, "ann"),
        content_key(SEED, "r1", 1, "ann"),
        60_000,
        200,
        plan._bombs,
        plan._packets,
    )
    for drop in (0, 7, 199):
        spawn, end, kind = drops.drop(drop)
        arguments = plan.arguments(Sender("ann", ""), Grab(ref=1, drop=drop), times.starts_at)  # type: ignore[arg-type]
        begins, ends = times.starts_at + spawn + EARLY_MS, times.starts_at + end + GRACE_MS
        assert arguments == (1, drop, kind, begins, ends)
        assert (EARLY_MS, GRACE_MS) == (100, 250)


def test_outside_a_round_the_page_is_told_when_to_come() -> None:
    plan = plan_of(rain(rounds=[{"gap_ms": 10_000, "countdown_ms": 3000, "duration_ms": 5000, "times": 2}]))
    first, second = plan._rounds
    cases = [
        (OPENED_AT, first.starts_at - OPENED_AT),
        (first.countdown_at - 1, first.starts_at - first.countdown_at + 1),
        (first.ends_at + GRACE_MS, second.starts_at - first.ends_at - GRACE_MS),
        (second.ends_at + GRACE_MS, None),
    ]
    for now, retry in cases:
        with pytest.raises(Refused) as refused:
            plan.arguments(Sender("ann", ""), Grab(ref=1, drop=1), now)  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.retry_ms) == ("no_round", retry)
    for now in (first.countdown_at, first.ends_at + GRACE_MS - 1, second.countdown_at):
        assert plan.arguments(Sender("ann", ""), Grab(ref=1, drop=1), now)  # type: ignore[arg-type]


def test_a_drop_that_is_not_in_the_rain_is_refused() -> None:
    plan = plan_of(rain(drops_per_member=50))
    with pytest.raises(Refused, match="drop_unknown"):
        plan.arguments(Sender("ann", ""), Grab(ref=1, drop=50), plan._rounds[0].starts_at)  # type: ignore[arg-type]


async def test_the_servers_clock_decides_on_early_and_late(redis: Redis) -> None:
    lane = await raining(redis)
    seat, now = await lane.seat("a"), await server_ms(redis)
    early, late = grab(seat, 1, window=(now + 60_000, now + 70_000)), grab(seat, 1, window=(0, now - 1))
    (_, code, retry), (_, late_code, never) = await lane.ask(early, late)
    assert code == "too_early"
    assert 59_000 < retry <= 60_000
    assert (late_code, never) == ("too_late", False)
    # neither cost anything: the drop is still there
    assert await taps(lane, grab(seat, 1), grab(seat, 1)) == [("packet", 5), "drop_taken"]


async def test_a_whole_rain_tapped_at_the_right_time(redis: Redis) -> None:
    """A player who knows what the page knows gets as many packets as everybody's rain holds, in order."""
    config = rain(
        rounds=[{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000}], bomb_share=20, packet_share=50
    )
    lane = await raining(redis, config, ago=30_000)
    seat, now = await lane.seat("ann"), await server_ms(redis)
    public = lane.plan.public()
    view, _ = (await lane.store.views(["ann"]))[0]  # type: ignore[list-item]
    player = RainPlayer(public, lane.plan.snapshot("ann", now, view))  # type: ignore[arg-type]
    told: list[tuple[int, Any]] = []
    while (wanted := player.next(now)) is not None and wanted[0] <= now:
        command = Grab(ref=1, drop=wanted[1]["drop"])
        arguments = lane.plan.arguments(Sender("ann", ""), command, now)  # type: ignore[arg-type]
        told.append((command.drop, (await taps(lane, seat.asks("grab", *arguments)))[0]))
    assert len(told) >= 2
    assert [drop for drop, _ in told] == sorted({drop for drop, _ in told})
    assert {result for _, result in told} <= {("packet", 5), EMPTY}


# what a round gives


async def test_every_packet_of_a_round_is_given_once_with_the_amount_of_its_number(redis: Redis) -> None:
    amounts = {"mode": "double_mean", "total_points": 500, "count": 60, "min": 1, "max": 40}
    lane = await raining(redis, rain(amounts=amounts))
    seats = await lane.seats(30)
    for round_ in range(3):
        told = await taps(lane, *(grab(seat, drop, round_=round_) for drop in range(3) for seat in seats))
        assert told[60:] == ["sold_out"] * 30
        units = [grant for grant in await lane.grants() if 60 * round_ < grant[1] <= 60 * (round_ + 1)]
        assert [grant[1] for grant in units] == list(range(60 * round_ + 1, 60 * round_ + 61))
        assert sum(grant[2] for grant in units) == 500
        if round_ < 2:
            assert await next_round(lane) == round_ + 1
    assert (await lane.stock())["packet"] == [180, 181, 180]
    assert sum(grant[2] for grant in await lane.grants()) == lane.plan.budget() == 1500


async def test_a_round_that_opens_in_mid_tick_has_its_own_amounts(redis: Redis) -> None:
    amounts = {"mode": "double_mean", "total_points": 5000, "count": 100, "min": 1, "max": 200}
    lane = await raining(redis, rain(amounts=amounts))
    seat, dues = await lane.seat("a"), lane.dues()
    first = [grab(seat, drop) for drop in range(50)]
    second = [grab(seat, drop, round_=1) for drop in range(100)]
    await lane.ask(*first, clock_command(dues[1]), clock_command(dues[2]), *second)
    octets = bytes(dues[2].arguments[2])[5:]  # after MessagePack's header
    assert [grant[2] for grant in (await lane.grants())[50:]] == [*unpack(f"<{len(octets) // 4}I", octets)]


async def test_at_most_so_many_packets_a_round(redis: Redis) -> None:
    lane = await raining(redis, rain(max_grabs_per_round=2))
    seat = await lane.seat("a")
    mixed = [grab(seat, 1), grab(seat, 2, EMPTY), grab(seat, 3), grab(seat, 4), grab(seat, 5, BOMB)]
    assert await taps(lane, *mixed) == [("packet", 5), EMPTY, ("packet", 5), "grab_limit", BOMB]
    await next_round(lane)
    assert await taps(lane, grab(seat, 1, round_=1)) == [("packet", 5)]


async def test_a_bomb_takes_score_but_never_below_zero_and_never_points(redis: Redis) -> None:
    lane = await raining(redis, rain(bomb_score=3))
    seat = await lane.seat("a")
    results = await lane.ask(*(grab(seat, drop, PACKET if drop < 5 else BOMB) for drop in range(7)))
    assert [result[1][2:] for result in results] == [
        [5, 1], [10, 2], [15, 3], [20, 4], [25, 5], [25, 2], [25, 0],
    ]  # fmt: skip


async def test_sums_are_exact_with_the_most_that_a_config_allows(redis: Redis) -> None:
    amounts = {"mode": "fixed", "count": 4000, "amount": 1_000_000}
    lane = await raining(redis, rain(amounts=amounts, drops_per_member=2000))
    await without_rate(lane)
    seat = await lane.seat("a")
    for round_ in range(3):
        for first in range(0, 2000, 250):
            results = await lane.ask(*(grab(seat, drop, round_=round_) for drop in range(first, first + 250)))
            assert {result[0] for result in results} == {1}
        assert results[-1][1][2] == 2 * 10**9
        view, _ = (await lane.store.views(["a"]))[0]  # type: ignore[list-item]
        assert view[0] == [round_, 2 * 10**9, 2000, 2000, 10**6, 1]
        assert view[3] == 2 * 10**9 * (round_ + 1)
        await lane.clock(lane.dues()[2 * round_ + 1])
        (entry,) = await redis.xrevrange(lane.keys.events, count=1)
        assert unpacked(entry[1][b"e"])[2:] == ["round_closed", [round_, 1, 2000, [["a", 2 * 10**9]]]]
        if round_ < 2:
            await lane.clock(lane.dues()[2 * round_ + 2])


async def without_rate(lane: PlayedLane) -> None:
    """As if every command came a second after the one before."""
    rule = unpacked(await lane.redis.get(lane.keys.rule) or b"")
    rule["gcra"]["interval"] = 0
    await lane.redis.set(lane.keys.rule, msgpack.packb(rule))


async def test_who_joined_after_the_start_waits_for_the_next_round(redis: Redis) -> None:
    lane = await raining(redis, rain(late_join=False), ago=20_000)
    late = await lane.seat("late")
    assert await taps(lane, grab(late, 1)) == ["late_join"]
    await next_round(lane)  # its start is still to come
    assert await taps(lane, grab(late, 1, round_=1)) == [("packet", 5)]


async def test_a_round_that_is_not_on_takes_no_tap(redis: Redis) -> None:
    lane = await opened(redis, rain())
    seat = await lane.seat("a")
    assert await taps(lane, grab(seat, 1)) == ["no_round"]
    await lane.clock(lane.dues()[0])
    assert await taps(lane, grab(seat, 1), grab(seat, 2, round_=1)) == [("packet", 5), "no_round"]
    await next_round(lane)
    assert await taps(lane, grab(seat, 3), grab(seat, 3, round_=1)) == ["no_round", ("packet", 5)]


# rare packets

MUG = {"id": "mug", "name": "杯子", "kind": "physical", "stock": 6, "per_member": 1}
BONUS = {"id": "bonus", "name": "大奖", "kind": "points", "value": 700, "stock": 3}


async def test_rare_packets_are_spread_over_the_rounds_and_all_can_be_won(redis: Redis) -> None:
    lane = await raining(
        redis, rain(prizes=[MUG, BONUS], amounts={"mode": "fixed", "count": 20, "amount": 5})
    )
    seats = await lane.seats(10)
    won: list[Any] = []
    for round_ in range(3):
        told = await taps(lane, *(grab(seat, drop, round_=round_) for drop in range(4) for seat in seats))
        rare = [result for result in told if isinstance(result, tuple) and result[0] != "packet"]
        assert sorted(rare) == [("bonus", 700), ("mug", 0), ("mug", 0)]
        assert told.count(("packet", 5)) == 20
        assert told.count("sold_out") == 40 - 23
        won += rare
        if round_ < 2:
            await next_round(lane)
    assert await lane.stock() == {"mug": [6, 7, 6], "bonus": [3, 4, 3], "packet": [60, 61, 60]}
    owners = [grant[4] for grant in await lane.grants() if grant[0] == "mug"]
    assert len(set(owners)) == 6, "nobody may have two mugs"


async def test_a_rare_packet_that_one_may_not_have_waits_for_another(redis: Redis) -> None:
    """Nothing is lost: who has enough gets an ordinary packet, the rare one goes to the next who may."""
    one_round = [{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000}]
    lane = await raining(
        redis, rain(rounds=one_round, prizes=[MUG], amounts={"mode": "fixed", "count": 10, "amount": 5})
    )
    greedy = await lane.seat("greedy")
    told = await taps(lane, *(grab(greedy, drop) for drop in range(12)))
    assert told.count(("mug", 0)) == 1
    assert told.count(("packet", 5)) == 10
    assert told[-1] == "sold_out"
    others = [await lane.seat(f"o{number}") for number in range(6)]
    assert await taps(lane, *(grab(seat, 1) for seat in others)) == [("mug", 0)] * 5 + ["sold_out"]
    assert sorted(grant[1] for grant in await lane.grants() if grant[0] == "mug") == [1, 2, 3, 4, 5, 6]


async def test_a_rare_packet_is_told_as_a_prize(redis: Redis) -> None:
    lane = await raining(
        redis, rain(prizes=[{**MUG, "stock": 3}], amounts={"mode": "fixed", "count": 1, "amount": 5})
    )
    seats = await lane.seats(2)
    results = await lane.ask(*(grab(seat, 1) for seat in seats))
    assert sorted(result[1][1] for result in results) == [PACKET, PRIZE]


# score mode


async def test_places_win_and_equal_scores_are_ordered_by_time(redis: Redis) -> None:
    lane = await raining(redis, scored([(1, 100), (2, 30)], bomb_score=10), ago=30_000)
    slow, quick, best, last = [await lane.seat(name) for name in ("z_slow", "a_quick", "best", "last")]
    assert await taps(lane, *(grab(best, drop) for drop in range(3))) == [PACKET] * 3
    await lane.ask(grab(quick, 1), grab(last, 1, BOMB))
    before = await server_ms(redis)
    while await server_ms(redis) == before:
        pass  # the next millisecond
    await lane.ask(grab(slow, 1))
    assert await lane.grants() == []
    await next_round(lane)
    assert [grant[:3] + grant[4:] for grant in await lane.grants()] == [
        ["place", 1, 100, "best"],
        ["place", 2, 30, "a_quick"],
        ["place", 3, 30, "z_slow"],
    ]


async def test_more_places_than_players(redis: Redis) -> None:
    lane = await raining(redis, scored([(5, 10)]))
    await lane.ask(grab(await lane.seat("only"), 1))
    await next_round(lane)
    assert [grant[1:3] for grant in await lane.grants()] == [[1, 10]]
    await next_round(lane)
    assert len(await lane.grants()) == 1
    assert (await lane.stock())["place"] == [1, 2, 15]


async def test_the_cap_on_wins_counts_for_places_too(redis: Redis) -> None:
    lane = await raining(redis, scored([(1, 100), (1, 50)], wins={"per_member": 1}))
    names = ["first", "second", "third"]
    seats = [await lane.seat(name) for name in names]
    for round_ in range(2):
        for better, seat in zip((3, 2, 1), seats, strict=True):
            await lane.ask(*(grab(seat, drop, round_=round_) for drop in range(better)))
        await next_round(lane)
    # in the second round both who won before are passed over
    assert [(grant[4], grant[2]) for grant in await lane.grants()] == [
        ("first", 100),
        ("second", 50),
        ("third", 100),
    ]


# the picture


async def test_the_snapshot_is_the_sum_of_the_answers(redis: Redis) -> None:
    lane = await raining(redis, rain(prizes=[MUG], bomb_score=2), ago=10_000)
    seat: Seat = await lane.seat("ann")
    kinds = [PACKET, EMPTY, BOMB, PACKET, PACKET, BOMB, PACKET]
    results = [(await lane.ask(grab(seat, 3 * n, kind)))[0] for n, kind in enumerate(kinds)]
    now = await server_ms(redis)

    async def picture() -> Mapping[str, Any]:
        view, _ = (await lane.store.views(["ann"]))[0]  # type: ignore[list-item]
        return lane.plan.snapshot("ann", now, view)  # type: ignore[arg-type]

    amounts = [grant[2] for result in results for grant in result[2]]
    shown = await picture()
    assert shown["mine"] == {
        "round": 0, "sum": sum(amounts), "score": results[-1][1][3], "packets": 4, "best": max(amounts),
        "place": 1,
    }  # fmt: skip
    assert shown["taken"] == [3 * n for n in range(7)]
    assert (shown["points"], shown["packets"], shown["last"]) == (sum(amounts), 4, None)
    rare = [grant[0] for result in results for grant in result[2] if grant[0] == "mug"]
    assert shown["prizes"] == ({"mug": len(rare)} if rare else {})
    assert shown["round"]["key"] == round_key(lane.record.seed, "r1", 0, "ann").hex()
    assert shown["next"] is None
    nobody = lane.plan.snapshot("bob", now, (await lane.store.views(["bob"]))[0][0])  # type: ignore[arg-type, list-item]
    assert (nobody["mine"], nobody["taken"], nobody["points"]) == (None, [], 0)
    assert nobody["round"]["key"] != shown["round"]["key"]

    # after the round its sums stay as the last ones
    times = lane.plan._rounds[0]  # type: ignore[attr-defined]
    now = times.ends_at + GRACE_MS
    over = await picture()
    assert (over["mine"], over["taken"], over["last"]) == (None, [], shown["mine"])
    assert over["round"] is None
    assert over["next"]["round"] == 1


async def test_the_seed_of_a_round_is_not_in_its_key(redis: Redis) -> None:
    lane = await raining(redis)
    public = str(lane.plan.public()) + str(lane.plan.snapshot("a", 0, [False, False, [], 0, 0, []]))  # type: ignore[arg-type]
    assert SEED.hex() not in public
    assert content_key(SEED, "r1", 0, "a").hex() not in public


def test_the_players_taps_are_never_bombs() -> None:
    plan = plan_of(rain(bomb_share=50))
    times = plan._rounds[0]
    snapshot = plan.snapshot("ann", times.starts_at, [False, False, [], 0, 0, []])  # type: ignore[arg-type]
    player = RainPlayer(plan.public(), snapshot)
    drops = Rain(round_key(SEED, "r1", 0, "ann"), b"", 60_000, 200, 100, 0)
    tapped = []
    while (wanted := player.next(times.starts_at)) is not None:
        at, command = wanted
        spawn, end, kind = drops.drop(command["drop"])
        assert times.starts_at + spawn + EARLY_MS < at < times.starts_at + end + GRACE_MS
        assert kind != Kind.BOMB
        tapped.append(command["drop"])
    assert len(tapped) == 100
