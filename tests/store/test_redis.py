import asyncio

import pytest

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import RoomId
from gameserver.store.lane import Guest, LaneStore
from gameserver.store.redis import Redis, answers, connect

NOWHERE = "unix:///nonexistent/valkey.sock"


async def test_whether_a_store_answers(redis: Redis, valkey_url: str) -> None:
    for url, answered in ((valkey_url, True), (NOWHERE, False)):
        client = connect(url)
        assert await answers(client) is answered
        await client.aclose()


async def test_a_herd_waits_for_a_connection(redis: Redis, valkey_url: str) -> None:
    """A campaign starts: more tickets at once than a process has connections."""
    client = connect(valkey_url)
    store = LaneStore(client, game_named("red_packet_rain"), RoomId("r1"), 1)
    guests = [Guest(f"m{number}", "n", [], []) for number in range(500)]
    await asyncio.gather(*(store.put_ticket(guest.member, guest) for guest in guests))
    assert len(await redis.keys("{r1.0}:tk:*")) == 500
    assert (await redis.info("clients"))["connected_clients"] < 200
    await client.aclose()


async def test_without_a_store_everything_is_a_coded_refusal() -> None:
    client = connect(NOWHERE)
    store = LaneStore(client, game_named("red_packet_rain"), RoomId("r1"), 1)
    for call in (
        store.tick((), ()),
        store.put_ticket("t", Guest("m", "n", [], [])),
        store.views([]),
        store.set_state("open"),
        store.clock(),
        store.exists(),
        store.joined(),
    ):
        with pytest.raises(Refused, match="store_down") as refused:
            await call
        assert refused.value.retry_ms
    await client.aclose()
