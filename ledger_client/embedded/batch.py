"""One batch into the books, in one transaction of a few set-based statements."""

import contextlib
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.embedded.chain import START, Chain, Hashed
from ledger_client.embedded.dead_letters import Letter, bury
from ledger_client.embedded.deciding import PARKED, decide
from ledger_client.embedded.earning import earn, only_earns
from ledger_client.embedded.loading import load
from ledger_client.embedded.postgres import passes
from ledger_client.embedded.races import Raced
from ledger_client.embedded.rules import BUDGET_EXHAUSTED
from ledger_client.embedded.tables import dead_letter
from ledger_client.embedded.writing import Decided, write
from ledger_client.entry import Entry, encode_entry, payload_hash
from ledger_client.errors import StaleEpoch
from ledger_client.ledger import LaneAt, Outcome, Status

log = structlog.get_logger()

MISMATCH = "id_payload_mismatch"
UNSTORABLE = "unstorable"

# locks the lane; plans are made for this batch and find its rows one by one through their key: of tables that
# have just grown PostgreSQL knows nothing, and would read all of them once a batch
_LOCK_LANE = text("""
    insert into ledger.lane as known (id, epoch, last_outbox_id, entries, chain_head)
    values (:id, :epoch, :outbox_id, 0, :start)
    on conflict (id) do update set epoch = greatest(known.epoch, excluded.epoch)
    returning epoch, entries, chain_head, set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
        set_config('enable_seqscan', 'off', true)
""")
_ADVANCE_LANE = text("""
    update ledger.lane set last_outbox_id = :outbox_id, entries = :entries, chain_head = :head where id = :id
""")
_KNOWN = text("""
    select id, payload_hash, status, reason, credited from ledger.entry where id = any(cast(:ids as uuid[]))
""")


async def apply_batch(connection: AsyncConnection, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
    """Applies a batch within the caller's transaction, one outcome per entry.

    Raises StaleEpoch, or DBAPIError where the whole must be tried again (see `again`).
    """
    chain = await lock_lane(connection, lane)
    hashed = [Hashed(entry, payload_hash(entry)) for entry in entries]
    known = await _known(connection, [entry.id for entry in entries])
    fresh = {line.entry.id: line for line in hashed}
    if len(fresh) < len(hashed):
        fresh = {}
        for line in hashed:
            fresh.setdefault(line.entry.id, line)
    if known:
        fresh = {id_: line for id_, line in fresh.items() if id_ not in known}
    if fresh:
        written, chain = await _write_or_bisect(connection, lane, chain, list(fresh.values()))
        await connection.execute(
            _ADVANCE_LANE,
            {"id": lane.id, "outbox_id": lane.outbox_id, "entries": chain.entries, "head": chain.head},
        )
        if len(written) == len(entries):
            return written
        known |= {outcome.id: (fresh[outcome.id].hash, outcome) for outcome in written}
    outcomes = [
        known[line.entry.id][1]
        if fresh.get(line.entry.id) is line
        else _repeated(line, *known[line.entry.id])
        for line in hashed
    ]
    await _bury_mismatches(connection, lane, hashed, outcomes)
    return outcomes


def again(error: BaseException) -> bool:
    """Whether the same batch may go through if it is simply tried again."""
    return passes(error) or isinstance(error, Raced) or _raced(error)


def _is_ours(error: Exception) -> bool:
    """A statement that is wrong in itself: no entry is to blame, and none may be put aside for it."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return isinstance(state, str) and state[:2] == "42"


def _raced(error: BaseException) -> bool:
    """Another lane stored one of the ids at this very moment: next time it is known."""
    if not isinstance(error, IntegrityError) or error.orig is None:
        return False
    # an entry's lot has the entry's id, and either may be written first
    return getattr(error.orig.__cause__, "constraint_name", None) in ("entry_pkey", "lot_pkey")


async def lock_lane(connection: AsyncConnection, lane: LaneAt) -> Chain:
    """The lane's chain, locked until the transaction ends. Raises StaleEpoch."""
    values = {"id": lane.id, "epoch": lane.epoch, "outbox_id": lane.outbox_id, "start": START}
    row = (await connection.execute(_LOCK_LANE, values)).one()
    if row.epoch > lane.epoch:
        raise StaleEpoch(f"lane {lane.id} is at epoch {row.epoch}, not {lane.epoch}")
    return Chain(row.entries, row.chain_head)


async def _known(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, tuple[bytes, Outcome]]:
    rows = await connection.execute(_KNOWN, {"ids": ids})
    return {
        id_: (hash_, Outcome(id_, Status(status), reason, credited))
        for id_, hash_, status, reason, credited in rows
    }


def _repeated(line: Hashed, known: bytes, outcome: Outcome) -> Outcome:
    """What a second reading of an id is told."""
    if line.hash != known:
        return Outcome(outcome.id, Status.MISMATCH, MISMATCH)
    if outcome.status is Status.APPLIED:
        return Outcome(outcome.id, Status.ALREADY, outcome.reason, outcome.credited)
    return outcome


async def _bury_mismatches(
    connection: AsyncConnection, lane: LaneAt, hashed: Sequence[Hashed], outcomes: Sequence[Outcome]
) -> None:
    letters = []
    for line, outcome in zip(hashed, outcomes, strict=True):
        if outcome.status is Status.MISMATCH:
            log.error("ledger alarm", reason=MISMATCH, lane=lane.id, entry=str(outcome.id))
            letters.append(_letter(lane, line.entry, MISMATCH))
    await bury(connection, dead_letter, letters)


def _letter(lane: LaneAt, entry: Entry, reason: str, behind: UUID | None = None) -> Letter:
    more = {"entry_id": entry.id, "member": entry.member.replace("\0", ""), "behind": behind}
    return Letter(lane.id, encode_entry(entry), reason, more)


async def _write_or_bisect(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, fresh: Sequence[Hashed]
) -> tuple[list[Outcome], Chain]:
    """Writes new entries; one that the database will not store is found and put aside alone."""
    try:
        if only_earns(fresh):
            with contextlib.suppress(Raced):
                async with connection.begin_nested():
                    return await earn(connection, lane, chain, fresh)
        async with connection.begin_nested():
            return await _decide_and_write(connection, lane, chain, fresh)
    except Exception as error:  # whatever an entry does to us, the others are not to wait for it
        if again(error) or _is_ours(error):
            raise
        if len(fresh) > 1:
            middle = len(fresh) // 2
            left, chain = await _write_or_bisect(connection, lane, chain, fresh[:middle])
            right, chain = await _write_or_bisect(connection, lane, chain, fresh[middle:])
            return [*left, *right], chain
        entry = fresh[0].entry
        cause = str(error.orig) if isinstance(error, DBAPIError) else repr(error)
        log.error("ledger alarm", reason=UNSTORABLE, lane=lane.id, entry=str(entry.id), error=cause)
        await bury(connection, dead_letter, [_letter(lane, entry, UNSTORABLE)])
        return [Outcome(entry.id, Status.DEAD, UNSTORABLE)], chain


async def _decide_and_write(
    connection: AsyncConnection, lane: LaneAt, chain: Chain, fresh: Sequence[Hashed]
) -> tuple[list[Outcome], Chain]:
    books = await load(connection, lane, [line.entry for line in fresh])
    outcomes, stored, parked = [], [], []
    for line in fresh:
        entry = line.entry
        verdict = decide(books, entry)
        outcome = Outcome(entry.id, verdict.status, verdict.reason, verdict.credited)
        outcomes.append(outcome)
        if verdict.status is Status.PARKED:
            behind = _behind(books.waiting, entry)
            parked.append(_letter(lane, entry, PARKED, behind))
            books.waiting[entry.id] = entry.member
        else:
            stored.append(Decided(line, outcome, verdict))
    if stored:
        chain = await write(connection, lane, chain, books, stored)
    await bury(connection, dead_letter, parked)
    _alarm(lane, outcomes)
    return outcomes, chain


def _behind(waiting: dict[UUID, str], entry: Entry) -> UUID | None:
    """What an entry is parked behind: the entry that it names, else the newest of its member."""
    named = [id_ for id_ in (entry.about, entry.reverses) if id_ in waiting]
    return (
        named[0]
        if named
        else next(id_ for id_, member in reversed(waiting.items()) if member == entry.member)
    )


def _alarm(lane: LaneAt, outcomes: Sequence[Outcome]) -> None:
    exhausted = sum(outcome.reason == BUDGET_EXHAUSTED for outcome in outcomes)
    suspended = [str(outcome.id) for outcome in outcomes if outcome.status is Status.SUSPENSE]
    if exhausted:
        log.error("ledger alarm", reason=BUDGET_EXHAUSTED, lane=lane.id, entries=exhausted)
    if suspended:
        log.error("ledger alarm", reason="suspense", lane=lane.id, entries=len(suspended), first=suspended[0])
