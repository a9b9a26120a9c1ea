"""What a member has and had: balances, statements, reminders. Each finds the member's rows by index."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.entry import Kind
from ledger_client.ledger import EXPIRING_DAYS, Balance, Reminder, StatementLine

_DAY_MS = 86_400_000

# frozen points have lots too, but only what is free can expire
_BALANCE = text("""
    select coalesce(account.available, 0), coalesce(account.held, 0) + purses.points,
           least(soon.points, greatest(account.available, 0)), soon.first
    from (
        select coalesce(sum(amount - used), 0) as points
        from ledger.hold where member = :member and state = 'open' and kind = 'purse'
    ) as purses cross join (
        select coalesce(sum(remaining), 0) as points, min(expires_at) as first
        from ledger.lot where member = :member and remaining > 0
          and expires_at <= (extract(epoch from clock_timestamp()) * 1000)::bigint + :within
    ) as soon left join (
        select posted - held as available, held from ledger.account where id = 'member:' || :member
    ) as account on true
""")

# every applied entry that concerns a member, and by how much it changed what the member owns: points in
# purses and frozen points are still theirs
_MOVEMENTS = """
    select entry.*, case
        when entry.kind = 'earn' then entry.credited
        when entry.kind in ('spend', 'redeem', 'expire', 'transfer', 'collect') then -entry.credited
        when entry.kind = 'reverse' and original.kind = 'earn' then -entry.credited
        when entry.kind = 'reverse' and original.status = 'applied' then entry.credited
        else 0
    end as change
    from ledger.entry left join ledger.entry as original on original.id = entry.reverses
    where entry.member = :member and entry.status = 'applied'
    union all
    select given.*, given.credited from ledger.entry as given
    where given."to" = :member and given.kind = 'transfer' and given.status = 'applied'
    union all
    select taken.*, -taken.credited
    from ledger.entry as given join ledger.entry as taken on taken.reverses = given.id
    where given."to" = :member and given.kind = 'transfer' and taken.status = 'applied'
"""
_BALANCE_AT = text(f"""
    select coalesce(sum(change), 0) from ({_MOVEMENTS}) as movement where applied_at <= :at
""")
_LINES = f"""
    select id, kind, campaign, room, change, credited, amount, reason,
           sum(change) over (order by applied_at, source, seq), occurred_at, applied_at
    from ({_MOVEMENTS}) as movement
"""
_STATEMENT = text(f"{_LINES} order by applied_at desc, source desc, seq desc limit :limit")
_STATEMENT_LINES = text(f"{_LINES} order by applied_at, source, seq")

# of several reminders of one expiry the last; and of its points those that are still there
_REMINDERS = text("""
    select reminder.member, reminder.campaign, still.points, reminder.expires_at, reminder.days
    from (
        select distinct on (campaign, expires_at) * from ledger.reminder
        where member = :member and expires_at > :now order by campaign, expires_at, days
    ) as reminder
    join (
        select campaign, expires_at, sum(remaining)::bigint as points from ledger.lot
        where member = :member and remaining > 0 group by campaign, expires_at
    ) as still using (campaign, expires_at)
    order by expires_at, campaign
""")


async def balance_of(engine: AsyncEngine, member: str) -> Balance:
    """See `Ledger.balance`."""
    async with engine.connect() as connection:
        values = {"member": member, "within": EXPIRING_DAYS * _DAY_MS}
        available, held, expiring, first = (await connection.execute(_BALANCE, values)).one()
    return Balance(int(available), int(held), int(expiring or 0), first if expiring else None)


async def balance_at(engine: AsyncEngine, member: str, at: int) -> int:
    """See `Ledger.balance_at`."""
    async with engine.connect() as connection:
        return int((await connection.execute(_BALANCE_AT, {"member": member, "at": at})).scalar_one())


async def statement_of(engine: AsyncEngine, member: str, limit: int) -> list[StatementLine]:
    """See `Ledger.statement`."""
    async with engine.connect() as connection:
        rows = await connection.execute(_STATEMENT, {"member": member, "limit": limit})
        return [_line(row) for row in rows]


async def statement_lines(engine: AsyncEngine, member: str) -> AsyncIterator[StatementLine]:
    """See `Ledger.statement_lines`."""
    async with (
        engine.connect() as connection,
        connection.stream(_STATEMENT_LINES, {"member": member}) as rows,
    ):
        async for row in rows:
            yield _line(row)


async def reminders_of(engine: AsyncEngine, member: str, now: int) -> list[Reminder]:
    """See `Ledger.reminders`."""
    async with engine.connect() as connection:
        rows = await connection.execute(_REMINDERS, {"member": member, "now": now})
        return [Reminder(*row) for row in rows]


def _line(row: Sequence[Any]) -> StatementLine:
    id_, kind, campaign, room, change, moved, asked, reason, balance, occurred_at, applied_at = row
    return StatementLine(
        id_, Kind(kind), campaign, room, change, moved, asked, reason, int(balance), occurred_at, applied_at
    )
