import asyncio

from redis.asyncio import Redis

from gameserver.demo import keep_rooms_open, open_missing
from gameserver.games import games
from gameserver.games.game import RoomId
from gameserver.records.contestants import ContestantState
from gameserver.records.database import Database
from gameserver.records.rooms import list_rooms
from gameserver.rooms.hub import LIVE
from gameserver.rooms.tasks import end
from gameserver.staff.contestants import Contestants
from gameserver.staff.orders import Orders
from tests.promises.world import World, world

SHOWN = [(name, demo) for name, game in games().items() for demo in game.demos()]


async def titles(database: Database) -> list[tuple[str, str]]:
    return [(room.game, room.config["title"]) for room in await list_rooms(database, LIVE)]


async def opened(here: World) -> Contestants:
    contestants = Contestants(here.database, Orders(here.database, here.redis))
    await open_missing(here.database, here.lifecycle, contestants)
    return contestants


async def test_all_that_the_games_show_has_one_open_room(engine: Database, redis: Redis) -> None:
    async with world(engine, redis) as here:
        for _ in range(2):  # the second time changes nothing
            contestants = await opened(here)
            assert await titles(engine) == [(name, demo.config["title"]) for name, demo in SHOWN]
        for room in await list_rooms(engine, LIVE):
            demo = next(demo for _, demo in SHOWN if demo.config["title"] == room.config["title"])
            if demo.contestants:
                listed = await contestants.list(room.id, tuple(ContestantState))
                assert [one.work.name for one in listed] == [name for name, *_ in demo.contestants]


async def test_a_room_that_has_ended_is_opened_anew_and_hosts_are_told_once(
    engine: Database, redis: Redis
) -> None:
    async with world(engine, redis) as here:
        contestants = await opened(here)
        first, *_ = await list_rooms(engine, LIVE)
        await here.lifecycle.close(first.id)
        told: list[RoomId] = []
        keeping = asyncio.create_task(keep_rooms_open(engine, here.lifecycle, contestants, told.append))
        async with asyncio.timeout(20):
            while len(await titles(engine)) < len(SHOWN) or not told:
                await asyncio.sleep(0.02)
        await end([keeping])
        assert sorted(await titles(engine)) == sorted((name, demo.config["title"]) for name, demo in SHOWN)
        assert len(told) == sum(demo.hosted for _, demo in SHOWN)
