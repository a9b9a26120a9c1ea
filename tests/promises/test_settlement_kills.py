"""100,000 entries, one in fifty of them twice in the outbox, and a worker that is killed twelve times."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text

from gameserver.engines import Engines
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters
from gameserver.store.keys import SETTLE_GROUP
from ledger_client.embedded.audit import audit
from tests.games.rains import grab, rain
from tests.promises.settling import worker
from tests.promises.world import World, world
from tests.store.lanes import PlayedLane

ENTRIES, MEMBERS, AMOUNT, KILLS, TWICE = 100_000, 500, 5, 12, 2_000
TICK = 250
PATIENCE_S = 120

_PROGRESS = text("select entries from ledger.lane where id = :lane")
_ENTRIES = text("""
    select count(*), count(distinct id), sum(credited) from ledger.entry
    where source = :lane and kind = 'earn' and status = 'applied'
""")


async def played(world: World, random: Random) -> PlayedLane:
    """A room whose packets are all caught, in real ticks; some of their lines come once more."""
    amounts = {"mode": "fixed", "count": ENTRIES, "amount": AMOUNT}
    lane = await world.open("red_packet_rain", rain(amounts=amounts, drops_per_member=2000))
    await lane.clock(lane.dues()[0])
    seats = await lane.seats(MEMBERS)
    sent = 0
    for first in range(0, ENTRIES, TICK):
        taps = range(first, first + TICK)
        results = await lane.ask(*(grab(seats[tap % MEMBERS], tap // MEMBERS) for tap in taps))
        assert all(result[0] == 1 for result in results)
        again = random.sample(await last_lines(world.redis, lane), TICK * TWICE // ENTRIES)
        await world.redis.xadd(lane.keys.outbox, {"l": msgspec.msgpack.encode(again)})
        sent += len(again)
    assert sent == TWICE
    return lane


async def last_lines(redis: Redis, lane: PlayedLane) -> list[msgspec.Raw]:
    """The lines of the newest tick, as they are."""
    newest: Any = await redis.xrevrange(lane.keys.outbox, count=1)
    return msgspec.msgpack.decode(newest[0][1][b"l"], type=list[msgspec.Raw])


async def progress(database: Database, lane: PlayedLane) -> int:
    async with database.connect() as connection:
        return (await connection.execute(_PROGRESS, {"lane": lane.keys.name})).scalar_one_or_none() or 0


async def settled(database: Database, lane: PlayedLane, entries: int) -> None:
    """Returns when the ledger has that many."""
    async with asyncio.timeout(PATIENCE_S):
        while await progress(database, lane) < entries:
            await asyncio.sleep(0.005)


async def test_a_worker_killed_at_any_moment_settles_everything_once(
    engine: Database, redis: Redis, engines: Engines
) -> None:
    random = Random(12)
    async with world(engine, redis) as made:
        lane = await played(made, random)
        share = ENTRIES // (KILLS + 1)
        for kill in range(KILLS):
            with worker(engines):
                # anywhere between two batches, and in the middle of one
                await settled(engine, lane, share * kill + random.randint(1, share))
        assert 0 < await progress(engine, lane) < ENTRIES
        with worker(engines):
            async with asyncio.timeout(PATIENCE_S):
                while await redis.xlen(lane.keys.outbox):
                    await asyncio.sleep(0.02)
        await assert_settled_once(made, lane)


async def assert_settled_once(made: World, lane: PlayedLane) -> None:
    pending = await made.redis.xpending(lane.keys.outbox, SETTLE_GROUP)
    assert pending["pending"] == 0
    grants = await made.grants(lane)
    assert sorted(grant.unit for grant in grants) == list(range(1, ENTRIES + 1))
    async with made.database.connect() as connection:
        lane_name = {"lane": lane.keys.name}
        assert tuple((await connection.execute(_ENTRIES, lane_name)).one()) == (
            ENTRIES,
            ENTRIES,
            ENTRIES * AMOUNT,
        )
        unsettled = text("select count(*) from game.grants where settled_at is null")
        assert (await connection.execute(unsettled)).scalar_one() == 0
    points = Counter(grant.member for grant in grants)
    for member in points:
        assert (await made.ledger.balance(member)).available == points[member] * AMOUNT
    totals = await made.ledger.totals(lane.keys.name)
    assert (totals.applied, totals.rejected, totals.credited) == (ENTRIES, 0, ENTRIES * AMOUNT)
    assert await dead_letters(made.database) == []
    assert await made.ledger.letters() == []
    assert await made.ledger.drift() == []
    assert await audit(made.database) == []
