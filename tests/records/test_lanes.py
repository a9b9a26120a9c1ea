import asyncio

import pytest

from gameserver.errors import Refused
from gameserver.games.game import PrizeId, RoomId
from gameserver.records.database import Database
from gameserver.records.lanes import (
    Lane,
    Lease,
    StaleEpoch,
    advance,
    get_lanes,
    get_leases,
    lock_lane,
    open_lane,
    raise_epoch,
)
from gameserver.records.rooms import RoomState, get_room
from tests.records.rooms import OPENED_AT, draft, opened


async def test_opening_lends_all_stock_under_the_first_epoch(engine: Database) -> None:
    room, lane = await opened(engine, {"packet": 500, "mug": 3}, points=900)
    assert (room.state, room.opened_at, room.points) == (RoomState.OPEN, OPENED_AT, 900)
    assert room == await get_room(engine, room.id)
    assert await get_lanes(engine, room.id) == [lane] == [Lane(room.id, 0, 1, None)]
    assert await get_leases(engine, lane) == [
        Lease(room.id, 0, 1, PrizeId("mug"), 1, 3),
        Lease(room.id, 0, 1, PrizeId("packet"), 1, 500),
    ]


async def test_a_room_opens_once_however_many_ask(engine: Database) -> None:
    room = await draft(engine)
    stock = {PrizeId("packet"): 5}
    asked = [open_lane(engine, room.id, opened_at=n, stock=stock, points=0) for n in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [answer.code for answer in refused] == ["bad_state"] * 3
    assert len(await get_lanes(engine, room.id)) == 1


async def test_rooms_share_their_campaigns_budget_and_an_opening_beyond_it_leaves_no_trace(
    engine: Database,
) -> None:
    room, _ = await opened(engine, points=600, budget=1000)
    with pytest.raises(Refused) as refused:
        await opened(engine, points=1001, budget=1000)
    assert refused.value.code == "budget_too_small"
    assert len(await get_lanes(engine, RoomId("r" + str(int(room.id[1:]) + 1)))) == 0


async def test_raising_the_epoch_lends_the_same_units_again_and_shuts_out_the_old_one(
    engine: Database,
) -> None:
    room, old = await opened(engine, {"packet": 500})
    assert await raise_epoch(engine, room.id) == 2
    assert await raise_epoch(engine, room.id) == 3
    (lane,) = await get_lanes(engine, room.id)
    assert await get_leases(engine, lane) == [Lease(room.id, 0, 3, PrizeId("packet"), 1, 500)]
    async with engine.begin() as connection:
        assert await lock_lane(connection, lane) == lane
        with pytest.raises(StaleEpoch):
            await lock_lane(connection, old)
    with pytest.raises(Refused):
        await raise_epoch(engine, room.id, lane=7)


async def test_the_applied_position_never_goes_back(engine: Database) -> None:
    room, lane = await opened(engine)
    for applied, expected in (((9, 0), "9-0"), ((10, 2), "10-2"), ((9, 7), "10-2"), ((10, 1), "10-2")):
        async with engine.begin() as connection:
            await advance(connection, await lock_lane(connection, lane), applied)
        assert [held.applied_id for held in await get_lanes(engine, room.id)] == [expected]
