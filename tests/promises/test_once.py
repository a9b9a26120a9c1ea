"""What is done twice by those who cannot know better has one effect."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from gameserver.engines import Engines
from gameserver.errors import Refused
from gameserver.records.database import Database
from gameserver.records.lanes import get_lanes, raise_epoch
from gameserver.settlement import Settlement
from gameserver.store.keys import SETTLE_GROUP
from gameserver.store.redis import connect
from ledger_client.entry import Entry, Kind, entry_id
from ledger_client.ledger import LaneAt, Status
from tests.games.rains import grab, rain
from tests.promises.proxy import LosingProxy
from tests.promises.settling import worker
from tests.promises.world import World, world
from tests.store.lanes import PlayedLane, Seat

GAME, AMOUNT, PATIENCE_S = "red_packet_rain", 5, 60

_HOLDER = text("select pid from pg_locks where locktype = 'advisory' and granted")


@pytest.fixture
async def made(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as made:
        yield made


@pytest.fixture
async def proxy(valkey_url: str) -> AsyncIterator[LosingProxy]:
    async with LosingProxy(valkey_url).running() as proxy:
        yield proxy


async def raining(made: World) -> PlayedLane:
    lane = await made.open(GAME, rain())
    await lane.clock(lane.dues()[0])
    return lane


async def caught(lane: PlayedLane, seat: Seat, packets: int) -> None:
    """One tick of wins."""
    results = await lane.ask(*(grab(seat, seat.ref) for _ in range(packets)))
    assert [result[0] for result in results] == [1] * packets


async def until_settled(lane: PlayedLane) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await lane.redis.xlen(lane.keys.outbox):
            await asyncio.sleep(0.01)


async def pending(lane: PlayedLane) -> int:
    return int((await lane.redis.xpending(lane.keys.outbox, SETTLE_GROUP))["pending"])


async def holders(database: Database) -> list[int]:
    """The backends of the workers that have a lane."""
    async with database.connect() as connection:
        return [*(await connection.execute(_HOLDER)).scalars()]


async def test_a_tick_that_redis_py_sends_again_by_itself_has_one_effect(
    made: World, proxy: LosingProxy
) -> None:
    lane = await raining(made)
    seats = await lane.seats(5)
    client = Redis(port=proxy.port)  # as redis-py makes it by itself: it sends again up to three times
    behind = PlayedLane(client, lane.record)
    commands = [grab(seat, 7) for seat in seats]
    before = await made.redis.xlen(lane.keys.outbox)
    proxy.lose(b"tick")
    results = await behind.ask(*commands)
    assert proxy.lost == 1
    assert [result[0] for result in results] == [1] * 5
    # it ran twice: the second time it only answered what was answered before
    assert await made.redis.xlen(lane.keys.outbox) == before + 1
    assert (await lane.stock())["packet"][0] == 5
    assert await lane.ask(*commands) == results
    lines = await lane.lines()
    await made.settle(lane)
    assert len(await made.check_books(lane, lines)) == 5
    await client.aclose()


async def test_a_tick_whose_answer_is_lost_is_refused_and_asked_again_by_the_page(
    made: World, proxy: LosingProxy
) -> None:
    lane = await raining(made)
    seat = await lane.seat("m1")
    client = connect(
        f"redis://127.0.0.1:{proxy.port}"
    )  # ours: it tries once, for the page repeats its command anyway
    behind = PlayedLane(client, lane.record)
    command = grab(seat, 7)
    proxy.lose(b"tick")
    with pytest.raises(Refused, match="store_down"):
        await behind.ask(command)
    assert proxy.lost == 1
    (answer,) = await behind.ask(command)
    assert answer[0] == 1
    lines = await lane.lines()
    await made.settle(lane)
    assert len(await made.check_books(lane, lines)) == 1
    await client.aclose()


async def test_an_acknowledgement_that_redis_py_sends_again_by_itself_has_one_effect(
    made: World, proxy: LosingProxy
) -> None:
    lane = await raining(made)
    await caught(lane, await lane.seat("m1"), 10)
    lines = await lane.lines()
    client = Redis(port=proxy.port)
    settlement = Settlement(made.database, client, made.ledger)
    proxy.lose(b"XACK")
    (held,) = await get_lanes(made.database, lane.record.id)
    await settlement.drain(held)
    assert proxy.lost == 1
    assert len(await made.check_books(lane, lines)) == 10
    assert await pending(lane) == 0
    await settlement.close()
    await client.aclose()


async def test_of_two_workers_one_has_the_lane_and_all_is_settled_once(made: World, engines: Engines) -> None:
    lane = await raining(made)
    seat = await lane.seat("m1")
    with worker(engines), worker(engines):
        lines = []
        for _ in range(10):
            await caught(lane, seat, 5)
            lines += [line for line in await lane.lines() if line not in lines]
            await until_settled(lane)
            assert len(await holders(made.database)) == 1
    assert len(await made.check_books(lane, lines)) == 50


async def test_a_worker_that_slept_through_a_takeover_comes_back_to_nothing(
    made: World, engines: Engines
) -> None:
    lane = await raining(made)
    seat = await lane.seat("m1")
    with worker(engines) as first:
        await caught(lane, seat, 5)
        await until_settled(lane)
        assert first.pid is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                # it sleeps with a batch in its hands: read, and nothing done with it
                while True:
                    os.kill(first.pid, signal.SIGSTOP)
                    await caught(lane, seat, 5)
                    if await pending(lane):
                        break
                    os.kill(first.pid, signal.SIGCONT)
                    await until_settled(lane)
            (old,) = await holders(made.database)
            async with made.database.connect() as connection:
                await connection.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": old})
            await raise_epoch(made.database, lane.record.id)
            with worker(engines):
                await until_settled(lane)
                (new,) = await holders(made.database)
                os.kill(first.pid, signal.SIGCONT)
                await caught(lane, seat, 5)
                await until_settled(lane)
                assert await holders(made.database) == [new] != [old]
                assert first.is_alive()
        finally:
            os.kill(first.pid, signal.SIGCONT)
    grants = await made.grants(lane)
    assert sorted(grant.unit for grant in grants) == list(range(1, seat.ref + 1))
    assert (await made.ledger.balance("m1")).available == AMOUNT * seat.ref
    assert await made.ledger.drift() == []
    assert await made.ledger.audit() == []


async def test_an_id_that_the_ledger_knows_with_another_payload_alarms_and_is_not_paid(made: World) -> None:
    lane = await raining(made)
    seat = await lane.seat("m1")
    await caught(lane, seat, 2)
    lines = await lane.lines()
    session, ref = lines[-1][0], lines[-1][1]
    room = lane.record
    other = Entry(
        entry_id(room.id, session, ref, 0), Kind.EARN, "m1", room.campaign, room.id, AMOUNT + 1, 1, 1
    )  # fmt: skip
    (told,) = await made.ledger.apply(LaneAt("elsewhere", 1), [other])
    assert told.status is Status.APPLIED
    counted = REGISTRY.get_sample_value("gameserver_settled_entries_total", {"status": "mismatch"}) or 0
    with capture_logs() as logs:
        await made.settle(lane)
    (alarm,) = [line for line in logs if line["log_level"] == "error"]
    assert (alarm["event"], alarm["reason"], alarm["lane"], alarm["entry"]) == (
        "ledger alarm", "id_payload_mismatch", lane.keys.name, str(other.id),
    )  # fmt: skip
    now = REGISTRY.get_sample_value("gameserver_settled_entries_total", {"status": "mismatch"})
    assert now == counted + 1
    (letter,) = await made.ledger.letters()
    assert (letter.entry_id, letter.reason, letter.source) == (
        other.id,
        "id_payload_mismatch",
        lane.keys.name,
    )
    # the first payload stands, the sibling is paid, the member is told nothing of the other
    assert (await made.ledger.balance("m1")).available == AMOUNT + 1 + AMOUNT
    grants = {grant.ref: grant for grant in await made.grants(lane)}
    assert set(grants) == {1, 2}
    assert await made.ledger.apply(LaneAt("elsewhere", 1), [other]) == [replace(told, status=Status.ALREADY)]
    assert await made.ledger.drift() == []
