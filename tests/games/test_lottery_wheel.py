"""Lottery wheel, GAMES.md: what a spin gives, and what a member is told of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.fairness import draw
from gameserver.games.game import Granted, MemberId, PrizeId, Sender, SessionId
from gameserver.games.lottery_wheel.events import Spin, Spun, Tally
from gameserver.games.lottery_wheel.plan import WheelPlan
from gameserver.games.lottery_wheel.player import WheelPlayer
from gameserver.wire import Format, encode
from tests.games.wheels import THANKS, WHEEL, points, prize, rigged, spin, wheel
from tests.store.lanes import SEED, PlayedLane, opened, record_of, server_ms, unpacked

# what tests/test_every_game.py plays until nothing is left
SCARCE: Mapping[str, Any] = wheel(
    prize("mug", 5, stock=3),
    points("lots", 30, 50, stock=20, fallback="mug"),
    chances={"free_total": 20},
    ten_draw=True,
)
A, B, C = 1, 2, 3  # places of prizes
DAY, HOUR_MS = 20260301, 3_600_000


def plan_of(config: Mapping[str, Any]) -> WheelPlan:
    plan = PlayedLane(Redis(), record_of(WHEEL, config, 1_790_000_000_000)).plan
    assert isinstance(plan, WheelPlan)
    return plan


def given(lane: PlayedLane, result: Sequence[Any]) -> Any:
    """Ids of the prizes that a result gives, of a single spin just the id; or the code of a refusal."""
    if result[0] == 0:
        return result[1]
    ids = [lane.plan.rule()["ids"][place - 1] for place in result[1][3::3]]
    return ids[0] if len(ids) == 1 else ids


async def spins(lane: PlayedLane, *commands: list[Any], day: int = DAY) -> list[Any]:
    return [given(lane, result) for result in await lane.ask(*commands, days=[(0, day)])]


async def snapshot(lane: PlayedLane, member: str) -> dict[str, Any]:
    ((view, _),) = await lane.store.views([MemberId(member)])
    return dict(lane.plan.snapshot(MemberId(member), 0, view))


# draws


async def test_anyone_who_has_the_seed_can_draw_a_spin_again(redis: Redis) -> None:
    config = wheel(prize("a", 1), prize("b", 9), ten_draw=True, pity={"after": 2, "prizes": ["a", "b"]})
    lane = await opened(redis, config, game=WHEEL)
    seat, ids, bounds, missed = await lane.seat("ann"), ["a", "b", "thanks"], (1, 10, 60), 0
    for times in (1, 10):
        seat.ref += 1
        (result,) = await lane.ask(spin(lane, seat, times, ref=seat.ref))
        told = result[1][2:]
        for number in range(times):
            by_pity = missed >= 2
            n, total = (2 * number + 1, 10) if by_pity else (2 * number, 60)
            drawn = draw(SEED, "r1", "ann", seat.session, seat.ref, n, total)
            expected = next(id_ for id_, bound in zip(ids, bounds, strict=True) if drawn < bound)
            place, got, pity = told[3 * number : 3 * number + 3]
            assert (ids[place - 1], ids[got - 1], pity == 1) == (expected, expected, by_pity)
            missed = 0 if expected in ("a", "b") else missed + 1


def test_spins_of_other_members_sessions_and_refs_draw_anew() -> None:
    plan = plan_of(wheel(*(prize(f"p{number}", 10**6) for number in range(11))))

    def drawn(member: str, session: str, ref: int) -> list[Any]:
        senders = [Sender(MemberId(member), SessionId(session)) for _ in range(24)]
        return [
            plan.arguments(sender, Spin(ref=ref + at, times=1), 0)[2] for at, sender in enumerate(senders)
        ]

    all_of_them = [drawn("a", "s1", 1), drawn("b", "s1", 1), drawn("a", "s2", 1), drawn("a", "s1", 100)]
    assert len({tuple(places) for places in all_of_them}) == 4
    assert drawn("a", "s1", 1) == all_of_them[0]


@pytest.mark.parametrize("times", [2, 5, 9, 10])
def test_one_spin_or_ten_where_ten_are_offered(times: int) -> None:
    sender = Sender(MemberId("ann"), SessionId("s1"))
    for offered in (False, True):
        plan = plan_of(wheel(ten_draw=offered))
        if offered and times == 10:
            assert len(plan.arguments(sender, Spin(ref=1, times=10), 0)) == 12
            continue
        with pytest.raises(Refused, match="times_not_offered"):
            plan.arguments(sender, Spin(ref=1, times=times), 0)


async def test_the_first_pool_that_admits_a_member_draws_for_them(redis: Redis) -> None:
    def only(id_: str) -> dict[str, int]:
        return {id_: 1}

    pools = [
        {"audience": {"match": "all_of", "levels": ["gold"], "tags": ["new"]}, "weights": only("a")},
        {"audience": {"match": "any_of", "levels": ["gold"]}, "weights": only("b")},
    ]
    lane = await opened(redis, wheel(prize("a", 0), prize("b", 0), pools=pools), game=WHEEL)
    seat = await lane.seat("ann")
    gold, new = frozenset({"gold"}), frozenset({"new"})
    commands = [
        spin(lane, seat, levels=gold, tags=new), spin(lane, seat, levels=gold), spin(lane, seat, tags=new),
    ]  # fmt: skip
    assert await spins(lane, *commands) == ["a", "b", "thanks"]
    # the line says by which weights it was drawn
    assert [line[6][:2] for line in (await lane.lines())[1:]] == [["spun", 1], ["spun", 2], ["spun", 0]]


# what a drawn prize comes to


async def test_a_prize_that_is_gone_is_its_fallback(redis: Redis) -> None:
    config = wheel(prize("a", 1, stock=2, fallback="b"), prize("b", 1, stock=3), ten_draw=True)
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    assert await spins(lane, rigged(seat, A)) == ["a"]
    # ten spins of one command see each other
    assert await spins(lane, rigged(seat, A, A, A, B, A, B, A, B, A, A)) == [
        ["a", "b", "b", "b", *["thanks"] * 6]
    ]
    assert [grant[:2] for grant in await lane.grants()] == [["a", 1], ["a", 2], ["b", 1], ["b", 2], ["b", 3]]
    ((result,),) = [await lane.ask(rigged(seat, B))]
    assert result == [1, [12, 0, B, C, 0], []]


async def test_a_locked_prize_is_its_fallback_until_the_play_after(redis: Redis) -> None:
    config = wheel(prize("a", 1, unlock_after=4, fallback="b"), prize("b", 1, unlock_after=2), ten_draw=True)
    lane = await opened(redis, config, game=WHEEL)
    seat, ten = await lane.seat("ann"), await lane.seat("bob")
    assert await spins(lane, *(rigged(seat, A) for _ in range(6))) == ["thanks", "thanks", "b", "b", "a", "a"]
    assert await spins(lane, rigged(ten, *[A] * 10)) == [["thanks", "thanks", "b", "b", *["a"] * 6]]


async def test_an_unlimited_end_pays_until_its_budget_is_used_up(redis: Redis) -> None:
    last = points("coins", 1, 30, stock=None, fallback=None)
    config = wheel(prize("mug", 1, stock=1, fallback="coins"), last, points_budget=100)
    config["prizes"].pop()  # no thank you
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    told = await spins(lane, *(rigged(seat, place) for place in (A, A, B, A, A)))
    assert told == ["mug", "coins", "coins", "coins", "sold_out"]
    assert sum(grant[2] for grant in await lane.grants()) == 90
    assert (await snapshot(lane, "ann"))["plays"] == 4


async def test_nobody_has_more_of_a_prize_than_one_may(redis: Redis) -> None:
    config = wheel(prize("a", 1, per_member=2, fallback="b"), prize("b", 1, per_member=1), ten_draw=True)
    lane = await opened(redis, config, game=WHEEL)
    ann, tablet, bob = [await lane.seat(name) for name in ("ann", "ann", "bob")]
    assert await spins(lane, rigged(ann, A), rigged(tablet, A), rigged(ann, A), rigged(tablet, A)) == [
        "a", "a", "b", "thanks",
    ]  # fmt: skip
    assert await spins(lane, rigged(bob, *[A] * 10)) == [["a", "a", "b", *["thanks"] * 7]]


async def test_a_prize_is_given_so_often_a_day_and_again_after_midnight(redis: Redis) -> None:
    lane = await opened(redis, wheel(prize("a", 1, per_day=2)), game=WHEEL)
    ann, bob = await lane.seat("ann"), await lane.seat("bob")
    assert await spins(lane, rigged(ann, A), rigged(bob, A), rigged(ann, A)) == ["a", "a", "thanks"]
    assert await spins(lane, *(rigged(bob, A) for _ in range(3)), day=DAY + 1) == ["a", "a", "thanks"]
    assert await spins(lane, rigged(bob, A), day=DAY + 2) == ["a"]


async def test_free_spins_come_back_with_the_day(redis: Redis) -> None:
    config = wheel(chances={"free_per_day": 2, "max_total": 5})
    lane = await opened(redis, config, game=WHEEL)
    seat, now = await lane.seat("ann"), await server_ms(redis)
    days = [(now - HOUR_MS, DAY), (now + HOUR_MS, DAY + 1)]
    *told, (_, code, retry) = await lane.ask(*(rigged(seat, A) for _ in range(3)), days=days)
    assert [given(lane, result) for result in told] == ["mug", "mug"]
    assert code == "no_chance_left"
    assert HOUR_MS - 10_000 < retry <= HOUR_MS
    assert await spins(lane, *(rigged(seat, A) for _ in range(3)), day=DAY + 1) == ["mug", "mug", code]
    assert await spins(lane, *(rigged(seat, A) for _ in range(2)), day=DAY + 2) == ["mug", code]


# release


async def test_a_release_over_the_window_lets_out_units_one_by_one(redis: Redis) -> None:
    window = (0, 100 * HOUR_MS)
    config = wheel(prize("a", 1, stock=100, release={"mode": "linear"}))
    now = await server_ms(redis)
    ends = datetime.fromtimestamp((now + 90 * HOUR_MS) / 1000, UTC).isoformat()
    lane = await opened(redis, {**config, "closes_at": ends}, game=WHEEL, ago=window[1] // 10)
    seat = await lane.seat("ann")
    # after a tenth of the window a tenth of the stock, and the unit that is just coming out
    told = Counter(await spins(lane, *(rigged(seat, A) for _ in range(30))))
    assert told == {"a": 11, "thanks": 19}


async def test_a_release_by_list_lets_out_units_at_its_moments(redis: Redis) -> None:
    now = await server_ms(redis)

    def at(hours: int) -> str:
        return datetime.fromtimestamp((now + hours * HOUR_MS) / 1000, UTC).isoformat()

    steps = [{"at": at(2), "units": 4}, {"at": at(-1), "units": 2}, {"at": at(-3), "units": 1}]
    config = wheel(prize("a", 1, stock=7, release={"mode": "list", "steps": steps}))
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    assert Counter(await spins(lane, *(rigged(seat, A) for _ in range(9)))) == {"a": 3, "thanks": 6}


# pity


@pytest.mark.parametrize("after", [1, 3, 7])
async def test_pity_comes_after_exactly_so_many_plays_and_never_later(redis: Redis, after: int) -> None:
    config = wheel(
        prize("a", 1),
        prize("b", 1),
        ten_draw=True,
        pity={"after": after, "prizes": ["a"], "weights": {"a": 3}},
    )
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    told: list[Any] = []
    for _ in range(3 * (after + 1)):
        told += await spins(lane, rigged(seat, B, pity=(A,)))
    assert told == (["b"] * after + ["a"]) * 3
    # within a ten, and over its end
    tens = [rigged(seat, *[B] * 10, pity=(A,) * 10) for _ in range(2)]
    flat = [id_ for ten in await spins(lane, *tens) for id_ in ten]
    assert flat == ((["b"] * after + ["a"]) * 10)[:20]


async def test_a_promised_prize_that_was_won_in_time_begins_the_count_anew(redis: Redis) -> None:
    config = wheel(prize("a", 1, stock=2), prize("b", 1, fallback="a"), pity={"after": 2, "prizes": ["a"]})
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    drawn = [B, A, B, B]
    results = await lane.ask(*(rigged(seat, place, pity=(A,)) for place in drawn))
    assert [result[1][:2] for result in results] == [[1, 1], [2, 0], [3, 1], [4, 2]]
    assert (await snapshot(lane, "ann"))["until_pity"] == 0
    (result,) = await lane.ask(rigged(seat, B, pity=(A,)))
    assert result[1] == [5, 0, A, A, 1]
    assert result[2] == [["a", 2, 0, 1]]


async def test_pity_gives_another_promised_prize_where_the_drawn_one_is_not_there(redis: Redis) -> None:
    promised = {"after": 1, "prizes": ["a", "b"]}
    config = wheel(prize("a", 1, stock=1), prize("b", 1, per_member=1), pity=promised)
    lane = await opened(redis, config, game=WHEEL)
    ann, bob = await lane.seat("ann"), await lane.seat("bob")
    assert await spins(lane, rigged(bob, A, pity=(A,))) == ["a"]
    assert await spins(lane, *(rigged(ann, C, pity=(A,)) for _ in range(2))) == ["thanks", "b"]
    # nothing of the promise is left for ann: it stays due, and the drawn prize's fallback stands in
    assert await spins(lane, *(rigged(ann, C, pity=(B,)) for _ in range(3))) == ["thanks"] * 3
    assert (await snapshot(lane, "ann"))["until_pity"] == 0


# chances, wins, and ten at once


async def test_ten_need_ten_chances_and_cost_none_when_they_are_refused(redis: Redis) -> None:
    lane = await opened(redis, wheel(chances={"free_total": 19}, ten_draw=True), game=WHEEL)
    seat = await lane.seat("ann")
    ten = [A] * 10
    told = await spins(lane, rigged(seat, *ten), rigged(seat, *ten), *(rigged(seat, A) for _ in range(10)))
    assert told == [["mug"] * 10, "no_chance_left", *["mug"] * 9, "no_chance_left"]
    member = await lane.member("ann")
    assert member is not None
    assert member.chances == 19
    assert len(await lane.grants()) == 19


async def test_a_prize_of_plays_gives_them_and_they_are_used_after_the_free_ones(redis: Redis) -> None:
    again = prize("again", 1, kind="chance", value=2, stock=None)
    lane = await opened(redis, wheel(again, chances={"free_total": 1}), game=WHEEL)
    seat = await lane.seat("ann")
    (result,) = await lane.ask(rigged(seat, A))
    event = lane.plan.answer(MemberId("ann"), 1, result[1], [Granted(PrizeId("again"), 1, 0, "ab")])
    assert isinstance(event, Spun)
    assert event.results[0].amount == 2
    assert await spins(lane, *(rigged(seat, B) for _ in range(3))) == ["thanks", "thanks", "no_chance_left"]
    assert (await snapshot(lane, "ann"))["wins"][0]["amount"] == 2


async def test_plays_that_were_given_are_played(redis: Redis) -> None:
    lane = await opened(redis, wheel(chances={"free_total": 0}, ten_draw=True), game=WHEEL)
    seat = await lane.seat("ann")
    assert await spins(lane, rigged(seat, A)) == ["no_chance_left"]
    (result,) = await lane.ask(["!host", "staff", 1, "give_chances", False, "ann", 11])
    assert result[0] == 1
    assert await spins(lane, rigged(seat, *[A] * 10), rigged(seat, A), rigged(seat, A)) == [
        ["mug"] * 10, "mug", "no_chance_left",
    ]  # fmt: skip


async def test_caps_on_wins_refuse_before_the_draw_and_hold_within_a_ten(redis: Redis) -> None:
    config = wheel(prize("a", 1), wins={"per_member": 11}, ten_draw=True)
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    ten = rigged(seat, *[A] * 10)
    told = await spins(lane, ten, rigged(seat, *[A] * 5, B, *[A] * 4), rigged(seat, B))
    assert told == [["a"] * 10, ["a", *["thanks"] * 9], "win_limit"]
    assert len(await lane.grants()) == 11


async def test_a_ten_that_the_caps_on_wins_cut_and_no_thank_you_ends_is_refused_whole(redis: Redis) -> None:
    coins = points("coins", 1, 5, stock=None, fallback=None)
    config = wheel(
        coins, prize("a", 1, fallback="coins"), wins={"per_member": 12}, ten_draw=True, points_budget=900
    )
    config["prizes"].pop()
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    ten = [rigged(seat, *[A] * 10) for _ in range(2)]
    assert await spins(lane, *ten, rigged(seat, A)) == [["coins"] * 10, "win_limit", "coins"]


# the picture


async def test_the_answer_tells_each_spin_with_its_receipt(redis: Redis) -> None:
    config = wheel(
        points("a", 1, 30), prize("b", 1, stock=1), ten_draw=True, pity={"after": 4, "prizes": ["b"]}
    )
    lane = await opened(redis, config, game=WHEEL)
    seat = await lane.seat("ann")
    drawn, pity = [A, B, B, C, A, C, C, A, C, A], (B,) * 10
    (result,) = await lane.ask(rigged(seat, *drawn, pity=pity))
    granted = [Granted(grant[0], grant[1], grant[2], f"r{at}") for at, grant in enumerate(result[2])]
    event = lane.plan.answer(MemberId("ann"), 7, result[1], granted)
    told = unpacked(encode(event, Format.MSGPACK))
    thanks = {"prize": "thanks", "drawn": "thanks"}
    assert told == {
        "ev": "spun",
        "re": 7,
        "plays": 10,
        "until_pity": 0,
        "results": [
            {"prize": "a", "drawn": "a", "unit": 1, "amount": 30, "receipt": "r0"},
            {"prize": "b", "drawn": "b", "unit": 1, "receipt": "r1"},
            {"prize": "thanks", "drawn": "b"},
            thanks,
            {"prize": "a", "drawn": "a", "unit": 2, "amount": 30, "receipt": "r2"},
            thanks,
            # pity is due and can never be met again: the promised prize is gone
            {"prize": "thanks", "drawn": "b", "pity": True},
            {"prize": "thanks", "drawn": "b", "pity": True},
            {"prize": "thanks", "drawn": "b", "pity": True},
            {"prize": "thanks", "drawn": "b", "pity": True},
        ],
    }


async def test_the_snapshot_is_the_sum_of_the_answers(redis: Redis) -> None:
    config = wheel(points("a", 1, 30, stock=40), prize("b", 1, stock=5), pity={"after": 9, "prizes": ["b"]})
    lane = await opened(redis, config, game=WHEEL)
    seat, before = await lane.seat("ann"), await server_ms(redis)
    drawn = [A, C, B, A, C, *[A] * 22]
    results = [(await lane.ask(rigged(seat, place, pity=(B,))))[0] for place in drawn]
    grants = [grant for result in results for grant in result[2]]
    shown = await snapshot(lane, "ann")
    assert (shown["plays"], shown["points"]) == (27, sum(grant[2] for grant in grants))
    assert shown["until_pity"] == 9 - results[-1][1][1]
    assert [(win["prize"], win["unit"], win["amount"]) for win in shown["wins"]] == [
        tuple(grant[:3]) for grant in grants[:-21:-1]
    ]
    assert len(shown["wins"]) == 20
    after = await server_ms(redis)
    assert all(before - 2000 < win["at"] <= after for win in shown["wins"])
    units = Counter(grant[0] for grant in grants)
    assert shown["prizes"] == units
    assert shown["left"] == {"a": 40 - units["a"], "b": 5 - units["b"]}
    nobody = await snapshot(lane, "bob")
    assert nobody == {
        "plays": 0, "until_pity": 9, "wins": [], "left": shown["left"], "points": 0, "prizes": {},
    }  # fmt: skip


async def test_the_tally_shows_the_last_winners_with_their_names_masked(redis: Redis) -> None:
    lane = await opened(redis, wheel(prize("a", 1, stock=20), ten_draw=True), game=WHEEL)
    seats = [await lane.seat(f"m{number}", name=f"member{number:02}x") for number in range(12)]
    await lane.ask(*(rigged(seat, A) for seat in seats), rigged(seats[0], B))
    entries: list[Any] = []
    pubsub = redis.pubsub()
    await pubsub.subscribe(lane.keys.channel)
    while (await lane.tick()).tally_in:
        pass
    while not entries:
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=10)
        entries = [line for line in unpacked(message["data"])[1] if line[2] == "tally"] if message else []
    await pubsub.aclose()  # type: ignore[no-untyped-call]
    event = lane.plan.event("tally", 5, entries[-1][3])
    assert isinstance(event, Tally)
    assert (event.joined, event.plays, event.wins, event.left) == (12, 13, 12, {"a": 8})
    assert [(winner.name, winner.prize) for winner in event.recent] == [("m****x", "a")] * 10
    assert [line[0] for line in entries[-1][3][3]] == [f"member{number:02}x" for number in range(11, 1, -1)]


def test_the_published_odds_are_the_weights_of_the_draws() -> None:
    pools = [{"audience": {"match": "any_of", "tags": ["vip"]}, "weights": {"a": 1, "b": 2}}]
    config = wheel(
        prize("a", 1, unlock_after=2), prize("b", 2, per_member=3, stock=7), pools=pools,
        pity={"after": 5, "prizes": ["b", "a"], "weights": {"a": 4, "b": 1}},
    )  # fmt: skip
    public = plan_of(config).public()
    assert [(line["id"], line["weight"], line["odds"]) for line in public["prizes"]] == [
        ("a", 1, 1887), ("b", 2, 3773), ("thanks", 50, 94340),
    ]  # fmt: skip
    shown = public["prizes"][1]
    assert (shown["stock"], shown["per_member"], shown["per_day"]) == (7, 3, None)
    assert (shown["unlock_after"], public["prizes"][0]["unlock_after"]) == (0, 2)
    assert public["pools"] == [
        {
            "audience": {"match": "any_of", "levels": (), "tags": ("vip",)},
            "weights": {"a": 1, "b": 2, "thanks": 0},
            "odds": {"a": 33333, "b": 66667, "thanks": 0},
        }
    ]
    assert public["pity"] == {"after": 5, "prizes": ("b", "a"), "weights": {"b": 1, "a": 4}}


async def test_a_member_of_many_wins_costs_few_bytes(redis: Redis) -> None:
    """One page, eight answers, twenty wins remembered: the most that single spins can leave."""
    lane = await opened(redis, wheel(points("points_88", 1, 88)), game=WHEEL)
    for seat in await lane.seats(100):
        await lane.ask(*(rigged(seat, A) for _ in range(30)))
    octets = await redis.memory_usage(lane.keys.members, samples=0)
    assert octets is not None
    assert octets / 100 <= 500


# a player


def test_a_player_spins_until_there_is_no_chance_left() -> None:
    plan = plan_of(wheel())
    player = WheelPlayer(plan.public(), plan.snapshot(MemberId("ann"), 0, [0, 0, 0, [], [10**6], []]))
    assert player.next(1000) == (1000, {"op": "spin", "times": 1})
    player.heard({"ev": "refused", "code": "rate_limited", "retry_ms": 400})
    assert player.next(1000) == (1400, {"op": "spin", "times": 1})
    for _ in range(7):
        assert player.next(1500)
    assert player.next(1500) is None, "eight are unanswered"
    player.heard({"ev": "spun"})
    assert player.next(1500)
    player.heard({"ev": "refused", "code": "no_chance_left"})
    assert player.next(2000) is None


def test_the_thank_you_of_the_tests_ends_every_draw() -> None:
    assert plan_of(wheel())._config.prizes[-1].id == THANKS["id"]
