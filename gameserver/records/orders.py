"""Orders: what staff and outside systems tell a room. Each has a number, and the lane hears them in order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.tables import orders as table

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(:what || :room, 0))")


class Order(msgspec.Struct, frozen=True):
    """`op` of rules.lua (or of the prelude) with its arguments; `refused` is the rule's code.

    `source` and `source_id` name what an outside system told; times in ms.
    """

    room: RoomId
    number: int
    op: str
    arguments: list[Any]
    source: str | None
    source_id: str | None
    at: int
    done_at: int | None
    refused: str | None


def _order(row: Row[Any]) -> Order:
    return Order(**row._mapping)


async def add_order(
    connection: AsyncConnection,
    room: RoomId,
    op: str,
    arguments: Sequence[Any],
    source: str | None = None,
    source_id: str | None = None,
) -> Order:
    """The order, with the room's next number; the same (source, source_id) again is the one that is known.

    Holds the room's next orders back until the transaction ends. Raises Refused("source_id_reused") where
    another order was told under the same id.
    """
    if source is not None:
        known = select(table).where(table.c.source == source, table.c.source_id == source_id)
        await connection.execute(_ONE_AT_A_TIME, {"what": "source:", "room": f"{source}:{source_id}"})
        if row := (await connection.execute(known)).one_or_none():
            before = _order(row)
            if (before.room, before.op, before.arguments) != (room, op, list(arguments)):
                raise Refused("source_id_reused")
            return before
    await connection.execute(_ONE_AT_A_TIME, {"what": "order:", "room": room})
    last = select(func.coalesce(func.max(table.c.number), 0)).where(table.c.room == room)
    values = {
        "room": room,
        "number": last.scalar_subquery() + 1,
        "op": op,
        "arguments": list(arguments),
        "source": source,
        "source_id": source_id,
    }
    return _order((await connection.execute(insert(table).values(values).returning(*table.c))).one())


async def get_order(database: Database, room: RoomId, number: int) -> Order:
    """As it stands now. Raises Refused("not_found")."""
    query = select(table).where(table.c.room == room, table.c.number == number)
    async with database.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise Refused("not_found", f"there is no order {number} of room {room!r}")
    return _order(row)


@asynccontextmanager
async def delivering(database: Database, room: RoomId) -> AsyncIterator[AsyncConnection]:
    """A transaction in which nobody else delivers the room's orders."""
    async with database.begin() as connection:
        await connection.execute(_ONE_AT_A_TIME, {"what": "deliver:", "room": room})
        yield connection


async def waiting_orders(connection: AsyncConnection, room: RoomId, limit: int) -> list[Order]:
    """The first orders that the lane has not heard, in order."""
    query = select(table).where(table.c.room == room, table.c.done_at.is_(None))
    return [_order(row) for row in await connection.execute(query.order_by(table.c.number).limit(limit))]


async def mark_done(connection: AsyncConnection, order: Order, at: int, refused: str | None) -> None:
    """The lane has heard the order, at `at` (ms)."""
    query = update(table).where(table.c.room == order.room, table.c.number == order.number)
    await connection.execute(query.values(done_at=at, refused=refused))


async def rooms_with_orders(database: Database) -> list[RoomId]:
    """Rooms in which an order waits."""
    query = select(table.c.room).where(table.c.done_at.is_(None)).distinct()
    async with database.connect() as connection:
        return [RoomId(room) for room in (await connection.execute(query)).scalars()]
