"""What time does to the books: purses run out, lots expire, members are reminded. In bounded steps."""

from typing import NamedTuple
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.embedded.batch import apply_batch, lock_lane
from ledger_client.embedded.loading import lock_accounts
from ledger_client.embedded.state import DAY_MS
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.ledger import LaneAt, Reminder, Upkept
from ledger_client.terms import Terms, decode_terms

UPKEEP = LaneAt("upkeep", 1)
GRACE_MS = 600_000  # spends decided before a purse's end may still be on their way
STEP = 1000  # of each kind in one transaction

_OVERDUE = text("""
    select id, member, campaign, room, amount - used as left from ledger.hold
    where kind = 'purse' and state = 'open' and until <= :until order by until, id limit :step
""")
# of members with frozen points only the lots that are wholly free: an expiry has one id, and is whole
_EXPIRED = text("""
    select id, member, campaign, expires_at, remaining from ledger.lot
    where remaining > 0 and expires_at <= :now
      and not exists (
          select from ledger.account where account.id = 'member:' || lot.member and posted - held < remaining
      )
    order by expires_at, id limit :step
""")
_STILL = text("""
    select id, member, campaign, expires_at, remaining,
           (select count(*) from ledger.entry where about = lot.id and kind = 'expire') as before
    from ledger.lot
    where id = any(cast(:ids as uuid[])) and remaining > 0 and expires_at <= :now order by expires_at, id
""")
_TERMS = text("select campaign, body from ledger.terms order by campaign")
_REMIND = text("""
    insert into ledger.reminder (member, campaign, expires_at, days, points)
    select member, campaign, expires_at, :days, sum(remaining) from ledger.lot
    where campaign = :campaign and remaining > 0 and expires_at > :after and expires_at <= :until
      and not exists (
          select from ledger.reminder where reminder.member = lot.member and reminder.campaign = lot.campaign
             and reminder.expires_at = lot.expires_at and reminder.days = :days
      )
    group by member, campaign, expires_at
    limit :step
    on conflict do nothing
    returning member, campaign, points, expires_at, days
""")


class _Lot(NamedTuple):
    id: UUID
    member: str
    campaign: str
    expires_at: int
    remaining: int
    before: int

    def expiry_id(self) -> UUID:
        """Of what came back after an expiry, the next expiry has an id of its own."""
        again = f"|{self.before}" if self.before else ""
        return uuid5(self.id, f"{self.expires_at}{again}")


async def keep_up(connection: AsyncConnection, now: int) -> Upkept:
    """See `Ledger.upkeep`."""
    await lock_lane(connection, UPKEEP)
    released = await _release_overdue(connection, now)
    lots, points = await _expire_lots(connection, now)
    return Upkept(released, lots, points, await _remind(connection, now))


async def _release_overdue(connection: AsyncConnection, now: int) -> int:
    rows = (await connection.execute(_OVERDUE, {"until": now - GRACE_MS, "step": STEP})).all()
    entries = [
        Entry(
            derived_id(f"{row.id}|timeout"), Kind.RELEASE, row.member, row.campaign, row.room, row.left, now,
            0, about=row.id,
        )
        for row in rows
    ]  # fmt: skip
    if entries:
        await apply_batch(connection, UPKEEP, entries)
    return len(entries)


async def _expire_lots(connection: AsyncConnection, now: int) -> tuple[int, int]:
    """How many lots expired, and their points."""
    found = (await connection.execute(_EXPIRED, {"now": now, "step": STEP})).all()
    if not found:
        return 0, 0
    accounts = await lock_accounts(connection, {"member:" + row.member for row in found})
    free = {name: account.available for name, account in accounts.items()}
    entries = []
    for row in await connection.execute(_STILL, {"ids": [row.id for row in found], "now": now}):
        lot = _Lot(*row)
        if lot.remaining <= free["member:" + lot.member]:
            free["member:" + lot.member] -= lot.remaining
            entries.append(
                Entry(
                    lot.expiry_id(),
                    Kind.EXPIRE,
                    lot.member,
                    lot.campaign,
                    "",
                    lot.remaining,
                    now,
                    0,
                    about=lot.id,
                )
            )
    outcomes = await apply_batch(connection, UPKEEP, entries) if entries else []
    return len(entries), sum(outcome.credited for outcome in outcomes)


async def _remind(connection: AsyncConnection, now: int) -> list[Reminder]:
    """Each lot date once per number of days, told by the smallest that fits."""
    reminders: list[Reminder] = []
    for campaign, body in (await connection.execute(_TERMS)).all():
        after = now
        for days in sorted(_days(decode_terms(body))):
            until = now + days * DAY_MS
            values = {
                "campaign": campaign,
                "days": days,
                "after": after,
                "until": until,
                "step": STEP - len(reminders),
            }
            rows = await connection.execute(_REMIND, values)
            reminders += [Reminder(*row) for row in rows]
            after = until
            if len(reminders) >= STEP:
                return reminders
    return reminders


def _days(terms: Terms) -> set[int]:
    return set(terms.remind_days)
