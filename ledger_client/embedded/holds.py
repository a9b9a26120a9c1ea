"""Purses: points of members that a lane may spend, opened and topped up for many members at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.embedded.batch import apply_batch, lock_lane
from ledger_client.embedded.loading import lock_accounts
from ledger_client.entry import Entry, Kind, top_up_id
from ledger_client.errors import StaleEpoch
from ledger_client.ledger import Held, HoldAsk, HoldState, LaneAt

_EPOCH = text("select epoch from ledger.lane where id = :id")
_GRANTED = text("""
    select id, credited from ledger.entry where id = any(cast(:ids as uuid[])) and status = 'applied'
""")
_STATES = text("""
    select id, amount, used, until, state from ledger.hold where id = any(cast(:ids as uuid[]))
    order by id for update
""")


async def hold_points(connection: AsyncConnection, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
    """See `Ledger.hold`. The entries have a chain of their own, so that play never waits for settlement."""
    purses = LaneAt(f"{lane.id}/purses", lane.epoch, lane.outbox_id)
    await lock_lane(connection, purses)
    settled = (await connection.execute(_EPOCH, {"id": lane.id})).scalar_one_or_none()
    if settled is not None and settled > lane.epoch:
        raise StaleEpoch(f"lane {lane.id} is at epoch {settled}, not {lane.epoch}")
    granted = await _granted(connection, asks)
    accounts = await lock_accounts(connection, {"member:" + ask.member for ask in asks})
    left = {name: account.available for name, account in accounts.items()}
    states = await _states(connection, asks)
    entries = []
    for ask in asks:
        id_, account = top_up_id(ask.id, ask.number), "member:" + ask.member
        state = states.get(ask.id)
        if id_ in granted or (state is not None and state.state is not HoldState.OPEN):
            continue
        points = min(ask.wanted, left[account]) // ask.step * ask.step
        if points > 0:
            left[account] -= points
            granted[id_] = 0
            entries.append(_entry(id_, ask, points))
    if entries:
        outcomes = await apply_batch(connection, purses, entries)
        granted |= {outcome.id: outcome.credited for outcome in outcomes}
        states = await _states(connection, asks)
    return [_answer(ask, granted, states) for ask in asks]


async def _granted(connection: AsyncConnection, asks: Sequence[HoldAsk]) -> dict[UUID, int]:
    ids = [top_up_id(ask.id, ask.number) for ask in asks]
    return {row.id: row.credited for row in await connection.execute(_GRANTED, {"ids": ids})}


async def _states(connection: AsyncConnection, asks: Sequence[HoldAsk]) -> dict[UUID, Held]:
    rows = await connection.execute(_STATES, {"ids": [ask.id for ask in asks]})
    return {
        id_: Held(id_, 0, 0, amount, used, until, HoldState(state))
        for id_, amount, used, until, state in rows
    }


def _entry(id_: UUID, ask: HoldAsk, points: int) -> Entry:
    return Entry(
        id_,
        Kind.HOLD,
        ask.member,
        ask.campaign,
        ask.room,
        points,
        ask.occurred_at,
        0,
        about=ask.id,
        until=ask.until,
    )


def _answer(ask: HoldAsk, granted: dict[UUID, int], states: dict[UUID, Held]) -> Held:
    points = granted.get(top_up_id(ask.id, ask.number), 0)
    state = states.get(ask.id)
    if state is None:
        return Held(ask.id, ask.number, 0, 0, 0, ask.until, HoldState.NONE)
    return Held(ask.id, ask.number, points, state.amount, state.used, state.until, state.state)
