"""What the ledger put aside: listed, tried again with all that waits behind it, or dealt with otherwise."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger_client.embedded.batch import apply_batch
from ledger_client.embedded.dead_letters import Letter
from ledger_client.entry import Entry, decode_entry
from ledger_client.errors import UnknownLetter
from ledger_client.ledger import DeadLetter, LaneAt, Outcome, Status

_LETTERS = text("""
    select encode(id, 'hex'), source, reason, attempts, at, encode(raw, 'hex'), entry_id, member
    from ledger.dead_letter where resolved_at is null order by at, id limit :limit
""")
_RESOLVE = text("""
    update ledger.dead_letter set resolved_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
    where id = :id and resolved_at is null
    returning true
""")
# the letter, then what is parked behind it, then what is parked behind that
_WITH_THOSE_BEHIND = text("""
    with recursive waiting as (
        select id, source, raw, at, entry_id, behind, 0 as depth
        from ledger.dead_letter where id = :id and resolved_at is null
        union all
        select parked.id, parked.source, parked.raw, parked.at, parked.entry_id, parked.behind,
               waiting.depth + 1
        from waiting join ledger.dead_letter as parked on parked.behind = waiting.entry_id
        where parked.resolved_at is null
    ) cycle id set cycles using path
    select id, source, raw, behind, depth, at from waiting where not cycles
""")
_TAKE_UP = text("""
    update ledger.dead_letter set resolved_at = (extract(epoch from clock_timestamp()) * 1000)::bigint
    where id = any(cast(:ids as bytea[]))
""")
_PUT_BACK = text("update ledger.dead_letter set resolved_at = null where id = any(cast(:ids as bytea[]))")
_LANE = text("select epoch, last_outbox_id from ledger.lane where id = :id for update")

_STUCK = frozenset({Status.DEAD, Status.MISMATCH, Status.PARKED})


class _Waiting(NamedTuple):
    id: bytes
    lane: str
    raw: bytes
    entry: Entry
    behind: UUID | None


async def letters(engine: AsyncEngine, limit: int) -> list[DeadLetter]:
    """See `Ledger.letters`."""
    async with engine.connect() as connection:
        return [DeadLetter(*row) for row in await connection.execute(_LETTERS, {"limit": limit})]


async def retry_letter(connection: AsyncConnection, letter: str) -> list[Outcome]:
    """See `Ledger.retry`; within the caller's transaction.

    What fails again stays, and so does all that is parked behind it.
    """
    waiting = await _with_those_behind(connection, _id(letter))
    if not waiting:
        raise UnknownLetter(letter)
    # nothing may be parked behind what is tried now: what is missing then is really missing
    await connection.execute(_TAKE_UP, {"ids": [one.id for one in waiting]})
    outcomes: list[Outcome] = []
    stuck: set[UUID] = set()
    kept: list[bytes] = []
    for one in waiting:
        if one.behind in stuck:
            stuck.add(one.entry.id)
            kept.append(one.id)
            continue
        (outcome,) = await apply_batch(connection, await _lane(connection, one.lane), [one.entry])
        outcomes.append(outcome)
        if outcome.status in _STUCK:
            stuck.add(one.entry.id)
            # put aside for another reason than before it is another letter, and that one stays
            letter_id = Letter(one.lane, one.raw, outcome.reason or "").id
            await connection.execute(_PUT_BACK, {"ids": [letter_id]})
    await connection.execute(_PUT_BACK, {"ids": kept})
    return outcomes


async def resolve_letter(connection: AsyncConnection, letter: str) -> None:
    """See `Ledger.resolve`; what is parked behind it stays, and may be tried by itself."""
    if (await connection.execute(_RESOLVE, {"id": _id(letter)})).scalar_one_or_none() is None:
        raise UnknownLetter(letter)


def _id(letter: str) -> bytes:
    try:
        return bytes.fromhex(letter)
    except ValueError:
        raise UnknownLetter(letter) from None


async def _with_those_behind(connection: AsyncConnection, letter: bytes) -> list[_Waiting]:
    """In the order in which they came, each after the one that it waits for."""
    found = []
    for id_, lane, raw, behind, depth, at in await connection.execute(_WITH_THOSE_BEHIND, {"id": letter}):
        entry = decode_entry(raw)
        found.append(((depth, at, entry.occurred_at), _Waiting(id_, lane, raw, entry, behind)))
    return [one for _, one in sorted(found, key=lambda placed: placed[0])]


async def _lane(connection: AsyncConnection, lane: str) -> LaneAt:
    """The lane as it stands, locked: its worker waits meanwhile, and is not fenced off."""
    row = (await connection.execute(_LANE, {"id": lane})).one_or_none()
    return LaneAt(lane, *row) if row else LaneAt(lane, 0)
