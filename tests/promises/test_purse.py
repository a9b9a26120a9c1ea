"""A member's points are spent once: in play on two nodes and in a mall at once, over kills and rebuilds."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.fairness import Receipts
from gameserver.games import game_named
from gameserver.line import decode_line
from gameserver.records.database import Database
from gameserver.records.facts import lines_of
from gameserver.rooms import purse
from gameserver.rooms.purse import Play, Purses
from gameserver.rooms.room import Room
from gameserver.rooms.tick import Asked, Result
from gameserver.store.lane import LaneStore
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import Held, HoldAsk, LaneAt, Status
from tests.games.rains import BOMB, grab, rain
from tests.promises.world import World, check_rebuilt, world
from tests.rooms.pages import KEY
from tests.store.lanes import PlayedLane, Seat, server_ms

RAIN = "red_packet_rain"
COST, START, ROUNDS = 5, 60, 8
MEMBERS, PAGES, SHOPS = 10, 4, 6  # pages and shops of each member: 100 writers in all
AT = 1_790_000_000_000


def paying(rounds: int = ROUNDS, **chances: Any) -> dict[str, Any]:
    times = {"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000, "times": rounds}
    return rain(rounds=[times], chances={"free_total": 0, "cost_points": COST, **chances})


class Paid:
    """A room whose plays cost points, members who have some, and a mall that takes them too."""

    def __init__(self, here: World, lane: PlayedLane) -> None:
        self.here = here
        self.lane = lane
        self.redeemed: Counter[str] = Counter()
        self.sent_away = 0
        self.shown: Counter[str] = Counter()
        self.given: Counter[str] = Counter()

    def node(self, ledger: EmbeddedLedger | None = None) -> Purses:
        """The room in another process."""
        record = self.lane.record
        store = LaneStore(self.here.redis, game_named(record.game), record.id, self.lane.store.epoch)
        purses = Room(record, store, Receipts(KEY), ledger or self.here.ledger).purses
        assert purses
        return purses

    async def give(self, points: Mapping[str, int]) -> None:
        await self.here.ledger.fund("gifts", 1_000_000)
        entries = [
            Entry(uuid4(), Kind.EARN, member, "gifts", "", amount, AT, 1) for member, amount in points.items()
        ]
        outcomes = await self.here.ledger.apply(LaneAt("events", 0), entries)
        assert {outcome.status for outcome in outcomes} == {Status.APPLIED}
        self.given.update(points)

    async def redeem(self, member: str, amount: int) -> None:
        """What the mall does at its till; it may be refused."""
        entry = Entry(uuid4(), Kind.REDEEM, member, "", "", amount, AT, 1)
        (outcome,) = await self.here.ledger.apply(LaneAt("mall", 0), [entry])
        assert outcome.status is Status.APPLIED or outcome.reason == "not_enough_points", outcome
        self.redeemed[member] += outcome.credited
        self.sent_away += outcome.status is Status.REJECTED

    async def round(self, number: int) -> None:
        """Closes the round before and opens this one."""
        for due in self.lane.dues()[max(0, 2 * number - 1) : 2 * number + 1]:
            assert (await self.lane.clock(due))[0] == 1

    async def ask(self, node: Purses, command: list[Any]) -> Result:
        """A command's answer, which the member sees."""
        result = await waiting(node, command).result
        if result[0] == 1 and len(result) > 3:
            self.shown[command[0]] += Play(*result[3]).cost
        return result

    async def check(self, members: Iterable[str]) -> Counter[str]:
        """All purses are back, all is settled, and every point is in one place; paid plays by member."""
        await self.here.settle(self.lane)
        recorded = [decode_line(body) async for body in lines_of(self.here.database, self.lane.record.id)]
        paid: Counter[str] = Counter()
        for line in recorded:
            if line.spent:
                assert line.spent.amount % COST == 0
                paid[line.member] += line.spent.amount // COST
        ledger = self.here.ledger
        for member in members:
            assert self.shown[member] == paid[member] * COST
            balance = await ledger.balance(member)
            left = self.given[member] - self.shown[member] - self.redeemed[member]
            assert (balance.available, balance.held) == (left, 0), member
        assert await self.lane.purses() == {}
        assert await ledger.purses(self.lane.keys.name) == []
        assert await ledger.suspended() == []
        assert await ledger.letters() == []
        assert await ledger.drift() == []
        return paid


class LastWord(EmbeddedLedger):
    """The ledger of a process that gets no further than its answer."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.given = asyncio.Event()

    async def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        await super().hold(lane, asks)
        self.given.set()
        return await asyncio.get_running_loop().create_future()


def waiting(node: Purses, command: list[Any]) -> Asked:
    asked = Asked()
    node.submit(command, asked, command[2])
    return asked


async def paid(here: World, config: dict[str, Any], points: Mapping[str, int]) -> Paid:
    """The room in its first round."""
    room = Paid(here, await here.open(RAIN, config, 10_000))
    await room.give(points)
    await room.round(0)
    return room


async def test_a_mall_and_a_hundred_writers_never_overdraw_a_member(
    redis: Redis, engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purse, "PLAYS_A_FILL", 3)
    members = [f"m{number}" for number in range(MEMBERS)]
    async with world(engine, redis) as here:
        room = await paid(here, paying(), dict.fromkeys(members, START))
        nodes = [room.node(), room.node()]
        seats = [await room.lane.seat(member) for member in members for _ in range(PAGES)]
        over, stop, lowest = asyncio.Event(), asyncio.Event(), [START]

        async def shop(member: str, seed: int) -> None:
            random = Random(seed)
            while not over.is_set():
                await room.redeem(member, random.randrange(1, 9))
                balance = await here.ledger.balance(member)
                lowest[0] = min(lowest[0], balance.available, balance.held)

        shops = [
            asyncio.create_task(shop(member, seed))
            for seed, member in enumerate(member for member in members for _ in range(SHOPS))
        ]
        settling = asyncio.create_task(here.settlement.run(stop))
        refused: Counter[str] = Counter()
        for number in range(ROUNDS):
            if number:
                await room.round(number)
            taps = [grab(seat, drop, BOMB, round_=number) for drop, seat in enumerate(seats)]
            results = await asyncio.gather(*(room.ask(nodes[n % 2], tap) for n, tap in enumerate(taps)))
            refused.update(result[1] for result in results if result[0] == 0)
        over.set()
        await asyncio.gather(*shops)
        stop.set()
        await settling
        await here.lifecycle.close(room.lane.record.id)
        plays = await room.check(members)
        assert lowest[0] >= 0
        # there was something to fight for: both got some, and both were refused some
        assert sum(plays.values()) > MEMBERS
        assert set(refused) == {"not_enough_points"}
        assert sum(room.redeemed.values()) > 0
        assert room.sent_away > 0
        for node in nodes:
            await node.stop()


async def test_a_node_that_is_killed_while_it_opens_a_purse_costs_nobody_a_point(
    redis: Redis, engine: Database
) -> None:
    """At thirty moments; the page resends to another node, with the same ref."""
    random, members = Random(11), [f"m{number}" for number in range(30)]
    async with world(engine, redis) as here:
        room = await paid(here, paying(), dict.fromkeys(members, START))
        other, unanswered = room.node(), 0
        for member in members:
            seat, killed = await room.lane.seat(member), room.node()
            tap = grab(seat, 1, BOMB)
            lost = waiting(killed, tap)
            await asyncio.wait([lost.result], timeout=random.random() * 0.03)
            unanswered += not lost.result.done()
            await killed.stop()
            result = await room.ask(other, tap)
            assert (result[0], Play(*result[3]).cost) == (1, COST)
            assert await room.ask(other, grab(seat, 2, BOMB)) == [1, [2, 2, 0, 0], []]
        assert unanswered > 5
        await other.idle()
        await here.lifecycle.close(room.lane.record.id)
        assert await room.check(members) == Counter(members)


async def test_what_the_ledger_gave_to_a_node_that_died_with_it_is_played_on_another(
    redis: Redis, engine: Database
) -> None:
    async with world(engine, redis) as here:
        room = await paid(here, paying(), {"ann": START})
        ledger = LastWord(engine)
        killed, seat = room.node(ledger), await room.lane.seat("ann")
        waiting(killed, grab(seat, 1, BOMB))
        await ledger.given.wait()
        await killed.stop()
        assert (await here.ledger.balance("ann")).held == 10 * COST
        other = room.node()
        result = await room.ask(other, grab(seat, 1, BOMB, ref=1))
        assert Play(*result[3])[:5] == (COST, 0, 9 * COST, 1, 0)
        assert (await here.ledger.balance("ann")).held == 10 * COST
        await here.lifecycle.close(room.lane.record.id)
        assert await room.check(["ann"]) == {"ann": 1}


async def random_play(room: Paid, random: Random, seats: list[Seat], rounds: Iterable[int]) -> None:
    """Plays on two nodes, some purses closed meanwhile."""
    nodes = [room.node(), room.node()]
    for number in rounds:
        if number:
            await room.round(number)
        some = [seat for seat in seats if random.random() < 0.8]
        taps = [grab(seat, random.randrange(200), BOMB, round_=number) for seat in some]
        await asyncio.gather(*(room.ask(random.choice(nodes), tap) for tap in taps))
        for seat in random.sample(seats, 3):
            for member, (last, _) in (await room.lane.purses()).items():
                if member == seat.member:
                    await room.lane.ask([member, "", 0, "close_purse", False, last])
    for node in nodes:
        await node.idle()
        await node.stop()


async def test_a_rebuilt_lane_has_the_same_purses_and_plays_on_with_them(
    redis: Redis, engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purse, "PLAYS_A_FILL", 2)
    members, random = [f"m{number}" for number in range(8)], Random(5)
    async with world(engine, redis) as here:
        room = await paid(here, paying(free_total=1), {member: 1 + 7 * n for n, member in enumerate(members)})
        seats = [await room.lane.seat(member) for member in members for _ in range(2)]
        await random_play(room, random, seats, range(5))
        assert len(await room.lane.purses()) > 1
        await room.lane.quiet()
        before = await room.lane.dump()
        await here.settle(room.lane)
        await redis.flushall()
        await here.lifecycle.rebuild(room.lane.record.id)
        room.lane = await here.again(room.lane)
        after = await room.lane.dump()
        assert before["purse"] == after["purse"]
        assert before["purses"] == after["purses"]
        check_rebuilt(before, after)
        await random_play(room, random, seats, range(5, ROUNDS))
        await here.lifecycle.close(room.lane.record.id)
        assert sum((await room.check(members)).values()) > 8


async def test_a_purse_whose_time_is_over_goes_back_and_the_next_one_pays(
    redis: Redis, engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purse, "PURSE_MS", 300)
    async with world(engine, redis) as here:
        room = await paid(here, paying(), {"ann": 200})
        node, seat = room.node(), await room.lane.seat("ann")
        assert (await room.ask(node, grab(seat, 1, BOMB)))[0] == 1
        over = await server_ms(redis) + 300
        while await server_ms(redis) <= over:
            await asyncio.sleep(0.02)
        await room.round(1)
        monkeypatch.setattr(purse, "PURSE_MS", 60_000)
        result = await room.ask(node, grab(seat, 1, BOMB, round_=1))
        assert (Play(*result[3]).number, Play(*result[3]).left) == (2, 9 * COST)
        await here.settle(room.lane)
        balance = await here.ledger.balance("ann")
        assert (balance.available, balance.held) == (200 - 11 * COST, 9 * COST)
        await here.lifecycle.close(room.lane.record.id)
        assert await room.check(["ann"]) == {"ann": 2}


async def test_the_lines_of_a_free_room_are_the_bytes_that_they_always_were(
    redis: Redis, engine: Database
) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain(chances={"free_total": 3}), 10_000)
        await lane.clock(lane.dues()[0])
        seat = await lane.seat("ann")
        await lane.ask(grab(seat, 7))
        await here.settle(lane)
        bodies = [body async for body in lines_of(engine, lane.record.id)]
        line = decode_line(bodies[-1])
        fact, grant = ["grab", 0, 7, 1, 0, 0], ["packet", 1, 5, 1, "ann"]
        whole = [seat.session, 1, "ann", line.at, 0, [7, 1, 5, 1], fact, [grant]]
        assert bodies[-1] == msgspec.msgpack.encode(whole)
