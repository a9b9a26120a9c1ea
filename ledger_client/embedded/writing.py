"""Decided entries into the books, in a few set-based statements."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import expiry_of
from ledger_client.embedded.arrays import numbers, texts, unnest, uuids
from ledger_client.embedded.chain import Chain, Hashed, link
from ledger_client.embedded.races import Raced
from ledger_client.embedded.rules import Verdict
from ledger_client.embedded.state import OPEN_ENDED, Account, Books
from ledger_client.entry import Kind
from ledger_client.ledger import LaneAt, Outcome


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


_LINE = {
    "id": "uuid", "member": "text", "amount": "bigint", "credited": "bigint", "occurred_at": "bigint",
    "lot": "bigint", "shared": "integer",
}  # fmt: skip
_HOLD = {
    "id": "uuid", "kind": "text", "member": "text", "campaign": "text", "room": "text", "lane": "text",
    "epoch": "integer", "amount": "bigint", "used": "bigint", "until": "bigint", "state": "text",
}  # fmt: skip
_LOT = {"ids": "uuid", "members": "text", "campaigns": "text", "expires_at": "bigint", "remaining": "bigint"}

_WRITE = text(f"""
    with line as (
        select line.*, (cast(:kind as text[]))[shared] as kind, cast(n * 32 - 31 as integer) as place,
               coalesce((cast(:taken_from as text[]))[shared], 'member:' || member) as taken_from,
               coalesce((cast(:given_to as text[]))[shared], 'member:' || member) as given_to
        from {unnest(**_LINE)} with ordinality as line ({", ".join(_LINE)}, n)
    ), entries as (
        insert into ledger.entry (id, payload_hash, kind, member, campaign, room, amount, credited, status,
            reason, occurred_at, rule_version, reverses, about, until, "to", source, seq, link)
        select id, substr(cast(:hashes as bytea), place, 32), kind, member,
            (cast(:campaign as text[]))[shared], (cast(:room as text[]))[shared], amount, credited,
            (cast(:status as text[]))[shared], (cast(:reason as text[]))[shared], occurred_at,
            (cast(:rule_version as integer[]))[shared], (cast(:reverses as uuid[]))[shared],
            (cast(:about as uuid[]))[shared], (cast(:until as bigint[]))[shared],
            (cast(:to as text[]))[shared], :source, :seq + n, substr(cast(:links as bytea), place, 32)
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
_ACCOUNTS = text(f"""
    update ledger.account set posted = account.posted + by.posted, held = account.held + by.held,
        min_balance = by.floor
    from {unnest(ids="text", posted="bigint", held="bigint", floors="bigint")} as by (id, posted, held, floor)
    where account.id = by.id
""")
# not locked before: their rows are the last to be asked for, in order
_OPEN_ENDED = text(f"""
    insert into ledger.account (id, posted)
    select id, posted from {unnest(ids="text", posted="bigint")} as by (id, posted)
    order by id
    on conflict (id) do update set posted = account.posted + excluded.posted
""")
_NEW_LOTS = text(f"""
    insert into ledger.lot (id, member, campaign, expires_at, remaining)
    select * from {unnest(**_LOT)}
""")
_LOTS = text(f"""
    update ledger.lot set remaining = now.remaining, expires_at = now.expires_at
    from {unnest(ids="uuid", expires_at="bigint", remaining="bigint")} as now (id, expires_at, remaining)
    where lot.id = now.id
""")
_USES = text(f"""
    insert into ledger.lot_use (entry_id, lot, amount, about)
    select * from {unnest(entries="uuid", lots="uuid", amounts="bigint", about="uuid")}
""")
_HOLDS = text(f"""
    insert into ledger.hold (id, kind, member, campaign, room, lane, epoch, amount, used, until, state)
    select * from {unnest(**_HOLD)}
    on conflict (id) do update set amount = excluded.amount, used = excluded.used, until = excluded.until,
        state = excluded.state
    where hold.member = excluded.member and hold.kind = excluded.kind
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
    await _move_locked(connection, [account for account in books.accounts.values() if account.is_moved])
    await books.counters.write(connection)
    await _move_open_ended(connection, decided)
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
    shares = [_shared(books, line) for line in decided]
    numbered = {shared: number for number, shared in enumerate(dict.fromkeys(shares), 1)}
    await connection.execute(
        _WRITE,
        {
            **dict(zip(Shared._fields, map(list, zip(*numbered, strict=True)), strict=True)),
            "source": lane.id,
            "seq": chain.entries,
            "shared": numbers(numbered[shared] for shared in shares),
            "id": uuids(entry.id for entry in entries),
            "hashes": b"".join([line.hash for line, _, _ in decided]),
            "links": b"".join(links),
            "member": texts(entry.member for entry in entries),
            "amount": numbers(entry.amount for entry in entries),
            "credited": numbers(outcome.credited for _, outcome, _ in decided),
            "occurred_at": numbers(entry.occurred_at for entry in entries),
            "lot": numbers(_lot(books, line) for line in decided),
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
            "ids": uuids(lot.id for lot in fresh),
            "members": texts(lot.member for lot in fresh),
            "campaigns": texts(lot.campaign for lot in fresh),
            "expires_at": numbers(lot.expires_at for lot in fresh),
            "remaining": numbers(lot.remaining for lot in fresh),
        }
        await connection.execute(_NEW_LOTS, values)
    if changed:
        values = {
            "ids": uuids(lot.id for lot in changed),
            "expires_at": numbers(lot.expires_at for lot in changed),
            "remaining": numbers(lot.remaining for lot in changed),
        }
        await connection.execute(_LOTS, values)
    if books.used:
        entries, lots, amounts, about = zip(*books.used, strict=True)
        values = {
            "entries": uuids(entries),
            "lots": uuids(lots),
            "amounts": numbers(amounts),
            "about": uuids(about),
        }
        await connection.execute(_USES, values)


async def _write_holds(connection: AsyncConnection, books: Books) -> None:
    holds = [hold for hold in books.holds.values() if hold.touched]
    if holds:
        values = {
            "id": uuids(hold.id for hold in holds),
            "kind": texts(hold.kind for hold in holds),
            "member": texts(hold.member for hold in holds),
            "campaign": texts(hold.campaign for hold in holds),
            "room": texts(hold.room for hold in holds),
            "lane": texts(hold.lane for hold in holds),
            "epoch": numbers(hold.epoch for hold in holds),
            "amount": numbers(hold.amount for hold in holds),
            "used": numbers(hold.used for hold in holds),
            "until": numbers(hold.until for hold in holds),
            "state": texts("open" if hold.open else "closed" for hold in holds),
        }
        if (await connection.execute(_HOLDS, values)).rowcount < len(holds):
            raise Raced("another member took the id of a hold")


async def _move_locked(connection: AsyncConnection, accounts: Sequence[Account]) -> None:
    if accounts:
        values = {
            "ids": texts(account.id for account in accounts),
            "posted": numbers(account.posted - account.read[0] for account in accounts),
            "held": numbers(account.held - account.read[1] for account in accounts),
            "floors": numbers(account.floor for account in accounts),
        }
        await connection.execute(_ACCOUNTS, values)


async def _move_open_ended(connection: AsyncConnection, decided: Sequence[Decided]) -> None:
    sums: Counter[str] = Counter()
    for _, outcome, verdict in decided:
        if verdict.source in OPEN_ENDED:
            sums[verdict.source] -= outcome.credited
        if verdict.target in OPEN_ENDED:
            sums[verdict.target] += outcome.credited
    if sums:
        await connection.execute(_OPEN_ENDED, {"ids": texts(sums), "posted": numbers(sums.values())})
