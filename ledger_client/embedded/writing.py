"""New entries into the books: decided against the floors, sealed, posted, in a few set-based statements."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.embedded.chain import link
from ledger_client.entry import Entry, movement
from ledger_client.ledger import LaneAt, Outcome, Status

log = structlog.get_logger()

BUDGET_EXHAUSTED = "budget_exhausted"


class Hashed(NamedTuple):
    """An entry and its payload hash."""

    entry: Entry
    hash: bytes


class Chain(NamedTuple):
    """Where a lane's chain stands: how many entries it has stored, and the last link."""

    entries: int
    head: bytes


class Terms(NamedTuple):
    """What many entries of a batch have in common."""

    kind: str
    campaign: str
    room: str
    rule_version: int
    reverses: UUID | None
    status: str
    reason: str | None
    taken_from: str


class Decided(NamedTuple):
    """An entry on its way into the books: what becomes of it, its link, whom it gives to."""

    entry: Entry
    hash: bytes
    outcome: Outcome
    link: bytes
    taken_from: str
    given_to: str


_CREATE_ACCOUNTS = text("""
    insert into ledger.account (id, min_balance)
    select * from unnest(cast(:ids as text[]), cast(:floors as bigint[])) as missing (id, min_balance)
    order by id on conflict do nothing
""")
_LOCK_ACCOUNTS = text("""
    select id, posted - held, min_balance from ledger.account where id = any(cast(:ids as text[]))
    order by id for update
""")
# few terms differ within a batch, so a line only numbers its own (see `Terms`)
_WRITE = text("""
    with line as (
        select line.*, (cast(:taken_from as text[]))[terms] as taken_from,
               (cast(:status as text[]))[terms] = 'applied' as applied
        from unnest(
            cast(:id as uuid[]), cast(:hash as bytea[]), cast(:link as bytea[]), cast(:member as text[]),
            cast(:given_to as text[]), cast(:amount as bigint[]), cast(:occurred_at as bigint[]),
            cast(:terms as integer[])
        ) with ordinality as line (id, hash, link, member, given_to, amount, occurred_at, terms, n)
    ), entries as (
        insert into ledger.entry (id, payload_hash, kind, member, campaign, room, amount, status, reason,
            occurred_at, rule_version, reverses, credited, source, seq, link)
        select id, hash, (cast(:kind as text[]))[terms], member, (cast(:campaign as text[]))[terms],
            (cast(:room as text[]))[terms], amount, (cast(:status as text[]))[terms],
            (cast(:reason as text[]))[terms], occurred_at, (cast(:rule_version as integer[]))[terms],
            (cast(:reverses as uuid[]))[terms], case when applied then amount else 0 end, :source, :seq + n, link
        from line
    ), lots as (
        insert into ledger.lot (id, member, campaign, remaining)
        select id, member, (cast(:campaign as text[]))[terms], amount
        from line where applied and (cast(:kind as text[]))[terms] = 'earn'
    )
    insert into ledger.posting (entry_id, account, amount)
    select id, taken_from, -amount from line where applied
    union all
    select id, given_to, amount from line where applied
""")
# locked before, so the order does not matter
_TAKE = text("""
    update ledger.account set posted = posted - taken.amount
    from unnest(cast(:ids as text[]), cast(:amounts as bigint[])) as taken (id, amount)
    where account.id = taken.id
""")
# rows are locked in the order in which they come: by id, as in every batch; issuance is never new here
_GIVE = text("""
    insert into ledger.account (id, posted, min_balance)
    select id, posted, 0 from unnest(cast(:ids as text[]), cast(:amounts as bigint[])) as given (id, posted)
    order by id
    on conflict (id) do update set posted = account.posted + excluded.posted
""")


async def write(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, fresh: Sequence[Hashed]
) -> tuple[list[Outcome], Chain]:
    """Writes entries whose ids are new and differ, in order; the lane's chain goes on from `chain`."""
    moves = [movement(entry) for entry, _ in fresh]
    left = await _lock_accounts(connection, sorted({source for source, _ in moves}))
    decided = _decide(chain, fresh, moves, left)
    await _insert(connection, lane, chain, decided)
    await _move(connection, decided)
    outcomes = [line.outcome for line in decided]
    if rejected := sum(outcome.reason is not None for outcome in outcomes):
        log.error("ledger alarm", reason=BUDGET_EXHAUSTED, lane=lane.id, entries=rejected)
    return outcomes, Chain(chain.entries + len(decided), decided[-1].link)


def _decide(
    chain: Chain, fresh: Sequence[Hashed], moves: Sequence[tuple[str, str]], left: dict[str, int | None]
) -> list[Decided]:
    """In order, each entry that its account can still pay; `left` is None for one without a floor."""
    decided, head, applied = [], chain.head, Status.APPLIED
    for (entry, hash_), (source, target) in zip(fresh, moves, strict=True):
        room = left[source]
        if room is None:
            outcome = Outcome(entry.id, applied)
        elif entry.amount <= room:
            left[source] = room - entry.amount
            outcome = Outcome(entry.id, applied)
        else:
            outcome = Outcome(entry.id, Status.REJECTED, BUDGET_EXHAUSTED)
        head = link(head, outcome, hash_)
        decided.append(Decided(entry, hash_, outcome, head, source, target))
    return decided


async def _insert(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, decided: Sequence[Decided]
) -> None:
    entries = [line.entry for line in decided]
    numbers: dict[Terms, int] = {}
    numbered = [numbers.setdefault(_terms(line), len(numbers) + 1) for line in decided]
    await connection.execute(
        _WRITE,
        {
            **dict(zip(Terms._fields, map(list, zip(*numbers, strict=True)), strict=True)),
            "source": lane.id,
            "seq": chain.entries,
            "terms": numbered,
            "id": [entry.id for entry in entries],
            "hash": [line.hash for line in decided],
            "link": [line.link for line in decided],
            "member": [entry.member for entry in entries],
            "given_to": [line.given_to for line in decided],
            "amount": [entry.amount for entry in entries],
            "occurred_at": [entry.occurred_at for entry in entries],
        },
    )


def _terms(line: Decided) -> Terms:
    entry, outcome = line.entry, line.outcome
    return Terms(
        entry.kind.value, entry.campaign, entry.room, entry.rule_version, entry.reverses,
        outcome.status.value, outcome.reason, line.taken_from,
    )  # fmt: skip


async def _move(connection: AsyncConnection, decided: Sequence[Decided]) -> None:
    """The accounts' sums over the batch, each account once."""
    taken: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for entry, _, outcome, _, source, target in decided:
        if outcome.reason is None:
            taken[source] += entry.amount
            given[target] += entry.amount
    if taken:
        await connection.execute(_TAKE, {"ids": list(taken), "amounts": list(taken.values())})
        await connection.execute(_GIVE, {"ids": list(given), "amounts": list(given.values())})


async def _lock_accounts(connection: AsyncConnection, ids: list[str]) -> dict[str, int | None]:
    """What each account can still give, None without limit; missing accounts are made."""
    rows = (await connection.execute(_LOCK_ACCOUNTS, {"ids": ids})).all()
    if len(rows) < len(ids):
        floors = [floor_of(id_) for id_ in ids]
        await connection.execute(_CREATE_ACCOUNTS, {"ids": ids, "floors": floors})
        rows = (await connection.execute(_LOCK_ACCOUNTS, {"ids": ids})).all()
    return {id_: None if floor is None else balance - floor for id_, balance, floor in rows}


def floor_of(account: str) -> int | None:
    """The least that may stand in an account: points come from issuance, which alone goes below 0."""
    return None if account == "issuance" else 0
