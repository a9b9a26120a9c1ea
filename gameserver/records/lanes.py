"""Lanes, their epochs and the units lent to them."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import CampaignId, PrizeId, RoomId
from gameserver.records.codes import reserve
from gameserver.records.database import Database
from gameserver.records.rooms import Room, RoomState, change, lock_campaign, lock_room, promised
from gameserver.records.tables import lane as table
from gameserver.records.tables import lease as leases
from gameserver.records.tables import room as rooms


class StaleEpoch(Exception):  # noqa: N818 - says which, not that something broke
    """The lane has a newer epoch than the one its caller works under."""


class Lane(msgspec.Struct, frozen=True):
    """A lane; `applied_id` is the last outbox stream id whose lines are on record."""

    room: RoomId
    lane: int
    epoch: int
    applied_id: str | None

    @property
    def name(self) -> str:
        """Such as "r42.0"."""
        return f"{self.room}.{self.lane}"


class SettledLane(msgspec.Struct, frozen=True):
    """A lane with what its entries need to say; `closed_at` in ms, None while the room is not closed."""

    lane: Lane
    campaign: CampaignId
    rule_version: int
    closed_at: int | None


class Lease(msgspec.Struct, frozen=True):
    """Units first_unit..last_unit of a prize, lent to a lane under an epoch."""

    room: RoomId
    lane: int
    epoch: int
    prize: PrizeId
    first_unit: int
    last_unit: int


async def open_lane(
    database: Database, room: RoomId, *, opened_at: int, stock: Mapping[PrizeId, int], points: int
) -> tuple[Room, Lane]:
    """Opens a draft: state, lane 0 under epoch 1, and one lease of all stock, all or nothing.

    Args:
        database: the record.
        room: a draft.
        opened_at: ms; the plan is made from it.
        stock: units by prize, at least 1 each; numbered from 1.
        points: what the room can grant at most, taken from the campaign's budget.

    Units of prizes with a code pool get their codes, unseen (see records/codes.py).

    Raises Refused: "not_found", "bad_state" if it is no draft, "budget_too_small", "too_few_codes".
    """
    async with database.begin() as connection:
        draft = await lock_room(connection, room)
        if draft.state is not RoomState.DRAFT:
            raise Refused("bad_state", f"room {room} is {draft.state}; only a draft can be opened")
        left = await lock_campaign(connection, draft.campaign) - await promised(connection, draft.campaign)
        if points > left:
            raise Refused(
                "budget_too_small", f"the room can grant {points} points; the campaign has {left} left"
            )
        opened = await change(
            connection, room, {"state": RoomState.OPEN, "opened_at": opened_at, "points": points}
        )
        lane = Lane(room, 0, 1, None)
        await connection.execute(insert(table).values(msgspec.structs.asdict(lane)))
        lent = [
            msgspec.structs.asdict(Lease(room, 0, 1, prize, 1, units))
            for prize, units in stock.items()
            if units
        ]
        if lent:
            await connection.execute(insert(leases), lent)
        await reserve(connection, opened.campaign, room, opened.config, stock, opened_at)
        return opened, lane


async def raise_epoch(database: Database, room: RoomId, lane: int = 0) -> int:
    """The lane's next epoch, with the same units lent under it; whoever works under the old one is refused.

    Raises Refused("not_found").
    """
    async with database.begin() as connection:
        query = (
            update(table)
            .where(table.c.room == room, table.c.lane == lane)
            .values(epoch=table.c.epoch + 1)
            .returning(table.c.epoch)
        )
        epoch: int | None = (await connection.execute(query)).scalar_one_or_none()
        if epoch is None:
            raise Refused("not_found", f"room {room} has no lane {lane}")
        again = select(
            leases.c.room,
            leases.c.lane,
            literal(epoch),
            leases.c.prize,
            leases.c.first_unit,
            leases.c.last_unit,
        ).where(leases.c.room == room, leases.c.lane == lane, leases.c.epoch == epoch - 1)
        await connection.execute(insert(leases).from_select([c.name for c in leases.c], again))
        return epoch


async def get_lanes(database: Database, room: RoomId) -> list[Lane]:
    """All lanes of a room in order; none before its opening."""
    async with database.connect() as connection:
        query = select(table).where(table.c.room == room).order_by(table.c.lane)
        return [Lane(**row._mapping) for row in await connection.execute(query)]


async def lanes_to_settle(
    database: Database, closed_since: int = 0, room: RoomId | None = None
) -> list[SettledLane]:
    """Lanes of all rooms that are open, paused, or were closed at `closed_since` (ms) or later.

    With `room`, the lanes of that one.
    """
    query = (
        select(*table.c, rooms.c.campaign, rooms.c.rule_version, rooms.c.closed_at)
        .join(rooms, rooms.c.id == table.c.room)
        .where(
            rooms.c.id == room if room else rooms.c.closed_at.is_(None) | (rooms.c.closed_at >= closed_since)
        )
        .order_by(rooms.c.opened_at, table.c.room, table.c.lane)
    )
    async with database.connect() as connection:
        return [
            SettledLane(
                Lane(row.room, row.lane, row.epoch, row.applied_id),
                row.campaign,
                row.rule_version,
                row.closed_at,
            )
            for row in await connection.execute(query)
        ]


async def get_leases(database: Database, lane: Lane) -> list[Lease]:
    """What is lent to the lane under its epoch, by prize and first unit."""
    query = (
        select(leases)
        .where(leases.c.room == lane.room, leases.c.lane == lane.lane, leases.c.epoch == lane.epoch)
        .order_by(leases.c.prize, leases.c.first_unit)
    )
    async with database.connect() as connection:
        return [Lease(**row._mapping) for row in await connection.execute(query)]


async def lock_lane(connection: AsyncConnection, lane: Lane) -> Lane:
    """The lane as it stands, locked until the transaction ends. Raises StaleEpoch."""
    query = select(table).where(table.c.room == lane.room, table.c.lane == lane.lane).with_for_update()
    held = Lane(**(await connection.execute(query)).one()._mapping)
    if held.epoch != lane.epoch:
        raise StaleEpoch(f"lane {lane.name} has epoch {held.epoch}, not {lane.epoch}")
    return held


async def advance(connection: AsyncConnection, held: Lane, applied: tuple[int, int]) -> None:
    """Moves the locked lane's `applied_id` forward to (ms, seq), never back."""
    if held.applied_id is not None and stream_id(held.applied_id) >= applied:
        return
    query = update(table).where(table.c.room == held.room, table.c.lane == held.lane)
    await connection.execute(query.values(applied_id=f"{applied[0]}-{applied[1]}"))


def stream_id(text: str) -> tuple[int, int]:
    """(ms, seq) of a stream id such as "1789990000123-0"."""
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)
