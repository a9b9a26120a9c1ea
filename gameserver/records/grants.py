"""Grants: units awarded to members."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.games.game import MemberId, PrizeId, RoomId, SessionId
from gameserver.line import Line
from gameserver.records.database import Database, by_index
from gameserver.records.tables import grants as table
from ledger_client.embedded.arrays import numbers, texts, unnest, uuids
from ledger_client.entry import entry_id
from ledger_client.ledger import Outcome

_PAGE = 2000


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A granted unit and the command that won it.

    `amount` in points, 0 for goods; `at` in ms; `entry_id` is what the ledger is owed under, None for
    goods.
    """

    room: RoomId
    prize: PrizeId
    unit: int
    session: SessionId
    ref: int
    line: int
    member: MemberId
    amount: int
    epoch: int
    at: int
    entry_id: UUID | None


class Given(msgspec.Struct, frozen=True):
    """Units and points granted of one prize."""

    units: int
    points: int


class MemberPrize(msgspec.Struct, frozen=True):
    """A grant as its member asks for it.

    `listed` is the prize as the room's config lists it, None for the game's own prizes (such as packets).
    `credited` is what the ledger credited where that is less than the amount; `refused` says why it would
    not take the grant, or not all of it.
    """

    grant: Grant
    room_title: str
    listed: Mapping[str, Any] | None
    settled: bool
    refused: str | None
    credited: int | None


def grants_of_line(room: RoomId, line: Line) -> list[Grant]:
    """What a line granted, in order."""
    session, ref = line.session, line.ref
    return [
        Grant(
            room, grant.prize, grant.unit, session, ref, number, grant.member, grant.amount, grant.epoch,
            line.at, entry_id(room, session, ref, number) if grant.amount else None,
        )
        for number, grant in enumerate(line.grants)
    ]  # fmt: skip


_GRANT = {
    "prize": "text", "unit": "bigint", "session": "text", "ref": "bigint", "line": "integer",
    "member": "text", "amount": "bigint", "epoch": "integer", "at": "bigint", "entry_id": "uuid",
}  # fmt: skip
_INSERT = text(f"""
    insert into game.grants (room, {", ".join(_GRANT)})
    select cast(:room as text), given.* from {unnest(**_GRANT)} as given
    on conflict do nothing
""")

# `offset 0` keeps the room within the key that is looked up: of a room that has just opened PostgreSQL
# knows nothing, takes it for empty, and would read all of it once per line
_HELD = text("""
    select given.n from (
        select cast(:room as text) as room, given.* from unnest(
            cast(:prize as text[]), cast(:unit as bigint[]), cast(:session as text[]),
            cast(:ref as bigint[]), cast(:line as integer[])
        ) with ordinality as given (prize, unit, session, ref, line, n) offset 0
    ) as given join game.grants using (room, prize, unit, session, ref, line)
""")

_SETTLE = text(f"""
    update game.grants set settled_at = :at
    from (
        select cast(:room as text) as room, given.*
        from {unnest(prize="text", unit="bigint")} as given (prize, unit) offset 0
    ) as given
    where grants.room = given.room and grants.prize = given.prize and grants.unit = given.unit
      and grants.settled_at is null
""")

_REFUSE = text("""
    update game.grants set refused = given.reason
    from (
        select cast(:room as text) as room, given.*
        from unnest(cast(:prize as text[]), cast(:unit as bigint[]), cast(:reason as text[]))
            as given (prize, unit, reason) offset 0
    ) as given
    where grants.room = given.room and grants.prize = given.prize and grants.unit = given.unit
""")

_CUT = text("""
    update game.grants set credited = given.credited, refused = given.reason
    from (
        select cast(:room as text) as room, given.*
        from unnest(
            cast(:prize as text[]), cast(:unit as bigint[]), cast(:credited as bigint[]),
            cast(:reason as text[])
        ) as given (prize, unit, credited, reason) offset 0
    ) as given
    where grants.room = given.room and grants.prize = given.prize and grants.unit = given.unit
""")

_SETTLE_ENTRIES = text("""
    update game.grants set settled_at = :at, credited = nullif(given.credited, grants.amount),
        refused = case when given.credited < grants.amount then given.reason end
    from unnest(
        cast(:ids as uuid[]), cast(:credited as bigint[]), cast(:reasons as text[])
    ) as given (id, credited, reason)
    where grants.entry_id = given.id and grants.settled_at is null
""")


async def insert_grants(connection: AsyncConnection, room: RoomId, given: Sequence[Grant]) -> set[int]:
    """Records grants; repeating it changes nothing.

    Returns the indexes of grants that are not on record after it, because the unit belongs to another
    (session, ref, line) or that one won another unit.
    """
    values = {
        "room": room,
        "prize": texts([grant.prize for grant in given]),
        "unit": numbers([grant.unit for grant in given]),
        "session": texts([grant.session for grant in given]),
        "ref": numbers([grant.ref for grant in given]),
        "line": numbers([grant.line for grant in given]),
        "member": texts([grant.member for grant in given]),
        "amount": numbers([grant.amount for grant in given]),
        "epoch": numbers([grant.epoch for grant in given]),
        "at": numbers([grant.at for grant in given]),
        "entry_id": uuids([grant.entry_id for grant in given]),
    }
    inserted = await connection.execute(_INSERT, values)
    if inserted.rowcount == len(given):
        return set()
    return set(range(len(given))) - await on_record(connection, room, given)


async def on_record(connection: AsyncConnection, room: RoomId, given: Sequence[Grant]) -> set[int]:
    """The indexes of grants that are on record as they are, won by the same (session, ref, line)."""
    held = (await connection.execute(_HELD, _places(room, given))).scalars()
    return {n - 1 for n in held}


def _places(room: RoomId, given: Sequence[Grant]) -> dict[str, Any]:
    return {
        "room": room,
        "prize": [grant.prize for grant in given],
        "unit": [grant.unit for grant in given],
        "session": [grant.session for grant in given],
        "ref": [grant.ref for grant in given],
        "line": [grant.line for grant in given],
    }


async def mark_settled(
    database: Database,
    room: RoomId,
    settled: Sequence[Grant],
    refused: Sequence[tuple[Grant, str]],
    at: int,
    cut: Sequence[tuple[Grant, int, str]] = (),
) -> None:
    """Notes which grants the ledger took (at `at`, ms) and which it would not, and why. Repeatable.

    `cut`: those of the settled of which it credited only so many points, and why.
    """
    async with database.begin() as connection:
        await by_index(connection)
        if settled:
            units = {
                "prize": texts([grant.prize for grant in settled]),
                "unit": numbers([grant.unit for grant in settled]),
            }
            await connection.execute(_SETTLE, {"room": room, "at": at, **units})
        if refused:
            reasons = {
                "prize": [grant.prize for grant, _ in refused],
                "unit": [grant.unit for grant, _ in refused],
                "reason": [reason for _, reason in refused],
            }
            await connection.execute(_REFUSE, {"room": room, **reasons})
        if cut:
            parts = {
                "prize": [grant.prize for grant, _, _ in cut],
                "unit": [grant.unit for grant, _, _ in cut],
                "credited": [credited for _, credited, _ in cut],
                "reason": [reason for _, _, reason in cut],
            }
            await connection.execute(_CUT, {"room": room, **parts})


async def settle_entries(database: Database, outcomes: Sequence[Outcome], at: int) -> int:
    """Settles the grants that waited for entries the ledger has applied after all; how many those were."""
    values = {
        "ids": [outcome.id for outcome in outcomes],
        "credited": [outcome.credited for outcome in outcomes],
        "reasons": [outcome.reason for outcome in outcomes],
        "at": at,
    }
    async with database.begin() as connection:
        return (await connection.execute(_SETTLE_ENTRIES, values)).rowcount


async def grants_of(database: Database, room: RoomId) -> AsyncIterator[Grant]:
    """All grants of a room by prize and unit."""
    key = (table.c.prize, table.c.unit)
    page = select(*_COLUMNS).where(table.c.room == room).order_by(*key).limit(_PAGE)
    after = page
    while True:
        async with database.connect() as connection:
            rows = (await connection.execute(after)).all()
        for row in rows:
            yield Grant(*row)
        if len(rows) < _PAGE:
            return
        after = page.where(tuple_(*key) > (rows[-1].prize, rows[-1].unit))


async def given_by_prize(database: Database, room: RoomId) -> dict[PrizeId, Given]:
    """Units and points granted in a room, by prize; prizes nobody has won are absent."""
    query = (
        select(table.c.prize, func.count(), func.sum(table.c.amount))
        .where(table.c.room == room)
        .group_by(table.c.prize)
    )
    async with database.connect() as connection:
        return {prize: Given(units, int(points)) for prize, units, points in await connection.execute(query)}


_MEMBER_PRIZES = text("""
    select grants.room, grants.prize, unit, session, ref, line, member, amount, epoch, at, entry_id,
           room.config ->> 'title',
           jsonb_path_query_first(room.config, '$.prizes[*] ? (@.id == $id)',
                                  jsonb_build_object('id', grants.prize)),
           settled_at is not null, refused, credited
    from game.grants join game.room on room.id = grants.room
    where member = :member
    order by at desc, grants.room, session, ref desc, line desc
    limit :limit
""")


async def prizes_of_member(database: Database, member: MemberId, limit: int = 500) -> list[MemberPrize]:
    """The member's newest grants over all rooms, newest first."""
    async with database.connect() as connection:
        rows = await connection.execute(_MEMBER_PRIZES, {"member": member, "limit": limit})
        return [MemberPrize(Grant(*row[: len(_COLUMNS)]), *row[len(_COLUMNS) :]) for row in rows]


async def pending_points(database: Database, member: MemberId) -> int:
    """Points granted to the member that the ledger has neither taken nor refused yet."""
    query = select(func.coalesce(func.sum(table.c.amount), 0)).where(
        table.c.member == member, table.c.settled_at.is_(None), table.c.refused.is_(None)
    )
    async with database.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


_COLUMNS = tuple(table.c[name] for name in Grant.__struct_fields__)
