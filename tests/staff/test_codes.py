from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.records.code_pools import pool_counts
from gameserver.records.database import Database
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import RoomState, get_room, set_room_state
from gameserver.settlement import LINGER_MS
from gameserver.staff.codes import return_unused
from gameserver.store.keys import LaneKeys
from tests.games.rains import grab, rain
from tests.promises.world import World, world
from tests.records.goods import added, campaign_with, names, prize
from tests.store.lanes import PlayedLane, server_ms

STOCK, CAUGHT = 6, 4


@pytest.fixture
async def made(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as made:
        yield made


async def played(made: World) -> PlayedLane:
    """A room of codes, four of which are won and still in the outbox, closed long ago."""
    campaign = await campaign_with(made.database, [])
    await added(made.database, campaign, names(STOCK))
    config = rain(
        rounds=[{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000}],
        amounts={"mode": "fixed", "count": 1, "amount": 1}, prizes=[prize("code", stock=STOCK)],
    )  # fmt: skip
    await made.ledger.fund(campaign, 1000)
    draft = await made.lifecycle.create("red_packet_rain", config, campaign)
    lane = PlayedLane(made.redis, await made.lifecycle.open(draft.id))
    await lane.clock(lane.dues()[0])
    seat = await lane.seat("m1")
    await lane.ask(*(grab(seat, drop) for drop in range(CAUGHT)))
    return lane


async def counts(made: World) -> tuple[int, int, int]:
    (count,) = await pool_counts(made.database, 0)
    return count.free, count.reserved, count.given


async def test_a_room_gives_codes_back_once_it_is_over_and_all_of_it_is_settled(made: World) -> None:
    lane = await played(made)
    now = await server_ms(made.redis)
    won = len([grant for grant in await lane.grants() if grant[0] == "code"])
    assert won
    assert await return_unused(made.database, made.redis, now) == 0  # it is open
    await set_room_state(made.database, lane.record.id, RoomState.CLOSED, now - LINGER_MS - 1)
    assert await return_unused(made.database, made.redis, now) == 0  # wins are in its outbox yet
    assert await counts(made) == (0, STOCK, 0)
    await made.settle(lane)
    assert await return_unused(made.database, made.redis, now - 2) == 0  # its last ticks may be on their way
    assert await return_unused(made.database, made.redis, now) == STOCK - won
    assert await counts(made) == (STOCK - won, 0, won)
    assert await return_unused(made.database, made.redis, now) == 0


async def test_a_room_whose_pool_has_too_few_codes_does_not_open_and_nothing_of_it_does(made: World) -> None:
    campaign = await campaign_with(made.database, names(STOCK - 1))
    await made.ledger.fund(campaign, 1000)
    draft = await made.lifecycle.create(
        "red_packet_rain",
        rain(prizes=[prize("code", stock=STOCK)], amounts={"mode": "fixed", "count": 1, "amount": 1}),
        campaign,
    )
    with pytest.raises(Refused) as error:
        await made.lifecycle.open(draft.id)
    assert (error.value.code, error.value.message) == (
        "too_few_codes", "pool 'mall' has 5 free codes; the room needs 6",
    )  # fmt: skip
    assert await get_room(made.database, draft.id) == draft
    assert await get_lanes(made.database, draft.id) == []
    assert await made.redis.keys(LaneKeys(draft.id).tag + "*") == []
    await added(made.database, campaign, ["one more"])
    assert (await made.lifecycle.open(draft.id)).state is RoomState.OPEN
    assert await counts(made) == (0, STOCK, 0)
