import asyncio
from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from gameserver.errors import Refused
from gameserver.games.game import MemberId, PrizeId
from gameserver.personal import Person, Place
from gameserver.records.batches import record
from gameserver.records.database import Database
from gameserver.records.fulfilment import (
    Fulfilment,
    State,
    fulfilments_of_member,
    fulfilments_of_room,
    get_fulfilment,
)
from gameserver.records.goods import goods_in
from gameserver.records.handover import (
    AlreadyRedeemed,
    Parcel,
    cancel,
    expire,
    give_address,
    keep_redemption_code,
    receive,
    redeem,
    ship,
)
from gameserver.records.lanes import Lane
from gameserver.records.rooms import Room
from tests.records.goods import DAY_MS, SEAL, campaign_with, names, opened, place, prize, wins
from tests.records.rooms import OPENED_AT

MUG = PrizeId("mug")
M1 = MemberId("m1")
HOME = Person("张三", "13800138000", "广东省 深圳市", "科技园 1 号")
SOON, OVER = OPENED_AT + 1, OPENED_AT + 3 * DAY_MS


async def won(database: Database, delivery: str = "ship", units: int = 3) -> tuple[Room, Lane]:
    """A room in which members m1, m2, ... have won a mug each."""
    campaign = await campaign_with(database, names(1))
    room, lane = await opened(
        database, campaign, prize("mug", "physical", stock=10, delivery=delivery, claim_days=3)
    )
    lines = wins("mug", range(1, units + 1))
    for _ in range(2):
        await record(database, lane, lines, goods=await goods_in(database, room.id))
    return room, lane


async def refused(call: Awaitable[object], code: str) -> Refused:
    with pytest.raises(Refused) as error:
        await call
    assert error.value.code == code
    return error.value


async def tells(database: Database, at: Place, person: Person = HOME, when: int = SOON) -> Fulfilment:
    member = MemberId(f"m{at.unit}")
    return await give_address(database, at, member, SEAL.seal(person, at), SEAL.index(person.phone), when)


async def shipped(
    database: Database, room: Room, *units: int, number: str = "SF1"
) -> dict[tuple[PrizeId, int], str]:
    async with database.begin() as connection:
        parcels = [Parcel(MUG, unit, "顺丰", number) for unit in units]
        return await ship(connection, room.id, parcels, staff="ann", at=OVER)


async def states(database: Database, room: Room, state: State | None = None) -> dict[int, State]:
    return {x.unit: x.state async for x in fulfilments_of_room(database, room.id, [MUG], state)}


async def test_goods_wait_for_an_address_from_the_moment_they_are_on_record(engine: Database) -> None:
    room, _ = await won(engine)
    assert await states(engine, room) == dict.fromkeys((1, 2, 3), State.ADDRESS_NEEDED)
    held = await get_fulfilment(engine, place(room, "mug", 1), M1)
    assert (held.member, held.won_at, held.claim_by) == (M1, OPENED_AT, OPENED_AT + 3 * DAY_MS)
    assert (held.sealed, held.code, held.redemption_code) == (None, None, None)
    assert await fulfilments_of_member(engine, M1) == {held.place: held}
    assert await fulfilments_of_member(engine, MemberId("m9")) == {}


async def test_the_way_of_a_parcel(engine: Database) -> None:
    room, lane = await won(engine)
    at = place(room, "mug", 1)
    told = await tells(engine, at)
    assert (told.state, told.address_at) == (State.TO_SHIP, SOON)
    moved = await tells(engine, at, replace(HOME, name="李四"))
    assert moved.sealed is not None
    assert SEAL.open(moved.sealed, at).name == "李四"
    assert await shipped(engine, room, 1) == {}
    sent = await get_fulfilment(engine, at)
    assert (sent.state, sent.carrier, sent.tracking, sent.staff) == (State.SHIPPED, "顺丰", "SF1", "ann")
    assert await shipped(engine, room, 1, number="SF2") == {}  # the number was wrong
    await refused(tells(engine, at), "already_shipped")
    await refused(cancel(engine, at, staff="ann", reason="x", at=SOON), "already_shipped")
    for _ in range(2):
        got = await receive(engine, at, M1, OVER)
        assert (got.state, got.tracking, got.ended_at) == (State.RECEIVED, "SF2", OVER)
    assert await shipped(engine, room, 1) == {(MUG, 1): "received"}
    await refused(tells(engine, at), "already_shipped")
    # the batch again, as after a crash, changes nothing
    await record(engine, lane, wins("mug", [1]), goods=await goods_in(engine, room.id))
    assert await get_fulfilment(engine, at) == got
    assert await states(engine, room, State.RECEIVED) == {1: State.RECEIVED}


async def test_nobody_else_can_touch_a_prize(engine: Database) -> None:
    room, _ = await won(engine)
    at, other = place(room, "mug", 1), MemberId("m2")
    sealed = SEAL.seal(HOME, at)
    for call in (
        give_address(engine, at, other, sealed, b"", SOON),
        receive(engine, at, other, SOON),
        get_fulfilment(engine, at, other),
        get_fulfilment(engine, place(room, "mug", 9)),
        get_fulfilment(engine, Place("r\0", "mug", 1)),
        cancel(engine, place(room, "cup", 1), staff="ann", reason="x", at=SOON),
    ):
        await refused(call, "not_found")
    await refused(receive(engine, at, M1, SOON), "bad_state")


async def test_only_what_has_an_address_is_shipped(engine: Database) -> None:
    room, _ = await won(engine)
    await tells(engine, place(room, "mug", 2))
    assert await shipped(engine, room, 1, 2, 9) == {(MUG, 1): "address_needed", (MUG, 9): ""}
    assert (await states(engine, room))[2] is State.SHIPPED


async def test_an_address_comes_too_late_after_the_last_day(engine: Database) -> None:
    room, _ = await won(engine)
    first, second, third = (place(room, "mug", unit) for unit in (1, 2, 3))
    await tells(engine, first, when=OVER - 1)
    await refused(tells(engine, first, when=OVER), "claim_expired")
    await refused(tells(engine, second, when=OVER), "claim_expired")
    await cancel(engine, third, staff="ann", reason="fraud", at=SOON)
    assert await expire(engine, OVER - 1) == 0
    assert sorted(await asyncio.gather(*(expire(engine, OVER) for _ in range(3)))) == [0, 0, 1]
    assert await states(engine, room) == {1: State.TO_SHIP, 2: State.EXPIRED, 3: State.CANCELED}
    assert (await get_fulfilment(engine, second)).ended_at == OVER
    await refused(tells(engine, second, when=SOON), "claim_expired")
    await refused(tells(engine, third, when=SOON), "bad_state")
    await refused(cancel(engine, second, staff="ann", reason="x", at=SOON), "bad_state")
    held = await get_fulfilment(engine, third)
    assert (held.staff, held.reason) == ("ann", "fraud")


async def test_a_redemption_code_works_once_whoever_tries_at_once(engine: Database) -> None:
    room, _ = await won(engine, "on_site")
    at = place(room, "mug", 1)
    code = SEAL.redemption_code(at)
    assert await keep_redemption_code(engine, at, code) == code
    assert await keep_redemption_code(engine, at, "ANOTHER") == code
    assert await keep_redemption_code(engine, place(room, "mug", 2), code) is None
    await refused(tells(engine, at), "bad_state")
    results = await asyncio.gather(
        *(redeem(engine, code, staff=f"s{n}", at=SOON + n) for n in range(5)), return_exceptions=True
    )
    (done,) = [x for x in results if isinstance(x, Fulfilment)]
    assert (done.state, done.place) == (State.REDEEMED, at)
    for late in (x for x in results if x is not done):
        assert isinstance(late, AlreadyRedeemed)
        assert (late.first.staff, late.first.ended_at) == (done.staff, done.ended_at)
    await refused(redeem(engine, "nope", staff="s", at=SOON), "not_found")


async def test_what_is_over_or_canceled_is_not_handed_out(engine: Database) -> None:
    room, _ = await won(engine, "on_site")
    codes = []
    for unit in (1, 2, 3):
        codes.append(SEAL.redemption_code(place(room, "mug", unit)))
        await keep_redemption_code(engine, place(room, "mug", unit), codes[-1])
    await refused(redeem(engine, codes[0], staff="s", at=OVER), "claim_expired")
    await cancel(engine, place(room, "mug", 2), staff="ann", reason="x", at=SOON)
    await refused(redeem(engine, codes[1], staff="s", at=SOON), "bad_state")
    assert await expire(engine, OVER) == 2
    await refused(redeem(engine, codes[2], staff="s", at=SOON), "claim_expired")


async def test_shipping_and_canceling_race_and_one_wins(engine: Database) -> None:
    room, _ = await won(engine, units=10)
    for unit in range(1, 11):
        await tells(engine, place(room, "mug", unit))

    async def canceled(unit: int) -> bool:
        try:
            await cancel(engine, place(room, "mug", unit), staff="ann", reason="x", at=SOON)
        except Refused:
            return False
        return True

    async def sent(unit: int) -> bool:
        return not await shipped(engine, room, unit)

    results = await asyncio.gather(*(how(unit) for unit in range(1, 11) for how in (canceled, sent)))
    assert all(results[n] != results[n + 1] for n in range(0, 20, 2))
    ended = await states(engine, room)
    assert [ended[n] for n in range(1, 11)] == [
        State.CANCELED if results[2 * n - 2] else State.SHIPPED for n in range(1, 11)
    ]


async def test_nothing_that_a_member_told_is_in_the_database_in_clear(engine: Database) -> None:
    room, _ = await won(engine)
    at = place(room, "mug", 1)
    held = await tells(engine, at)
    async with engine.connect() as connection:
        row = (
            await connection.execute(text("select f::text from game.fulfilment f where unit = 1"))
        ).scalar_one()
        sealed, index = (
            await connection.execute(text("select sealed, phone_index from game.fulfilment where unit = 1"))
        ).one()
    for told in ("张三", "13800138000", "深圳", "科技园"):
        assert told not in row
        assert told.encode() not in sealed
    assert index == SEAL.index("13800138000")
    assert held.sealed == sealed
    assert SEAL.open(sealed, at) == HOME


async def test_a_room_with_more_than_a_page_is_read_whole_and_in_order(engine: Database) -> None:
    campaign = await campaign_with(engine, names(1))
    room, lane = await opened(engine, campaign, prize("mug", "physical", stock=4500))
    lines = wins("mug", range(1, 4501))
    await record(engine, lane, lines, goods=await goods_in(engine, room.id))
    assert [x.unit async for x in fulfilments_of_room(engine, room.id, [MUG])] == list(range(1, 4501))
    await tells(engine, place(room, "mug", 4400))
    assert await states(engine, room, State.TO_SHIP) == {4400: State.TO_SHIP}
    assert [x.unit async for x in fulfilments_of_room(engine, room.id, [PrizeId("cup")])] == []
