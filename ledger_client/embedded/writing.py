"""Decided entries into the books, in a few set-based statements."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import expiry_of
from ledger_client.embedded.chain import link
from ledger_client.embedded.deciding import Verdict
from ledger_client.embedded.state import OPEN_ENDED, Books
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import LaneAt, Outcome


class Hashed(NamedTuple):
    """An entry and its payload hash."""

    entry: Entry
    hash: bytes


class Chain(NamedTuple):
    """Where a lane's chain stands: how many entries it has stored, and the last link."""

    entries: int
    head: bytes


class Decided(NamedTuple):
    """An entry on its way into the books, what its sender is told, and between which accounts it moves."""

    line: Hashed
    outcome: Outcome
    verdict: Verdict


class Shared(NamedTuple):
    """What many entries of a batch have in common: few differ, so a line only numbers its own."""

    kind: str
    campaign: str
    room: str
    rule_version: int
    reverses: UUID | None
    about: UUID | None
    until: int | None
    to: str | None
    status: str
    reason: str | None
    taken_from: str | None
    given_to: str | None
    expires_at: int | None


_WRITE = text("""
    with line as (
        select line.*, (cast(:kind as text[]))[shared] as kind,
               coalesce((cast(:taken_from as text[]))[shared], 'member:' || member) as taken_from,
               coalesce((cast(:given_to as text[]))[shared], 'member:' || member) as given_to
        from unnest(
            cast(:id as uuid[]), cast(:hash as bytea[]), cast(:link as bytea[]), cast(:member as text[]),
            cast(:amount as bigint[]), cast(:credited as bigint[]), cast(:occurred_at as bigint[]),
            cast(:lot as bigint[]), cast(:shared as integer[])
        ) with ordinality as line (id, hash, link, member, amount, credited, occurred_at, lot, shared, n)
    ), entries as (
        insert into ledger.entry (id, payload_hash, kind, member, campaign, room, amount, credited, status,
            reason, occurred_at, rule_version, reverses, about, until, "to", source, seq, link)
        select id, hash, kind, member, (cast(:campaign as text[]))[shared], (cast(:room as text[]))[shared],
            amount, credited, (cast(:status as text[]))[shared], (cast(:reason as text[]))[shared],
            occurred_at, (cast(:rule_version as integer[]))[shared], (cast(:reverses as uuid[]))[shared],
            (cast(:about as uuid[]))[shared], (cast(:until as bigint[]))[shared],
            (cast(:to as text[]))[shared], :source, :seq + n, link
        from line
    ), lots as (
        insert into ledger.lot (id, member, campaign, expires_at, remaining)
        select id, member, (cast(:campaign as text[]))[shared], (cast(:expires_at as bigint[]))[shared], lot
        from line where lot is not null
    )
    insert into ledger.posting (entry_id, account, amount)
    select id, taken_from, -credited from line where credited > 0 and taken_from <> given_to
    union all
    select id, given_to, credited from line where credited > 0 and taken_from <> given_to
""")
# locked before, so the order does not matter
_ACCOUNTS = text("""
    update ledger.account set posted = account.posted + by.posted, held = account.held + by.held,
        min_balance = by.floor
    from unnest(
        cast(:ids as text[]), cast(:posted as bigint[]), cast(:held as bigint[]), cast(:floors as bigint[])
    ) as by (id, posted, held, floor)
    where account.id = by.id
""")
# not locked before: their rows are the last to be asked for, in order
_OPEN_ENDED = text("""
    insert into ledger.account (id, posted)
    select id, posted from unnest(cast(:ids as text[]), cast(:posted as bigint[])) as by (id, posted)
    order by id
    on conflict (id) do update set posted = account.posted + excluded.posted
""")
_NEW_LOTS = text("""
    insert into ledger.lot (id, member, campaign, expires_at, remaining)
    select * from unnest(
        cast(:ids as uuid[]), cast(:members as text[]), cast(:campaigns as text[]),
        cast(:expires_at as bigint[]), cast(:remaining as bigint[])
    )
""")
_LOTS = text("""
    update ledger.lot set remaining = now.remaining, expires_at = now.expires_at
    from unnest(
        cast(:ids as uuid[]), cast(:expires_at as bigint[]), cast(:remaining as bigint[])
    ) as now (id, expires_at, remaining)
    where lot.id = now.id
""")
_USES = text("""
    insert into ledger.lot_use (entry_id, lot, amount, about)
    select * from unnest(
        cast(:entries as uuid[]), cast(:lots as uuid[]), cast(:amounts as bigint[]), cast(:about as uuid[])
    )
""")
_HOLDS = text("""
    insert into ledger.hold (id, kind, member, campaign, room, lane, epoch, amount, used, until, state)
    values (:id, :kind, :member, :campaign, :room, :lane, :epoch, :amount, :used, :until, :state)
    on conflict (id) do update set amount = excluded.amount, used = excluded.used, until = excluded.until,
        state = excluded.state
""")


async def write(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, books: Books, decided: Sequence[Decided]
) -> Chain:
    """Writes decided entries in order and the changed books; the lane's chain goes on from `chain`."""
    links, head = [], chain.head
    for (entry, hash_), outcome, _ in decided:
        head = link(head, outcome, hash_, entry.amount)
        links.append(head)
    await _insert(connection, lane, chain, books, decided, links)
    await _write_lots(
        connection, books, {line.entry.id for line, _, _ in decided if line.entry.kind is Kind.EARN}
    )
    await _write_holds(connection, books)
    await books.counters.write(connection)
    await _write_accounts(connection, books, decided)
    return Chain(chain.entries + len(decided), head)


async def _insert(
    connection: AsyncConnection,
    lane: LaneAt,
    chain: Chain,
    books: Books,
    decided: Sequence[Decided],
    links: list[bytes],
) -> None:
    entries = [line.entry for line, _, _ in decided]
    numbers: dict[Shared, int] = {}
    numbered = [numbers.setdefault(_shared(books, line), len(numbers) + 1) for line in decided]
    await connection.execute(
        _WRITE,
        {
            **dict(zip(Shared._fields, map(list, zip(*numbers, strict=True)), strict=True)),
            "source": lane.id,
            "seq": chain.entries,
            "shared": numbered,
            "id": [entry.id for entry in entries],
            "hash": [line.hash for line, _, _ in decided],
            "link": links,
            "member": [entry.member for entry in entries],
            "amount": [entry.amount for entry in entries],
            "credited": [outcome.credited for _, outcome, _ in decided],
            "occurred_at": [entry.occurred_at for entry in entries],
            "lot": [_lot(books, line) for line in decided],
        },
    )


def _lot(books: Books, line: Decided) -> int | None:
    """What is in the lot that an earn makes; None where there is none."""
    entry = line.line.entry
    if entry.kind is not Kind.EARN or not line.outcome.credited:
        return None
    lot = books.lots.get(entry.id)
    return line.outcome.credited if lot is None else lot.remaining


def _shared(books: Books, line: Decided) -> Shared:
    entry, outcome, verdict = line.line.entry, line.outcome, line.verdict
    own = "member:" + entry.member
    lot = books.lots.get(entry.id)
    expires_at = lot.expires_at if lot else expiry_of(books.terms_of(entry.campaign), entry.occurred_at)
    return Shared(
        entry.kind.value, entry.campaign, entry.room, entry.rule_version, entry.reverses, entry.about,
        entry.until, entry.to, outcome.status.value, outcome.reason,
        None if verdict.source == own else verdict.source, None if verdict.target == own else verdict.target,
        expires_at if entry.kind is Kind.EARN else None,
    )  # fmt: skip


async def _write_lots(connection: AsyncConnection, books: Books, written: set[UUID]) -> None:
    fresh = [lot for lot in books.lots.values() if lot.fresh and lot.id not in written]
    changed = [
        lot for lot in books.lots.values() if not lot.fresh and lot.read != (lot.expires_at, lot.remaining)
    ]
    if fresh:
        values = {
            "ids": [lot.id for lot in fresh],
            "members": [lot.member for lot in fresh],
            "campaigns": [lot.campaign for lot in fresh],
        }
        rest = {
            "expires_at": [lot.expires_at for lot in fresh],
            "remaining": [lot.remaining for lot in fresh],
        }
        await connection.execute(_NEW_LOTS, values | rest)
    if changed:
        values = {
            "ids": [lot.id for lot in changed],
            "expires_at": [lot.expires_at for lot in changed],
            "remaining": [lot.remaining for lot in changed],
        }
        await connection.execute(_LOTS, values)
    if books.used:
        entries, lots, amounts, about = zip(*books.used, strict=True)
        values = {
            "entries": list(entries),
            "lots": list(lots),
            "amounts": list(amounts),
            "about": list(about),
        }
        await connection.execute(_USES, values)


async def _write_holds(connection: AsyncConnection, books: Books) -> None:
    rows = [
        {
            "id": hold.id, "kind": hold.kind, "member": hold.member, "campaign": hold.campaign,
            "room": hold.room, "lane": hold.lane, "epoch": hold.epoch, "amount": hold.amount,
            "used": hold.used, "until": hold.until, "state": "open" if hold.open else "closed",
        }
        for hold in books.holds.values()
        if hold.touched
    ]  # fmt: skip
    if rows:
        await connection.execute(_HOLDS, rows)


async def _write_accounts(connection: AsyncConnection, books: Books, decided: Sequence[Decided]) -> None:
    moved = [
        account
        for account in books.accounts.values()
        if account.read != (account.posted, account.held, account.floor)
    ]
    if moved:
        values = {
            "ids": [account.id for account in moved],
            "posted": [account.posted - account.read[0] for account in moved],
            "held": [account.held - account.read[1] for account in moved],
            "floors": [account.floor for account in moved],
        }
        await connection.execute(_ACCOUNTS, values)
    sums: Counter[str] = Counter()
    for _, outcome, verdict in decided:
        if verdict.source in OPEN_ENDED:
            sums[verdict.source] -= outcome.credited
        if verdict.target in OPEN_ENDED:
            sums[verdict.target] += outcome.credited
    if sums:
        await connection.execute(_OPEN_ENDED, {"ids": list(sums), "posted": list(sums.values())})
