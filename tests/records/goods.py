"""Rooms whose prizes are goods, their code pools, and lines that win them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gameserver.fairness import commitment
from gameserver.games.game import CampaignId, PrizeId
from gameserver.line import PlacedLine
from gameserver.personal import Place, Seal
from gameserver.records.campaigns import create_campaign
from gameserver.records.code_pools import NewCode, PoolCount, add_codes, lock_pool, pool_counts
from gameserver.records.database import Database
from gameserver.records.lanes import Lane, open_lane
from gameserver.records.rooms import Room, create_room
from tests.records.lines import body_of, placed
from tests.records.rooms import OPENED_AT, SEED

POOL = "mall"
DAY_MS = 86_400_000
SEAL = Seal(b"a secret key for tests, thirty-two characters and more")


def prize(id_: str, kind: str = "code", stock: int = 10, **fields: Any) -> dict[str, Any]:
    pool = POOL if kind in ("code", "coupon") else None
    return {"id": id_, "name": id_, "kind": kind, "stock": stock, "value": 0, "pool": pool, **fields}


async def campaign_with(
    database: Database, codes: Sequence[str], expires_at: int | None = None
) -> CampaignId:
    campaign = (await create_campaign(database, "spring", 1000)).id
    await added(database, campaign, codes, expires_at)
    return campaign


async def added(
    database: Database, campaign: CampaignId, codes: Sequence[str], expires_at: int | None = None
) -> None:
    async with database.begin() as connection:
        await lock_pool(connection, campaign, POOL, make=True)
        assert await add_codes(connection, campaign, POOL, [NewCode(x, expires_at) for x in codes]) == set()


def names(count: int, start: str = "C") -> list[str]:
    return [f"{start}{n:05}" for n in range(1, count + 1)]


async def draft(database: Database, campaign: CampaignId, *prizes: Mapping[str, Any], **config: Any) -> Room:
    return await create_room(
        database, campaign=campaign, game="red_packet_rain", rule_hash="aa", seed=SEED,
        config={"title": "goods", "prizes": list(prizes), **config},
    )  # fmt: skip


async def opened(
    database: Database, campaign: CampaignId, *prizes: Mapping[str, Any], at: int = OPENED_AT, **config: Any
) -> tuple[Room, Lane]:
    room = await draft(database, campaign, *prizes, **config)
    assert room.commitment == commitment(SEED)
    stock = {PrizeId(one["id"]): one["stock"] for one in prizes}
    return await open_lane(database, room.id, opened_at=at, stock=stock, points=0)


def wins(prize: str, units: Sequence[int], at: int = OPENED_AT, session: str = "s1") -> list[PlacedLine]:
    """A line each, of member m<unit>."""
    return [
        placed(body_of(session, unit, [(prize, unit, 0, 1, f"m{unit}")], member=f"m{unit}", at=at), unit)
        for unit in units
    ]


async def count_of(database: Database, at: int = OPENED_AT) -> PoolCount:
    (count,) = await pool_counts(database, at)
    return count


def place(room: Room, prize: str, unit: int) -> Place:
    return Place(room.id, prize, unit)
