"""Whether the books agree with themselves."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.ledger import Drift

# of one thing each: what should be, what is
_DRIFT = {
    "entry: postings sum to 0": """
        select entry_id::text, 0, sum(amount) from ledger.posting group by entry_id having sum(amount) <> 0
    """,
    "entry: two postings where it moves points, none elsewhere": """
        select coalesce(entry.id, posted.entry_id)::text, coalesce(entry.n, 0), coalesce(posted.n, 0)
        from (
            select id, case when credited > 0 and kind not in ('freeze', 'thaw') then 2 else 0 end as n
            from ledger.entry
        ) as entry full join (
            select entry_id, count(*) as n from ledger.posting group by entry_id
        ) as posted on posted.entry_id = entry.id
        where coalesce(entry.n, 0) <> coalesce(posted.n, 0)
    """,
    "entry: postings move what was credited": """
        select entry.id::text, entry.credited, posting.amount
        from ledger.posting join ledger.entry on entry.id = posting.entry_id
        where posting.amount > 0 and posting.amount <> entry.credited
    """,
    "entry: nothing is credited where it was rejected": """
        select id::text, 0, credited from ledger.entry where status = 'rejected' and credited <> 0
    """,
    "account: posted is the sum of its postings": """
        select coalesce(account.id, posting.account), coalesce(posting.total, 0), coalesce(account.posted, 0)
        from ledger.account full join (
            select account, sum(amount) as total from ledger.posting group by account
        ) as posting on posting.account = account.id
        where coalesce(posting.total, 0) <> coalesce(account.posted, 0)
    """,
    "member: lots are what the account has": """
        select coalesce(account.id, 'member:' || lots.member), greatest(coalesce(account.posted, 0), 0),
               coalesce(lots.remaining, 0)
        from (select id, posted from ledger.account where starts_with(id, 'member:')) as account
        full join (
            select member, sum(remaining) as remaining from ledger.lot group by member
        ) as lots on 'member:' || lots.member = account.id
        where greatest(coalesce(account.posted, 0), 0) <> coalesce(lots.remaining, 0)
    """,
    "member: what is held is frozen": """
        select coalesce(account.id, 'member:' || frozen.member), coalesce(frozen.points, 0),
               coalesce(account.held, 0)
        from (select id, held from ledger.account where held <> 0) as account
        full join (
            select member, sum(amount) as points from ledger.hold
            where kind = 'freeze' and state = 'open' group by member
        ) as frozen on 'member:' || frozen.member = account.id
        where coalesce(frozen.points, 0) <> coalesce(account.held, 0)
    """,
    "purse: the account has what is not used": """
        select coalesce(account.id, 'purse:' || hold.id), coalesce(hold.points, 0),
               coalesce(account.posted, 0)
        from (select id, posted from ledger.account where starts_with(id, 'purse:')) as account
        full join (
            select id, case when state = 'open' then amount - used else 0 end as points
            from ledger.hold where kind = 'purse'
        ) as hold on 'purse:' || hold.id = account.id
        where coalesce(hold.points, 0) <> coalesce(account.posted, 0)
    """,
}


async def drift_in(engine: AsyncEngine, limit: int) -> list[Drift]:
    """See `Ledger.drift`; all checks see one moment."""
    found = []
    async with engine.connect() as connection:
        moment = await connection.execution_options(isolation_level="REPEATABLE READ")
        for what, query in _DRIFT.items():
            rows = await moment.execute(text(f"{query} limit :limit"), {"limit": limit})
            found += [Drift(what, key, int(expected), int(is_)) for key, expected, is_ in rows]
    return found
