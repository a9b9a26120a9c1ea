"""Contestants of votes: who staff entered, who signed up, and what was decided on them. Times in ms."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import MemberId, RoomId
from gameserver.records.database import Database
from gameserver.records.rooms import lock_room
from gameserver.records.tables import contestant as table
from gameserver.records.tables import contestant_change
from ledger_client.embedded.dead_letters import NOW

MOST = 9999  # numbers of a room
_ROWS = 500  # of one insert
_PUBLIC = ("name", "text", "cover", "thumb", "media")


class ContestantState(StrEnum):
    """pending -> approved <-> withdrawn; pending -> rejected -> pending, where the member tries again."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Picture(msgspec.Struct, frozen=True):
    """Addresses of a picture, whole and small."""

    url: str
    thumb: str


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a contestant shows. `group` is "" where there are none."""

    name: str
    text: str = ""
    group: str = ""
    cover: str | None = None
    thumb: str | None = None
    media: tuple[Picture, ...] = ()


class Contestant(msgspec.Struct, frozen=True):
    """One entry of a room.

    `number` comes with the approval and stays; `member` is who signed up, None where staff entered it;
    `change` rises within the room with every change of the list.
    """

    entry: int
    room: RoomId
    number: int | None
    work: Work
    member: MemberId | None
    state: ContestantState
    reason: str | None
    change: int
    created_at: int
    decided_at: int | None

    @property
    def id(self) -> str | None:
        """As ballots name it, such as c0007; None before the approval."""
        return None if self.number is None else contestant_id(self.number)


def contestant_id(number: int) -> str:
    """The id that goes with a number."""
    return f"c{number:04}"


def _contestant(row: Row[Any]) -> Contestant:
    return Contestant(
        entry=row.entry,
        room=row.room,
        number=row.number,
        work=Work(
            group=row.group_name,
            media=msgspec.convert(row.media, tuple[Picture, ...]),
            **{name: getattr(row, name) for name in _PUBLIC if name != "media"},
        ),
        member=row.member,
        state=ContestantState(row.state),
        reason=row.reason,
        change=row.change,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )


def _columns(work: Work) -> dict[str, Any]:
    shown = msgspec.to_builtins(work)
    return {name: shown[name] for name in _PUBLIC} | {"group_name": work.group}


async def enter(connection: AsyncConnection, room: RoomId, works: Sequence[Work]) -> list[Contestant]:
    """Staff's contestants, approved, with the next numbers in their order; all of them or none.

    Raises Refused: not_found, too_many_contestants.
    """
    entered: list[Contestant] = []
    number = await _next_number(connection, room, len(works))
    for first in range(0, len(works), _ROWS):
        rows = [
            {
                "room": room,
                "number": number + first + at,
                "state": ContestantState.APPROVED,
                "decided_at": NOW,
                **_columns(work),
            }
            for at, work in enumerate(works[first : first + _ROWS])
        ]
        found = await connection.execute(insert(table).values(rows).returning(*table.c))
        entered += [_contestant(row) for row in found]
    return sorted(entered, key=lambda one: one.number or 0)


async def _next_number(connection: AsyncConnection, room: RoomId, count: int) -> int:
    """The first of `count` numbers that nobody has; the room is locked until the transaction ends."""
    await lock_room(connection, room)
    query = select(func.coalesce(func.max(table.c.number), 0)).where(table.c.room == room)
    last = int((await connection.execute(query)).scalar_one())
    if last + count > MOST:
        raise Refused("too_many_contestants", f"a room numbers at most {MOST}, and {last} are given")
    return last + 1


async def sign_up(database: Database, room: RoomId, member: MemberId, work: Work) -> Contestant:
    """A member's entry, pending; one that was rejected may be sent again.

    Raises Refused("signed_up") where the member has one already that was not rejected.
    """
    values = {"room": room, "member": member, "state": ContestantState.PENDING, **_columns(work)}
    query = upsert(table).values(values)
    again = query.on_conflict_do_update(
        index_elements=["room", "member"],
        set_={
            **{name: query.excluded[name] for name in (*_columns(work), "state")},
            "change": contestant_change.next_value(),
            "reason": None,
            "decided_at": None,
            "created_at": NOW,
        },
        where=table.c.state == ContestantState.REJECTED,
    ).returning(*table.c)
    async with database.begin() as connection:
        row = (await connection.execute(again)).one_or_none()
    if row is None:
        raise Refused("signed_up")
    return _contestant(row)


async def decide(
    connection: AsyncConnection,
    room: RoomId,
    entries: Collection[int],
    state: ContestantState,
    reason: str | None = None,
) -> list[Contestant]:
    """Approves, rejects or withdraws entries; who is approved for the first time gets the next number.

    Returns those whose state has changed: what is in that state already stays as it is. Raises Refused:
    not_found, too_many_contestants, contestant_state where the present state of one does not lead there.
    """
    await lock_room(connection, room)
    query = select(table).where(table.c.room == room, table.c.entry.in_(entries)).order_by(table.c.entry)
    before = [_contestant(row) for row in await connection.execute(query)]
    if missing := set(entries) - {one.entry for one in before}:
        raise _no_entry(room, f"e{min(missing)}")
    changing = [one for one in before if one.state is not state]
    for one in changing:
        _check(one, state)
    return [await _change(connection, one, state, reason) for one in changing]


_FROM = {
    ContestantState.APPROVED: (ContestantState.PENDING, ContestantState.REJECTED, ContestantState.WITHDRAWN),
    ContestantState.REJECTED: (ContestantState.PENDING,),
    ContestantState.WITHDRAWN: (ContestantState.APPROVED,),
}


def _check(one: Contestant, state: ContestantState) -> None:
    if one.state not in _FROM.get(state, ()):
        name = one.id or f"e{one.entry}"
        raise Refused("contestant_state", f"{name} is {one.state} and cannot become {state}")


async def _change(
    connection: AsyncConnection, one: Contestant, state: ContestantState, reason: str | None
) -> Contestant:
    number = one.number
    if state is ContestantState.APPROVED and number is None:
        number = await _next_number(connection, one.room, 1)
    values = {
        "state": state,
        "reason": reason,
        "number": number,
        "decided_at": NOW,
        "change": contestant_change.next_value(),
    }
    query = update(table).where(table.c.entry == one.entry).values(values).returning(*table.c)
    return _contestant((await connection.execute(query)).one())


async def list_contestants(
    database: Database, room: RoomId, states: Collection[ContestantState] = tuple(ContestantState)
) -> list[Contestant]:
    """Entries in one of `states` by number; those without one come last, oldest first."""
    query = (
        select(table)
        .where(table.c.room == room, table.c.state.in_(states))
        .order_by(table.c.number.nulls_last(), table.c.entry)
    )
    async with database.connect() as connection:
        return [_contestant(row) for row in await connection.execute(query)]


async def find_contestant(database: Database, room: RoomId, name: str) -> Contestant:
    """The entry of an id such as c0007, or of an entry's number such as e12. Raises Refused("not_found")."""
    kind, digits = name[:1], name[1:]
    if kind not in ("c", "e") or not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        raise _no_entry(room, name)
    column = table.c.number if kind == "c" else table.c.entry
    if kind == "c" and contestant_id(int(digits)) != name:
        raise _no_entry(room, name)
    query = select(table).where(table.c.room == room, column == int(digits))
    async with database.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise _no_entry(room, name)
    return _contestant(row)


def _no_entry(room: RoomId, name: str) -> Refused:
    return Refused("not_found", f"there is no contestant {name!r} in room {room}")


async def signed_up(database: Database, room: RoomId, member: MemberId) -> Contestant | None:
    """What a member has sent in, if anything."""
    query = select(table).where(table.c.room == room, table.c.member == member)
    async with database.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    return _contestant(row) if row else None


async def last_change(database: Database, room: RoomId) -> int:
    """The number of the last change of a room's list; 0 where it never had any.

    Sign-ups do not count: one that is sent again does not wait for a change of the list that is under way,
    and its higher number would hide that one.
    """
    listed = (ContestantState.APPROVED, ContestantState.WITHDRAWN)
    query = select(func.coalesce(func.max(table.c.change), 0))
    async with database.connect() as connection:
        found = await connection.execute(query.where(table.c.room == room, table.c.state.in_(listed)))
        return int(found.scalar_one())
