"""Reading the books: balances, statements, and whether the books agree with themselves."""

from collections.abc import AsyncIterator

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger_client.embedded.chain import START, link
from ledger_client.entry import Entry, Kind, payload_hash
from ledger_client.ledger import Balance, Drift, Outcome, StatementLine, Status

_BALANCE = text("select posted - held, held from ledger.account where id = 'member:' || :member")

_STATEMENT = text("""
    select id, kind, campaign, room, amount, credited, amount, reason,
           sum(amount) over (order by applied_at, source, seq),
           occurred_at, applied_at
    from ledger.entry where member = :member and status = 'applied'
    order by applied_at desc, source desc, seq desc
    limit :limit
""")

# of one thing each: what should be, what is
_DRIFT = {
    "entry: postings sum to 0": """
        select entry_id::text, 0, sum(amount) from ledger.posting group by entry_id having sum(amount) <> 0
    """,
    "entry: two postings when applied, none when rejected": """
        select coalesce(entry.id, posted.entry_id)::text,
               case when entry.status = 'applied' then 2 else 0 end, coalesce(posted.n, 0)
        from ledger.entry full join (
            select entry_id, count(*) as n from ledger.posting group by entry_id
        ) as posted on posted.entry_id = entry.id
        where coalesce(posted.n, 0) <> case when entry.status = 'applied' then 2 else 0 end
    """,
    "account: posted is the sum of its postings": """
        select coalesce(account.id, posting.account), coalesce(posting.total, 0), coalesce(account.posted, 0)
        from ledger.account full join (
            select account, sum(amount) as total from ledger.posting group by account
        ) as posting on posting.account = account.id
        where coalesce(posting.total, 0) <> coalesce(account.posted, 0)
    """,
    "member: lots are what the account has": """
        select coalesce(account.id, 'member:' || lots.member), coalesce(account.posted, 0),
               coalesce(lots.remaining, 0)
        from (select id, posted from ledger.account where starts_with(id, 'member:')) as account
        full join (
            select member, sum(remaining) as remaining from ledger.lot group by member
        ) as lots on 'member:' || lots.member = account.id
        where coalesce(account.posted, 0) <> coalesce(lots.remaining, 0)
    """,
}

_LANES = text("select id, entries, chain_head from ledger.lane order by id")
_CHAIN = text("""
    select id, kind, member, campaign, room, amount, occurred_at, rule_version, reverses,
           status, reason, payload_hash, seq, link
    from ledger.entry where source = :lane order by seq
""")


class BrokenLink(msgspec.Struct, frozen=True):
    """The first entry of a lane's chain that is not as it was sealed; `seq` counts from 1.

    `entry_id` is "" where an entry is missing.
    """

    lane: str
    seq: int
    entry_id: str


async def balance_of(engine: AsyncEngine, member: str) -> Balance:
    """See `Ledger.balance`."""
    async with engine.connect() as connection:
        row = (await connection.execute(_BALANCE, {"member": member})).one_or_none()
    return Balance(*row) if row else Balance(0, 0)


async def statement_of(engine: AsyncEngine, member: str, limit: int) -> list[StatementLine]:
    """See `Ledger.statement`."""
    async with engine.connect() as connection:
        rows = await connection.execute(_STATEMENT, {"member": member, "limit": limit})
        return [
            StatementLine(id_, Kind(kind), *rest, int(balance), occurred_at, applied_at)
            for id_, kind, *rest, balance, occurred_at, applied_at in rows
        ]


async def drift_in(engine: AsyncEngine, limit: int) -> list[Drift]:
    """See `Ledger.drift`; all checks see one moment."""
    found = []
    async with engine.connect() as connection:
        moment = await connection.execution_options(isolation_level="REPEATABLE READ")
        for what, query in _DRIFT.items():
            rows = await moment.execute(text(f"{query} limit :limit"), {"limit": limit})
            found += [Drift(what, key, int(expected), int(is_)) for key, expected, is_ in rows]
    return found


async def audit(engine: AsyncEngine) -> list[BrokenLink]:
    """Recomputes every lane's chain; empty when all stands as it was sealed."""
    broken = []
    async with engine.connect() as connection:
        moment = await connection.execution_options(isolation_level="REPEATABLE READ")
        for lane, entries, head in (await moment.execute(_LANES)).all():
            if found := await _first_broken(moment, lane, entries, head):
                broken.append(found)
    return broken


async def _first_broken(
    connection: AsyncConnection, lane: str, entries: int, head: bytes
) -> BrokenLink | None:
    expected, seq = START, 0
    async for entry, outcome, stored, sealed in _chain_of(connection, lane):
        seq += 1
        expected = link(expected, outcome, payload_hash(entry), entry.amount)
        if stored != seq or sealed != expected:
            return BrokenLink(lane, seq, str(entry.id))
    return BrokenLink(lane, seq + 1, "") if (seq, expected) != (entries, head) else None


async def _chain_of(
    connection: AsyncConnection, lane: str
) -> AsyncIterator[tuple[Entry, Outcome, int, bytes]]:
    """Entries as they are stored now, with their outcome, number and link."""
    async with connection.stream(_CHAIN, {"lane": lane}) as rows:
        async for id_, kind, *payload, status, reason, _, seq, sealed in rows:
            yield Entry(id_, Kind(kind), *payload), Outcome(id_, Status(status), reason), seq, sealed
