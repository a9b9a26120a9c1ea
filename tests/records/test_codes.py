import asyncio
from typing import TypedDict

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gameserver.errors import Refused
from gameserver.games.game import PrizeId, RoomId
from gameserver.line import PlacedLine
from gameserver.records.batches import record
from gameserver.records.code_pools import PoolCount, add_codes, lock_pool, pool_counts, void
from gameserver.records.codes import give_back, give_missing, rooms_holding_codes
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters, resolve_letters
from gameserver.records.fulfilment import State, fulfilments_of_room
from gameserver.records.goods import goods_in
from gameserver.records.lanes import Lane
from gameserver.records.rooms import Room, RoomState, get_room, set_room_state
from tests.records.goods import (
    DAY_MS,
    POOL,
    added,
    campaign_with,
    count_of,
    draft,
    names,
    opened,
    place,
    prize,
    wins,
)
from tests.records.lines import body_of, placed
from tests.records.rooms import OPENED_AT

LATER = OPENED_AT + DAY_MS


class How(TypedDict):
    staff: str
    reason: str
    at: int


HOW: How = {"staff": "ann", "reason": "leaked", "at": LATER}


async def settled(database: Database, lane: Lane, lines: list[PlacedLine]) -> None:
    await record(database, lane, lines, goods=await goods_in(database, lane.room))


async def codes_of(database: Database, room: Room, *prizes: str) -> dict[tuple[str, int], str | None]:
    ids = [PrizeId(one) for one in prizes or ("code",)]
    return {(x.prize, x.unit): x.code async for x in fulfilments_of_room(database, room.id, ids)}


async def refused(call: object, code: str) -> Refused:
    with pytest.raises(Refused) as error:
        await call  # type: ignore[misc]
    assert error.value.code == code
    return error.value


async def over(database: Database, room: RoomId) -> None:
    await set_room_state(database, room, RoomState.CLOSED, LATER)


async def test_opening_reserves_a_code_for_each_unit_and_says_how_many_are_missing(engine: Database) -> None:
    campaign = await campaign_with(engine, names(5))
    small = await draft(engine, campaign, prize("code", stock=3), prize("coupon", "coupon", stock=3))
    error = await refused(
        opened(engine, campaign, prize("code", stock=3), prize("coupon", "coupon", stock=3)), "too_few_codes"
    )
    assert error.message == "pool 'mall' has 5 free codes; the room needs 6"
    assert (await get_room(engine, small.id)).state is RoomState.DRAFT
    assert await count_of(engine) == PoolCount(campaign, POOL, 5, 0, 0, 0, 0)
    await added(engine, campaign, ["six", "seven"])
    await opened(engine, campaign, prize("code", stock=3), prize("coupon", "coupon", stock=3))
    assert await count_of(engine) == PoolCount(campaign, POOL, 1, 6, 0, 0, 0)


async def test_without_its_pool_a_room_does_not_open(engine: Database) -> None:
    campaign = await campaign_with(engine, names(5))
    error = await refused(opened(engine, campaign, prize("code", pool="other")), "too_few_codes")
    assert "has no pool 'other'" in error.message


async def test_rooms_that_open_at_once_never_reserve_the_same_code(engine: Database) -> None:
    campaign = await campaign_with(engine, names(25))
    results = await asyncio.gather(
        *(opened(engine, campaign, prize("code", stock=10)) for _ in range(4)), return_exceptions=True
    )
    short = [error for error in results if isinstance(error, Refused)]
    assert [error.code for error in short] == ["too_few_codes"] * 2
    assert await count_of(engine) == PoolCount(campaign, POOL, 5, 20, 0, 0, 0)


async def test_codes_that_run_out_before_the_room_closes_are_not_reserved(engine: Database) -> None:
    campaign = await campaign_with(engine, names(3, "OLD"), OPENED_AT)
    await added(engine, campaign, names(3, "SHORT"), OPENED_AT + DAY_MS)
    await added(engine, campaign, names(3, "LONG"), OPENED_AT + 3 * DAY_MS)
    closes = {"closes_at": "2026-09-23T13:33:20Z"}  # two days after the opening
    error = await refused(opened(engine, campaign, prize("code", stock=4), **closes), "too_few_codes")
    assert error.message == "pool 'mall' has 3 free codes; the room needs 4"
    room, lane = await opened(engine, campaign, prize("code", stock=2), **closes)
    await settled(engine, lane, wins("code", [1, 2]))
    assert await codes_of(engine, room) == {("code", 1): "LONG00001", ("code", 2): "LONG00002"}
    counted = await count_of(engine, OPENED_AT)
    assert (counted.free, counted.expired, counted.given) == (4, 3, 2)


async def test_each_grant_has_one_code_and_each_code_is_given_once_however_often_a_batch_comes(
    engine: Database,
) -> None:
    campaign = await campaign_with(engine, names(40))
    first, lane = await opened(engine, campaign, prize("code", stock=20))
    second, other = await opened(engine, campaign, prize("code", stock=20))
    batches = [wins("code", range(start, start + 5)) for start in (1, 6, 11, 16)]
    # every batch of both lanes thrice, all at once
    await asyncio.gather(
        *(settled(engine, at, batch) for _ in range(3) for batch in batches for at in (lane, other))
    )
    given = await codes_of(engine, first)
    others = await codes_of(engine, second)
    assert len(given) == len(others) == 20
    assert sorted([*given.values(), *others.values()], key=str) == names(40)
    before = given
    await settled(engine, lane, batches[0])
    assert await codes_of(engine, first) == before
    assert await count_of(engine) == PoolCount(campaign, POOL, 0, 0, 40, 0, 0)


async def test_the_record_itself_refuses_a_code_for_two_and_two_codes_for_one(engine: Database) -> None:
    campaign = await campaign_with(engine, names(3))
    await opened(engine, campaign, prize("code", stock=2))
    for wrong in (
        "update game.code set unit = 1 where unit = 2",
        "insert into game.code (campaign, pool, code) select campaign, pool, code from game.code limit 1",
        "update game.code set given_at = 1 where room is null",
        "update game.code set room = 'r9' where room is null",
    ):
        with pytest.raises(IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(text(wrong))


async def test_a_code_is_not_shown_before_its_unit_is_won(engine: Database) -> None:
    campaign = await campaign_with(engine, names(2))
    room, lane = await opened(engine, campaign, prize("code", stock=2))
    await record(engine, lane, wins("code", [1]))  # by a worker that knows of no goods
    assert [(x.state, x.code) async for x in fulfilments_of_room(engine, room.id, [PrizeId("code")])] == [
        (State.CODE_NEEDED, None)
    ]
    await settled(engine, lane, wins("code", [1]))
    assert [(x.state, x.code) async for x in fulfilments_of_room(engine, room.id, [PrizeId("code")])] == [
        (State.GIVEN, "C00001")
    ]


async def test_what_a_closed_room_did_not_give_goes_back_once(engine: Database) -> None:
    campaign = await campaign_with(engine, names(10))
    room, lane = await opened(engine, campaign, prize("code", stock=10))
    await settled(engine, lane, wins("code", [2, 5]))
    assert await rooms_holding_codes(engine, LATER + 1) == []  # it is open
    await over(engine, room.id)
    assert await rooms_holding_codes(engine, LATER) == []  # not long enough ago
    assert await rooms_holding_codes(engine, LATER + 1) == [room.id]
    assert sorted(await asyncio.gather(*(give_back(engine, room.id, LATER) for _ in range(3)))) == [0, 0, 8]
    assert await rooms_holding_codes(engine, LATER + 1) == []
    assert await count_of(engine) == PoolCount(campaign, POOL, 8, 0, 2, 0, 0)
    assert await codes_of(engine, room) == {("code", 2): "C00002", ("code", 5): "C00005"}
    again, lane = await opened(engine, campaign, prize("code", stock=8))
    await settled(engine, lane, wins("code", range(1, 9)))
    assert not {*(await codes_of(engine, again)).values()} & {"C00002", "C00005"}


async def test_a_room_with_something_put_aside_keeps_its_codes(engine: Database) -> None:
    campaign = await campaign_with(engine, names(10))
    room, lane = await opened(engine, campaign, prize("code", stock=10))
    lines = wins("code", [1])
    thief = placed(body_of("s9", 1, [("code", 1, 0, 1, "m9")]), 9)
    await settled(engine, lane, [*lines, thief])
    await over(engine, room.id)
    assert await rooms_holding_codes(engine, LATER + 1) == []
    (letter,) = await dead_letters(engine)
    await resolve_letters(engine, [letter.id], LATER)
    assert await rooms_holding_codes(engine, LATER + 1) == [room.id]


async def test_a_grant_that_comes_after_its_code_went_back_gets_a_free_one(engine: Database) -> None:
    campaign = await campaign_with(engine, names(4))
    room, lane = await opened(engine, campaign, prize("code", stock=4))
    await over(engine, room.id)
    assert await give_back(engine, room.id, LATER) == 4
    await opened(engine, campaign, prize("code", stock=2))
    late = wins("code", [1, 2, 3])
    for _ in range(2):
        await settled(engine, lane, late)
        codes = await codes_of(engine, room)
        assert {*codes.values()} == {"C00003", "C00004", None}
    (without,) = [unit for (_, unit), code in codes.items() if code is None]
    await refused(give_missing(engine, place(room, "code", without), LATER), "too_few_codes")
    await added(engine, campaign, ["NEW"])
    assert await give_missing(engine, place(room, "code", without), LATER) == "NEW"
    await refused(give_missing(engine, place(room, "code", without), LATER), "bad_state")
    await refused(give_missing(engine, place(room, "code", 4), LATER), "not_found")


async def test_a_voided_code_is_never_given_and_its_unit_has_another(engine: Database) -> None:
    campaign = await campaign_with(engine, names(5))
    room, lane = await opened(engine, campaign, prize("code", stock=2))
    await settled(engine, lane, wins("code", [1]))
    given = await void(engine, campaign, POOL, "C00001", **HOW)
    assert given == (place(room, "code", 1), True, "C00003")
    reserved = await void(engine, campaign, POOL, "C00002", **HOW)
    assert reserved == (place(room, "code", 2), False, "C00004")
    assert await codes_of(engine, room) == {("code", 1): "C00003"}
    await settled(engine, lane, wins("code", [1, 2]))
    assert await codes_of(engine, room) == {("code", 1): "C00003", ("code", 2): "C00004"}
    assert await void(engine, campaign, POOL, "C00005", **HOW) == (None, False, None)
    assert await count_of(engine) == PoolCount(campaign, POOL, 0, 0, 2, 0, 3)
    # with nothing left to give instead nothing changes
    await refused(void(engine, campaign, POOL, "C00003", **HOW), "too_few_codes")
    await refused(void(engine, campaign, POOL, "C00001", **HOW), "bad_state")
    await refused(void(engine, campaign, POOL, "nope", **HOW), "not_found")
    await refused(void(engine, campaign, "nope", "C00003", **HOW), "not_found")
    assert await codes_of(engine, room) == {("code", 1): "C00003", ("code", 2): "C00004"}


async def test_codes_that_are_voided_at_once_are_replaced_by_one_each(engine: Database) -> None:
    campaign = await campaign_with(engine, names(20))
    room, lane = await opened(engine, campaign, prize("code", stock=8))
    await settled(engine, lane, wins("code", range(1, 9)))
    opening = opened(engine, campaign, prize("code", stock=4))
    voids = (void(engine, campaign, POOL, code, **HOW) for code in names(8))
    (second, other), *voided = await asyncio.gather(opening, *voids)
    await settled(engine, other, wins("code", range(1, 5)))
    codes = [*(await codes_of(engine, room)).values(), *(await codes_of(engine, second)).values()]
    assert sorted(codes, key=str) == names(20)[8:]
    assert {one.replacement for one in voided} == {*(await codes_of(engine, room)).values()}


async def test_a_pool_belongs_to_a_campaign_that_exists(engine: Database) -> None:
    campaign = await campaign_with(engine, names(2))
    other = await campaign_with(engine, names(2))  # the same texts are other codes there
    async with engine.begin() as connection:
        await refused(lock_pool(connection, "c404", POOL, make=True), "not_found")  # type: ignore[arg-type]
        await lock_pool(connection, campaign, POOL, make=True)
        assert await add_codes(connection, campaign, POOL, []) == set()
    assert [count.campaign for count in await pool_counts(engine, LATER)] == [campaign, other]
    assert [count.free for count in await pool_counts(engine, LATER, other)] == [2]
