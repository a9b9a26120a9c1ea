"""Goods on their way to who won them. Times in ms.

address_needed -> to_ship -> shipped -> received, or to_redeem -> redeemed; what is not claimed in time
is expired, and staff may cancel what is not on its way. A code needs no steps: it is `given`.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.game import MemberId, PrizeId, RoomId
from gameserver.personal import Place
from gameserver.records.codes import UnitWon, give
from gameserver.records.database import Database
from gameserver.records.goods import Goods
from gameserver.records.grants import Grant
from ledger_client.embedded.arrays import numbers, texts, unnest

_PAGE = 2000


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
        return await held(connection, place, member)


async def held(connection: AsyncConnection, place: Place, member: MemberId | None = None) -> Fulfilment:
    """The same within a transaction."""
    row = None
    if "\0" not in place.room + place.prize:  # no text of PostgreSQL's
        row = (await connection.execute(_ONE, place._asdict())).one_or_none()
    if row is None or (member is not None and row.member != member):
        raise Refused("not_found", f"there is no prize {place.prize} {place.unit} of room {place.room}")
    return _fulfilment(row)
