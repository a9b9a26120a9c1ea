import asyncio
import time

from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from gameserver.events import Events
from gameserver.games.game import PrizeId
from gameserver.records.batches import record
from gameserver.records.fulfilment import State, fulfilments_of_room
from gameserver.records.goods import DAY_MS, goods_in
from gameserver.records.rooms import RoomState, set_room_state
from gameserver.staff.orders import Orders
from gameserver.upkeep import Upkeep
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.upkeep import GRACE_MS
from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import HoldAsk, LaneAt
from ledger_client.terms import Expiry, Terms
from tests.records.goods import campaign_with, count_of, names, opened, prize, wins

YEAR_MS = 366 * 86_400_000


def _now() -> int:
    return time.time_ns() // 1_000_000


async def _earn(ledger: EmbeddedLedger, member: str, points: int, at: int) -> None:
    entry = Entry(derived_id(f"{member}|{at}"), Kind.EARN, member, "c1", "r1", points, at, 1)
    await ledger.apply(LaneAt("r1.0", 1), [entry])


async def _books(engine: AsyncEngine) -> EmbeddedLedger:
    ledger = EmbeddedLedger(engine)
    await ledger.agree("c1", Terms(expiry=Expiry.FIXED, months=1))
    await ledger.fund("c1", 1000)
    return ledger


async def test_what_ran_out_is_given_back_or_expired_once(engine: AsyncEngine, redis: Redis) -> None:
    ledger, now = await _books(engine), _now()
    await _earn(ledger, "old", 30, now - YEAR_MS)
    await _earn(ledger, "new", 50, now)
    ask = HoldAsk(purse_id("r1.0", "new", 1), 0, "new", "c1", "r1", 20, 10, now - GRACE_MS - 1, now)
    (held,) = await ledger.hold(LaneAt("r1.0", 1), [ask])
    assert held.granted == 20
    expired = REGISTRY.get_sample_value("gameserver_points_expired_total") or 0
    upkeep = Upkeep(ledger, Events(engine, ledger), Orders(engine, redis), engine, redis)
    for _ in range(2):
        await upkeep.once(asyncio.Event())
        assert (await ledger.balance("old")).available == 0
        assert (await ledger.balance("new")).available == 50
        assert REGISTRY.get_sample_value("gameserver_points_expired_total") == expired + 30
    assert await ledger.drift() == []


async def test_what_nobody_claims_expires_and_codes_go_back(engine: AsyncEngine, redis: Redis) -> None:
    now = _now()
    room, lane = await opened(
        engine, await campaign_with(engine, names(5)), prize("mug", "physical", stock=3, claim_days=1),
        prize("code", stock=5), at=now - 3 * DAY_MS,
    )  # fmt: skip
    lines = [
        *wins("mug", [1], now - 2 * DAY_MS), *wins("mug", [2], now, "s2"), *wins("code", [1], now, "s3"),
    ]  # fmt: skip
    await record(engine, lane, lines, goods=await goods_in(engine, room.id))
    await set_room_state(engine, room.id, RoomState.CLOSED, now - DAY_MS)
    ledger = EmbeddedLedger(engine)
    unclaimed = REGISTRY.get_sample_value("gameserver_prizes_unclaimed_total") or 0
    upkeep = Upkeep(ledger, Events(engine, ledger), Orders(engine, redis), engine, redis)
    for _ in range(2):
        await upkeep.once(asyncio.Event())
        mugs = [x.state async for x in fulfilments_of_room(engine, room.id, [PrizeId("mug")])]
        assert mugs == [State.EXPIRED, State.ADDRESS_NEEDED]
        assert REGISTRY.get_sample_value("gameserver_prizes_unclaimed_total") == unclaimed + 1
        count = await count_of(engine)
        assert (count.free, count.reserved, count.given) == (4, 0, 1)
