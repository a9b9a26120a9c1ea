"""Goods on their way to who won them. Times in ms.

address_needed -> to_ship -> shipped -> received, or to_redeem -> redeemed; what is not claimed in time
is expired, and staff may cancel what is not on its way. A code needs no steps: it is `given`.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import MemberId, PrizeId, RoomId
from gameserver.personal import Place
from gameserver.records.codes import UnitWon, give
from gameserver.records.database import Database
from gameserver.records.goods import Goods
from gameserver.records.grants import Grant
from gameserver.records.tables import disclosure
from gameserver.records.tables import fulfilment as table
from ledger_client.embedded.arrays import numbers, texts, unnest

_PAGE = 2000
_EXPIRED_AT_ONCE = 5000


class State(StrEnum):
    """Where a prize is. The last two are of codes, which have no row here."""

    ADDRESS_NEEDED = "address_needed"
    TO_SHIP = "to_ship"
    SHIPPED = "shipped"
    RECEIVED = "received"
    TO_REDEEM = "to_redeem"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    CANCELED = "canceled"
    GIVEN = "given"
    CODE_NEEDED = "code_needed"


_MAY_CANCEL = (State.ADDRESS_NEEDED, State.TO_SHIP, State.TO_REDEEM)
_MAY_SHIP = (State.TO_SHIP, State.SHIPPED)  # shipped again: a wrong number is mended
_ON_ITS_WAY = (State.SHIPPED, State.RECEIVED, State.REDEEMED)


class Fulfilment(msgspec.Struct, frozen=True):
    """A granted unit of goods, or of a prize with a code.

    `claim_by` is the end of the time to give an address or to fetch it; `sealed` is what the member told
    (gameserver/personal.py); `staff` did the last thing that staff did, for `reason`.
    """

    room: RoomId
    prize: PrizeId
    unit: int
    member: MemberId
    won_at: int
    state: State
    claim_by: int | None
    redemption_code: str | None
    sealed: bytes | None
    carrier: str | None
    tracking: str | None
    staff: str | None
    reason: str | None
    address_at: int | None
    shipped_at: int | None
    ended_at: int | None
    code: str | None
    code_expires_at: int | None

    @property
    def place(self) -> Place:
        """Which unit it is."""
        return Place(self.room, self.prize, self.unit)


class Parcel(NamedTuple):
    """What was handed to a carrier, under which number."""

    prize: PrizeId
    unit: int
    carrier: str
    tracking: str


_CREATE = text(f"""
    insert into game.fulfilment (room, prize, unit, member, state, claim_by)
    select cast(:room as text), won.*
    from {unnest(prize="text", unit="bigint", member="text", state="text", claim_by="bigint")} as won
    on conflict do nothing
""")


async def fulfil(connection: AsyncConnection, room: RoomId, goods: Goods, won: Sequence[Grant]) -> None:
    """Begins the fulfilment of recorded grants: goods wait for their owner, codes are given. Repeatable."""
    known = [(grant, good) for grant in won if (good := goods.get(grant.prize))]
    fetched = [(grant, good) for grant, good in known if good.pool is None]
    codes = [grant for grant, good in known if good.pool is not None]
    if fetched:
        values = {
            "room": room,
            "prize": texts([grant.prize for grant, _ in fetched]),
            "unit": numbers([grant.unit for grant, _ in fetched]),
            "member": texts([grant.member for grant, _ in fetched]),
            "state": texts(
                [State.TO_REDEEM if good.on_site else State.ADDRESS_NEEDED for _, good in fetched]
            ),
            "claim_by": numbers([grant.at + good.claim_ms for grant, good in fetched]),
        }
        await connection.execute(_CREATE, values)
    if codes:
        await give(connection, room, goods, [UnitWon(grant.prize, grant.unit, grant.at) for grant in codes])


_SHOWN = """
    select grants.room, grants.prize, grants.unit, grants.member, grants.at as won_at,
           coalesce(kept.state, case when given_at is null then 'code_needed' else 'given' end) as state,
           kept.claim_by, kept.redemption_code, kept.sealed, kept.carrier, kept.tracking, kept.staff,
           kept.reason, kept.address_at, kept.shipped_at, kept.ended_at,
           case when given_at is not null then code.code end as code,
           case when given_at is not null then code.expires_at end as code_expires_at
    from game.grants
        left join game.fulfilment as kept
            on kept.room = grants.room and kept.prize = grants.prize and kept.unit = grants.unit
        left join game.code
            on code.room = grants.room and code.prize = grants.prize and code.unit = grants.unit
            and code.voided_at is null
"""
_OF_ROOM = text(f"""
    with shown as ({_SHOWN}
        where grants.room = :room and grants.prize = any(cast(:prizes as text[]))
          and (grants.prize, grants.unit) > (:prize, :unit)
    )
    select * from shown where cast(:state as text) is null or state = :state
    order by prize, unit limit {_PAGE}
""")
_OF_MEMBER = text(
    f"{_SHOWN} where grants.member = :member and (kept.room is not null or code.id is not null)"
)
_ONE = text(f"{_SHOWN} where grants.room = :room and grants.prize = :prize and grants.unit = :unit")


def _fulfilment(row: Row[Any]) -> Fulfilment:
    return Fulfilment(**{**row._mapping, "state": State(row.state)})


async def fulfilments_of_room(
    database: Database, room: RoomId, prizes: Collection[PrizeId], state: State | None = None
) -> AsyncIterator[Fulfilment]:
    """The granted units of the given prizes by prize and unit, all or those in one state."""
    values = {"room": room, "prizes": list(prizes), "state": state}
    after: Mapping[str, Any] = {"prize": "", "unit": 0}
    while True:
        async with database.connect() as connection:
            rows = (await connection.execute(_OF_ROOM, {**values, **after})).all()
        for row in rows:
            yield _fulfilment(row)
        if len(rows) < _PAGE:
            return
        after = {"prize": rows[-1].prize, "unit": rows[-1].unit}


async def fulfilments_of_member(database: Database, member: MemberId) -> dict[Place, Fulfilment]:
    """All goods and codes of a member."""
    async with database.connect() as connection:
        rows = await connection.execute(_OF_MEMBER, {"member": member})
        return {one.place: one for one in map(_fulfilment, rows)}


async def get_fulfilment(database: Database, place: Place, member: MemberId | None = None) -> Fulfilment:
    """One unit; with `member`, only if it is theirs. Raises Refused("not_found")."""
    async with database.connect() as connection:
        return await _held(connection, place, member)


async def _held(connection: AsyncConnection, place: Place, member: MemberId | None = None) -> Fulfilment:
    row = None
    if "\0" not in place.room + place.prize:  # no text of PostgreSQL's
        row = (await connection.execute(_ONE, place._asdict())).one_or_none()
    if row is None or (member is not None and row.member != member):
        raise Refused("not_found", f"there is no prize {place.prize} {place.unit} of room {place.room}")
    return _fulfilment(row)


async def _move(
    connection: AsyncConnection,
    place: Place,
    states: Collection[State],
    values: Mapping[str, Any],
    *more: Any,
) -> bool:
    """Whether the row was in one of the states, and has the values now."""
    here = (table.c.room == place.room) & (table.c.prize == place.prize) & (table.c.unit == place.unit)
    query = update(table).where(here, table.c.state.in_(states), *more).values(values)
    return bool((await connection.execute(query)).rowcount)


async def give_address(
    database: Database, place: Place, member: MemberId, sealed: bytes, phone_index: bytes, at: int
) -> Fulfilment:
    """Keeps where the member wants it, until it is shipped or the time to claim is over.

    Raises Refused: not_found, already_shipped, claim_expired, bad_state.
    """
    values = {
        "state": State.TO_SHIP, "sealed": sealed, "phone_index": phone_index, "address_at": at,
    }  # fmt: skip
    states = (State.ADDRESS_NEEDED, State.TO_SHIP)
    async with database.begin() as connection:
        await _held(connection, place, member)
        moved = await _move(connection, place, states, values, table.c.claim_by > at)
        held = await _held(connection, place, member)
    if not moved:
        raise _why_not(held, at)
    return held


async def receive(database: Database, place: Place, member: MemberId, at: int) -> Fulfilment:
    """The member has it; to say so again changes nothing. Raises Refused: not_found, bad_state."""
    async with database.begin() as connection:
        await _held(connection, place, member)
        await _move(connection, place, (State.SHIPPED,), {"state": State.RECEIVED, "ended_at": at})
        held = await _held(connection, place, member)
    if held.state is not State.RECEIVED:
        raise _bad_state(held)
    return held


def _why_not(held: Fulfilment, at: int) -> Refused:
    if held.state in _ON_ITS_WAY:
        return Refused("already_shipped")
    over = held.claim_by is not None and held.claim_by <= at
    if held.state is State.EXPIRED or (over and held.state is not State.CANCELED):
        return Refused("claim_expired")
    return _bad_state(held)


def _bad_state(held: Fulfilment) -> Refused:
    return Refused("bad_state", f"prize {held.prize} {held.unit} of room {held.room} is {held.state}")


_SHIP = text(f"""
    update game.fulfilment set state = 'shipped', carrier = sent.carrier, tracking = sent.tracking,
        staff = :staff, shipped_at = coalesce(shipped_at, :at)
    from {unnest(prize="text", unit="bigint", carrier="text", tracking="text")}
        as sent (prize, unit, carrier, tracking)
    where fulfilment.room = :room and fulfilment.prize = sent.prize and fulfilment.unit = sent.unit
      and state in ('to_ship', 'shipped')
    returning fulfilment.prize, fulfilment.unit
""")
_STATES = text(f"""
    select prize, unit, state from game.fulfilment
    join {unnest(prize="text", unit="bigint")} as asked (prize, unit) using (prize, unit) where room = :room
""")


async def ship(
    connection: AsyncConnection, room: RoomId, parcels: Sequence[Parcel], *, staff: str, at: int
) -> dict[tuple[PrizeId, int], str]:
    """Notes parcels, each of another unit; of a unit that was shipped the number is mended.

    Returns why, by (prize, unit), those that could not be shipped were not: their state, or "" where
    there is no such unit of goods.
    """
    values = {
        "room": room,
        "prize": texts([one.prize for one in parcels]),
        "unit": numbers([one.unit for one in parcels]),
    }
    sent = {
        "carrier": texts([one.carrier for one in parcels]),
        "tracking": texts([one.tracking for one in parcels]),
    }
    rows = await connection.execute(_SHIP, {**values, **sent, "staff": staff, "at": at})
    done = {(prize, unit) for prize, unit in rows}
    left = [(one.prize, one.unit) for one in parcels if (one.prize, one.unit) not in done]
    if not left:
        return {}
    states = {(prize, unit): state for prize, unit, state in await connection.execute(_STATES, values)}
    return {place: states.get(place, "") for place in left}


async def cancel(database: Database, place: Place, *, staff: str, reason: str, at: int) -> Fulfilment:
    """Ends what is not on its way. Raises Refused: not_found, already_shipped, bad_state."""
    values = {"state": State.CANCELED, "staff": staff, "reason": reason, "ended_at": at}
    async with database.begin() as connection:
        await _held(connection, place)
        moved = await _move(connection, place, _MAY_CANCEL, values)
        held = await _held(connection, place)
    if not moved:
        raise Refused("already_shipped") if held.state in _ON_ITS_WAY else _bad_state(held)
    return held


async def redeem(database: Database, code: str, *, staff: str, at: int) -> Fulfilment:
    """Hands a prize out on the spot, once.

    Raises Refused: not_found, already_redeemed (its `held` is in the text), claim_expired, bad_state.
    """
    values = {"state": State.REDEEMED, "staff": staff, "ended_at": at}
    async with database.begin() as connection:
        query = select(table.c.room, table.c.prize, table.c.unit).where(table.c.redemption_code == code)
        row = (await connection.execute(query)).one_or_none() if "\0" not in code else None
        if row is None:
            raise Refused("not_found", "there is no such redemption code")
        place = Place(*row)
        moved = await _move(connection, place, (State.TO_REDEEM,), values, table.c.claim_by > at)
        held = await _held(connection, place)
    if moved:
        return held
    if held.state is State.REDEEMED:
        raise AlreadyRedeemed(held)
    if held.state is State.CANCELED:
        raise _bad_state(held)
    raise Refused("claim_expired")


class AlreadyRedeemed(Refused):
    """Somebody redeemed the code before: `first` says who, and when."""

    def __init__(self, first: Fulfilment) -> None:
        super().__init__("already_redeemed")
        self.first = first


_EXPIRE = text(f"""
    update game.fulfilment set state = 'expired', ended_at = claim_by
    from (
        select room, prize, unit from game.fulfilment
        where state in ('address_needed', 'to_redeem') and claim_by <= :at
        order by claim_by limit {_EXPIRED_AT_ONCE} for update skip locked
    ) as due
    where fulfilment.room = due.room and fulfilment.prize = due.prize and fulfilment.unit = due.unit
""")


async def expire(database: Database, at: int) -> int:
    """Ends what nobody claimed in time, some thousands a call; how many."""
    async with database.begin() as connection:
        return (await connection.execute(_EXPIRE, {"at": at})).rowcount


_KEEP_CODE = text("""
    update game.fulfilment set redemption_code = :code
    where room = :room and prize = :prize and unit = :unit and redemption_code is null
      and not exists (select from game.fulfilment where redemption_code = :code)
""")


async def keep_redemption_code(database: Database, place: Place, code: str) -> str | None:
    """Keeps a unit's redemption code unless it has one; the one that it has, None if `code` is another's."""
    async with database.begin() as connection:
        await connection.execute(_KEEP_CODE, {**place._asdict(), "code": code})
        return (await _held(connection, place)).redemption_code


async def disclose(database: Database, room: RoomId, *, staff: str, reason: str, at: int) -> None:
    """Notes who is about to see personal data of a room in clear, and why."""
    values = {"room": room, "staff": staff, "reason": reason, "at": at}
    async with database.begin() as connection:
        await connection.execute(insert(disclosure).values(values))
