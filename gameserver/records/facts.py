"""Facts: the game's own record, line by line."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.games.game import RoomId
from gameserver.line import PlacedLine
from gameserver.records.database import Database
from gameserver.records.lanes import Lane
from gameserver.records.tables import facts as table

_PAGE = 2000

_INSERT = text("""
    insert into game.facts (room, lane, session, ref, member, at, kind, body, ms, seq, place)
    select cast(:room as text), cast(:lane as integer), line.* from unnest(
        cast(:session as text[]), cast(:ref as bigint[]), cast(:member as text[]), cast(:at as bigint[]),
        cast(:kind as text[]), cast(:body as bytea[]),
        cast(:ms as bigint[]), cast(:seq as bigint[]), cast(:place as integer[])
    ) as line
    on conflict do nothing
""")

# `offset 0`: see the queries in grants.py
_OTHERS = text("""
    select line.n from (
        select cast(:room as text) as room, line.* from unnest(
            cast(:session as text[]), cast(:ref as bigint[]), cast(:body as bytea[])
        ) with ordinality as line (session, ref, body, n) offset 0
    ) as line join game.facts using (room, session, ref)
    where facts.body <> line.body
""")


async def insert_facts(connection: AsyncConnection, lane: Lane, lines: Sequence[PlacedLine]) -> set[int]:
    """Records lines whose (session, ref) differ among themselves; repeating it changes nothing.

    Returns the indexes of lines that are on record with other bytes: those were not recorded.
    """
    keys = {
        "room": lane.room,
        "session": [line.session for line, _, _ in lines],
        "ref": [line.ref for line, _, _ in lines],
        "body": [body for _, body, _ in lines],
    }
    inserted = await connection.execute(
        _INSERT,
        {
            **keys,
            "lane": lane.lane,
            "member": [line.member for line, _, _ in lines],
            "at": [line.at for line, _, _ in lines],
            "kind": [line.fact.kind for line, _, _ in lines],
            "ms": [position.ms for _, _, position in lines],
            "seq": [position.seq for _, _, position in lines],
            "place": [position.place for _, _, position in lines],
        },
    )
    if inserted.rowcount == len(lines):
        return set()
    return {n - 1 for n in (await connection.execute(_OTHERS, keys)).scalars()}


async def lines_of(database: Database, room: RoomId, lane: int = 0) -> AsyncIterator[bytes]:
    """The lane's lines in the order of the fold, each as the MessagePack that the outbox carried."""
    position = (table.c.ms, table.c.seq, table.c.place)
    lines = select(table.c.body, *position).where(table.c.room == room, table.c.lane == lane)
    page = lines.order_by(*position).limit(_PAGE)
    after = page
    while True:
        async with database.connect() as connection:
            rows = (await connection.execute(after)).all()
        for row in rows:
            yield row.body
        if len(rows) < _PAGE:
            return
        last = rows[-1]
        after = page.where(tuple_(*position) > (last.ms, last.seq, last.place))
