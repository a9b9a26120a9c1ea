import asyncio
import time

from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from gameserver.events import Events
from gameserver.staff.orders import Orders
from gameserver.upkeep import Upkeep
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.upkeep import GRACE_MS
from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import HoldAsk, LaneAt
from ledger_client.terms import Expiry, Terms

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
