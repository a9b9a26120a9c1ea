from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import RoomId
from gameserver.store.keys import LaneKeys
from gameserver.store.lane import LaneStore
from gameserver.store.scripts import Library, library_of
from tests.games.rains import grab, rain, raining
from tests.store.lanes import opened

GAME = game_named("red_packet_rain")


def test_every_key_has_the_lanes_hash_tag_first() -> None:
    """One lane is one cluster slot."""
    keys = LaneKeys(RoomId("r42"), 3)
    built = [*vars(keys).values(), keys.ticket("x")]
    assert keys.tag == "{r42.3}"
    assert all(key.startswith("{r42.3}") for key in built)
    assert len(set(built)) == len(built)


async def test_a_lane_uses_no_key_without_its_tag(redis: Redis) -> None:
    lane = await raining(redis)
    await lane.ask(grab(await lane.seat("a"), 1))
    await lane.ticket("b")
    listed = set(vars(lane.keys).values())
    game_keys = {lane.keys.tag + ":amounts", lane.keys.tag + ":rank:0"}
    found = {key.decode() for key in await redis.keys("*")}
    assert all(key.startswith(lane.keys.tag) for key in found)
    assert found - listed - game_keys == {lane.keys.ticket("t2")}


async def test_a_store_that_lost_its_functions_gets_them_again(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    await redis.function_flush()
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1


async def test_a_store_that_lost_everything_says_so(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    assert await lane.store.exists()
    await redis.flushall()
    assert not await lane.store.exists()
    calls: list[Any] = [
        lane.ask(grab(seat, 1)),
        lane.store.views(["a"]),  # type: ignore[list-item]
        lane.store.set_state("open"),
        lane.store.clock(),
        lane.store.fold([]),
    ]
    for call in calls:
        with pytest.raises(Refused, match="lane_lost"):
            await call
    assert await redis.keys("*") == []
    assert await lane.store.joined() == 0


async def test_two_versions_of_a_game_run_beside_each_other(redis: Redis) -> None:
    """A rolling deploy: functions are named by a hash of all that they run."""
    lane = await raining(redis)
    assert library_of(GAME).suffix == Library(GAME).suffix
    library = Library(GAME)
    library.text = library.text.replace(library.suffix, "red_packet_rain_older")
    library.suffix = "red_packet_rain_older"
    await library.load(redis)
    await library.load(redis)
    older = await redis.fcall(library.function("clock"), 1, lane.keys.tag, b"")
    newer = await redis.fcall(library_of(GAME).function("clock"), 1, lane.keys.tag, b"")
    assert older == newer
    assert len(await redis.function_list()) == 2


async def test_clearing_keeps_the_outbox_and_other_lanes(redis: Redis) -> None:
    lane, other = await raining(redis), await raining(redis, room="r11")
    await lane.ask(grab(await lane.seat("a"), 1))
    lines, elsewhere = await lane.lines(), await other.dump()
    await lane.store.clear()
    cleared = await lane.dump()
    assert {*cleared} == {"out", "room"}
    assert cleared["room"] == {b"state": b"rebuilding"}  # for who looks before it is opened again
    assert await lane.lines() == lines
    assert await other.dump() == elsewhere


@pytest.mark.parametrize("room", ["r[1]", "r*", "r?1", "r\\1"])
async def test_clearing_takes_no_pattern_from_a_rooms_id(redis: Redis, room: str) -> None:
    lane, other = await opened(redis, rain(), room=room), await opened(redis, rain(), room="r11")
    elsewhere = await other.dump()
    await lane.store.clear()
    assert not await lane.store.exists()
    assert await other.dump() == elsewhere


async def test_joined_are_the_members_and_not_their_pages(redis: Redis) -> None:
    lane = await raining(redis)
    assert await lane.store.joined() == 0
    for member in ("a", "b", "a"):
        await lane.seat(member)
    await lane.join("")
    assert await lane.store.joined() == 2


async def test_the_clocks_ref(redis: Redis) -> None:
    lane = await opened(redis, rain())
    assert await lane.store.clock() == 0
    for due in lane.dues():
        await lane.clock(due)
        assert await lane.store.clock() == due.ref


async def test_views_are_in_the_order_asked_for_and_of_strangers_too(redis: Redis) -> None:
    lane = await raining(redis)
    seats = await lane.seats(3)
    await lane.ask(*(grab(seat, 7) for seat in seats[:2]))
    views = await lane.store.views(["m1", "stranger", "m2", "m0", ""])  # type: ignore[list-item]
    assert [view[2] for view, _ in views] == [[7], [], [], [7], []]
    assert [given for _, given in views] == [[]] * 5


async def test_a_batch_may_be_as_large_as_the_limit_and_empty(redis: Redis) -> None:
    lane = await raining(redis, rain(amounts={"mode": "fixed", "count": 1000, "amount": 1}))
    seats = await lane.seats(256)
    assert (await lane.tick()).results == []
    assert len(await lane.ask(*(grab(seat, 1) for seat in seats))) == 256


async def test_another_lane_of_the_room_has_a_state_of_its_own(redis: Redis) -> None:
    lane = await raining(redis)
    second = LaneStore(redis, GAME, lane.record.id, 1, lane=1)
    assert second.keys.tag != lane.keys.tag
    with pytest.raises(Refused, match="lane_lost"):
        await second.tick((), ())
