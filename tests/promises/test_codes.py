"""Codes and goods of a room that is played, while workers are killed and lines come twice: each grant has
one code of its own, each code one owner.
"""

import asyncio
from random import Random
from typing import Any

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text

from gameserver.engines import Engines
from gameserver.games.game import CampaignId
from gameserver.records.code_pools import PoolCount, pool_counts
from gameserver.records.database import Database
from gameserver.records.fulfilment import Fulfilment, State, fulfilments_of_room
from gameserver.records.goods import goods_of
from tests.games.rains import grab, rain
from tests.promises.settling import worker
from tests.promises.test_settlement_kills import last_lines
from tests.promises.world import World, world
from tests.records.goods import POOL, added, campaign_with, names, prize
from tests.store.lanes import PlayedLane

CODES, MUGS, POINTS, SPARE = 700, 200, 1100, 40
LINES, SEATS, TICK, KILLS = 2000, 20, 50, 5
PATIENCE_S = 120

_GIVEN = text("select count(*) from game.code where given_at is not null")
_TWICE = text("""
    select count(*) from (
        select room, prize, unit from game.code where voided_at is null and room is not null
        group by 1, 2, 3 having count(*) > 1
    ) as twice
""")


async def campaign_of(made: World) -> CampaignId:
    campaign = await campaign_with(made.database, [])
    async with made.database.begin() as connection:
        await connection.execute(text("update game.campaign set budget = 100000"))
    await made.ledger.fund(campaign, 100_000)
    return campaign


async def opened(made: World, campaign: CampaignId) -> PlayedLane:
    """A room of one round, all of whose packets can be caught."""
    config = rain(
        rounds=[{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000}],
        amounts={"mode": "fixed", "count": POINTS, "amount": 5},
        prizes=[prize("code", stock=CODES), prize("mug", "physical", stock=MUGS)],
    )
    draft = await made.lifecycle.create("red_packet_rain", config, campaign)
    lane = PlayedLane(made.redis, await made.lifecycle.open(draft.id))
    await lane.clock(lane.dues()[0])
    return lane


async def caught(lane: PlayedLane, random: Random) -> None:
    """Every packet; the lines of some ticks come once more."""
    seats = await lane.seats(SEATS)
    for first in range(0, LINES, TICK):
        results = await lane.ask(
            *(grab(seats[tap % SEATS], tap // SEATS) for tap in range(first, first + TICK))
        )
        assert all(result[0] == 1 for result in results), results
        again: Any = random.sample(await last_lines(lane.redis, lane), TICK // 5)
        await lane.redis.xadd(lane.keys.outbox, {"l": msgspec.msgpack.encode(again)})


async def shown(made: World, lane: PlayedLane) -> list[Fulfilment]:
    goods = goods_of(lane.record.config)
    return [one async for one in fulfilments_of_room(made.database, lane.record.id, list(goods))]


async def given(database: Database) -> int:
    async with database.connect() as connection:
        return int((await connection.execute(_GIVEN)).scalar_one())


async def until_given(database: Database, codes: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await given(database) < codes:
            await asyncio.sleep(0.002)


async def until_settled(*lanes: PlayedLane) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while any([await lane.redis.xlen(lane.keys.outbox) for lane in lanes]):
            await asyncio.sleep(0.02)


async def test_each_grant_has_a_code_of_its_own_whoever_is_killed(
    engine: Database, redis: Redis, engines: Engines
) -> None:
    random = Random(4)
    async with world(engine, redis) as made:
        campaign = await campaign_of(made)
        await added(engine, campaign, names(2 * CODES + SPARE))
        lanes = [await opened(made, campaign) for _ in range(2)]
        for lane in lanes:
            await caught(lane, random)
        share = 2 * CODES // (KILLS + 1)
        for kill in range(KILLS):
            with worker(engines), worker(engines):
                await until_given(engine, share * kill + random.randint(1, share))
        assert await given(engine) < 2 * CODES
        with worker(engines), worker(engines):
            await until_settled(*lanes)
        codes: list[str | None] = []
        for lane in lanes:
            units = await shown(made, lane)
            of_code = [one for one in units if one.prize == "code"]
            mugs = [one for one in units if one.prize == "mug"]
            assert [one.unit for one in of_code] == list(range(1, CODES + 1))
            assert [one.unit for one in mugs] == list(range(1, MUGS + 1))
            assert {one.state for one in of_code} == {State.GIVEN}
            assert {one.state for one in mugs} == {State.ADDRESS_NEEDED}
            codes += [one.code for one in of_code]
        assert sorted(codes, key=str) == names(2 * CODES)  # none twice, none missing
        assert await pool_counts(engine, 0) == [PoolCount(campaign, POOL, SPARE, 0, 2 * CODES, 0, 0)]
        async with engine.connect() as connection:
            assert (await connection.execute(_TWICE)).scalar_one() == 0
