import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.games.game import RoomId
from gameserver.store.keys import SETTLE_GROUP, LaneKeys
from gameserver.store.outbox import BATCH_LINES, CONSUMER, Batches, Outbox, Sent

KEYS = LaneKeys(RoomId("r1"))


async def send(redis: Redis, *lines: int) -> str:
    id_ = await redis.xadd(KEYS.outbox, {"l": msgspec.msgpack.encode(lines)})
    assert isinstance(id_, bytes)
    return id_.decode()


@pytest.fixture
async def outbox(redis: Redis) -> Outbox:
    outbox = Outbox(redis, KEYS)
    await outbox.ensure()
    await outbox.ensure()
    return outbox


def ids(batch: list[Sent]) -> list[str]:
    return [sent.id for sent in batch]


async def test_a_batch_ends_with_enough_lines_and_loses_none(redis: Redis, outbox: Outbox) -> None:
    ticks = [await send(redis, *range(200)) for _ in range(20)]
    batches = Batches(outbox)
    seen: list[str] = []
    while batch := await batches.next(None):
        lines = sum(len(sent.lines or ()) for sent in batch)
        assert BATCH_LINES <= lines < BATCH_LINES + 200
        await outbox.finish(ids(batch), [])
        seen += ids(batch)
    assert seen == ticks
    assert await outbox.waiting() == 0


async def test_a_slow_trickle_is_not_held_back(redis: Redis, outbox: Outbox) -> None:
    batches = Batches(outbox)
    reading = asyncio.ensure_future(batches.next(10_000))
    first = await send(redis, 1)
    async with asyncio.timeout(5):
        assert ids(await reading) == [first]
    assert await batches.next(1) == []


async def test_what_another_worker_left_pending_comes_before_what_is_new(
    redis: Redis, outbox: Outbox
) -> None:
    left = [await send(redis, n) for n in range(40)]
    await redis.xreadgroup(SETTLE_GROUP, CONSUMER, {KEYS.outbox: ">"}, count=30)
    new = await send(redis, 99)
    assert ids(await Batches(outbox).next(None)) == [*left, new]


async def test_what_was_lost_on_its_way_here_is_found_pending(
    redis: Redis, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameserver.store.outbox.PENDING_SECONDS", 0)
    batches = Batches(outbox)
    assert await batches.next(None) == []
    lost = await send(redis, 1)
    await redis.xreadgroup(SETTLE_GROUP, CONSUMER, {KEYS.outbox: ">"})
    new = await send(redis, 2)
    assert ids(await batches.next(None)) == [lost, new]


async def test_a_pending_entry_that_was_deleted_is_only_acknowledged(redis: Redis, outbox: Outbox) -> None:
    gone = await send(redis, 1)
    await redis.xreadgroup(SETTLE_GROUP, CONSUMER, {KEYS.outbox: ">"})
    await redis.xdel(KEYS.outbox, gone)
    (sent,) = await Batches(outbox).next(None)
    assert (sent.id, sent.lines) == (gone, ())
    await outbox.finish([gone], [])
    assert await outbox.pending("0") == []


async def test_an_entry_in_another_form_is_handed_over_whole(redis: Redis, outbox: Outbox) -> None:
    await redis.xadd(KEYS.outbox, {"l": b"\xc1"})
    await redis.xadd(KEYS.outbox, {"l": msgspec.msgpack.encode("no array")})
    await redis.xadd(KEYS.outbox, {"other": b"field"})
    batch = await Batches(outbox).next(None)
    assert [sent.lines for sent in batch] == [None, None, None]
    assert msgspec.msgpack.decode(batch[2].raw) == {b"other": b"field"}


async def test_finishing_tells_the_pages_in_the_same_step(redis: Redis, outbox: Outbox) -> None:
    pages = redis.pubsub(ignore_subscribe_messages=True)
    await pages.subscribe(KEYS.channel)
    await pages.get_message(timeout=5)
    done = await send(redis, 1)
    await outbox.fresh(None)
    await outbox.finish([done], [("m1", "s1", [4, 5], [("packet", 7)])])
    told = await pages.get_message(timeout=5)
    assert told is not None
    assert msgspec.msgpack.decode(told["data"]) == ["settled", [["m1", "s1", [4, 5], [["packet", 7]]]]]
    assert (await outbox.pending("0"), await outbox.waiting()) == ([], 0)
    await pages.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
