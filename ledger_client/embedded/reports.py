"""What all members have, who leads, and how the purses and the suspense stand."""

from collections import Counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.calendar import periods
from ledger_client.entry import Kind
from ledger_client.ledger import Liability, Purse, Ranked, Suspended, Totals
from ledger_client.terms import Terms, decode_terms

# a purse holds the points that it took last: those go back to their lots when it is released (see
# `Books.give_back`); what no lot gave belongs to the purse's own campaign. A debt belongs to none.
_LIABILITY = text("""
    with purse as (
        select id, campaign, amount - used as points from ledger.hold
        where state = 'open' and kind = 'purse' and amount > used
    ), given as (
        select purse.id, purse.points, lot_use.lot, sum(lot_use.amount) as part, min(lot_use.n) as first
        from purse join ledger.lot_use on lot_use.about = purse.id
        group by purse.id, purse.points, lot_use.lot
    ), placed as (
        select id, lot, greatest(0, least(
            part, points - (sum(part) over (partition by id order by first desc) - part)
        )) as points
        from given
    )
    select campaign, expires_at, sum(remaining) from ledger.lot
    where remaining > 0 group by campaign, expires_at
    union all
    select lot.campaign, lot.expires_at, sum(placed.points)
    from placed join ledger.lot on lot.id = placed.lot group by lot.campaign, lot.expires_at
    union all
    select purse.campaign, null, sum(purse.points - coalesce(placed.points, 0))
    from purse left join (
        select id, sum(points) as points from placed group by id
    ) as placed using (id) group by purse.campaign
    union all
    select '', null, sum(posted) from ledger.account where posted < 0 and starts_with(id, 'member:')
""")
_TERMS = text("select campaign, body from ledger.terms")

# what was reversed was neither earned nor spent; what a suspended spend cost counts once it is collected
_TOP = text("""
    select member, sum(credited) as points from ledger.entry
    where kind = any(cast(:kinds as text[])) and status = 'applied' and credited > 0
      and (:campaign = '' or campaign = :campaign) and occurred_at >= :since and occurred_at < :until
      and not exists (
          select from ledger.entry as reversal
          where reversal.reverses = entry.id and reversal.status = 'applied'
      )
    group by member order by points desc, member limit :limit
""")
_SPENT = (Kind.SPEND, Kind.REDEEM, Kind.COLLECT)

_PURSES = text("""
    select id, member, amount, used, until from ledger.hold
    where lane = :lane and state = 'open' and kind = 'purse' order by member, id
""")

_TOTALS = text("""
    select count(*) filter (where status = 'applied'), count(*) filter (where status = 'rejected'),
           count(*) filter (where status = 'suspense'), coalesce(sum(credited), 0)
    from ledger.entry where source = :lane and (:kind = '' or kind = :kind)
""")

_SUSPENDED = text("""
    select id, member, campaign, room, amount, coalesce(reason, ''), occurred_at from ledger.entry
    where status = 'suspense' and not exists (
        select from ledger.entry as resolved
        where resolved.about = entry.id and resolved.kind in ('collect', 'write_off')
          and resolved.status = 'applied'
    ) and not exists (
        select from ledger.entry as reversal
        where reversal.reverses = entry.id and reversal.status = 'applied'
    )
    order by occurred_at, id limit :limit
""")


async def liability(engine: AsyncEngine) -> list[Liability]:
    """See `Ledger.liability`.

    The month is that of the last moment at which points are still there. Debts are a line of no campaign:
    so the lines add up to what all members own.
    """
    async with engine.connect() as connection:
        moment = await connection.execution_options(isolation_level="REPEATABLE READ")
        terms = {campaign: decode_terms(body) for campaign, body in await moment.execute(_TERMS)}
        rows = (await moment.execute(_LIABILITY)).all()
    points: Counter[tuple[str, str]] = Counter()
    for campaign, expires_at, part in rows:
        timezone = terms.get(campaign, _DEFAULT).timezone
        month = "" if expires_at is None else periods(timezone, expires_at - 1).month.removeprefix("m")
        points[campaign, month] += int(part or 0)
    return [Liability(campaign, month, part) for (campaign, month), part in sorted(points.items()) if part]


async def top(
    engine: AsyncEngine, kind: Kind, campaign: str, since: int, until: int, limit: int
) -> list[Ranked]:
    """See `Ledger.top`."""
    kinds = [kind.value for kind in (_SPENT if kind is Kind.SPEND else (kind,))]
    values = {"kinds": kinds, "campaign": campaign, "since": since, "until": until, "limit": limit}
    async with engine.connect() as connection:
        return [Ranked(member, int(points)) for member, points in await connection.execute(_TOP, values)]


async def purses_of(engine: AsyncEngine, lane: str) -> list[Purse]:
    """See `Ledger.purses`."""
    async with engine.connect() as connection:
        return [Purse(*row) for row in await connection.execute(_PURSES, {"lane": lane})]


async def totals_of(engine: AsyncEngine, lane: str, kind: Kind | None = None) -> Totals:
    """See `Ledger.totals`."""
    async with engine.connect() as connection:
        row = (await connection.execute(_TOTALS, {"lane": lane, "kind": kind or ""})).one()
    return Totals(*map(int, row))


async def suspended(engine: AsyncEngine, limit: int) -> list[Suspended]:
    """See `Ledger.suspended`."""
    async with engine.connect() as connection:
        return [Suspended(*row) for row in await connection.execute(_SUSPENDED, {"limit": limit})]


_DEFAULT = Terms()
