import asyncio

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.orders import Order, add_order
from gameserver.staff.orders import Orders
from tests.games.rains import rain
from tests.promises.world import World, check_rebuilt, world
from tests.store.lanes import PlayedLane

FREE = {"free_total": 1}


async def open_room(here: World) -> PlayedLane:
    return await here.open("red_packet_rain", rain(chances=FREE))


async def gifts(lane: PlayedLane) -> list[list[object]]:
    return [line[6] for line in await lane.lines() if line[6][0] == "gift"]


async def test_orders_are_heard_in_order_and_each_once_whoever_brings_them(
    redis: Redis, engine: Database
) -> None:
    async with world(engine, redis) as here:
        lane = await open_room(here)
        workers = [Orders(engine, redis) for _ in range(4)]
        given = await asyncio.gather(
            *(workers[n % 4].give(lane.record.id, "give_chances", [f"m{n}", n + 1]) for n in range(30))
        )
        assert sorted(order.number for order in given) == list(range(1, 31))
        assert all(order.done_at and order.refused is None for order in given)
        by_number = {order.number: ["gift", *order.arguments] for order in given}
        assert await gifts(lane) == [by_number[number] for number in range(1, 31)]


async def test_what_an_outside_system_tells_again_changes_nothing(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane, orders = await open_room(here), Orders(engine, redis)
        room = lane.record.id
        told = [await orders.give(room, "give_chances", ["ann", 2], "shop", "o1") for _ in range(3)]
        assert {order.number for order in told} == {1}
        assert await gifts(lane) == [["gift", "ann", 2]]
        with pytest.raises(Refused, match="source_id_reused"):
            await orders.give(room, "give_chances", ["ann", 3], "shop", "o1")
        both = await asyncio.gather(
            *(orders.give(room, "give_chances", ["bob", 1], "shop", "o2") for _ in range(8))
        )
        assert {order.number for order in both} == {2}
        assert len(await gifts(lane)) == 2


async def test_what_a_draft_is_told_it_hears_when_it_opens(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        orders = Orders(engine, redis)
        draft = await here.lifecycle.create("red_packet_rain", rain(chances=FREE))
        waiting = [await orders.give(draft.id, "give_chances", [f"m{n}", 1]) for n in range(20)]
        assert [order.done_at for order in waiting] == [None] * 20
        lane = PlayedLane(redis, await here.lifecycle.open(draft.id))
        assert await gifts(lane) == [["gift", f"m{n}", 1] for n in range(20)]


async def test_an_order_that_was_heard_but_not_noted_is_not_heard_again(
    redis: Redis, engine: Database
) -> None:
    """As after a crash between the lane and the record."""
    async with world(engine, redis) as here:
        lane, orders = await open_room(here), Orders(engine, redis)
        room = lane.record.id
        made: list[Order] = []
        async with engine.begin() as connection:
            made = [await add_order(connection, room, "give_chances", ["ann", n + 1]) for n in range(12)]
        await lane.ask(
            *(["!host", "staff", order.number, order.op, False, *order.arguments] for order in made)
        )
        assert await orders.deliver(room) == 12
        assert await gifts(lane) == [["gift", "ann", n + 1] for n in range(12)]
        assert await orders.deliver(room) == 0


async def test_orders_wait_while_the_lane_is_lost_and_are_folded_with_the_rest(
    redis: Redis, engine: Database
) -> None:
    async with world(engine, redis) as here:
        lane, orders = await open_room(here), Orders(engine, redis)
        room = lane.record.id
        await orders.give(room, "give_chances", ["ann", 2])
        await lane.seat("bob")
        await lane.quiet()
        await here.settle(lane)
        before = await lane.dump()
        await redis.flushall()
        assert (await orders.give(room, "give_chances", ["cid", 4])).done_at is None
        await here.lifecycle.rebuild(room)
        rebuilt = await here.again(lane)
        check_rebuilt(before, await rebuilt.dump())
        await orders.deliver_all()
        assert await gifts(rebuilt) == [["gift", "cid", 4]]
        assert await rebuilt.redis.hgetall(rebuilt.keys.gifts) == {b"ann": b"2", b"cid": b"4"}


async def test_a_room_that_does_not_exist_takes_no_order(redis: Redis, engine: Database) -> None:
    with pytest.raises(Refused, match="not_found"):
        await Orders(engine, redis).give(RoomId("r404"), "give_chances", ["ann", 1])
