"""Redis is a fold of the outbox: flushed and rebuilt from the record it is the same (DESIGN.md)."""

from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.records.database import Database
from gameserver.records.lanes import Lane
from gameserver.records.rooms import get_room
from gameserver.staff.lifecycle import Lifecycle
from ledger_client.terms import Caps, Terms
from tests.games.rains import BOMB, EMPTY, PACKET, grab, rain, scored
from tests.promises.world import World, check_rebuilt, world
from tests.store.lanes import PlayedLane, Seat

RAIN = "red_packet_rain"
AGO = 10_000
PRIZES = [
    {"id": "mug", "name": "杯子", "kind": "physical", "stock": 4, "per_member": 1},
    {"id": "bonus", "name": "大奖", "kind": "points", "value": 500, "stock": 6},
]
FEW = {"mode": "double_mean", "total_points": 200, "count": 30, "min": 1, "max": 50}
CONFIGS: dict[str, dict[str, Any]] = {
    "packets": rain(amounts=FEW, max_grabs_per_round=8),
    "rare packets": rain(amounts=FEW, prizes=PRIZES),
    "limits": rain(
        amounts=FEW,
        prizes=PRIZES,
        wins={"per_member": 9, "per_day": 40, "min_interval_ms": 1},
        chances={"free_total": 2, "free_per_day": 1},
        limits={"per_second": 300, "burst": 7},
        late_join=False,
    ),
    "places": scored([(1, 100), (3, 20)], bomb_score=15),
    "places with caps": scored([(2, 100), (2, 20)], wins={"per_member": 1}),
}


class Game:
    """A random play of a lane through all its rounds, days and sessions."""

    def __init__(self, lane: PlayedLane, seed: int, members: int = 9) -> None:
        self.lane = lane
        self.random = Random(seed)
        self.members = [f"m{number}" for number in range(members)]
        self.seats: list[Seat] = []
        self.asked: list[tuple[list[Any], Any]] = []
        self.lines: list[Any] = []
        self.day = 20260301

    async def play(self, rounds: int = 3, ticks: int = 12) -> None:
        dues = self.lane.dues()
        for member in self.members:
            self.seats.append(await self.lane.seat(member))
        for round_ in range(rounds):
            await self.lane.clock(dues[2 * round_])
            for _ in range(ticks):
                await self.tick(round_)
            await self.lane.clock(dues[2 * round_ + 1])
            self.day += round_ % 2
        await self.lane.clock(dues[0])  # too old: refused

    async def tick(self, round_: int) -> None:
        random = self.random
        if random.random() < 0.4:
            self.seats.append(await self.lane.seat(random.choice(self.members), f"name{random.random()}"))
        commands = [self.tap(random.choice(self.seats), round_) for _ in range(random.randrange(1, 30))]
        results = (await self.lane.tick(*commands, days=[(0, self.day)])).results
        self.asked += zip(commands, results, strict=True)

    def tap(self, seat: Seat, round_: int) -> list[Any]:
        kind = self.random.choice((PACKET, PACKET, PACKET, EMPTY, BOMB))
        deny = self.random.choice((False, False, False, "not_in_audience"))
        return grab(seat, self.random.randrange(40), kind, round_=round_, deny=deny)

    async def answers_again(self, lane: PlayedLane) -> int:
        """How many executed refs are remembered; each must have its answer."""
        told = {(command[1], command[2]): result for command, result in self.asked if result[0] == 1}
        same = 0
        for member in self.members:
            record = await lane.member(member)
            assert record is not None
            for session in record.sessions:
                for ref, result in session.answers:
                    if result[0] == 1:
                        again = await lane.ask([member, session.id, ref, "grab", False, 0, 0, 1, 0, 2**50])
                        assert again == [told[session.id, ref]]
                        same += 1
        return same


async def played(world: World, config: dict[str, Any], seed: int, **how: int) -> Game:
    game = Game(await world.open(RAIN, config, AGO), seed)
    await game.play(**how)
    await game.lane.quiet()
    game.lines = await game.lane.lines()
    return game


@pytest.mark.parametrize("flushed", [True, False], ids=["flushed", "not flushed"])
@pytest.mark.parametrize("name", CONFIGS)
async def test_a_rebuilt_lane_is_the_same(redis: Redis, engine: Database, name: str, flushed: bool) -> None:
    async with world(engine, redis) as here:
        game = await played(here, CONFIGS[name], seed=len(name))
        lane = game.lane
        before = await lane.dump()
        await here.settle(lane)
        assert await here.check_books(lane, game.lines), "nothing was won"
        if flushed:
            await redis.flushall()
        heard: list[int] = []
        assert await here.lifecycle.rebuild(lane.record.id, heard.append) == len(game.lines) == heard[-1]
        rebuilt = await here.again(lane)
        check_rebuilt(before, await rebuilt.dump())
        assert (lane.store.epoch, rebuilt.store.epoch, await rebuilt.head("epoch")) == (1, 2, "2")
        assert await game.answers_again(rebuilt) > 10
        check_rebuilt(before, await rebuilt.dump())


async def test_a_rebuilt_lane_remembers_what_caps_count(redis: Redis, engine: Database) -> None:
    """Points of members over the end of a day, a month and a year."""
    terms = Terms(caps=Caps(day=10, month=15, year=20))
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain(), AGO, terms)
        await lane.clock(lane.dues()[0])
        seats = [await lane.seat("a"), await lane.seat("b")]
        drop = 0
        for day in (20261130, 20261201, 20261202, 20261203, 20270101):
            for seat in (*seats, seats[0], seats[0]):
                drop += 1
                await lane.ask(grab(seat, drop), days=[(0, day)])
        await lane.quiet()
        before = await lane.dump()
        counted = [member.earned for name in "ab" if (member := await lane.member(name))]
        assert counted == [[20270101, 10, 10, 10], [20270101, 5, 5, 5]]
        await here.settle(lane)
        await redis.flushall()
        await here.lifecycle.rebuild(lane.record.id)
        rebuilt = await here.again(lane)
        check_rebuilt(before, await rebuilt.dump())
        results = await rebuilt.ask(*(grab(seat, 99) for seat in seats), days=[(0, 20270101)])
        assert [result[:2] for result in results] == [[0, "points_cap"], [1, [99, PACKET, 30, 6]]]


async def test_a_rebuild_takes_the_caps_of_now(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain(), AGO, Terms(caps=Caps(day=5)))
        assert await lane.store.capped()
        await lane.clock(lane.dues()[0])
        seat = await lane.seat("a")
        assert (await lane.ask(grab(seat, 1), days=[(0, 20260301)]))[0][0] == 1
        await here.ledger.agree(lane.record.campaign, Terms(caps=Caps(day=10)))
        # what staff agree on while the room is open holds in the ledger at once, here with a rebuild
        assert (await lane.ask(grab(seat, 2), days=[(0, 20260301)]))[0][1] == "points_cap"
        await here.lifecycle.rebuild(lane.record.id)
        rebuilt = await here.again(lane)
        results = await rebuilt.ask(grab(seat, 3), grab(seat, 4), days=[(0, 20260301)])
        assert [result[0] for result in results] == [1, 0]
        await here.ledger.agree(lane.record.campaign, Terms())
        await here.lifecycle.rebuild(lane.record.id)
        assert not await (await here.again(lane)).store.capped()


async def test_short_games_and_none_at_all(redis: Redis, engine: Database) -> None:
    """All rounds within one call of the fold, and no line."""
    async with world(engine, redis) as here:
        for number, (members, ticks) in enumerate([(1, 1), (2, 2), (3, 3)]):
            game = Game(await here.open(RAIN, CONFIGS["packets"], AGO), seed=number, members=members)
            await game.play(ticks=ticks)
            await game.lane.quiet()
            before = await game.lane.dump()
            await here.lifecycle.rebuild(game.lane.record.id)
            check_rebuilt(before, await (await here.again(game.lane)).dump())
        untouched = await here.open(RAIN, CONFIGS["packets"])
        before = await untouched.dump()
        assert await here.lifecycle.rebuild(untouched.record.id) == 0
        check_rebuilt(before, await (await here.again(untouched)).dump())


async def test_whoever_works_under_the_old_epoch_is_refused(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        game = await played(here, CONFIGS["packets"], seed=3, ticks=3)
        await here.lifecycle.rebuild(game.lane.record.id)
        rebuilt = await here.again(game.lane)
        before = await rebuilt.dump()
        with pytest.raises(Refused) as refused:
            await game.lane.ask(grab(game.seats[-1], 39))
        assert (refused.value.code, refused.value.retry_ms) == ("lane_lost", 1000)
        assert not await game.lane.store.exists()
        assert await rebuilt.store.exists()
        assert await rebuilt.dump() == before


async def test_play_goes_on_after_a_rebuild(redis: Redis, engine: Database) -> None:
    """The same pages, the next refs, the next units; nothing is given twice and all of it is settled."""
    async with world(engine, redis) as here:
        game = await played(here, CONFIGS["rare packets"], seed=5, rounds=1)
        await here.settle(game.lane)
        await redis.flushall()
        await here.lifecycle.rebuild(game.lane.record.id)
        game.lane = await here.again(game.lane)
        first = len(game.asked)
        await game.lane.clock(game.lane.dues()[2])
        for _ in range(10):
            await game.tick(1)
        assert any(result[0] == 1 and result[2] for _, result in game.asked[first:])
        assert (await game.lane.join("newcomer")).session.startswith("s2-")
        after = await game.lane.lines()
        await here.settle(game.lane)
        granted = await here.check_books(game.lane, game.lines + after)
        assert len({(grant.prize, grant.unit) for grant in granted}) == len(granted)
        assert {grant.epoch for grant in granted} == {1, 2}
        await game.lane.quiet()
        before = await game.lane.dump()
        await here.lifecycle.rebuild(game.lane.record.id)
        check_rebuilt(before, await (await here.again(game.lane)).dump())


@pytest.mark.parametrize("state", ["paused", "closed"])
async def test_a_rebuild_keeps_the_rooms_state(redis: Redis, engine: Database, state: str) -> None:
    async with world(engine, redis) as here:
        game = await played(here, CONFIGS["packets"], seed=6, ticks=2)
        room = game.lane.record.id
        await (here.lifecycle.pause(room) if state == "paused" else here.lifecycle.close(room))
        if state == "closed":
            await redis.flushall()
        await here.lifecycle.rebuild(room)
        assert await (await here.again(game.lane)).head("state") == state


async def test_what_staff_decide_during_a_rebuild_holds(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        game = await played(here, CONFIGS["packets"], seed=7, ticks=2)
        room = game.lane.record.id

        async def paused_meanwhile(lane: Lane) -> None:
            await here.lifecycle.pause(room)
            await here.settlement.drain(lane)

        await Lifecycle(engine, redis, here.ledger, paused_meanwhile).rebuild(room)
        assert (await get_room(engine, room)).state == "paused"
        assert await (await here.again(game.lane)).head("state") == "paused"


async def test_a_draft_cannot_be_rebuilt(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, CONFIGS["packets"])
        with pytest.raises(Refused, match="bad_state"):
            await here.lifecycle.rebuild(draft.id)
