"""Reconciliation on the real stores: never a false alarm, and every mismatch made on purpose is found."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from gameserver import verify
from gameserver.app import Stores
from gameserver.checks import Checks, Look, Mismatch
from gameserver.engines import Engines
from gameserver.games.game import RoomId
from gameserver.records.claims import Claims
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters
from gameserver.records.rooms import RoomState, get_room
from gameserver.verify import Verification
from ledger_client.terms import Caps, Terms
from tests.games.rains import grab, rain
from tests.node import settings_of
from tests.promises.world import World, world
from tests.store.lanes import PlayedLane, Seat

RAIN = "red_packet_rain"
FEW, MANY = 2, 3000  # of few mugs none is in the first of three rounds, of many every eleventh win is one
PATIENCE_SECONDS = 20
TWO_MORE = """
local stock = cmsgpack.unpack(redis.call('HGET', KEYS[1], ARGV[1]))
stock[1] = stock[1] + 2
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(stock))
"""
LOOKS = 50


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "AGAIN_SECONDS", 0.01)


@pytest.fixture
async def here(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as here:
        yield here


def verification(here: World) -> Verification:
    return Verification(here.database, here.redis, here.ledger, here.lifecycle, every=0.01)


@asynccontextmanager
async def running(task: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.ensure_future(task(stop))
    try:
        yield
    finally:
        stop.set()
        await working


@asynccontextmanager
async def verifying(here: World) -> AsyncIterator[None]:
    """The background's rounds, one after the other."""
    working = verification(here)
    try:
        async with running(working.run):
            yield
    finally:
        await working.close()


async def found(here: World, lane: PlayedLane) -> list[Mismatch]:
    room = await get_room(here.database, lane.record.id)
    return (await verification(here).verify([room])).mismatches


async def pouring(here: World, mugs: int = FEW, **fields: Any) -> PlayedLane:
    """A room whose first round is open, with thousands of packets; a third of the mugs is among them."""
    mug = {"id": "mug", "name": "杯子", "kind": "physical", "stock": mugs}
    amounts = {"mode": "fixed", "count": 10_000, "amount": 5}
    lane = await here.open(RAIN, rain(amounts=amounts, drops_per_member=2000, prizes=[mug], **fields))
    assert (await lane.clock(lane.dues()[0]))[0] == 1
    return lane


async def won(here: World, lane: PlayedLane, count: int, member: str = "a") -> Seat:
    """A member who has won `count` packets that are settled."""
    seat = await lane.seat(member)
    for result in await lane.ask(*(grab(seat, drop) for drop in range(count))):
        assert result[0] == 1
    await here.settle(lane)
    return seat


async def sql(here: World, statement: str, **values: Any) -> None:
    """As someone with the database in their hands, past all triggers."""
    async with here.database.begin() as connection:
        await connection.execute(text("set local session_replication_role = replica"))
        await connection.execute(text(statement), values)


async def set_stock(lane: PlayedLane, granted: int, next_unit: int, last: int) -> None:
    await lane.redis.hset(lane.keys.stock, "packet", msgspec.msgpack.encode([granted, next_unit, last]))


async def play(lane: PlayedLane, seats: Sequence[Seat], stop: asyncio.Event) -> None:
    """Taps of all members, some of them twice, as fast as the lane takes them."""
    dice, drops = random.Random(1), {seat.member: 0 for seat in seats}
    while not stop.is_set():
        commands = []
        for seat in dice.sample(list(seats), 4):
            commands.append(grab(seat, drops[seat.member]))
            drops[seat.member] += dice.random() < 0.9
        await lane.ask(*commands)


async def test_a_room_under_play_agrees_at_every_look(here: World) -> None:
    lane, quiet = await pouring(here, MANY), await pouring(here)
    await won(here, quiet, 3, "b")
    seats = await lane.seats(40)
    checks = Checks(here.database, here.redis, here.ledger)
    granted, waiting = [], 0
    async with (
        running(here.settlement.run),
        running(lambda stop: play(lane, seats, stop)),
    ):
        for _ in range(LOOKS):
            # not `verify`: even without its second look there is nothing to forgive
            look = Look()
            for room in (lane.record, quiet.record):
                await checks.room(room, look)
                await checks.entries(room, look)
            await checks.books(look)
            assert look.mismatches == []
            assert look.checks == 2 * (1 + 2 * 3 + 2) + 1
            waiting += bool(await here.redis.xlen(lane.keys.outbox))
            granted.append(sum(stock[0] for stock in (await lane.stock()).values()))
    # it was no standstill that was looked at
    assert granted == sorted(granted)
    assert granted[-1] > granted[0] + LOOKS
    assert waiting > LOOKS / 5
    await here.settle(lane)
    assert await found(here, lane) == []


async def test_a_long_outbox_is_counted_whole(here: World) -> None:
    lane = await pouring(here)
    seats = await lane.seats(3)
    for drop in range(500):
        await lane.ask(*(grab(seat, drop) for seat in seats))
    assert await here.redis.xlen(lane.keys.outbox) > 500
    assert await found(here, lane) == []
    await here.settle(lane)
    assert await found(here, lane) == []


async def test_a_stock_changed_in_redis_is_found_with_both_numbers(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    _, next_unit, last = (await lane.stock())["packet"]
    room = lane.record.id
    for stock, what, expected, is_ in (
        ((4, next_unit, last), "units granted by Redis", 3, 4),
        ((2, next_unit, last), "units granted by Redis", 3, 2),
        ((3, next_unit - 1, last), "next unit in Redis", next_unit, next_unit - 1),
        ((3, next_unit, last + 9), "last unit lent", last, last + 9),
    ):
        await set_stock(lane, *stock)
        assert await found(here, lane) == [Mismatch(room, what, "packet", expected, is_)]
    await set_stock(lane, 3, next_unit, last)
    assert await found(here, lane) == []
    await lane.redis.hdel(lane.keys.stock, "mug")
    assert {(one.key, one.what, one.expected, one.found) for one in await found(here, lane)} == {
        ("mug", "last unit lent", FEW, 0),
        ("mug", "next unit in Redis", 1, 0),
    }


async def test_a_stock_changed_while_it_is_played_is_found(here: World) -> None:
    lane = await pouring(here, MANY)
    seats = await lane.seats(40)
    async with (
        running(here.settlement.run),
        running(lambda stop: play(lane, seats, stop)),
    ):
        assert await found(here, lane) == []
        # two units are sold once more; some may have been won by now
        await lane.redis.eval(TWO_MORE, 1, lane.keys.stock, "mug")
        mismatches = await found(here, lane)
    assert [(one.what, one.key, one.found - one.expected) for one in mismatches] == [
        ("units granted by Redis", "mug", 2)
    ]


async def test_a_grant_that_is_gone_from_the_record_is_found_in_redis_and_in_the_ledger(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 5)
    await sql(here, "delete from game.grants where unit = 2 and prize = 'packet'")
    room = lane.record.id
    assert await found(here, lane) == [
        Mismatch(room, "units granted by Redis", "packet", 4, 5),
        Mismatch(room, "entries of grants in the ledger", room, 4, 5),
        Mismatch(room, "points credited by the ledger", room, 20, 25),
    ]


async def test_a_settled_entry_that_the_ledger_has_not_is_found(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 5)
    entry = "select entry_id from game.grants where unit = 2 and prize = 'packet'"
    await sql(here, f"delete from ledger.entry where id in ({entry})")
    room = lane.record.id
    ours = [one for one in await found(here, lane) if one.room]
    assert ours == [
        Mismatch(room, "entries of grants in the ledger", room, 5, 4),
        Mismatch(room, "points credited by the ledger", room, 25, 20),
    ]


async def test_what_a_cap_cuts_is_no_mismatch(here: World) -> None:
    lane = await pouring(here)
    await here.ledger.agree(lane.record.campaign, Terms(caps=Caps(day=12)))
    await won(here, lane, 5)
    assert (await here.ledger.balance("a")).available == 12
    assert await found(here, lane) == []


async def test_an_outbox_entry_deleted_before_it_was_recorded_is_found(here: World) -> None:
    lane = await pouring(here)
    seat = await won(here, lane, 5)
    await lane.ask(grab(seat, 10), grab(seat, 11))
    assert await found(here, lane) == []
    assert await here.redis.xlen(lane.keys.outbox) == 1
    await here.redis.xtrim(lane.keys.outbox, maxlen=0, approximate=False)
    room = lane.record.id
    assert await found(here, lane) == [
        Mismatch(room, "units granted by Redis", "packet", 5, 7),
        Mismatch(room, "next unit in Redis", "packet", 6, 8),
    ]


async def test_what_was_put_aside_explains_what_the_record_has_not(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 2)
    # a name that PostgreSQL cannot store, and a unit that Redis sells twice
    await won(here, lane, 3, "b\0")
    _, next_unit, last = (await lane.stock())["packet"]
    await set_stock(lane, 5, 2, last)
    seat = await lane.seat("c")
    await lane.ask(grab(seat, 1))
    await here.settle(lane)
    reasons = {letter.reason.partition(":")[0] for letter in await dead_letters(here.database)}
    assert reasons == {"unrecordable"}
    assert (await lane.stock())["packet"][0] == 6
    assert next_unit == 6
    assert await found(here, lane) == []
    # a rebuilt Redis has never heard of what the record has not
    await here.lifecycle.rebuild(lane.record.id)
    again = await here.again(lane)
    assert (await again.stock())["packet"][0] == 3
    assert await found(here, again) == []


async def test_books_that_do_not_agree_pause_the_rooms_that_they_are_about(here: World) -> None:
    lane, other = await pouring(here), await pouring(here)
    await won(here, lane, 2, "a")
    await won(here, other, 2, "b")
    of_a = "from ledger.posting where account = 'member:a'"
    await sql(here, f"update ledger.posting set amount = 7 where ctid = (select min(ctid) {of_a})")
    drifted = await found(here, lane)
    assert ("", "account: posted is the sum of its postings", "member:a", 12, 10) in [
        (one.room, one.what, one.key, one.expected, one.found) for one in drifted
    ]
    assert all(one.room == "" for one in drifted)
    async with verifying(here):
        await until(lane, RoomState.PAUSED)
    assert (await get_room(here.database, other.record.id)).state is RoomState.OPEN


async def until(lane: PlayedLane, state: RoomState) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await lane.head("state") != state:  # the last to be told
            await asyncio.sleep(0.01)


def measured(room: RoomId) -> float | None:
    return REGISTRY.get_sample_value("gameserver_drift", {"room": room})


async def test_a_mismatch_alarms_with_both_numbers_pauses_its_room_and_nothing_else(here: World) -> None:
    lane, other = await pouring(here), await pouring(here)
    await won(here, lane, 3)
    await won(here, other, 3, "b")
    _, next_unit, last = (await lane.stock())["packet"]
    await set_stock(lane, 8, next_unit, last)
    with capture_logs() as logs:
        async with verifying(here):
            await until(lane, RoomState.PAUSED)
            assert (await get_room(here.database, lane.record.id)).state is RoomState.PAUSED
            # staff's word is the last: the same is not held against them twice, another thing is
            await here.lifecycle.resume(lane.record.id)
            seen = len(logs)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(logs) < seen + 5:
                    await asyncio.sleep(0.01)
            assert (await get_room(here.database, lane.record.id)).state is RoomState.OPEN
            assert measured(lane.record.id) == 1
            await set_stock(lane, 9, next_unit, last)
            await until(lane, RoomState.PAUSED)
            await set_stock(lane, 3, next_unit, last)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while measured(lane.record.id):
                    await asyncio.sleep(0.01)
            assert await lane.head("state") == "paused"
    alarm = {
        "what": "units granted by Redis", "room": lane.record.id, "key": "packet", "expected": 3, "found": 8,
    }  # fmt: skip
    assert {"event": "numbers do not agree", "log_level": "error", **alarm} in logs
    assert {log["room"] for log in logs} == {lane.record.id}
    assert (await get_room(here.database, other.record.id)).state is RoomState.OPEN


@pytest.mark.parametrize("then", [3, 2])
async def test_what_a_second_look_does_not_find_in_the_same_direction_is_no_mismatch(
    here: World, monkeypatch: pytest.MonkeyPatch, then: int
) -> None:
    monkeypatch.setattr(verify, "AGAIN_SECONDS", 1)
    lane = await pouring(here)
    await won(here, lane, 3)
    _, next_unit, last = (await lane.stock())["packet"]
    await set_stock(lane, 4, next_unit, last)
    changes = []

    def told(done: int, steps: int) -> None:
        if done == steps:  # the end of the first look
            changes.append(asyncio.ensure_future(set_stock(lane, then, next_unit, last)))

    room = await get_room(here.database, lane.record.id)
    assert (await verification(here).verify([room], told=told)).mismatches == []
    (change,) = changes
    await change
    assert len(await found(here, lane)) == (then != 3)


async def test_only_one_process_looks_and_another_takes_over(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    _, next_unit, last = (await lane.stock())["packet"]
    await set_stock(lane, 8, next_unit, last)
    first = Claims(here.database)
    assert await first.claim(verify.CLAIM)
    async with verifying(here):
        for _ in range(5):
            assert len(await found(here, lane)) == 1
        assert (await get_room(here.database, lane.record.id)).state is RoomState.OPEN
        await first.close()
        await until(lane, RoomState.PAUSED)


async def test_a_settlement_worker_verifies_too(
    here: World, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    _, next_unit, last = (await lane.stock())["packet"]
    await set_stock(lane, 8, next_unit, last)
    stores = Stores(settings_of(engines))
    monkeypatch.setattr(stores.verification, "_every", 0.01)
    async with running(stores.work):
        await until(lane, RoomState.PAUSED)
    await stores.close()


async def test_lost_connections_do_not_end_the_background(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    _, next_unit, last = (await lane.stock())["packet"]
    async with verifying(here):
        async with here.database.connect() as connection:
            await connection.execute(
                text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
            )
        await set_stock(lane, 8, next_unit, last)
        await until(lane, RoomState.PAUSED)


async def number(here: World, query: str) -> int:
    async with here.database.connect() as connection:
        return int((await connection.execute(text(query))).scalar_one())


async def test_a_look_is_cut_short_when_the_process_stops(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    async with here.database.begin() as connection:
        await connection.execute(text("lock table game.lease in access exclusive mode"))
        async with asyncio.timeout(PATIENCE_SECONDS), verifying(here):
            while not await number(here, waiting):
                await asyncio.sleep(0.01)
    assert await found(here, lane) == []


async def test_a_lane_that_redis_lost_is_named_and_its_room_not_paused(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    await here.redis.flushall()
    lost = await found(here, lane)
    assert lost == [Mismatch(lane.record.id, "the lane's epoch in Redis", f"{lane.record.id}.0", 1, 0)]
    await verification(here).pause(lost)
    assert (await get_room(here.database, lane.record.id)).state is RoomState.OPEN
    await here.lifecycle.rebuild(lane.record.id)
    assert await found(here, await here.again(lane)) == []


async def test_a_room_that_is_rebuilt_agrees_before_during_and_after(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 200)
    looks: list[list[Mismatch]] = []

    async def look(stop: asyncio.Event) -> None:
        while not stop.is_set():
            looks.append(await found(here, lane))

    async with running(look):
        for _ in range(5):
            await here.lifecycle.rebuild(lane.record.id)
    again = await here.again(lane)
    seat = await again.seat("b")
    await again.ask(grab(seat, 1))
    assert [one for one in looks if one] == []
    assert await found(here, again) == []
    assert (await again.stock())["packet"][0] == 201


async def test_drafts_and_closed_rooms_are_looked_at_too(here: World) -> None:
    lane = await pouring(here)
    await won(here, lane, 3)
    await here.lifecycle.close(lane.record.id)
    assert await found(here, lane) == []
    await here.redis.flushall()
    assert await found(here, lane) == []
    draft = await here.lifecycle.create(RAIN, rain())
    assert (await verification(here).verify([draft])).mismatches == []
    await sql(here, "delete from game.grants")
    assert {one.what for one in await found(here, lane)} == {
        "entries of grants in the ledger",
        "points credited by the ledger",
    }
