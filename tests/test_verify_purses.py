"""Reconciliation of purses: Redis' points left against what the ledger holds and has seen spent."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver import verify
from gameserver.checks import Checks, Look, Mismatch
from gameserver.records.database import Database
from gameserver.records.rooms import RoomState, get_room
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import HoldAsk, LaneAt, Purse, Status, Totals
from tests.games.rains import grab
from tests.promises.world import World, world
from tests.store.lanes import PlayedLane, Seat, server_ms
from tests.test_verify import found, pouring, running, until, verification, verifying

COST = 5
FILL = 15
POINTS = 10_000
LOOKS = 50


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "AGAIN_SECONDS", 0.01)


@pytest.fixture
async def here(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as here:
        yield here


async def paying(here: World, rounds: int = 1) -> PlayedLane:
    """A room whose every round costs its members points."""
    return await pouring(
        here,
        chances={"free_total": 0, "cost_points": COST},
        rounds=[{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000, "times": rounds}],
    )


async def rich(here: World, lane: PlayedLane, seats: Sequence[Seat]) -> None:
    """Members who have points to play with."""
    await here.ledger.fund(lane.record.campaign, 10_000_000)
    entries = [entry(lane, Kind.EARN, seat, POINTS) for seat in seats]
    outcomes = await here.ledger.apply(LaneAt("events", 1), entries)
    assert {outcome.status for outcome in outcomes} == {Status.APPLIED}


def entry(lane: PlayedLane, kind: Kind, seat: Seat, amount: int) -> Entry:
    id_ = derived_id(f"{lane.record.id}|{kind}|{seat.member}|{amount}")
    return Entry(id_, kind, seat.member, lane.record.campaign, "", amount, 1, 1)


def name_of(lane: PlayedLane) -> str:
    return f"{lane.record.id}.0"


async def fill(here: World, lane: PlayedLane, seat: Seat, number: int, nth: int) -> None:
    """What a node does for a play that finds too little in its member's purse."""
    now = await server_ms(here.redis)
    purse = purse_id(name_of(lane), seat.member, number)
    ask = HoldAsk(
        purse, nth, seat.member, lane.record.campaign, lane.record.id, FILL, COST, now + 1_800_000, now
    )
    (held,) = await here.ledger.hold(LaneAt(name_of(lane), 1), [ask])
    if held.granted:
        await into_redis(lane, seat, number, nth, held.granted, held.until)


async def into_redis(lane: PlayedLane, seat: Seat, number: int, nth: int, points: int, until_: int) -> None:
    await lane.ask([seat.member, "", 0, "fill_purse", False, number, nth, points, until_])


async def purse_of(lane: PlayedLane, member: str = "a") -> list[int]:
    octets: Any = await lane.redis.hget(lane.keys.purse, member)
    return list(msgspec.msgpack.decode(octets))


async def set_purse(lane: PlayedLane, purse: Sequence[int], member: str = "a") -> None:
    await lane.redis.hset(lane.keys.purse, member, msgspec.msgpack.encode(purse))


async def paid_once(here: World, lane: PlayedLane) -> Seat:
    """Member "a" with 15 points in a purse, 5 of them spent and settled."""
    seat = await lane.seat("a")
    await rich(here, lane, [seat])
    await fill(here, lane, seat, 1, 0)
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1
    await here.settle(lane)
    return seat


async def play(here: World, lane: PlayedLane, seats: Sequence[Seat], stop: asyncio.Event) -> None:
    """Round after round; every member pays for each, fills the purse when needed, and closes it at times."""
    dice, drop = random.Random(2), 0
    for round_, (before, due) in enumerate(pairwise([None, *lane.dues()[::2]])):
        if before is not None:
            await lane.clock(lane.dues()[2 * round_ - 1])
            await lane.clock(due) if due else None
        for seat in dice.sample(list(seats), len(seats)):
            if stop.is_set():
                return
            drop += 1
            (result,) = await lane.ask(grab(seat, drop % 1000, round_=round_))
            if result[:2] == [0, "purse_needed"]:
                number, nth, opened, *_ = result[2]
                await fill(here, lane, seat, *((number, nth + 1) if opened else (number + 1, 0)))
                seat.ref -= 1
            elif dice.random() < 0.1:
                number = (await purse_of(lane, seat.member))[0]
                await lane.ask([seat.member, "", 0, "close_purse", False, number])


async def test_purses_in_play_agree_at_every_look(here: World) -> None:
    lane = await paying(here, rounds=100)
    seats = await lane.seats(12)
    await rich(here, lane, seats)
    checks = Checks(here.database, here.redis, here.ledger)
    compared = []
    async with running(here.settlement.run), running(lambda stop: play(here, lane, seats, stop)):
        for _ in range(LOOKS):
            look = Look()
            await checks.room(lane.record, look)
            await checks.entries(lane.record, look)
            await checks.books(look)
            assert look.mismatches == []
            compared.append(look.checks)
    assert max(compared) > 1 + 2 * 3 + 3 + 1 + 2 * len(seats) / 2
    await here.settle(lane)
    assert await found(here, lane) == []
    totals = await here.ledger.totals(name_of(lane), Kind.SPEND)
    assert totals.applied > LOOKS
    assert totals.suspense == 0


class Busy(EmbeddedLedger):
    """The ledger, while a paid play comes and is settled before and after each of two readings."""

    def __init__(self, here: World, plays: Iterator[Awaitable[None]]) -> None:
        super().__init__(here.database)
        self._plays = plays

    async def purses(self, lane: str) -> list[Purse]:
        await next(self._plays)
        found = await super().purses(lane)
        await next(self._plays)
        return found

    async def totals(self, lane: str, kind: Kind | None = None) -> Totals:
        await next(self._plays)
        found = await super().totals(lane, kind)
        await next(self._plays)
        return found


async def test_plays_between_the_readings_of_one_look_are_no_mismatch(here: World) -> None:
    lane = await paying(here, rounds=30)
    seat = await paid_once(here, lane)
    rounds = iter(range(1, 30))

    async def one_play() -> None:
        round_ = next(rounds)
        for due in lane.dues()[2 * round_ - 1 : 2 * round_ + 1]:
            await lane.clock(due)
        if (await purse_of(lane))[2] < COST:
            await fill(here, lane, seat, 1, (await purse_of(lane))[1] + 1)
        (result,) = await lane.ask(grab(seat, 1, round_=round_))
        assert result[3][0] == COST
        await here.settle(lane)

    look = Look()
    checks = Checks(here.database, here.redis, Busy(here, (one_play() for _ in range(30))))
    for _ in range(3):
        await checks.room(lane.record, look)
        await checks.entries(lane.record, look)
    assert next(rounds) == 1 + 3 * 8
    assert look.mismatches == []


async def test_a_purse_changed_in_redis_is_found_and_pauses_the_room(here: World) -> None:
    lane = await paying(here)
    await paid_once(here, lane)
    purse = await purse_of(lane)
    assert purse[2] == FILL - COST
    assert await found(here, lane) == []
    room, what = lane.record.id, "points left in a purse"
    for left in (FILL, 0):
        await set_purse(lane, [*purse[:2], left, *purse[3:]])
        assert await found(here, lane) == [Mismatch(room, what, "a", FILL - COST, left)]
    async with verifying(here):
        await until(lane, RoomState.PAUSED)
    await set_purse(lane, purse)
    assert await found(here, lane) == []
    assert (await get_room(here.database, room)).state is RoomState.PAUSED


async def test_points_that_the_ledger_never_gave_are_found(here: World) -> None:
    lane = await paying(here)
    seat = await paid_once(here, lane)
    number, nth, _, until_, _ = await purse_of(lane)
    await into_redis(lane, seat, number, nth + 1, 50, until_)
    what = "points given to a purse"
    assert await found(here, lane) == [Mismatch(lane.record.id, what, "a", FILL, FILL + 50)]
    await here.settle(lane)
    assert await found(here, lane) == [Mismatch(lane.record.id, what, "a", FILL, FILL + 50)]
    await into_redis(lane, seat, number + 1, 0, 50, until_)
    what = "points in a purse that the ledger has not"
    assert await found(here, lane) == [Mismatch(lane.record.id, what, "a", 0, 50)]


async def test_a_spend_that_never_left_the_outbox_is_found(here: World) -> None:
    lane = await paying(here, rounds=2)
    seat = await paid_once(here, lane)
    for due in lane.dues()[1:3]:
        await lane.clock(due)
    await here.settle(lane)
    # it wins nothing: only the purse tells of it
    assert (await lane.ask(grab(seat, 2, 0, round_=1)))[0][3][0] == COST
    assert await found(here, lane) == []
    await here.redis.xtrim(lane.keys.outbox, maxlen=0, approximate=False)
    what = "points left in a purse"
    assert await found(here, lane) == [Mismatch(lane.record.id, what, "a", FILL - COST, FILL - 2 * COST)]


async def test_a_paid_play_that_is_gone_from_the_record_is_found(here: World) -> None:
    lane = await paying(here)
    await paid_once(here, lane)
    async with here.database.begin() as connection:
        await connection.exec_driver_sql("delete from game.facts where kind = 'grab'")
    what = "paid plays in the ledger"
    assert await found(here, lane) == [Mismatch(lane.record.id, what, lane.record.id, 0, 1)]


async def test_a_spend_that_the_ledger_put_aside_explains_its_purse(here: World) -> None:
    lane = await paying(here, rounds=2)
    seat = await paid_once(here, lane)
    # what is about an entry that cannot be stored waits for it
    poison = msgspec.structs.replace(
        entry(lane, Kind.REDEEM, seat, 0), id=purse_id(name_of(lane), seat.member, 1)
    )
    (dead,) = await here.ledger.apply(LaneAt("events", 1), [poison])
    assert dead.status is Status.DEAD
    for due in lane.dues()[1:3]:
        await lane.clock(due)
    assert (await lane.ask(grab(seat, 2, round_=1)))[0][3][0] == COST
    await here.settle(lane)
    assert (await here.ledger.totals(name_of(lane), Kind.SPEND)).applied == 1
    assert len(await here.ledger.letters()) > 1
    assert await found(here, lane) == []


async def test_a_purse_that_the_books_have_wrong_pauses_its_room(here: World) -> None:
    lane, other = await paying(here), await pouring(here)
    await paid_once(here, lane)
    async with here.database.begin() as connection:
        await connection.exec_driver_sql(
            "update ledger.account set posted = 11 where starts_with(id, 'purse:')"
        )
    drifted = await found(here, lane)
    purse = f"purse:{purse_id(name_of(lane), 'a', 1)}"
    assert {(one.room, one.key, one.expected, one.found) for one in drifted} == {("", purse, 10, 11)}
    async with verifying(here):
        await until(lane, RoomState.PAUSED)
    assert await other.head("state") == "open"


async def test_a_purse_whose_time_is_over_is_left_to_the_ledger(here: World) -> None:
    lane = await paying(here)
    seat = await lane.seat("a")
    await into_redis(lane, seat, 1, 0, 50, 1)
    assert await found(here, lane) == []
    assert (await verification(here).verify([lane.record])).mismatches == []
