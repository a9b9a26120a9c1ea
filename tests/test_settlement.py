import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from sqlalchemy import text

from gameserver import settlement
from gameserver.games.game import MemberId
from gameserver.records.claims import Claims
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters
from gameserver.records.facts import lines_of
from gameserver.records.grants import (
    given_by_prize,
    grants_of,
    mark_settled,
    pending_points,
    prizes_of_member,
)
from gameserver.records.lanes import Lane, get_lanes, raise_epoch
from gameserver.records.rooms import RoomState, get_room, set_room_state
from gameserver.settlement import Settlement
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Outbox
from ledger_client.embedded.audit import audit
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.migrate import migrate
from ledger_client.errors import LedgerAway
from ledger_client.http.client import HttpLedger
from ledger_client.http.forms import MAX_ENTRIES
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens
from ledger_client.terms import Caps, Terms
from tests.ledger_client.http.serving import WRITER, serving
from tests.records.lines import body_of
from tests.records.rooms import opened


@pytest.fixture(scope="session")
async def books(migrated: Database) -> None:
    await migrate(migrated)


@pytest.fixture
def ledger(books: None, engine: Database) -> EmbeddedLedger:
    return EmbeddedLedger(engine)


@pytest.fixture
async def worker(engine: Database, redis: Redis, ledger: EmbeddedLedger) -> AsyncIterator[Settlement]:
    worker = Settlement(engine, redis, ledger)
    yield worker
    await worker.close()


async def funded(database: Database, ledger: EmbeddedLedger, budget: int = 100_000) -> Lane:
    room, lane = await opened(database, {"packet": 10_000, "mug": 10}, points=1)
    await ledger.fund(room.campaign, budget)
    return lane


async def send(redis: Redis, lane: Lane, *bodies: bytes) -> None:
    """One stream entry of these lines, as the prelude writes it."""
    entry = msgspec.msgpack.encode([msgspec.Raw(body) for body in bodies])
    await redis.xadd(LaneKeys(lane.room, lane.lane).outbox, {"l": entry})


def wins(first: int, count: int, amount: int = 10) -> list[bytes]:
    return [
        body_of(f"s{unit % 5}", unit, [("packet", unit, amount, 1, f"m{unit % 5}")], member=f"m{unit % 5}")
        for unit in range(first, first + count)
    ]


async def left(redis: Redis, lane: Lane) -> int:
    return int(await redis.xlen(LaneKeys(lane.room, lane.lane).outbox))


async def assert_settled_once(database: Database, ledger: EmbeddedLedger, lane: Lane, units: int) -> None:
    """`units` packets of 10 points: each granted, entered and marked exactly once."""
    grants = [grant async for grant in grants_of(database, lane.room)]
    assert [grant.unit for grant in grants] == list(range(1, units + 1))
    points = dict.fromkeys((grant.member for grant in grants), 0)
    for grant in grants:
        points[grant.member] += grant.amount
    for member, expected in points.items():
        assert (await ledger.balance(member)).available == expected
        assert await pending_points(database, MemberId(member)) == 0
    assert len([body async for body in lines_of(database, lane.room)]) == units
    assert await ledger.drift() == []
    assert await audit(database) == []
    assert await dead_letters(database) == []


async def test_a_line_of_thousands_of_grants_is_settled_in_a_ledger_elsewhere_too(
    engine: Database, redis: Redis, ledger: EmbeddedLedger
) -> None:
    lane = await funded(engine, ledger)
    winners = [("packet", unit, 10, 1, f"m{unit % 5}") for unit in range(1, MAX_ENTRIES + 2)]
    await send(redis, lane, body_of("clock", 2, winners, member=""))
    async with serving(ledger_api(ledger, Tokens([WRITER]))) as url:
        elsewhere = HttpLedger(url, WRITER)
        worker = Settlement(engine, redis, elsewhere)
        await worker.drain(lane)
        await worker.close()
        await elsewhere.close()
    assert await left(redis, lane) == 0
    members = [await ledger.balance(f"m{n}") for n in range(5)]
    assert sum(member.available for member in members) == 10 * len(winners)


async def test_what_redis_granted_ends_in_the_record_and_the_ledger_and_is_told(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    lane = await funded(engine, ledger)
    bodies = [
        body_of("s1", 1, [("packet", 1, 30, 1, "m1")]),
        body_of("s1", 2, fact=["missed", 3]),
        body_of("s1", 3, [("packet", 2, 5, 1, "m1")]),
        body_of("clock", 2, [("packet", 3, 7, 1, "m1"), ("mug", 1, 0, 1, "m2")], member=""),
    ]
    pages = redis.pubsub(ignore_subscribe_messages=True)
    await pages.subscribe(LaneKeys(lane.room).channel)
    await pages.get_message(timeout=5)
    await send(redis, lane, *bodies[:3])
    await send(redis, lane, bodies[3])

    await worker.drain(lane)

    assert await left(redis, lane) == 0
    assert (await ledger.balance("m1")).available == 42
    assert [body async for body in lines_of(engine, lane.room)] == bodies
    prizes = await prizes_of_member(engine, MemberId("m2"))
    assert [(prize.grant.prize, prize.settled) for prize in prizes] == [("mug", True)]
    told = await pages.get_message(timeout=5)
    assert told is not None
    assert msgspec.msgpack.decode(told["data"]) == [
        "settled",
        [
            ["m1", "s1", [1, 3], [["packet", 1], ["packet", 2]], []],
            ["m1", "clock", [2], [["packet", 3]], []],
            ["m2", "clock", [2], [["mug", 1]], []],
        ],
    ]
    await pages.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped


class CrashError(Exception):
    """The worker dies here."""


def dies_after(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The step itself takes effect; its caller never learns of it."""

    async def dying(*args: Any, **kwargs: Any) -> Any:
        await step(*args, **kwargs)
        raise CrashError

    return dying


def dies_before(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def dying(*args: Any, **kwargs: Any) -> Any:
        raise CrashError

    return dying


STEPS = [
    (settlement, "record"),
    (EmbeddedLedger, "apply"),
    (settlement, "mark_settled"),
    (Outbox, "finish"),
]


@pytest.mark.parametrize("dies", [dies_before, dies_after])
@pytest.mark.parametrize(("where", "step"), STEPS)
async def test_a_worker_that_dies_between_any_two_steps_leaves_nothing_undone_and_nothing_done_twice(
    engine: Database,
    redis: Redis,
    ledger: EmbeddedLedger,
    monkeypatch: pytest.MonkeyPatch,
    dies: Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]],
    where: Any,
    step: str,
) -> None:
    lane = await funded(engine, ledger)
    await send(redis, lane, *wins(1, 7))
    with monkeypatch.context() as patch:
        patch.setattr(where, step, dies(getattr(where, step)))
        for died in (pytest.raises(CrashError), contextlib.suppress(CrashError)):
            dying = Settlement(engine, redis, ledger)
            with died:
                await dying.drain(lane)
            await dying.close()
    # what came after the crash must not overtake what was left pending
    await send(redis, lane, *wins(8, 3))
    next_worker = Settlement(engine, redis, ledger)
    await next_worker.drain(lane)
    await next_worker.close()
    assert await left(redis, lane) == 0
    await assert_settled_once(engine, ledger, lane, 10)


@settings(max_examples=15)
@given(order=st.lists(st.integers(0, 9), min_size=10, max_size=30).map(lambda drawn: [*drawn, *range(10)]))
async def test_ticks_that_come_again_in_any_order_settle_to_the_same(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement, order: list[int]
) -> None:
    # examples share the tables: every room has members of its own
    lane = await funded(engine, ledger)
    member = f"{lane.room}-m"
    for tick in order:
        units = range(3 * tick + 1, 3 * tick + 4)
        await send(redis, lane, *(body_of("s1", unit, [("packet", unit, 10, 1, member)]) for unit in units))
    await worker.drain(lane)
    assert (await ledger.balance(member)).available == 300
    assert (await given_by_prize(engine, lane.room))["packet"].units == 30  # type: ignore[index]
    assert await pending_points(engine, MemberId(member)) == 0
    assert await dead_letters(engine) == []


async def test_two_workers_on_one_lane_apply_it_once(
    engine: Database, redis: Redis, ledger: EmbeddedLedger
) -> None:
    lane = await funded(engine, ledger)
    workers = [Settlement(engine, redis, ledger) for _ in range(2)]
    for first in range(1, 1000, 50):
        await send(redis, lane, *wins(first, 50))
    await asyncio.gather(*(worker.drain(lane) for worker in workers))
    for worker in workers:
        await worker.close()
    assert await left(redis, lane) == 0
    await assert_settled_once(engine, ledger, lane, 1000)


async def test_workers_that_both_believe_the_lane_is_theirs_apply_it_once(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = await funded(engine, ledger)
    await send(redis, lane, *wins(1, 50))

    async def always(*_: object) -> bool:
        return True

    monkeypatch.setattr(Claims, "claim", always)
    workers = [Settlement(engine, redis, ledger) for _ in range(3)]
    await asyncio.gather(*(worker.drain(lane) for worker in workers))
    await assert_settled_once(engine, ledger, lane, 50)


async def test_a_unit_granted_twice_is_paid_once_and_put_aside(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    lane = await funded(engine, ledger)
    await send(redis, lane, body_of("s1", 1, [("packet", 1, 30, 1, "m1")]))
    thief = body_of("s2", 1, [("packet", 1, 30, 1, "m2")], member="m2")
    await send(redis, lane, thief)
    await worker.drain(lane)
    assert (await ledger.balance("m1")).available == 30
    assert (await ledger.balance("m2")).available == 0
    (letter,) = await dead_letters(engine)
    assert (letter.source, letter.raw, letter.reason) == (
        lane.name,
        thief,
        "unit_conflict: packet/1 of line 0",
    )
    assert await left(redis, lane) == 0


async def test_what_the_budget_does_not_cover_is_shown_as_refused_and_not_as_pending(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    lane = await funded(engine, ledger, budget=25)
    await send(redis, lane, *wins(1, 3))
    await worker.drain(lane)
    (prize,) = await prizes_of_member(engine, MemberId("m3"))
    assert (prize.settled, prize.refused) == (False, "budget_exhausted")
    assert await pending_points(engine, MemberId("m3")) == 0
    assert await left(redis, lane) == 0


async def test_a_member_is_told_what_of_a_win_was_not_credited(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    """Whole, in part, and not at all."""
    lane = await funded(engine, ledger)
    campaign = (await get_room(engine, lane.room)).campaign
    await ledger.agree(campaign, Terms(caps=Caps(day=32)))
    pages = redis.pubsub(ignore_subscribe_messages=True)
    await pages.subscribe(LaneKeys(lane.room, lane.lane).channel)
    await pages.get_message(timeout=5)
    await send(redis, lane, *(body_of("s1", unit, [("packet", unit, 20, 1, "m1")]) for unit in (1, 2)))
    await send(redis, lane, body_of("s2", 1, [("packet", 3, 20, 1, "m1")]))
    await worker.drain(lane)
    message = await pages.get_message(timeout=5)
    assert message is not None
    kind, told = msgspec.msgpack.decode(message["data"])
    assert kind == "settled"
    assert told == [
        ["m1", "s1", [1, 2], [["packet", 1], ["packet", 2]], [["packet", 2, 12, 20, "daily_cap"]]],
        ["m1", "s2", [], [], [["packet", 3, 0, 20, "daily_cap"]]],
    ]
    prizes = await prizes_of_member(engine, MemberId("m1"))
    assert sorted((x.grant.unit, x.settled, x.credited, x.refused) for x in prizes) == [
        (1, True, None, None), (2, True, 12, "daily_cap"), (3, False, None, "daily_cap"),
    ]  # fmt: skip
    await pages.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"\xc1", "undecodable"),
        (msgspec.msgpack.encode([["s1", 1]]), "undecodable"),
        (msgspec.msgpack.encode([["s1", -1, "m", 1, 0, None, ["f"], []]]), "undecodable"),
        (msgspec.msgpack.encode([msgspec.Raw(body_of("s\0", 1))]), "unrecordable"),
        (msgspec.msgpack.encode([msgspec.Raw(body_of("s1", 2**63))]), "unrecordable"),
    ],
)
async def test_a_poisoned_line_is_put_aside_whole_and_its_siblings_are_settled(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement, poison: bytes, reason: str
) -> None:
    lane = await funded(engine, ledger)
    await send(redis, lane, *wins(1, 5))
    await redis.xadd(LaneKeys(lane.room).outbox, {"l": poison})
    await send(redis, lane, *wins(6, 5))
    await worker.drain(lane)
    (letter,) = await dead_letters(engine)
    assert letter.reason.partition(":")[0] == reason
    assert letter.raw in poison
    assert (await given_by_prize(engine, lane.room))["packet"].units == 10  # type: ignore[index]
    assert await left(redis, lane) == 0


async def test_a_new_epoch_shuts_out_the_worker_of_the_old_one(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    lane = await funded(engine, ledger)
    await raise_epoch(engine, lane.room)
    await send(redis, lane, *wins(1, 5))
    await worker.drain(lane)  # reads the epoch anew
    await assert_settled_once(engine, ledger, lane, 5)


class Running:
    """A worker that runs until the block ends."""

    def __init__(self, worker: Settlement) -> None:
        self._worker = worker
        self._stop = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.ensure_future(self._worker.run(self._stop))

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task


async def until_empty(redis: Redis, lanes: Sequence[Lane]) -> None:
    async with asyncio.timeout(20):
        while sum([await left(redis, lane) for lane in lanes]):
            await asyncio.sleep(0.02)


async def test_a_running_worker_follows_rooms_as_they_open_and_after_they_close(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    async with Running(worker):
        lanes = [await funded(engine, ledger) for _ in range(6)]
        for n, lane in enumerate(lanes):
            won = [("packet", 1, 10, 1, f"{lane.room}-m")]
            if n % 2:
                await set_room_state(engine, lane.room, RoomState.CLOSED, time.time_ns() // 1_000_000)
            await send(redis, lane, body_of("s1", 1, won))
        await until_empty(redis, lanes)
    assert [(await ledger.balance(f"{lane.room}-m")).available for lane in lanes] == [10] * 6


async def test_a_worker_settles_what_was_left_of_rooms_that_closed_long_ago(
    engine: Database, redis: Redis, ledger: EmbeddedLedger, worker: Settlement
) -> None:
    lanes = [await funded(engine, ledger) for _ in range(3)]
    for lane in lanes:
        await set_room_state(engine, lane.room, RoomState.CLOSED, 1)
    await send(redis, lanes[1], *wins(1, 5))
    async with Running(worker):
        await until_empty(redis, lanes)
    assert [bool(await given_by_prize(engine, lane.room)) for lane in lanes] == [False, True, False]


async def test_a_running_worker_survives_an_absent_ledger_a_wiped_valkey_and_lost_connections(
    engine: Database,
    redis: Redis,
    ledger: EmbeddedLedger,
    worker: Settlement,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = await funded(engine, ledger)
    applied = EmbeddedLedger.apply
    answers = iter([LedgerAway("starting"), LedgerAway("starting")])

    async def away_at_first(self: EmbeddedLedger, *args: Any) -> Any:
        for error in answers:
            raise error
        return await applied(self, *args)

    monkeypatch.setattr(EmbeddedLedger, "apply", away_at_first)
    async with Running(worker):
        await send(redis, lane, *wins(1, 5))
        await until_empty(redis, [lane])
        await redis.flushall()
        await send(redis, lane, *wins(6, 5))
        await until_empty(redis, [lane])
        async with engine.connect() as connection:
            await connection.execute(
                text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
            )
        await send(redis, lane, *wins(11, 5))
        await until_empty(redis, [lane])
    await assert_settled_once(engine, ledger, lane, 15)


async def test_marking_again_changes_nothing(engine: Database, ledger: EmbeddedLedger, redis: Redis) -> None:
    lane = await funded(engine, ledger)
    await send(redis, lane, *wins(1, 2))
    worker = Settlement(engine, redis, ledger)
    await worker.drain(lane)
    await worker.close()
    (held,) = await get_lanes(engine, lane.room)
    assert held.applied_id is not None
    grants = [grant async for grant in grants_of(engine, lane.room)]
    await mark_settled(engine, lane.room, grants, [], 1)
    async with engine.connect() as connection:
        marked = (await connection.execute(text("select min(settled_at) from game.grants"))).scalar_one()
    assert marked > 1
