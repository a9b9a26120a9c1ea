"""Bringing orders to the lanes: in order, each once, whoever brings them and however often."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import HOST, RoomId
from gameserver.records.database import Database
from gameserver.records.lanes import get_lanes
from gameserver.records.orders import (
    Order,
    add_order,
    delivering,
    get_order,
    mark_done,
    rooms_with_orders,
    waiting_orders,
)
from gameserver.records.rooms import RoomState, get_room
from gameserver.store.lane import LaneStore
from gameserver.store.redis import Redis

log = structlog.get_logger()

AT_ONCE = 8  # as many as the prelude remembers answers: what is brought twice is answered the same
STAFF = "staff"  # the session of staff's orders (store/lua/prelude/)
_LATER = frozenset({"lane_lost", "store_down", "internal", "session_unknown"})


class Orders:
    """See the module.

    Args:
        database: where orders are kept until a lane has heard them, and after.
        redis: the store.
    """

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database = database
        self._redis = redis
        self._turns: dict[RoomId, asyncio.Lock] = {}

    async def give(
        self,
        room: RoomId,
        op: str,
        arguments: Sequence[Any],
        source: str | None = None,
        source_id: str | None = None,
    ) -> Order:
        """Keeps the order and brings it to the lane; a draft hears it when it opens.

        Returns it as it stands then: done, refused, or waiting. Raises Refused: not_found,
        source_id_reused.
        """
        await get_room(self._database, room)
        async with self._database.begin() as connection:
            order = await add_order(connection, room, op, arguments, source, source_id)
        await self.deliver(room)
        return await get_order(self._database, room, order.number)

    async def deliver(self, room: RoomId) -> int:
        """Brings what waits to the lane; returns how many orders it heard. What it cannot hear now waits."""
        record = await get_room(self._database, room)
        if record.state is RoomState.DRAFT:
            return 0
        lane = (await get_lanes(self._database, room))[0]
        store = LaneStore(self._redis, game_named(record.game), room, lane.epoch, lane.lane)
        heard = 0
        # one connection of this process at most waits for its turn: the one whose turn it is needs no other
        turn = self._turns.setdefault(room, asyncio.Lock())
        async with turn, delivering(self._database, room) as connection:
            while waiting := await waiting_orders(connection, room, AT_ONCE):
                try:
                    codes = await self._bring(store, waiting)
                except Refused as refused:
                    log.info("orders wait", room=room, code=refused.code)
                    break
                now = time.time_ns() // 1_000_000
                for order, code in zip(waiting, codes, strict=False):
                    await mark_done(connection, order, now, code)
                heard += len(codes)
                if len(codes) < len(waiting):
                    break
        return heard

    async def deliver_all(self) -> None:
        """Brings all that waits in any room, one room after the other."""
        for room in await rooms_with_orders(self._database):
            await self.deliver(room)

    async def _bring(self, store: LaneStore, orders: Sequence[Order]) -> list[str | None]:
        """What the rule refused each with (None: it did it), up to the first that must wait."""
        ticked = await store.tick((), [_command(order) for order in orders])
        codes: list[str | None] = []
        for order, result in zip(orders, ticked.results, strict=True):
            code = result[1] if result[0] == 0 else None
            if code in _LATER:
                log.error("order not heard", room=order.room, number=order.number, op=order.op, code=code)
                break
            # heard so long ago that the answer is gone: that it was is what matters
            codes.append(None if code == "ref_too_old" else code)
        return codes


def _command(order: Order) -> list[Any]:
    return [HOST, STAFF, order.number, order.op, False, *order.arguments]
