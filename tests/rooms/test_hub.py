import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import CloseCode, Refused
from gameserver.fairness import Receipts
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.rooms import RoomState, get_room
from gameserver.rooms.days import Days
from gameserver.rooms.hub import Hub
from gameserver.rooms.session import Session
from gameserver.wire import Format, Hello
from ledger_client.terms import Caps, Terms
from tests.games.rains import rain
from tests.promises.world import World, world
from tests.rooms.pages import KEY, PATIENCE_SECONDS, Page
from tests.store.lanes import PlayedLane

RAIN = "red_packet_rain"
OVER = [{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 5000, "times": 2}]


@asynccontextmanager
async def hub_of(here: World, *, starts: bool = True) -> AsyncIterator[Hub]:
    """One process: it closes what has ended, as the composition root has it."""

    async def ended(room: RoomId) -> None:
        try:
            await here.lifecycle.close(room)
        except Refused as refused:
            if refused.code != "bad_state":  # another process was first
                raise

    hub = Hub(here.database, here.redis, Receipts(KEY), here.ledger, ended)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            if starts:
                await hub.start()
        yield hub
    finally:
        await hub.stop()


async def joined(hub: Hub, lane: PlayedLane, member: str) -> tuple[Page, Session]:
    page = Page()
    room = await hub.room(lane.record.id)
    session = await room.join(
        Hello(ref=1, ticket=await lane.ticket(member), room=lane.record.id), page, Format.JSON
    )
    return page, session


async def until(holds: Callable[[], Any]) -> None:
    """Lets other tasks run until something holds that must come."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0)


async def test_a_start_loads_what_is_open_and_nothing_else(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lanes = [await here.open(RAIN, rain()) for _ in range(4)]
        await here.lifecycle.create(RAIN, rain())
        await here.lifecycle.pause(lanes[1].record.id)
        await here.lifecycle.close(lanes[2].record.id)
        await redis.delete(lanes[3].keys.room)  # its state was lost: the others start all the same
        async with hub_of(here) as hub:
            assert {room.record.id for room in hub.loaded()} == {lanes[0].record.id, lanes[1].record.id}


async def test_only_where_points_are_capped_their_days_are_counted(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here, hub_of(here) as hub:
        capped = await here.open(RAIN, rain(), terms=Terms(caps=Caps(month=100)))
        free = await here.open(RAIN, rain())
        for lane in (capped, free):
            await joined(hub, lane, "ann")
        days = Days("Asia/Shanghai", (await hub.room(capped.record.id)).now)
        assert (await capped.lines())[0][4] in [day for _, day in days()]
        assert (await free.lines())[0][4] == 0


async def test_rooms_that_cannot_be_entered(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain())
        lost, over = await here.open(RAIN, rain()), await here.open(RAIN, rain())
        await here.lifecycle.close(over.record.id)
        await redis.delete(lost.keys.room, over.keys.room)
        cases = [
            (RoomId("r404"), "not_found"),
            (draft.id, "not_open"),
            (lost.record.id, "lane_lost"),
            (over.record.id, "closed"),
        ]
        async with hub_of(here) as hub:
            for room, code in cases:
                with pytest.raises(Refused, match=code):
                    await hub.room(room)


async def test_a_room_that_opens_is_taken_up_by_every_process(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here, hub_of(here) as one, hub_of(here) as two:
        lane = await here.open(RAIN, rain())
        await until(lambda: len(one.loaded()) == len(two.loaded()) == 1)
        page, _ = await joined(one, lane, "a")
        other, _ = await joined(two, lane, "b")
        await lane.store.set_state("paused")
        for each in (page, other):
            assert (await each.event("room_changed"))["state"] == "paused"


async def test_many_who_enter_at_once_load_a_room_once(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain())
        async with hub_of(here) as hub:
            rooms = await asyncio.gather(*(hub.room(lane.record.id) for _ in range(20)))
            assert len({id(room) for room in rooms}) == 1


async def test_a_rebuilt_room_is_taken_up_in_its_new_epoch(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain())
        async with hub_of(here) as hub:
            page, session = await joined(hub, lane, "a")
            await here.lifecycle.rebuild(lane.record.id)
            await until(lambda: page.closed)
            assert page.closed == [CloseCode.NOT_READY]
            await until(lambda: [room for room in hub.loaded() if room.lane.store.epoch == 2])
            again = await here.again(lane)
            back = Page()
            room = await hub.room(lane.record.id)
            hello = Hello(ref=1, ticket=await again.ticket("a"), room=lane.record.id, session=session.id)
            assert (await room.join(hello, back, Format.JSON)).id == session.id


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_room_whose_time_is_over_is_run_to_its_end_and_closed(
    redis: Redis, engine: Database, processes: int
) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain(rounds=OVER), ago=600_000)
        async with hub_of(here) as first, hub_of(here, starts=processes == 2):
            assert len(first.loaded()) == 1
            page, _ = await joined(first, lane, "a")
            if not page.named("room_changed") and page.named("welcome")[0]["snapshot"]["state"] != "closed":
                await page.event("room_changed")
            assert (await get_room(engine, lane.record.id)).state is RoomState.CLOSED
        clock = [line[:2] for line in await lane.lines() if line[0] == "clock"]
        assert clock == [["clock", ref] for ref in (1, 2, 3, 4)]


async def test_messages_that_may_be_lost_send_pages_back_to_ask(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain())
        async with hub_of(here) as hub:
            page, _ = await joined(hub, lane, "a")
            assert await redis.client_kill_filter(_type="pubsub") >= 1
            await until(lambda: page.closed)
            assert page.closed == [CloseCode.RESTART]
            after, _ = await joined(hub, lane, "a")
            await lane.store.set_state("paused")
            assert (await after.event("room_changed"))["state"] == "paused"
