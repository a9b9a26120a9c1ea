"""The ledger alone: a batch with all rules against a plain idempotent insert, repeats, and one hot campaign.

Every campaign has a budget, caps of day, month and year, and lots that expire. Two lanes write at once in
all runs, as two rooms do. The plain insert writes the same rows into tables of the same shape (entries,
postings, balances), skips what is there already, and decides nothing.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.entry import Entry, Kind, entry_id, payload_hash
from ledger_client.ledger import LaneAt, Ledger, Status
from ledger_client.terms import Caps, Expiry, Terms
from loadtests.meters import percentile
from loadtests.phases.phase import Bench
from loadtests.processes import Broken

ENTRIES = 60_000
QUICK_ENTRIES = 8_000
BATCH = 1000
LANES = 2
MEMBERS = 50_000
CAMPAIGNS = 20
BUDGET = 10**12
TERMS = Terms(caps=Caps(day=10**6, month=10**7, year=10**8), expiry=Expiry.YEAR_END, months=12)

_PLAIN_TABLES = (
    "create schema if not exists plain",
    "drop table if exists plain.entry, plain.posting, plain.account",
    "create table plain.entry (like ledger.entry including all)",
    "create table plain.posting (like ledger.posting including all)",
    "create table plain.account (like ledger.account including all) with (fillfactor = 70)",
    "alter table plain.account drop constraint account_floor_check",
)
_PLAIN = text("""
    with written as (
        insert into plain.entry (id, payload_hash, kind, member, campaign, room, amount, credited, status,
            occurred_at, rule_version, source, seq, link)
        select id, hash, 'earn', member, campaign, room, amount, amount, 'applied',
            occurred_at, 1, 'plain', n, hash
        from unnest(
            cast(:id as uuid[]), cast(:hash as bytea[]), cast(:member as text[]), cast(:campaign as text[]),
            cast(:room as text[]), cast(:amount as bigint[]), cast(:occurred_at as bigint[])
        ) with ordinality as line (id, hash, member, campaign, room, amount, occurred_at, n)
        on conflict do nothing returning id, member, campaign, amount
    ), posted as (
        insert into plain.posting (entry_id, account, amount)
        select id, 'campaign:' || campaign, -amount from written
        union all
        select id, 'member:' || member, amount from written
        returning account, amount
    )
    insert into plain.account (id, posted)
    select account, sum(amount) from posted group by account order by account
    on conflict (id) do update set posted = account.posted + excluded.posted
""")

Write = Callable[[int, Sequence[Entry]], Awaitable[None]]
"""Writes one batch for the lane of that number."""


async def ledger(bench: Bench) -> dict[str, float]:
    """`settlement.*` of the ledger itself, in this process and PostgreSQL's."""
    count = QUICK_ENTRIES if bench.quick else ENTRIES
    database, books = bench.stores.database, bench.stores.ledger
    bench.say(f"ledger: {count:,} plain inserts")
    plain, _ = await _timed(await _plain(database), await _entries(books, count, CAMPAIGNS))
    bench.say(f"ledger: {count:,} entries with all rules")
    entries = await _entries(books, count, CAMPAIGNS)
    rules, batches = await _timed(_applying(books, Status.APPLIED), entries)
    bench.say(f"ledger: the same {count:,} entries again")
    replay, _ = await _timed(_applying(books, Status.ALREADY), entries)
    bench.say(f"ledger: {count:,} entries of one campaign")
    hot, _ = await _timed(_applying(books, Status.APPLIED), await _entries(books, count, 1))
    return {
        "settlement.plain_per_s": plain,
        "settlement.rules_per_s": rules,
        "settlement.replay_per_s": replay,
        "settlement.hot_campaign_per_s": hot,
        "settlement.batch_p99_ms": percentile(batches, 99),
    }


async def _entries(books: Ledger, count: int, campaigns: int) -> list[Entry]:
    """New earns, spread over members and over funded campaigns, decided just now."""
    run, random = secrets.token_hex(6), Random(7)
    for number in range(campaigns):
        await books.agree(f"{run}-{number}", TERMS)
        await books.fund(f"{run}-{number}", BUDGET)
    now = time.time_ns() // 1_000_000
    return [
        Entry(
            entry_id(run, f"s{n % MEMBERS}", n, 0), Kind.EARN, f"{run}-m{random.randrange(MEMBERS)}",
            f"{run}-{random.randrange(campaigns)}", f"{run}-r", random.randint(1, 200), now, 1,
        )
        for n in range(count)
    ]  # fmt: skip


async def _plain(database: AsyncEngine) -> Write:
    async with database.begin() as connection:
        for statement in _PLAIN_TABLES:
            await connection.execute(text(statement))

    async def write(_: int, batch: Sequence[Entry]) -> None:
        async with database.begin() as connection:
            await connection.execute(
                _PLAIN,
                {
                    "id": [entry.id for entry in batch],
                    "hash": [payload_hash(entry) for entry in batch],
                    "member": [entry.member for entry in batch],
                    "campaign": [entry.campaign for entry in batch],
                    "room": [entry.room for entry in batch],
                    "amount": [entry.amount for entry in batch],
                    "occurred_at": [entry.occurred_at for entry in batch],
                },
            )

    return write


def _applying(books: Ledger, status: Status) -> Write:
    async def write(number: int, batch: Sequence[Entry]) -> None:
        outcomes = await books.apply(LaneAt(f"bench.{number}", 1, "1-0"), batch)
        if wrong := [outcome for outcome in outcomes if outcome.status is not status]:
            raise Broken(f"an entry was not {status}: {wrong[0]}")

    return write


async def _timed(write: Write, entries: Sequence[Entry]) -> tuple[float, list[float]]:
    """Entries a second over all lanes, and ms of each batch."""
    took: list[float] = []
    batches = [entries[first : first + BATCH] for first in range(0, len(entries), BATCH)]

    async def lane(number: int) -> None:
        for batch in batches[number::LANES]:
            began = time.perf_counter()
            await write(number, batch)
            took.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(LANES):
            tasks.create_task(lane(number))
    return len(entries) / (time.perf_counter() - began), took
