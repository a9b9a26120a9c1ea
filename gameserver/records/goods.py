"""Which prizes of a room are no points, and how their units reach who won them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from gameserver.games.game import PrizeId, RoomId
from gameserver.records.database import Database
from gameserver.records.tables import room as rooms

DAY_MS = 86_400_000


class Good(NamedTuple):
    """A unit is a code of `pool`; without one it is shipped, or fetched `on_site`, within `claim_ms`."""

    pool: str | None
    on_site: bool
    claim_ms: int


Goods = Mapping[PrizeId, Good]
NO_GOODS: Goods = {}


def goods_of(config: Mapping[str, Any]) -> Goods:
    """The goods of a room's config as the record has it."""
    return {
        PrizeId(prize["id"]): Good(
            None if prize["kind"] == "physical" else prize["pool"],
            prize.get("delivery") == "on_site",
            prize.get("claim_days", 7) * DAY_MS,
        )
        for prize in config.get("prizes", ())
        if prize["kind"] == "physical" or prize.get("pool")
    }


async def goods_in(database: Database, room: RoomId) -> Goods:
    """The goods of a room; its config never changes."""
    async with database.connect() as connection:
        config = (await connection.execute(select(rooms.c.config).where(rooms.c.id == room))).scalar_one()
    return goods_of(config)
