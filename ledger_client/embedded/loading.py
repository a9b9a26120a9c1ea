"""Reads and locks what the entries of a batch touch: accounts first, then what hangs on them.

Caps are under their campaign's or their member's account, lots and uses under the member's: who holds the
account holds them too.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import day_of
from ledger_client.embedded.arrays import texts, unnest
from ledger_client.embedded.counters import Cap, Key
from ledger_client.embedded.state import OPEN_ENDED, Account, Books, Hold, Lot, Original, Use
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import LaneAt, Status
from ledger_client.terms import decode_terms

_ABOUT_HOLDS = frozenset({Kind.HOLD, Kind.SPEND, Kind.RELEASE, Kind.FREEZE, Kind.THAW})
_USES_LOTS = frozenset({Kind.HOLD, Kind.REDEEM, Kind.EXPIRE, Kind.TRANSFER, Kind.COLLECT})
_RESOLVES = frozenset({Kind.COLLECT, Kind.WRITE_OFF})
_PURSE_KINDS = frozenset({Kind.HOLD, Kind.SPEND, Kind.RELEASE})

_ORIGINALS = text("""
    select id, kind, member, "to", campaign, amount, credited, status, occurred_at, about
    from ledger.entry where id = any(cast(:ids as uuid[]))
""")
_DONE = text("""
    select reverses from ledger.entry where reverses = any(cast(:ids as uuid[])) and status = 'applied'
    union all
    select about from ledger.entry
    where about = any(cast(:ids as uuid[])) and kind in ('collect', 'write_off') and status = 'applied'
""")
_LOCK_ACCOUNTS = text("""
    select id, posted, held, min_balance from ledger.account where id = any(cast(:ids as text[]))
    order by starts_with(id, 'campaign:'), id for no key update
""")
_CREATE_ACCOUNTS = text(f"""
    insert into ledger.account (id, min_balance)
    select id, 0 from {unnest(ids="text")} as missing (id) order by starts_with(id, 'campaign:'), id
    on conflict do nothing returning id
""")
_HOLDS = text("""
    select id, kind, member, campaign, room, lane, epoch, amount, used, until, state
    from ledger.hold where id = any(cast(:ids as uuid[])) order by id for no key update
""")
_USES = text("""
    select entry_id, lot, amount, about from ledger.lot_use
    where entry_id = any(cast(:ids as uuid[])) or about = any(cast(:ids as uuid[]))
    order by n
""")
_LOTS = text("""
    select id, member, campaign, expires_at, remaining from ledger.lot
    where member = any(cast(:members as text[])) and remaining > 0
    union
    select id, member, campaign, expires_at, remaining from ledger.lot where id = any(cast(:ids as uuid[]))
""")
_TERMS = text("select campaign, body from ledger.terms where campaign = any(cast(:campaigns as text[]))")
_WAITING = text("""
    select entry_id, member from ledger.dead_letter
    where resolved_at is null and entry_id is not null and reason <> 'id_payload_mismatch'
    order by at
""")


async def load(connection: AsyncConnection, lane: LaneAt, entries: Sequence[Entry]) -> Books:
    """The books as far as the entries touch them, locked until the transaction ends."""
    books = Books(lane.id, lane.epoch)
    books.waiting = {row.entry_id: row.member for row in await connection.execute(_WAITING)}
    await _load_originals(connection, books, entries)
    books.accounts = await lock_accounts(connection, _accounts(books, entries))
    await _load_terms(connection, books, entries)
    await _load_holds(connection, books, entries)
    await _load_lots(connection, books, entries)
    await _load_counters(connection, books, entries)
    return books


async def _load_originals(connection: AsyncConnection, books: Books, entries: Sequence[Entry]) -> None:
    ids = {entry.reverses for entry in entries if entry.reverses is not None}
    ids |= {entry.about for entry in entries if entry.kind in _RESOLVES and entry.about is not None}
    if ids:
        for row in await connection.execute(_ORIGINALS, {"ids": list(ids)}):
            books.originals[row.id] = Original(
                row.id, Kind(row.kind), row.member, row.to, row.campaign, row.amount, row.credited,
                Status(row.status), row.occurred_at, row.about,
            )  # fmt: skip
    for entry in entries:
        if entry.id in ids:
            books.originals[entry.id] = Original(
                entry.id, entry.kind, entry.member, entry.to, entry.campaign, entry.amount, 0,
                Status.REJECTED, entry.occurred_at, entry.about,
            )  # fmt: skip


def _accounts(books: Books, entries: Sequence[Entry]) -> set[str]:
    names: set[str] = set()
    for entry in entries:
        if entry.member:
            names.add("member:" + entry.member)
        if entry.kind is Kind.EARN or entry.kind is Kind.FUND:
            names.add("campaign:" + entry.campaign)
        elif entry.kind in _PURSE_KINDS and entry.about is not None:
            names.add(f"purse:{entry.about}")
        if entry.to:
            names.add("member:" + entry.to)
        if entry.reverses and (original := books.originals.get(entry.reverses)):
            names.add("campaign:" + original.campaign)
            names |= {"member:" + name for name in (original.member, original.to) if name}
    return names


async def lock_accounts(connection: AsyncConnection, names: Iterable[str]) -> dict[str, Account]:
    """The accounts, locked by name, campaigns last, as in every batch; missing ones are made."""
    ids = sorted(set(names) - OPEN_ENDED)
    if not ids:
        return {}
    rows = await connection.execute(_LOCK_ACCOUNTS, {"ids": ids})
    accounts = {id_: Account(id_, posted, held, floor) for id_, posted, held, floor in rows}
    if len(accounts) < len(ids):
        missing = texts(id_ for id_ in ids if id_ not in accounts)
        created = (await connection.execute(_CREATE_ACCOUNTS, {"ids": missing})).scalars()
        accounts |= {id_: Account(id_, 0, 0, 0) for id_ in created}
    if len(accounts) < len(ids):
        # somebody else made them meanwhile
        return await lock_accounts(connection, ids)
    return accounts


async def _load_terms(connection: AsyncConnection, books: Books, entries: Sequence[Entry]) -> None:
    campaigns = {entry.campaign for entry in entries if entry.campaign}
    campaigns |= {original.campaign for original in books.originals.values() if original.campaign}
    if campaigns:
        rows = await connection.execute(_TERMS, {"campaigns": list(campaigns)})
        books.terms = {row.campaign: decode_terms(row.body) for row in rows}


async def _load_holds(connection: AsyncConnection, books: Books, entries: Sequence[Entry]) -> None:
    ids = {entry.about for entry in entries if entry.kind in _ABOUT_HOLDS and entry.about is not None}
    ids |= books.originals.keys()  # a frozen entry is frozen under its own id
    if ids:
        for row in await connection.execute(_HOLDS, {"ids": list(ids)}):
            books.holds[row.id] = Hold(*row)
    if books.originals:
        # who was locked before us may have reversed it meanwhile: look only now
        done = await connection.execute(_DONE, {"ids": list(books.originals)})
        books.done = set(done.scalars())


async def _load_lots(connection: AsyncConnection, books: Books, entries: Sequence[Entry]) -> None:
    returned: set[UUID] = set()
    for entry in entries:
        if entry.kind in _USES_LOTS:
            books.users.add(entry.member)
        elif entry.kind is Kind.RELEASE and entry.about is not None:
            returned.add(entry.about)
    for original in books.originals.values():
        books.users |= {name for name in (original.member, original.to) if name}
        returned.add(original.id)
        if original.about is not None:
            returned.add(original.about)
    lots = {entry.about for entry in entries if entry.kind is Kind.EXPIRE and entry.about is not None}
    if returned:
        for row in await connection.execute(_USES, {"ids": list(returned)}):
            use = Use(*row)
            lots.add(use.lot)
            books.remember(use)
    if lots or books.users:
        for row in await connection.execute(_LOTS, {"members": list(books.users), "ids": list(lots)}):
            books.lots[row.id] = Lot(*row)


async def _load_counters(connection: AsyncConnection, books: Books, entries: Sequence[Entry]) -> None:
    capped = {campaign: terms for campaign, terms in books.terms.items() if terms.caps.any}
    wanted: dict[Key, None] = {}
    for entry in entries:
        if entry.kind is Kind.EARN:
            terms = capped.get(entry.campaign)
            if terms:
                year = day_of(terms.timezone, entry.occurred_at).year
                wanted[Key(Cap.EARN, entry.campaign, entry.member, year)] = None
        elif entry.kind is Kind.TRANSFER:
            year = day_of(books.terms_of(entry.campaign).timezone, entry.occurred_at).year
            wanted[Key(Cap.TRANSFER, entry.campaign, entry.member, year)] = None
    for original in books.originals.values():
        year = day_of(books.terms_of(original.campaign).timezone, original.occurred_at).year
        for cap in Cap:
            wanted[Key(cap, original.campaign, original.member, year)] = None
    await books.counters.load(connection, wanted)
