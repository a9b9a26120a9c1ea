"""What happens to goods: each step is one statement that only the right state lets through, so that of two
who try at once one has effect. Times in ms.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import MemberId, PrizeId, RoomId
from gameserver.personal import Place
from gameserver.records.database import Database
from gameserver.records.fulfilment import Fulfilment, State, held
from gameserver.records.tables import fulfilment as table
from ledger_client.embedded.arrays import numbers, texts, unnest

_EXPIRED_AT_ONCE = 5000
_MAY_CANCEL = (State.ADDRESS_NEEDED, State.TO_SHIP, State.TO_REDEEM)
_ON_ITS_WAY = (State.SHIPPED, State.RECEIVED, State.REDEEMED)


class Parcel(NamedTuple):
    """What was handed to a carrier, under which number."""

    prize: PrizeId
    unit: int
    carrier: str
    tracking: str


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
        await held(connection, place, member)
        moved = await _move(connection, place, states, values, table.c.claim_by > at)
        found = await held(connection, place, member)
    if not moved:
        raise _why_not(found, at)
    return found


async def receive(database: Database, place: Place, member: MemberId, at: int) -> Fulfilment:
    """The member has it; to say so again changes nothing. Raises Refused: not_found, bad_state."""
    async with database.begin() as connection:
        await held(connection, place, member)
        await _move(connection, place, (State.SHIPPED,), {"state": State.RECEIVED, "ended_at": at})
        found = await held(connection, place, member)
    if found.state is not State.RECEIVED:
        raise _bad_state(found)
    return found


def _why_not(found: Fulfilment, at: int) -> Refused:
    if found.state in _ON_ITS_WAY:
        return Refused("already_shipped")
    over = found.claim_by is not None and found.claim_by <= at
    if found.state is State.EXPIRED or (over and found.state is not State.CANCELED):
        return Refused("claim_expired")
    return _bad_state(found)


def _bad_state(found: Fulfilment) -> Refused:
    return Refused("bad_state", f"prize {found.prize} {found.unit} of room {found.room} is {found.state}")


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
        await held(connection, place)
        moved = await _move(connection, place, _MAY_CANCEL, values)
        found = await held(connection, place)
    if not moved:
        raise Refused("already_shipped") if found.state in _ON_ITS_WAY else _bad_state(found)
    return found


async def redeem(database: Database, code: str, *, staff: str, at: int) -> Fulfilment:
    """Hands a prize out on the spot, once.

    Raises Refused: not_found, already_redeemed (its `first` is in the text), claim_expired, bad_state.
    """
    values = {"state": State.REDEEMED, "staff": staff, "ended_at": at}
    async with database.begin() as connection:
        query = select(table.c.room, table.c.prize, table.c.unit).where(table.c.redemption_code == code)
        row = (await connection.execute(query)).one_or_none() if "\0" not in code else None
        if row is None:
            raise Refused("not_found", "there is no such redemption code")
        place = Place(*row)
        moved = await _move(connection, place, (State.TO_REDEEM,), values, table.c.claim_by > at)
        found = await held(connection, place)
    if moved:
        return found
    if found.state is State.REDEEMED:
        raise AlreadyRedeemed(found)
    if found.state is State.CANCELED:
        raise _bad_state(found)
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
        return (await held(connection, place)).redemption_code
