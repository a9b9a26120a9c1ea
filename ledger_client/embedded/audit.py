"""Whether the entries are as they were sealed: the chains recomputed."""

from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger_client.embedded.chain import START, link
from ledger_client.entry import Entry, Kind, payload_hash
from ledger_client.ledger import BrokenLink, Outcome, Status

_LANES = text("select id, entries, chain_head from ledger.lane order by id")
_CHAIN = text("""
    select id, kind, member, campaign, room, amount, occurred_at, rule_version, reverses, about, until, "to",
           status, reason, credited, seq, link
    from ledger.entry where source = :lane order by seq
""")


async def audit(engine: AsyncEngine) -> list[BrokenLink]:
    """See `Ledger.audit`; all lanes are seen at one moment."""
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
        async for id_, kind, *payload, status, reason, credited, seq, sealed in rows:
            outcome = Outcome(id_, Status(status), reason, credited)
            yield Entry(id_, Kind(kind), *payload), outcome, seq, sealed
