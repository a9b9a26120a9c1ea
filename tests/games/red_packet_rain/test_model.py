"""The rule and its gate against the plain model: the same answers to any play, and the same state."""

import struct
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gameserver.games.red_packet_rain.plan import RainPlan
from gameserver.games.room_config import Wins
from tests.games.rains import rain, scored
from tests.games.red_packet_rain.model import RainModel, Table
from tests.store.lanes import PlayedLane, clock_command, opened, unpacked

AGO = 30_000  # the first round began before, the others will later
ALWAYS, EARLY, LATE = (0, 2**50), (2**49, 2**50), (0, 1)
MEMBERS = ("ann", "bob", "cat")

prizes = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([None, 1, 2]), st.sampled_from([0, 30])), max_size=3
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
        "late_join": st.booleans(),
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
    st.tuples(st.just("grab"), seats, drops, kinds),
    st.tuples(st.just("grab"), seats, drops, st.just(1)),
    st.tuples(st.just("window"), seats, st.sampled_from([EARLY, LATE])),
    st.tuples(st.just("round"), seats, st.integers(-1, 3)),
    st.tuples(st.just("replay"), seats, st.integers(0, 10), drops),
    st.tuples(st.just("leap"), seats, st.integers(2, 5), drops),
    st.tuples(st.just("deny"), seats, st.sampled_from(["blocked", "not_in_audience", "no_round"])),
    st.tuples(st.just("join"), st.sampled_from(MEMBERS), st.booleans()),
    st.tuples(st.just("stranger"), st.sampled_from(MEMBERS), seats),
    st.tuples(st.just("clock"), st.just(1)),
    st.tuples(st.just("clock"), st.integers(0, 7)),
)
ticks = st.tuples(
    st.lists(steps, min_size=1, max_size=14),
    st.sampled_from(["once", "once", "once", "twice"]),
    st.sampled_from([0, 0, 0, 1]),  # days that pass before it
    st.sampled_from(["open"] * 8 + ["paused"]),
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
        self.pages: list[list[Any]] = []  # [member, session, highest ref sent]

    async def tick(self, made: list[tuple[Any, ...]], times: str, days: int, state: str) -> None:
        self.day += days
        if state != self.model.state:
            await self.lane.store.set_state(state)
            self.model.state = state
        commands = [command for step in made if (command := await self.command(*step))]
        for _ in range(2 if times == "twice" else 1):
            ticked = await self.lane.tick(*commands, days=[(0, self.day)])
            for command, result in zip(commands, ticked.results, strict=True):
                expected = self.model.answer(command, ticked.now, self.day)
                assert essential(result) == expected, (command, ticked.now)
                event(str(result[1]) if result[0] == 0 else "done")
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
        assert {name.decode() for name in dump["m"]} == set(model.people)
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
            assert [(it.id, it.ref, [*it.answers]) for it in member.sessions] == pages
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


def essential(result: Any) -> Any:
    """A join's reply without what the model does not know: versions, and what `since` recovers."""
    if result[0] != 2:
        return result
    _, id_, _, _, _, _, _, _, view, given_, answers = result
    view[5].sort()
    return [2, id_, given_, view, answers]


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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
