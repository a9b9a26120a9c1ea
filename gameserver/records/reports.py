"""What reports ask the record: counts of one room, and its lines and grants one by one.

Whatever can be as long as the room's record is streamed. Members are those who play: the room's clock, hosts
and staff have lines of their own, and are none.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select, text

from gameserver.games.game import MemberId, PrizeId, RoomId, SessionId
from gameserver.records.database import Database
from gameserver.records.facts import lines_of
from gameserver.records.tables import facts

_PAGE = 2000
_decode = msgspec.msgpack.Decoder().decode
_FACT = 6  # its place in a line (store/lua/prelude/)


class Visit(NamedTuple):
    """How a session came: its channel and network, "" where that is not known."""

    channel: str = ""
    network: str = ""


NO_VISIT = Visit()


class Counts(NamedTuple):
    """Distinct members who joined, did anything, won, and got all or part of what they won."""

    joined: int
    players: int
    winners: int
    fulfilled: int


class HourCounts(NamedTuple):
    """Of one hour: members who joined for the first time, who played, grants and their points."""

    joined: int
    players: int
    grants: int
    points: int


class PrizeCounts(NamedTuple):
    """Of one prize: units and points granted, to how many, and what became of the units.

    `fulfilled` units are with who won them, `returned` ones expired or were canceled; the others are on
    their way. `credited` points are those that the ledger took.
    """

    units: int
    winners: int
    points: int
    credited: int
    fulfilled: int
    returned: int


class SessionCounts(NamedTuple):
    """One session: whether its member did anything in it, what it won, and how it came."""

    member: MemberId
    session: SessionId
    played: bool
    grants: int
    points: int
    visit: Visit


class Winner(NamedTuple):
    """A grant and what became of it; times in ms. `state` is as in records/fulfilment.py, or of points."""

    prize: PrizeId
    unit: int
    member: MemberId
    session: SessionId
    amount: int
    won_at: int
    state: str
    credited: int | None
    refused: str | None
    claim_by: int | None
    carrier: str | None
    tracking: str | None
    shipped_at: int | None
    ended_at: int | None
    reason: str | None


# lines that come before playing, or beside it
_ASIDE = "('joined', 'gift', 'purse', 'purse_closed')"
_OF_MEMBERS = "room = :room and member <> '' and left(member, 1) <> '!'"

_WON = """
    select grants.prize, grants.unit, grants.member, grants.session, grants.amount, grants.at as won_at,
           case when kept.state is not null then kept.state
                when code.given_at is not null then 'given'
                when code.id is not null then 'code_needed'
                when grants.settled_at is not null then 'settled'
                when grants.refused is not null then 'refused'
                else 'pending' end as state,
           case when grants.settled_at is not null then coalesce(grants.credited, grants.amount) end
               as credited,
           grants.refused, kept.claim_by, kept.carrier, kept.tracking, kept.shipped_at, kept.ended_at,
           kept.reason
    from game.grants
        left join game.fulfilment as kept
            on kept.room = grants.room and kept.prize = grants.prize and kept.unit = grants.unit
        left join game.code
            on code.room = grants.room and code.prize = grants.prize and code.unit = grants.unit
            and code.voided_at is null
    where grants.room = :room
"""
_FULFILLED = "state in ('settled', 'given', 'received', 'redeemed')"

_COUNTS = text(f"""
    with won as ({_WON})
    select (select count(distinct member) from game.facts where {_OF_MEMBERS} and kind = 'joined'),
           (select count(distinct member) from game.facts where {_OF_MEMBERS} and kind not in {_ASIDE}),
           (select count(distinct member) from won),
           (select count(distinct member) from won where {_FULFILLED})
""")

_PRIZES = text(f"""
    with won as ({_WON})
    select prize, count(*), count(distinct member), coalesce(sum(amount), 0), coalesce(sum(credited), 0),
           count(*) filter (where {_FULFILLED}), count(*) filter (where state in ('expired', 'canceled'))
    from won group by prize
""")

_HOURS = text(f"""
    with line as (
        select member, kind, date_trunc('hour', to_timestamp(at / 1000.0) at time zone :timezone) as hour
        from game.facts where {_OF_MEMBERS}
    ), came as (
        select hour, count(*) as joined from (
            select min(hour) as hour from line where kind = 'joined' group by member
        ) as first group by hour
    ), played as (
        select hour, count(distinct member) as players from line where kind not in {_ASIDE} group by hour
    ), won as (
        select date_trunc('hour', to_timestamp(at / 1000.0) at time zone :timezone) as hour,
               count(*) as grants, sum(amount) as points
        from game.grants where room = :room group by 1
    )
    select to_char(hour, 'YYYY-MM-DD HH24:00'), coalesce(joined, 0), coalesce(players, 0),
           coalesce(grants, 0), coalesce(points, 0)
    from came full join played using (hour) full join won using (hour)
""")

# by member, so that whoever reads on knows a member's sessions of one channel before the next member comes
_SESSIONS = text(f"""
    select acted.member, acted.session, acted.played, coalesce(won.grants, 0), coalesce(won.points, 0),
           joined.body
    from (
        select member, session, bool_or(kind not in {_ASIDE}) as played from game.facts
        where {_OF_MEMBERS} and kind not in ('purse', 'purse_closed') group by member, session
    ) as acted left join (
        select session, count(*) as grants, sum(amount) as points from game.grants
        where room = :room group by session
    ) as won using (session) left join game.facts as joined
        on joined.room = :room and joined.session = acted.session and joined.ref = 0
            and joined.kind = 'joined'
    order by acted.member
""")

_WINNERS = text(f"{_WON} order by grants.prize, grants.unit")


async def counts_of(database: Database, room: RoomId) -> Counts:
    """How many members came how far."""
    async with database.connect() as connection:
        return Counts(*(await connection.execute(_COUNTS, {"room": room})).one())


async def counts_by_prize(database: Database, room: RoomId) -> dict[PrizeId, PrizeCounts]:
    """Of prizes that somebody won."""
    async with database.connect() as connection:
        rows = await connection.execute(_PRIZES, {"room": room})
        return {PrizeId(prize): PrizeCounts(*map(int, counts)) for prize, *counts in rows}


async def counts_by_hour(database: Database, room: RoomId, timezone: str) -> dict[str, HourCounts]:
    """By the hour's start on the clocks of a timezone, such as "2026-11-11 20:00"."""
    async with database.connect() as connection:
        rows = await connection.execute(_HOURS, {"room": room, "timezone": timezone})
        return {hour: HourCounts(*map(int, counts)) for hour, *counts in rows}


async def sessions_of(database: Database, room: RoomId) -> AsyncIterator[SessionCounts]:
    """All sessions of members, by member."""
    async with database.connect() as connection, connection.stream(_SESSIONS, {"room": room}) as rows:
        async for member, session, played, grants, points, joined in rows:
            visit = _visit(joined) if joined else NO_VISIT
            yield SessionCounts(member, session, played, int(grants), int(points), visit)


async def winners_of(database: Database, room: RoomId) -> AsyncIterator[Winner]:
    """All grants by prize and unit."""
    async with database.connect() as connection, connection.stream(_WINNERS, {"room": room}) as rows:
        async for row in rows:
            yield Winner(*row)


async def pages_of(
    database: Database, room: RoomId, lane: int = 0
) -> AsyncIterator[tuple[Sequence[Sequence[Any]], Mapping[SessionId, Visit]]]:
    """The lane's decoded lines in order, some thousand at a time, and how their sessions came."""
    page: list[Sequence[Any]] = []
    async for body in lines_of(database, room, lane):
        page.append(_decode(body))
        if len(page) == _PAGE:
            yield page, await _visits(database, room, {line[0] for line in page})
            page = []
    if page:
        yield page, await _visits(database, room, {line[0] for line in page})


async def _visits(database: Database, room: RoomId, sessions: Collection[str]) -> dict[SessionId, Visit]:
    query = select(facts.c.session, facts.c.body).where(
        facts.c.room == room, facts.c.session.in_(sessions), facts.c.ref == 0, facts.c.kind == "joined"
    )
    async with database.connect() as connection:
        return {session: _visit(body) for session, body in await connection.execute(query)}


def _visit(joined: bytes) -> Visit:
    """From the line ['joined', name, channel, network]; older ones have the name alone."""
    return Visit(*_decode(joined)[_FACT][2:4])
