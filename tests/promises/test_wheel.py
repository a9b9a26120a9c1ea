"""Lottery wheel (GAMES.md): the published odds are the odds, one unit is won once, and no purse is overdrawn.

The seed, the members and their sessions are fixed, so every draw here is the same in every run.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import erfc, exp, gamma, sqrt
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.games.game import MemberId
from gameserver.games.lottery_wheel.odds import ODDS
from gameserver.records.database import Database
from gameserver.rooms import purse
from gameserver.rooms.purse import Play
from tests.games.wheels import THANKS, WHEEL, points, prize, rigged, spin, wheel
from tests.promises.test_purse import COST, Paid
from tests.promises.test_race import another
from tests.promises.world import World, check_rebuilt, world
from tests.store.lanes import PlayedLane, Seat, opened

LEAST_P = 1e-6
BATCH = 250
GIFTED = 12


def p_value(counts: Mapping[str, int], weights: Mapping[str, int]) -> float:
    """How likely counts at least so far from the weights are by chance (Pearson's chi-square test)."""
    spins, total = sum(counts.values()), sum(weights.values())
    expected = {id_: spins * weight / total for id_, weight in weights.items() if weight}
    assert set(counts) <= set(expected)
    assert min(expected.values()) >= 5, "too few for the test to hold"
    half = sum((counts[id_] - wanted) ** 2 / wanted for id_, wanted in expected.items()) / 2
    degrees = len(expected) - 1
    # the upper tail of the chi-square distribution: Q(a + 1, x) = Q(a, x) + x^a e^-x / gamma(a + 1)
    a, tail = (0.5, erfc(sqrt(half))) if degrees % 2 else (1.0, exp(-half))
    while a < degrees / 2:
        tail += half**a * exp(-half) / gamma(a + 1)
        a += 1
    return tail


def test_the_chi_square_is_that_of_the_tables() -> None:
    # critical values at 0.05 and 0.001 (NIST/SEMATECH e-Handbook, 1.3.6.7.4)
    for degrees, statistic, p in ((1, 3.841, 0.05), (4, 9.488, 0.05), (5, 20.515, 0.001), (11, 19.675, 0.05)):
        ids = [str(number) for number in range(degrees + 1)]
        away = sqrt(statistic * 1000 / 2)
        counts = dict.fromkeys(ids, 1000.0) | {"0": 1000 + away, "1": 1000 - away}
        assert p_value(counts, dict.fromkeys(ids, 1)) == pytest.approx(p, rel=0.02)  # type: ignore[arg-type]


async def drawn(lane: PlayedLane, commands: Sequence[list[Any]]) -> Counter[str]:
    """How often each prize was given; no spin may be refused."""
    ids, found = lane.plan.rule()["ids"], Counter[str]()
    for first in range(0, len(commands), BATCH):
        for result in await lane.ask(*commands[first : first + BATCH]):
            assert result[0] == 1, result
            found.update(ids[place - 1] for place in result[1][3::3])
    return found


def weights_of(lane: PlayedLane) -> dict[str, int]:
    return {line["id"]: line["weight"] for line in lane.plan.public()["prizes"]}


async def test_a_hundred_thousand_spins_fit_the_weights_and_the_published_odds(redis: Redis) -> None:
    prizes = [prize("p0", 3), prize("p1", 40), points("p2", 500, 2), prize("p3", 1457), points("p4", 3000, 1)]
    lane = await opened(redis, wheel(*prizes, ten_draw=True) | {"prizes": [*prizes, heavy(5000)]}, game=WHEEL)
    seats = [*await lane.seats(40), *await lane.seats(40)]  # every member has two pages
    singles = [spin(lane, seat) for _ in range(150) for seat in seats]
    tens = [spin(lane, seat, 10) for _ in range(110) for seat in seats]
    found = await drawn(lane, [*singles, *tens])
    assert found.total() == 100_000
    weights = weights_of(lane)
    assert p_value(found, weights) > LEAST_P
    odds = {line["id"]: line["odds"] for line in lane.plan.public()["prizes"]}
    assert odds == {id_: weight * ODDS // 10_000 for id_, weight in weights.items()}
    # the test would see one thirtieth of a prize's share go to another
    assert p_value(found, weights | {"p3": 1557, "p4": 2900}) < LEAST_P
    granted = {id_: line[0] for id_, line in (await lane.stock()).items()}
    assert granted == {id_: count for id_, count in found.items() if id_ != "thanks"}


def heavy(weight: int) -> dict[str, Any]:
    return {**THANKS, "weight": weight}


async def test_each_pool_is_drawn_by_its_own_odds(redis: Redis) -> None:
    pools = [
        {
            "audience": {"match": "any_of", "levels": ["gold"]},
            "weights": {"p0": 700, "p1": 200, "thanks": 100},
        },
        {"audience": {"match": "any_of", "tags": ["new"]}, "weights": {"p1": 1, "thanks": 1}},
    ]
    lane = await opened(redis, wheel(prize("p0", 5), prize("p1", 45), pools=pools), game=WHEEL)
    seats = await lane.seats(30)
    gold, new = frozenset({"gold"}), frozenset({"new"})
    some = [{"levels": gold}, {"levels": gold, "tags": new}, {"tags": new}, {}]
    found = [await drawn(lane, [spin(lane, s, **who) for _ in range(100) for s in seats]) for who in some]
    public = lane.plan.public()
    expected = [public["pools"][0], public["pools"][0], public["pools"][1], {"weights": weights_of(lane)}]
    for counts, pool in zip(found, expected, strict=True):
        assert counts.total() == 3000
        assert p_value(counts, pool["weights"]) > LEAST_P
    others = {"p0": 700, "p1": 200, "thanks": 100}
    assert p_value(found[3], others) < LEAST_P


async def test_odds_after_a_sell_out_follow_the_fallbacks(redis: Redis) -> None:
    prizes = [prize("p0", 20, stock=40, fallback="p1"), prize("p1", 30), prize("p2", 10, per_member=1)]
    lane = await opened(redis, wheel(*prizes), game=WHEEL)
    seats = await lane.seats(40)
    commands = [spin(lane, seat) for _ in range(200) for seat in seats]
    before = await drawn(lane, commands[:4000])
    assert before["p0"] == 40, "it was to be sold out by now"
    assert before["p2"] == 40, "everybody was to have theirs by now"
    found = await drawn(lane, commands[4000:])
    assert p_value(found, {"p1": 20 + 30, "thanks": 10 + 50}) > LEAST_P
    assert p_value(found, {"p1": 30, "thanks": 80}) < LEAST_P


async def test_pity_is_drawn_by_its_own_odds(redis: Redis) -> None:
    pity = {"after": 2, "prizes": ["p0", "p1"], "weights": {"p0": 1, "p1": 3}}
    lane = await opened(redis, wheel(prize("p0", 1), prize("p1", 1), pity=pity, ten_draw=True), game=WHEEL)
    seats = await lane.seats(40)
    by_pity: Counter[str] = Counter()
    for _ in range(20):
        for result in await lane.ask(*(spin(lane, seat, 10) for seat in seats)):
            told = result[1][2:]
            by_pity.update(f"p{told[at + 1] - 1}" for at in range(0, len(told), 3) if told[at + 2])
    assert by_pity.total() > 1500
    assert p_value(by_pity, {"p0": 1, "p1": 3}) > LEAST_P
    assert p_value(by_pity, {"p0": 1, "p1": 1}) < LEAST_P


async def test_fifty_writers_on_prizes_of_one_unit(redis: Redis, valkey_url: str) -> None:
    singles = [prize(f"p{number}", 10, stock=1, fallback=f"p{number + 1}") for number in range(8)]
    lane = await opened(redis, wheel(*singles, prize("p8", 10, stock=1), ten_draw=True), game=WHEEL)
    # every member has two pages, each in another process
    pages = [*await lane.seats(25), *await lane.seats(25)]
    start = asyncio.Event()

    async def write(seat: Seat, random: Random) -> list[tuple[list[Any], Any]]:
        told = []
        async with another(lane, valkey_url) as own:
            await start.wait()
            for _ in range(6):
                commands = [
                    rigged(seat, *[random.randrange(1, 10)] * random.choice((1, 1, 10))) for _ in range(4)
                ]
                results = await own.ask(*commands)
                if random.random() < 0.3:  # as after a lost reply
                    assert await own.ask(*commands) == results
                told += list(zip(commands, results, strict=True))
        return told

    writing = [asyncio.create_task(write(seat, Random(number))) for number, seat in enumerate(pages)]
    start.set()
    told = [pair for part in await asyncio.gather(*writing) for pair in part]
    assert all(result[0] == 1 for _, result in told)
    shown = sorted((grant[0], grant[1]) for _, result in told for grant in result[2])
    assert shown == [(f"p{number}", 1) for number in range(9)]
    assert sorted((grant[0], grant[1]) for grant in await lane.grants()) == shown
    assert {id_: line[:2] for id_, line in (await lane.stock()).items()} == {id_: [1, 2] for id_, _ in shown}
    spins = sum(len(result[1][4::3]) for _, result in told)
    assert sum(line[6][3::3].count(10) for line in await lane.lines()) == spins - 9


# with the record and the ledger


def paying(*prizes: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    chances = {"free_total": 3, "cost_points": COST}
    return wheel(*prizes, **{"ten_draw": True, "chances": chances, **fields})


class Wheel(Paid):
    """A wheel whose spins cost points."""

    async def give_plays(self, member: str, plays: int, number: int) -> None:
        """What an outside event does."""
        (result,) = await self.lane.ask(["!host", "staff", number, "give_chances", False, member, plays])
        assert result[0] == 1


async def test_paid_tens_and_a_mall_never_overdraw_a_member(
    redis: Redis, engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purse, "PLAYS_A_FILL", 4)
    members = [f"m{number}" for number in range(8)]
    async with world(engine, redis) as here:
        room = Wheel(here, await here.open(WHEEL, paying(prize("mug", 3))))
        await room.give(dict.fromkeys(members, 150))
        await room.give_plays("m0", GIFTED, 1)
        nodes = [room.node(), room.node()]
        seats = [await room.lane.seat(member) for member in members for _ in range(3)]
        over, lowest, refused, spun = asyncio.Event(), [150], Counter[str](), Counter[str]()

        async def shop(member: str, random: Random) -> None:
            while not over.is_set():
                await room.redeem(member, random.randrange(1, 9))
                balance = await here.ledger.balance(member)
                lowest[0] = min(lowest[0], balance.available, balance.held)

        async def page(seat: Seat, random: Random) -> None:
            for _ in range(5):
                times = random.choice((1, 10))
                result = await room.ask(random.choice(nodes), spin(room.lane, seat, times))
                if result[0] == 0:
                    refused[result[1]] += 1
                    continue
                play = Play(*result[3])
                assert play.cost in range(0, times * COST + 1, COST)
                assert play.left >= 0
                spun[seat.member] += times
                lowest[0] = min(lowest[0], *(left for _, left in (await room.lane.purses()).values()), 0)

        shops = [asyncio.create_task(shop(member, Random(member))) for member in members]
        await asyncio.gather(*(page(seat, Random(number)) for number, seat in enumerate(seats)))
        over.set()
        await asyncio.gather(*shops)
        await here.lifecycle.close(room.lane.record.id)
        paid = await room.check(members)
        assert lowest[0] >= 0
        for member in members:
            # every spin was free, a gift or paid for, and what was refused cost nothing
            free = 3 + (GIFTED if member == "m0" else 0)
            assert paid[member] == max(0, spun[member] - free)
        assert set(refused) == {"not_enough_points"}
        assert max(spun.values()) > 20
        assert sum(room.redeemed.values()) > 0
        for node in nodes:
            await node.stop()


async def random_play(room: Wheel, random: Random, seats: Iterable[Seat]) -> None:
    node = room.node()
    for seat in seats:
        for _ in range(6):
            await room.ask(node, spin(room.lane, seat, random.choice((1, 1, 10))))
    await node.idle()
    await node.stop()


async def test_a_rebuilt_wheel_is_the_same_and_turns_on(redis: Redis, engine: Database) -> None:
    prizes = [
        prize("p0", 20, stock=3, per_day=2, fallback="p1"), prize("p1", 20, stock=60, per_member=4),
        prize("p2", 20, kind="chance", value=2, stock=None), prize("p3", 20, unlock_after=3),
    ]  # fmt: skip
    pity = {"after": 3, "prizes": ["p0", "p3"]}
    members, random = [f"m{number}" for number in range(6)], Random(3)
    async with world(engine, redis) as here:
        room = Wheel(here, await here.open(WHEEL, paying(*prizes, pity=pity, wins={"per_member": 60})))
        await room.give({member: 1 + 40 * number for number, member in enumerate(members)})
        await room.give_plays("m1", GIFTED, 1)
        await room.give_plays("later", GIFTED, 2)
        seats = [await room.lane.seat(member) for member in members for _ in range(2)]
        await random_play(room, random, seats)
        await room.lane.quiet()
        before, shown = await room.lane.dump(), await pictures(room.lane, members)
        await here.settle(room.lane)
        await redis.flushall()
        await here.lifecycle.rebuild(room.lane.record.id)
        room.lane = await here.again(room.lane)
        check_rebuilt(before, await room.lane.dump())
        assert await pictures(room.lane, members) == shown
        assert sum(len(picture["wins"]) for picture in shown) > 40
        # gifts of one who had not come in yet are there too
        late = await room.lane.seat("later")
        assert (await room.lane.ask(spin(room.lane, late, 10)))[0][0] == 1
        await random_play(room, random, seats)
        await here.lifecycle.close(room.lane.record.id)
        await room.check(members)
        await check_stock(here, room.lane)


async def pictures(lane: PlayedLane, members: Sequence[str]) -> list[Mapping[str, Any]]:
    views = await lane.store.views([MemberId(member) for member in members])
    return [
        lane.plan.snapshot(MemberId(member), 0, view)
        for member, (view, _) in zip(members, views, strict=True)
    ]


async def check_stock(here: World, lane: PlayedLane) -> None:
    """Every unit is on record once, and no prize more often than it was loaded."""
    grants = await here.grants(lane)
    assert len({(grant.prize, grant.unit) for grant in grants}) == len(grants)
    granted = Counter(str(grant.prize) for grant in grants)
    for id_, line in (await lane.stock()).items():
        assert line[0] == granted[id_] <= line[2]
