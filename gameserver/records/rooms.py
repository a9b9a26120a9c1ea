"""Rooms and their states. Times are Unix ms."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.fairness import commitment
from gameserver.games.game import CampaignId, RoomId
from gameserver.records.database import Database
from gameserver.records.tables import campaign
from gameserver.records.tables import room as table


class RoomState(StrEnum):
    """draft -> open <-> paused -> closed; a draft becomes open only through `lanes.open_lane`."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


_FROM: dict[RoomState, tuple[RoomState, ...]] = {
    RoomState.DRAFT: (),
    RoomState.OPEN: (RoomState.PAUSED,),
    RoomState.PAUSED: (RoomState.OPEN,),
    RoomState.CLOSED: (RoomState.OPEN, RoomState.PAUSED),
}


class Room(msgspec.Struct, frozen=True):
    """A room as it stands in the record.

    `points` is what it can grant at most (0 before opening); `seed` is secret until it is closed.
    """

    id: RoomId
    campaign: CampaignId
    game: str
    config: dict[str, Any]
    state: RoomState
    points: int
    rule_version: int
    rule_hash: str
    commitment: str
    seed: bytes
    created_at: int
    opened_at: int | None
    closed_at: int | None


def _room(row: Row[Any]) -> Room:
    return Room(**{**row._mapping, "state": RoomState(row.state)})


async def create_room(
    database: Database,
    *,
    campaign: CampaignId,
    game: str,
    config: Mapping[str, Any],
    rule_hash: str,
    seed: bytes,
    rule_version: int = 1,
) -> Room:
    """A draft. Its commitment is that of the seed. Raises Refused("not_found") without the campaign."""
    values = {
        "campaign": campaign,
        "game": game,
        "config": dict(config),
        "rule_version": rule_version,
        "rule_hash": rule_hash,
        "commitment": commitment(seed),
        "seed": seed,
    }
    async with database.begin() as connection:
        await lock_campaign(connection, campaign)
        return _room((await connection.execute(insert(table).values(values).returning(*table.c))).one())


async def get_room(database: Database, room: RoomId) -> Room:
    """Raises Refused("not_found")."""
    if "\0" in room:  # no text of PostgreSQL's
        raise _no_room(room)
    async with database.connect() as connection:
        row = (await connection.execute(select(table).where(table.c.id == room))).one_or_none()
    if row is None:
        raise _no_room(room)
    return _room(row)


async def list_rooms(
    database: Database, states: Collection[RoomState] = tuple(RoomState), limit: int = 1000
) -> list[Room]:
    """The newest `limit` rooms in one of `states`, newest first."""
    query = (
        select(table)
        .where(table.c.state.in_(states))
        .order_by(table.c.created_at.desc(), func.length(table.c.id).desc(), table.c.id.desc())
        .limit(limit)
    )
    async with database.connect() as connection:
        return [_room(row) for row in await connection.execute(query)]


async def set_room_state(database: Database, room: RoomId, state: RoomState, at: int) -> Room:
    """Pauses, resumes or closes a room; `at` (ms) becomes `closed_at` when it closes.

    Raises Refused("not_found"), or Refused("bad_state") where its present state does not lead there.
    """
    async with database.begin() as connection:
        before = await lock_room(connection, room)
        if before.state not in _FROM[state]:
            raise Refused("bad_state", f"room {room} is {before.state} and cannot become {state}")
        values: dict[str, Any] = {"state": state}
        if state is RoomState.CLOSED:
            values["closed_at"] = at
        return await change(connection, room, values)


async def lock_room(connection: AsyncConnection, room: RoomId) -> Room:
    """The room, locked until the transaction ends. Raises Refused("not_found")."""
    query = select(table).where(table.c.id == room).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _no_room(room)
    return _room(row)


async def lock_campaign(connection: AsyncConnection, id_: CampaignId) -> int:
    """What of the campaign's budget is for its rooms; the campaign is locked until the transaction ends.

    Raises Refused("not_found").
    """
    for_rooms = campaign.c.budget - campaign.c.events_budget
    query = select(for_rooms).where(campaign.c.id == id_).with_for_update()
    budget: int | None = (await connection.execute(query)).scalar_one_or_none()
    if budget is None:
        raise Refused("not_found", f"there is no campaign {id_!r}")
    return budget


async def promised(connection: AsyncConnection, id_: CampaignId) -> int:
    """Points that the campaign's opened rooms can grant at most."""
    query = select(func.coalesce(func.sum(table.c.points), 0)).where(table.c.campaign == id_)
    return int((await connection.execute(query)).scalar_one())


async def change(connection: AsyncConnection, room: RoomId, values: Mapping[str, Any]) -> Room:
    """Writes columns of a room that is locked."""
    query = update(table).where(table.c.id == room).values(values).returning(*table.c)
    return _room((await connection.execute(query)).one())


def _no_room(room: RoomId) -> Refused:
    return Refused("not_found", f"there is no room {room!r}")
