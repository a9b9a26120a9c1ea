"""Facts: the game's own record, line by line."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.games.game import RoomId
from gameserver.line import PlacedLine, Position
from gameserver.records.database import Database
from gameserver.records.lanes import Lane
from gameserver.records.tables import facts as table
from ledger_client.embedded.arrays import numbers, texts, unnest

_PAGE = 2000

_LINE = {
    "session": "text", "ref": "bigint", "member": "text", "at": "bigint", "kind": "text", "ms": "bigint",
    "seq": "bigint", "place": "integer", "body": "bytea",
}  # fmt: skip
_INSERT = text(f"""
    insert into game.facts (room, lane, {", ".join(_LINE)})
    select cast(:room as text), cast(:lane as integer), line.* from {unnest(**_LINE)} as line
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
    inserted = await connection.execute(
        _INSERT,
        {
            "room": lane.room,
            "lane": lane.lane,
            "session": texts([line.session for line, _, _ in lines]),
            "ref": numbers([line.ref for line, _, _ in lines]),
            "member": texts([line.member for line, _, _ in lines]),
            "at": numbers([line.at for line, _, _ in lines]),
            "kind": texts([line.fact.kind for line, _, _ in lines]),
            "ms": numbers([position.ms for _, _, position in lines]),
            "seq": numbers([position.seq for _, _, position in lines]),
            "place": numbers([position.place for _, _, position in lines]),
            "body": [body for _, body, _ in lines],
        },
    )
    if inserted.rowcount == len(lines):
        return set()
    keys = {
        "room": lane.room,
        "session": [line.session for line, _, _ in lines],
        "ref": [line.ref for line, _, _ in lines],
        "body": [body for _, body, _ in lines],
    }
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


async def last_position(database: Database, room: RoomId, lane: int = 0) -> Position | None:
    """Where the last of the lane's recorded lines stood; None before the first."""
    position = (table.c.ms, table.c.seq, table.c.place)
    query = select(*position).where(table.c.room == room, table.c.lane == lane)
    async with database.connect() as connection:
        last = await connection.execute(query.order_by(*(part.desc() for part in position)).limit(1))
        row = last.one_or_none()
    return Position(*row) if row else None
