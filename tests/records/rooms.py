"""Rooms of the record for tests: their config is only what the record itself reads."""

from collections.abc import Mapping

from gameserver.games.game import PrizeId, RoomId
from gameserver.records.campaigns import create_campaign
from gameserver.records.database import Database
from gameserver.records.lanes import Lane, open_lane
from gameserver.records.rooms import Room, create_room

SEED = bytes(range(32))
CONFIG = {
    "title": "周年庆",
    "prizes": [{"id": "mug", "name": "杯子", "kind": "physical", "value": 0}],
}
OPENED_AT = 1_790_000_000_000


async def draft(database: Database, budget: int = 1_000_000) -> Room:
    campaign = await create_campaign(database, "spring", budget)
    return await create_room(
        database, campaign=campaign.id, game="red_packet_rain", config=CONFIG, rule_hash="aa", seed=SEED
    )


async def opened(
    database: Database, stock: Mapping[str, int] | None = None, points: int = 1000, budget: int = 1_000_000
) -> tuple[Room, Lane]:
    room = await draft(database, budget)
    lent = {PrizeId(prize): units for prize, units in (stock or {"packet": 100}).items()}
    return await open_lane(database, RoomId(room.id), opened_at=OPENED_AT, stock=lent, points=points)
