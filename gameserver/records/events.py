"""Outside events on record: decided once by (source, source id), then settled once."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row, bindparam, case, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.earning import RETURN, Decision, OutsideEvent
from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records.campaigns import RulesVersion, rules_of
from gameserver.records.database import Database
from gameserver.records.tables import campaign
from gameserver.records.tables import events as table
from ledger_client.embedded.dead_letters import NOW

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OutsideEvent).decode
_RACES = 3

Key = tuple[str, str]
"""Source and source id."""


class EventStatus(StrEnum):
    """pending -> applied or rejected."""

    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"


class KnownEvent(msgspec.Struct, frozen=True):
    """An event, what was decided on it, and what became of that.

    `credited` points moved, of those that were decided; `reason` is a code.
    """

    event: OutsideEvent
    hash: bytes
    caller: str
    decision: Decision
    entry_id: UUID
    status: EventStatus
    reason: str | None = None
    credited: int = 0

    @property
    def key(self) -> Key:
        """Under which it is known."""
        return self.event.source, self.event.source_id


class Told(NamedTuple):
    """An event as it is told, and the hash of all of it."""

    event: OutsideEvent
    hash: bytes

    @property
    def key(self) -> Key:
        """Under which it will be known."""
        return self.event.source, self.event.source_id


class Standing(NamedTuple):
    """What an event is judged by: its campaign's rules and points left for events, and what it refers to."""

    rules: RulesVersion
    left: int
    original: KnownEvent | None


class Settled(NamedTuple):
    """What became of an event; pending: it is tried again from `retry_at` (ms) on."""

    status: EventStatus
    reason: str | None = None
    credited: int = 0
    retry_at: int = 0


Judge = Callable[[Told, Standing], KnownEvent]
"""Decides on a new event, or raises Refused: then nothing of it is kept."""


def _known(row: Row[Any]) -> KnownEvent:
    return KnownEvent(
        event=_decode(row.body),
        hash=row.hash,
        caller=row.caller,
        decision=msgspec.convert(row.decision, Decision),
        entry_id=row.entry_id,
        status=EventStatus(row.status),
        reason=row.reason,
        credited=row.credited,
    )


def _row(known: KnownEvent) -> dict[str, Any]:
    event = known.event
    return {
        "source": event.source, "source_id": event.source_id, "caller": known.caller, "hash": known.hash,
        "kind": event.kind, "member": event.member, "campaign": event.campaign,
        "occurred_at": event.occurred_at, "refers_to": event.refers_to, "body": _encode(event),
        "rule_version": known.decision.rule_version, "decision": msgspec.to_builtins(known.decision),
        "points": known.decision.points, "entry_id": known.entry_id, "status": known.status.value,
        "reason": known.reason,
    }  # fmt: skip


async def keep_events(database: Database, told: Sequence[Told], judge: Judge) -> list[KnownEvent | Refused]:
    """Each event as it is known, in order: the new ones are judged and kept, all in one transaction.

    What they earn is taken from their campaigns' budget for events at once, under the campaigns' locks.
    """
    for _ in range(_RACES):
        try:
            async with database.begin() as connection:
                return await _keep(connection, told, judge)
        except IntegrityError as error:
            # the same ids were told for another campaign at this very moment: now they are known
            if getattr(error.orig.__cause__ if error.orig else None, "constraint_name", "") != "events_pkey":
                raise
    raise Refused("record_down", "the same events are told many times at once", retry_ms=1000)


async def _keep(
    connection: AsyncConnection, told: Sequence[Told], judge: Judge
) -> list[KnownEvent | Refused]:
    campaigns = sorted({one.event.campaign for one in told})
    left = await _lock_campaigns(connection, campaigns)
    rules = await rules_of(connection, campaigns)
    referred = [(one.event.source, one.event.refers_to) for one in told if one.event.refers_to is not None]
    known = await _find(connection, {one.key for one in told} | set(referred))
    fresh: list[KnownEvent] = []
    answers: list[KnownEvent | Refused] = []
    for one in told:
        answer = _answer(one, known, left, rules, judge)
        answers.append(answer)
        if isinstance(answer, KnownEvent) and answer.key not in known:
            known[answer.key] = answer
            fresh.append(answer)
            if takes(answer):
                left[answer.event.campaign] -= answer.decision.points
    if fresh:
        await connection.execute(insert(table), [_row(one) for one in fresh])
        await _take(connection, Counter({
            name: sum(one.decision.points for one in fresh if takes(one) and one.event.campaign == name)
            for name in campaigns
        }))  # fmt: skip
    return answers


def takes(known: KnownEvent) -> bool:
    """Whether the event takes points from its campaign's budget for events."""
    return known.event.refers_to is None and known.status is not EventStatus.REJECTED


def _answer(
    one: Told,
    known: Mapping[Key, KnownEvent],
    left: Mapping[str, int],
    rules: Mapping[CampaignId, RulesVersion],
    judge: Judge,
) -> KnownEvent | Refused:
    event = one.event
    if (before := known.get(one.key)) is not None:
        if before.hash != one.hash:
            return Refused("source_id_reused", f"{event.source} told of another event as {event.source_id!r}")
        return before
    if event.campaign not in left:
        return Refused("not_found", f"there is no campaign {event.campaign!r}")
    if event.campaign not in rules:
        return Refused("not_found", f"campaign {event.campaign} has no earning rules yet")
    original = known.get((event.source, event.refers_to)) if event.refers_to is not None else None
    try:
        return judge(one, Standing(rules[event.campaign], left[event.campaign], original))
    except Refused as refused:
        return refused


async def _lock_campaigns(connection: AsyncConnection, campaigns: Collection[str]) -> dict[str, int]:
    """What each campaign has left for events; locked in one order, so that no two batches wait in a ring."""
    left = (campaign.c.events_budget - campaign.c.events_taken).label("left")
    query = select(campaign.c.id, left).where(campaign.c.id.in_(campaigns)).order_by(campaign.c.id)
    return {row.id: row.left for row in await connection.execute(query.with_for_update())}


async def _take(connection: AsyncConnection, points: Mapping[str, int]) -> None:
    """Takes points from locked campaigns' budgets for events; negative: gives them back."""
    changed = [{"of": name, "points": taken} for name, taken in points.items() if taken]
    if changed:
        taken = campaign.c.events_taken + bindparam("points")
        query = update(campaign).where(campaign.c.id == bindparam("of")).values(events_taken=taken)
        await connection.execute(query, changed)


async def _find(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, KnownEvent]:
    query = select(table).where(tuple_(table.c.source, table.c.source_id).in_(list(keys)))
    return {(row.source, row.source_id): _known(row) for row in await connection.execute(query)}


async def find_events(database: Database, keys: Collection[Key]) -> dict[Key, KnownEvent]:
    """Those that are known."""
    async with database.connect() as connection:
        return await _find(connection, keys)


async def pending_events(database: Database, now: int, limit: int) -> list[KnownEvent]:
    """The oldest events that wait for the ledger and may be tried at `now` (ms)."""
    query = (
        select(table)
        .where(table.c.status == EventStatus.PENDING, table.c.retry_at <= now)
        .order_by(table.c.seq)
        .limit(limit)
    )
    async with database.connect() as connection:
        return [_known(row) for row in await connection.execute(query)]


async def pending_with(database: Database, threads: Collection[Key]) -> list[KnownEvent]:
    """All that waits of some threads (an event and those that refer to it), oldest first."""
    of_threads = or_(
        tuple_(table.c.source, table.c.source_id).in_(list(threads)),
        tuple_(table.c.source, table.c.refers_to).in_(list(threads)),
    )
    query = select(table).where(table.c.status == EventStatus.PENDING, of_threads)
    async with database.connect() as connection:
        return [_known(row) for row in await connection.execute(query.order_by(table.c.seq))]


async def settle_events(
    database: Database, events: Iterable[KnownEvent], settled: Mapping[Key, Settled]
) -> list[KnownEvent]:
    """Writes what became of pending events, each once; what was not credited goes back to the budgets.

    Returns all of them as they stand then.
    """
    of = {known.key: known for known in events}
    query = (
        update(table)
        .where(
            table.c.source == bindparam("of_source"),
            table.c.source_id == bindparam("of_id"),
            table.c.status == EventStatus.PENDING,
        )
        .values(
            status=bindparam("new_status"),
            reason=bindparam("new_reason"),
            credited=bindparam("new_credited"),
            retry_at=bindparam("new_retry_at"),
            settled_at=case((bindparam("new_status") != EventStatus.PENDING, NOW)),
        )
    )
    async with database.begin() as connection:
        await _lock_campaigns(connection, {known.event.campaign for known in of.values()})
        before = await _find(connection, of.keys())
        waiting = [key for key, known in before.items() if known.status is EventStatus.PENDING]
        if waiting:
            await connection.execute(query, [_changed(key, settled[key]) for key in waiting])
            back: Counter[str] = Counter()
            for key in waiting:
                back[before[key].event.campaign] -= _given_back(before[key], settled[key])
            await _take(connection, back)
        return list((await _find(connection, of.keys())).values())


def _changed(key: Key, settled: Settled) -> dict[str, Any]:
    return {
        "of_source": key[0], "of_id": key[1], "new_status": settled.status.value,
        "new_reason": settled.reason, "new_credited": settled.credited, "new_retry_at": settled.retry_at,
    }  # fmt: skip


def _given_back(known: KnownEvent, settled: Settled) -> int:
    """What the campaign gets back of what it promised or had given."""
    if settled.status is EventStatus.PENDING:
        return 0
    if known.event.refers_to is None:
        return known.decision.points - settled.credited
    return settled.credited if known.event.kind == RETURN else 0
