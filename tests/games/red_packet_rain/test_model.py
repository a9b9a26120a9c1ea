"""The rule and its gate against the plain model: the same answers to any play, and the same state."""

import struct
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gameserver.games.game import HOST
from gameserver.games.red_packet_rain.plan import RainPlan
from gameserver.games.room_config import Wins
from tests.games.rains import rain, scored
from tests.games.red_packet_rain.model import PACKET, RainModel, Table
from tests.store.lanes import PlayedLane, clock_command, opened, unpacked

AGO = 30_000  # the first round began before, the others will later
ALWAYS, EARLY, LATE = (0, 2**50), (2**49, 2**50), (0, 1)
MEMBERS = ("ann", "bob", "cat")

prizes = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([1, 1, 2, None]), st.sampled_from([0, 30])), max_size=3
).map(
    lambda lines: [
        {
            "id": f"p{number}", "name": "p", "stock": stock, "per_member": most, "value": value,
            "kind": "points" if value else "physical",
        }
        for number, (stock, most, value) in enumerate(lines)
    ]
)  # fmt: skip
amounts = st.sampled_from(
    [
        {"mode": "fixed", "count": 3, "amount": 7},
        {"mode": "double_mean", "total_points": 60, "count": 12, "min": 1, "max": 20},
        {"mode": "list", "tiers": [{"amount": 1, "count": 4}, {"amount": 50, "count": 1}]},
    ]
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "max_grabs_per_round": st.integers(1, 6),
        "bomb_score": st.integers(0, 12),
        "late_join": st.sampled_from([True, True, False]),
        "wins": st.fixed_dictionaries(
            {},
            optional={
                "per_member": st.integers(1, 6),
                "per_day": st.integers(1, 8),
                "min_interval_ms": st.integers(0, 8),
            },
        ),
        "chances": st.fixed_dictionaries(
            {}, optional={"free_total": st.integers(0, 3), "free_per_day": st.integers(0, 2)}
        ),
        "limits": st.fixed_dictionaries(
            {
                "per_second": st.sampled_from([1, 3, 300, 1000]),
                "burst": st.sampled_from([1, 3, 6, 1000, 1000]),
            }
        ),
    },
)
tiers = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 100)), min_size=1, max_size=2)
packets = st.builds(
    lambda more, amounts, prizes: rain(**more, amounts=amounts, prizes=prizes), limits, amounts, prizes
)
configs = packets | packets | st.builds(lambda more, tiers: scored(tiers, **more), limits, tiers)

seats = st.integers(0, 5)
drops = st.integers(0, 11)
kinds = st.sampled_from([0, 1, 1, 1, 1, 2])
steps = st.one_of(
    st.tuples(st.just("grab"), seats, drops, kinds),
    st.tuples(st.just("window"), seats, st.sampled_from([EARLY, LATE])),
    st.tuples(st.just("round"), seats, st.integers(-1, 3)),
    st.tuples(st.just("replay"), seats, st.integers(0, 10), drops),
    st.tuples(st.just("leap"), seats, st.integers(2, 5), drops),
    st.tuples(st.just("deny"), seats, st.sampled_from(["blocked", "not_in_audience", "no_round"])),
    st.tuples(st.just("join"), st.sampled_from(MEMBERS), st.booleans()),
    st.tuples(st.just("stranger"), st.sampled_from(MEMBERS), seats),
    st.tuples(st.just("clock"), st.sampled_from([0, 1, 1, 3, 5])),
)
often = st.one_of(
    st.tuples(st.just("grab"), seats, drops, kinds),
    st.tuples(st.just("harvest"), seats, drops, st.integers(2, 6)),
)
ticks = st.tuples(
    st.lists(often | often | steps, min_size=1, max_size=14),
    st.sampled_from(["once", "once", "once", "twice"]),
    st.sampled_from([0, 0, 0, 1]),  # days that pass before it
    st.sampled_from(["open"] * 15 + ["paused"]),
)


def tables_of(lane: PlayedLane) -> list[Table]:
    tables = []
    for due in lane.dues()[::2]:
        _, start, blob, rare = due.arguments
        octets = bytes(blob)[5:]
        tables.append(Table(start, [*struct.unpack(f"<{len(octets) // 4}I", octets)], rare))
    return tables


class Play:
    """The real lane and the model, given the same."""

    def __init__(self, lane: PlayedLane) -> None:
        assert isinstance(lane.plan, RainPlan)
        self.lane = lane
        self.dues = lane.dues()
        self.model = RainModel(lane.plan._config, dict(lane.plan.stock()), tables_of(lane))
        self.next_due = 0
        self.day = 20260301
        self.codes: set[str] = set()
        self.pages: list[list[Any]] = []  # [member, session, highest ref sent]

    async def tick(self, made: list[tuple[Any, ...]], times: str, days: int, state: str) -> None:
        self.day += days
        if state != self.model.state:
            await self.lane.store.set_state(state)
            self.model.state = state
        commands = [command for step in made for one in simple(step) if (command := await self.command(*one))]
        for _ in range(2 if times == "twice" else 1):
            ticked = await self.lane.tick(*commands, days=[(0, self.day)])
            for command, result in zip(commands, ticked.results, strict=True):
                expected = self.model.answer(command, ticked.now, self.day)
                assert essential(result) == expected, (command, ticked.now)
                self.codes.add(result[1] if result[0] == 0 else "")
                if result[0] == 2 and not any(page[1] == result[1] for page in self.pages):
                    self.pages.append([result[2][0], result[1], 0])

    async def command(  # noqa: PLR0911 - one line a kind
        self, kind: str, *made: Any
    ) -> list[Any] | None:
        if kind == "join":
            return await self.join(*made)
        if kind == "clock":
            # 1 is what comes next, others are what another process might send too, or too early
            due = self.dues[min(max(self.next_due + made[0] - 1, 0), len(self.dues) - 1)]
            self.next_due += made[0] == 1
            return clock_command(due)
        if kind == "stranger":
            return [made[0], f"s1-{90 + made[1]}", 1, "grab", False, 0, 1, 1, *ALWAYS]
        if not self.pages:
            return None
        page = self.pages[made[0] % len(self.pages)]
        round_, drop, packet, window, deny = self.model.opened or 0, 1, 1, ALWAYS, False
        match kind:
            case "grab":
                drop, packet = made[1:]
            case "window":
                window = made[1]
            case "round":
                round_ += made[1]
            case "replay":
                return [*page[:2], max(1, page[2] - made[1]), "grab", False, round_, made[2], 1, *ALWAYS]
            case "leap":
                page[2] += made[1]
                drop = made[2]
            case "deny":
                page[2] += 1
                return [*page[:2], page[2], "grab", made[1], 55 if made[1] == "no_round" else False]
        page[2] += 1
        return [*page[:2], page[2], "grab", deny, round_, drop, packet, *window]

    async def join(self, member: str, resumes: bool) -> list[Any]:
        own = [page[1] for page in self.pages if page[0] == member]
        name = f"{member}{len(self.pages)}"
        ticket = await self.lane.ticket(member, name)
        self.model.tickets[ticket] = (member, name)
        return ["", "", 0, "join", False, ticket, own[-1] if resumes and own else False, False]

    async def compare(self) -> None:
        model, dump = self.model, await self.lane.dump()
        assert await self.lane.lines() == model.lines
        assert await self.lane.stock() == model.stock
        ranks = {
            name.removeprefix("rank:"): scores for name, scores in dump.items() if name.startswith("rank:")
        }
        assert ranks == {
            str(round_): {member.encode(): score for member, score in scores.items()}
            for round_, scores in model.ranks.items()
            if scores
        }
        assert int(dump["room"][b"sessions"]) == model.sessions
        assert (int(dump["room"][b"day"]), int(dump["room"][b"day_wins"])) == model.wins_of_day
        assert {name.decode() for name in dump["m"]} == {*model.people, HOST}
        for name, person in model.people.items():
            member = await self.lane.member(name)
            assert member is not None
            assert (member.joined, member.rate, member.name) == (person.joined, person.rate, person.name)
            # what no limit asks for is not counted
            wins = (person.wins, person.won_at) if model.config.wins != Wins() else (0, 0)
            assert (member.wins, member.won_at) == wins
            chances = (person.chances, person.day, person.day_chances)
            counted = chances if model.config.chances.model_dump(exclude_none=True) else (0, 0, 0)
            assert (member.chances, member.day, member.day_chances) == counted
            assert (member.owned, member.given) == (dict(person.owned), person.given)
            pages = [(page.id, page.ref, page.answers) for page in person.pages]
            kept = [(it.id, it.ref, [(ref, x[:3]) for ref, x in it.answers]) for it in member.sessions]
            assert kept == pages
        views = await self.lane.store.views([name for name in model.people if name])  # type: ignore[misc]
        for (name, person), (view, given_) in zip([*model.people.items()][1:], views, strict=True):
            view[5].sort()
            assert view == model._view(name, person)
            assert given_ == person.given
        state = unpacked(dump["game"])
        if model.opened is not None:
            assert (state["opened"], state["closed"]) == (model.opened, model.closed)
            assert state["waiting"] == [list(packet) for packet in model.waiting]
            assert len(state["rare"]) == sum(1 for packet in model.ahead if packet[0] != "packet")


def simple(step: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """A harvest is several packets in a row."""
    if step[0] != "harvest":
        return [step]
    _, seat, first, many = step
    return [("grab", seat, first + number, PACKET) for number in range(many)]


def essential(result: Any) -> Any:
    """A reply without what the model does not know: versions, what `since` recovers, plays that are left."""
    if result[0] != 2:
        return result[:3]
    _, id_, _, _, _, _, _, _, view, given_, answers, *_ = result
    view[5].sort()
    return [2, id_, given_, view, [[ref, answer[:3]] for ref, answer in answers]]


@settings(
    max_examples=120,
)
@given(configs, st.lists(ticks, min_size=1, max_size=12))
async def test_any_play_is_the_models_play(redis: Redis, config: dict[str, Any], played: list[Any]) -> None:
    await redis.flushdb()  # every example begins with nothing
    lane = await opened(redis, config, ago=AGO)
    play = Play(lane)
    start = [("join", "ann", False), ("join", "bob", False), ("clock", 1)]
    await play.tick(start, "once", 0, "open")
    for made in played:
        await play.tick(*made)
    await play.compare()


# long plays reach what short ones seldom do: rare packets that wait, caps, everything sold out
RARE = [
    {"id": "p0", "name": "p", "kind": "physical", "stock": 15, "per_member": 1},
    {"id": "p1", "name": "p", "kind": "points", "value": 30, "stock": 12, "per_member": 2},
    {"id": "p2", "name": "p", "kind": "coupon", "stock": 6},
]
SPREAD = {"mode": "double_mean", "total_points": 200, "count": 25, "min": 1, "max": 30}
LONG: dict[str, dict[str, Any]] = {
    "rare": rain(amounts=SPREAD, prizes=RARE),
    "rare and capped": rain(amounts=SPREAD, prizes=RARE, max_grabs_per_round=9, wins={"per_member": 12}),
    "by day": rain(amounts=SPREAD, wins={"per_day": 9}, chances={"free_per_day": 1, "free_total": 2}),
    "slow": rain(amounts=SPREAD, limits={"per_second": 20, "burst": 4}, wins={"min_interval_ms": 2}),
    "late": rain(amounts=SPREAD, late_join=False, bomb_score=12),
    "places": scored([(2, 100), (3, 10)], bomb_score=12),
    "places and capped": scored([(2, 100), (2, 10)], wins={"per_member": 2, "per_day": 5}),
}

REACHED = {
    "rare": {"sold_out", "drop_taken", "ref_too_old", "too_early", "too_late", "blocked", "bad_ticket"},
    "rare and capped": {"grab_limit", "win_limit"},
    "by day": {"win_limit", "no_chance_left"},
    "slow": {"rate_limited", "win_limit"},
    "late": {"late_join"},
    "places": {"drop_taken"},
    "places and capped": {"drop_taken"},
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("seed", range(3))
async def test_a_long_play_is_the_models_play(redis: Redis, name: str, seed: int) -> None:
    random = Random(f"{name}{seed}")
    play = Play(await opened(redis, LONG[name], ago=AGO))
    for _ in range(3):
        await play.tick([("clock", 1), *(("join", member, False) for member in MEMBERS)], "once", 0, "open")
        for _ in range(12):
            made = [any_step(random) for _ in range(random.randrange(1, 12))]
            await play.tick(made, random.choice(("once", "once", "twice")), random.random() < 0.1, "open")
        await play.tick([("clock", 1)], "twice", 0, "open")
    await play.compare()
    facts = [line[6] for line in play.model.lines if line[6][0] == "grab"]
    assert REACHED[name] <= play.codes
    if "rare" in name:
        assert any(passed for *_, passed, _ in facts)
        assert any(waited for *_, waited in facts)


def any_step(random: Random) -> tuple[Any, ...]:
    seat, drop = random.randrange(12), random.randrange(180)
    return random.choices(
        [
            ("harvest", seat, drop, random.randrange(2, 7)),
            ("grab", seat, drop, random.randrange(3)),
            ("replay", seat, random.randrange(10), drop),
            ("window", seat, random.choice((EARLY, LATE))),
            ("deny", seat, random.choice(("blocked", "no_round"))),
            ("join", random.choice(MEMBERS), random.random() < 0.5),
            ("clock", random.choice((0, -1))),
        ],
        (6, 3, 2, 1, 1, 1, 1),
    )[0]
