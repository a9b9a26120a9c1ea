"""The rule, the prize engine and chances against the plain model: the same answers, and the same state."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.games.lottery_wheel.plan import WheelPlan
from gameserver.rooms.opening import window_of
from gameserver.staff.lifecycle import validated
from tests.games.lottery_wheel.model import WheelModel
from tests.games.wheels import THANKS, WHEEL, points, prize, rigged, wheel
from tests.store.lanes import PlayedLane, Seat, opened, server_ms, unpacked

MEMBERS = ("ann", "bob", "cat")
AGO, HOUR_MS, FIRST_DAY = 10 * 3_600_000, 3_600_000, 20260301
UNTIL = 2**50
PAGES = 4  # of a member: as many as the server remembers


def config_of(random: Random, now: int) -> dict[str, Any]:
    """Any wheel that is valid; fallbacks go to later prizes, which are unlocked as soon or sooner."""

    def at(hours: int) -> str:
        return datetime.fromtimestamp((now + hours * HOUR_MS) / 1000, UTC).isoformat()

    count = random.randrange(1, 6)
    unlocks = sorted((random.choice((0, 0, 0, 1, 2, 5)) for _ in range(count)), reverse=True)
    last = dict(random.choice((THANKS, {**THANKS, "kind": "points", "value": 3})))
    prizes = []
    for number in range(count):
        more: dict[str, Any] = {"stock": random.choice((1, 2, 5, 9, 60)), "unlock_after": unlocks[number]}
        more["fallback"] = random.choice([f"p{other}" for other in range(number + 1, count)] + ["thanks"])
        for name in ("per_member", "per_day"):
            if random.random() < 0.25:
                more[name] = random.randrange(1, 6)
        if random.random() < 0.15:
            more["release"] = {"mode": "linear"}
        elif more["stock"] > 2 and random.random() < 0.15:
            steps = [
                {"at": at(-2), "units": 1},
                {"at": at(3), "units": 1},
                {"at": at(-1), "units": more["stock"] - 2},
            ]
            more["release"] = {"mode": "list", "steps": steps}
        elif random.random() < 0.2:
            more |= {"kind": "chance", "value": random.randrange(1, 4), "stock": random.choice((None, 5))}
        elif random.random() < 0.3:
            more |= {"kind": "points", "value": random.randrange(1, 100)}
        prizes.append(prize(f"p{number}", 10, **more))
    fields: dict[str, Any] = {
        "points_budget": random.choice((9, 3000)),
        "ten_draw": True,
        "closes_at": at(30),
    }
    if random.random() < 0.6:
        promised = random.sample([line["id"] for line in prizes], random.randrange(1, count + 1))
        fields["pity"] = {"after": random.randrange(max(1, unlocks[0]), 8), "prizes": promised}
    if random.random() < 0.7:
        fields["chances"] = {
            name: random.choice(values)
            for name, values in {
                "free_per_day": (1, 4, 12), "free_total": (0, 3, 15, 40), "max_per_day": (3, 30),
                "max_total": (5, 60), "cost_points": (7,),
            }.items()
            if random.random() < 0.45
        }  # fmt: skip
        if fields["chances"].get("cost_points"):
            fields["chances"].setdefault("free_total", 2)
    if random.random() < 0.3:
        name, least = random.choice((("per_member", 10), ("per_day", 10), ("min_interval_ms", 1)))
        fields["wins"] = {name: random.randrange(least, 25)}
        fields["ten_draw"] = name != "min_interval_ms"
    return wheel(*prizes, **fields) | {"prizes": [*prizes, last]}


class Play:
    """The real lane and the model, given the same."""

    def __init__(self, lane: PlayedLane) -> None:
        plan = lane.plan
        assert isinstance(plan, WheelPlan)
        self.lane = lane
        self.config = plan._config
        self.model = WheelModel(self.config, window_of(lane.record, plan))
        self.seats: list[Seat] = []
        self.day, self.orders = FIRST_DAY, 0
        self.codes: Counter[str] = Counter()

    async def tick(self, random: Random) -> None:
        self.day += random.random() < 0.15
        member = random.choice(MEMBERS)
        known = sum(seat.member == member for seat in self.seats)
        if not self.seats or (known < PAGES and random.random() < 0.1):
            self.seats.append(await self.lane.seat(member))
            self.model.joins(member)
        commands = [self._any_command(random) for _ in range(random.randrange(1, 8))]
        ticked = await self.lane.tick(*commands, days=[(0, self.day)])
        for command, result in zip(commands, ticked.results, strict=True):
            expected = self._expected(command, ticked.now)
            assert result == expected, (command, ticked.now)
            self.codes[expected[1] if expected[0] == 0 else ""] += 1
        # asked again; what needed a purse was not answered, and a purse's fill is told as it is then
        again = [
            (command, result)
            for command, result in zip(commands, ticked.results, strict=True)
            if command[3] == "spin" and result[1] != "purse_needed"
        ]
        if again and random.random() < 0.5:
            told = await self.lane.ask(*(command for command, _ in again), days=[(0, self.day + 1)])
            assert list(told) == [result for _, result in again]

    def _any_command(self, random: Random) -> list[Any]:
        seat = random.choice(self.seats)
        kind = random.random()
        if kind < 0.08:
            self.orders += 1
            receiver, plays = random.choice(MEMBERS), random.randrange(1, 15)
            return ["!host", "staff", self.orders, "give_chances", False, receiver, plays]
        if kind < 0.2 and self.config.chances.cost_points:
            fill = self._fill_of(seat.member)
            return [seat.member, "", 0, "fill_purse", False, 1, fill, random.randrange(1, 90), UNTIL]
        times = 10 if self.config.ten_draw and random.random() < 0.3 else 1
        places = range(1, len(self.config.prizes) + 1)
        drawn = [random.choice(places) for _ in range(times)]
        pity = self.config.pity
        promised = [place for place in places if pity and self.config.prizes[place - 1].id in pity.prizes]
        return rigged(seat, *drawn, pity=tuple(random.choice(promised) for _ in drawn) if promised else ())

    def _fill_of(self, member: str) -> int:
        """The number of the member's next fill; two in one tick may ask for the same."""
        purse = self.model.people[member].purse
        return purse.fill + 1 if purse.number else 0

    def _expected(self, command: list[Any], now: int) -> list[Any]:
        member, _, _, op, _, *rest = command
        if op == "give_chances":
            self.model.gives(*rest)
            return [1, False, []]
        if op == "fill_purse":
            purse = self.model.people[member].purse
            if rest[1] == self._fill_of(member):
                return self.model.fills(member, rest[2], rest[3])
            return [1, [purse.number, purse.fill, purse.left, purse.until, purse.paid], []]
        times = rest[0]
        return self.model.spin(member, rest[2 : 2 + times], rest[2 + times :], now, self.day)

    async def compare(self) -> None:
        model, dump = self.model, await self.lane.dump()
        stock = await self.lane.stock()
        for id_, units in model.units.items():
            wanted = [model.granted[id_], model.granted[id_] + 1, units]
            if model.prizes[id_].per_day and id_ in model.last_day:
                wanted += [model.last_day[id_], model.granted_on[id_, model.last_day[id_]]]
            assert stock[id_] == wanted
        state = unpacked(dump["game"])
        if model.plays:
            shown = (state["plays"], state["wins"], state["recent"])
            assert shown == (model.plays, model.granted.total(), model.recent)
        views = await self.lane.store.views([*model.people])  # type: ignore[list-item]
        for (name, person), (view, _) in zip(model.people.items(), views, strict=True):
            view[5].sort()
            assert view == model.view(name)
            member = await self.lane.member(name)
            assert member is not None
            counted = (person.chances, person.day, person.day_chances) if model.counts else (0, 0, 0)
            assert (member.chances, member.day, member.day_chances) == counted
            if member.gifts and model.counts:
                assert member.gifts == [person.gifts, person.gifts_used]


@pytest.mark.parametrize("seed", range(8))
async def test_any_play_is_the_models_play(redis: Redis, seed: int) -> None:
    random = Random(seed)
    for _ in range(15):
        await redis.flushdb()  # every example begins with nothing
        play = await begun(redis, config_of(random, await server_ms(redis)))
        for _ in range(random.randrange(1, 25)):
            await play.tick(random)
        await play.compare()


async def begun(redis: Redis, config: Mapping[str, Any]) -> Play:
    assert validated(WHEEL, config)
    return Play(await opened(redis, config, game=WHEEL, ago=AGO))


PROMISED = {"after": 6, "prizes": ["p0", "p1"]}
LONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "stock": (
        wheel(
            prize("p0", 1, stock=6, per_member=2, fallback="p1"), prize("p1", 1, stock=30, per_day=4),
            points("p2", 1, 9, stock=25, fallback="p1"), pity=PROMISED, ten_draw=True,
        ),
        set(),
    ),
    "chances": (
        wheel(
            prize("p0", 1, kind="chance", value=2, stock=None), prize("p1", 1, stock=40, unlock_after=5),
            pity=PROMISED, chances={"free_per_day": 6, "max_per_day": 25}, ten_draw=True,
        ),
        {"no_chance_left"},
    ),
    "paid": (
        wheel(
            prize("p0", 1), prize("p1", 1, stock=9), ten_draw=True,
            chances={"free_per_day": 3, "cost_points": 7},
        ),
        {"purse_needed"},
    ),
    "caps": (
        wheel(prize("p0", 1), prize("p1", 1), wins={"per_member": 40, "per_day": 15}, ten_draw=True),
        {"win_limit"},
    ),
    "budget": (
        wheel(
            prize("p0", 1, stock=9, fallback="p1"), points("p1", 1, 5, stock=None, fallback=None),
            points_budget=400, ten_draw=True,
        )
        | {"prizes": [prize("p0", 1, stock=9, fallback="p1"), points("p1", 1, 5, stock=None, fallback=None)]},
        {"sold_out"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("seed", range(2))
async def test_a_long_play_is_the_models_play(redis: Redis, name: str, seed: int) -> None:
    config, reached = LONG[name]
    random, play = Random(f"{name}{seed}"), await begun(redis, config)
    for _ in range(60):
        await play.tick(random)
    await play.compare()
    assert reached <= set(play.codes)
    assert play.model.granted.total() > 40
