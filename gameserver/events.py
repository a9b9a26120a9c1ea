"""Outside events (purchases, sign-ins, reviews ...): decided once, kept, and brought to the ledger once.

What is decided is on record before the ledger hears of it, so an event is never decided twice and never
lost: while the ledger is away it is pending, and `retry_pending` brings it there later under the same id.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter

from gameserver.earning import FOLLOWING, FREEZE, RETURN, THAW, Decision, OutsideEvent, decide
from gameserver.errors import Refused
from gameserver.records.callers import Caller
from gameserver.records.database import Database
from gameserver.records.events import (
    EventStatus,
    Key,
    KnownEvent,
    Settled,
    Standing,
    Told,
    find_events,
    keep_events,
    pending_events,
    pending_with,
    settle_events,
)
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.errors import LedgerAway
from ledger_client.ledger import LaneAt, Ledger, Outcome, Status

log = structlog.get_logger()

LANE = LaneAt("events", 1)
MAX_BATCH = 1000
MAX_AHEAD_MS = 300_000  # clocks of callers may run that much ahead of ours
PUT_ASIDE_MS = 60_000  # what the ledger has put aside waits for people: no need to ask every second
BUDGET_EXHAUSTED = "budget_exhausted"
NO_RULE = "no_rule"
CAPS = frozenset({"daily_cap", "monthly_cap", "yearly_cap"})

EVENTS = Counter("gameserver_outside_events_total", "Outside events by what became of them", ["status"])

_encode = msgspec.msgpack.Encoder().encode
_KINDS = {RETURN: Kind.REVERSE, FREEZE: Kind.FREEZE, THAW: Kind.THAW}


class Shown(NamedTuple):
    """What a cap cut, for the member to see: "12 of 20 credited: daily_cap"."""

    asked: int
    credited: int
    cap: str


class Events:
    """Outside events, on the record and the ledger.

    Args:
        database: the record.
        ledger: where points end.
    """

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def take(self, caller: Caller, events: Sequence[OutsideEvent]) -> list[KnownEvent | Refused]:
        """Decides on events and applies them in one batch; an answer for each, in order.

        What is refused was not kept and may be told again. An event told before is answered as it stands.
        """
        at = time.time_ns() // 1_000_000
        told = [Told(event, hashlib.sha256(_encode(event)).digest()) for event in events]
        refused = {n: why for n, one in enumerate(told) if (why := _unwelcome(caller, one.event, at))}
        welcome = [one for n, one in enumerate(told) if n not in refused]
        kept = await keep_events(self._database, welcome, lambda one, by: _judged(caller, one, by))
        settled = await self._settled([one for one in kept if isinstance(one, KnownEvent)])
        answers = iter(settled.get(one.key, one) if isinstance(one, KnownEvent) else one for one in kept)
        return [refused[n] if n in refused else next(answers) for n in range(len(told))]

    async def retry_pending(self, limit: int = 500) -> int:
        """Brings what waits to the ledger, the oldest first; returns how many are settled now.

        Raises LedgerAway.
        """
        waiting = await pending_events(self._database, time.time_ns() // 1_000_000, limit)
        settled = await self._apply(waiting)
        return sum(known.status is not EventStatus.PENDING for known in settled)

    async def _settled(self, known: Sequence[KnownEvent]) -> Mapping[Key, KnownEvent]:
        """Those that were pending, as they stand after the ledger was asked."""
        waiting = [one for one in known if one.status is EventStatus.PENDING]
        if not waiting:
            return {}
        try:
            return {one.key: one for one in await self._apply(waiting)}
        except LedgerAway as away:
            log.warning("outside events wait", events=len(waiting), error=str(away))
            return {}

    async def _apply(self, waiting: Sequence[KnownEvent]) -> list[KnownEvent]:
        """Settles events and what waits together with them: an event, then what refers to it, in order."""
        if not waiting:
            return []
        threads = {_thread(known) for known in waiting}
        everything = await pending_with(self._database, threads)
        first = [known for known in everything if known.event.refers_to is None]
        settled = await self._apply_once(first, {})
        following = [known for known in everything if known.event.refers_to is not None]
        if following:
            originals = await find_events(self._database, {_thread(known) for known in following})
            ready = [
                known for known in following if originals[_thread(known)].status is not EventStatus.PENDING
            ]
            settled += await self._apply_once(ready, originals)
        # what another node settled meanwhile is no longer pending there
        others = {known.key for known in waiting} - {known.key for known in settled}
        return settled + list((await find_events(self._database, others)).values() if others else [])

    async def _apply_once(
        self, events: Sequence[KnownEvent], originals: Mapping[Key, KnownEvent]
    ) -> list[KnownEvent]:
        if not events:
            return []
        entries = {known.key: _entry(known, originals.get(_thread(known))) for known in events}
        owed = [entry for entry in entries.values() if entry is not None]
        outcomes: dict[UUID, Outcome] = {}
        for start in range(0, len(owed), MAX_BATCH):
            applied = await self._ledger.apply(LANE, owed[start : start + MAX_BATCH])
            outcomes |= {outcome.id: outcome for outcome in applied}
        settled = {
            key: _verdict(outcomes[entry.id]) if entry else Settled(EventStatus.APPLIED)
            for key, entry in entries.items()
        }
        for one in settled.values():
            EVENTS.labels(one.status.value).inc()
        return await settle_events(self._database, events, settled)


def shown(known: KnownEvent) -> Shown | None:
    """What the member is to be told where a cap left less than was decided."""
    if known.event.refers_to is not None or known.reason not in CAPS:
        return None
    return Shown(known.decision.points, known.credited, known.reason)


def _unwelcome(caller: Caller, event: OutsideEvent, now: int) -> Refused | None:
    if not caller.may_tell(event.source, event.kind):
        return Refused("not_allowed", f"{caller.id} may not tell of {event.kind!r} of {event.source!r}")
    if event.occurred_at > now + MAX_AHEAD_MS:
        return Refused("bad_request", fields={"occurred_at": "lies in the future"})
    if (event.refers_to is None) == (event.kind in FOLLOWING):
        why = "is missing" if event.refers_to is None else f"goes only with {', '.join(sorted(FOLLOWING))}"
        return Refused("bad_request", fields={"refers_to": why})
    return None


def _judged(caller: Caller, told: Told, by: Standing) -> KnownEvent:
    if told.event.refers_to is not None:
        decision, status, reason = _following(told.event, by), EventStatus.PENDING, None
    else:
        decision, status, reason = _earned(told.event, by)
    entry_id = derived_id(f"event|{told.event.source}|{told.event.source_id}")
    return KnownEvent(told.event, told.hash, caller.id, decision, entry_id, status, reason)


def _earned(event: OutsideEvent, by: Standing) -> tuple[Decision, EventStatus, str | None]:
    rule = by.rules.rules.earning.events.get(event.kind)
    if rule is not None and rule.rate is not None and event.paid_cents is None:
        raise Refused("bad_request", fields={"amount_cents": f"{event.kind} is earned by amount"})
    decision = decide(by.rules.rules, by.rules.version, event)
    if rule is None:
        return decision, EventStatus.REJECTED, NO_RULE
    if decision.points > by.left:
        return decision, EventStatus.REJECTED, BUDGET_EXHAUSTED
    return decision, EventStatus.PENDING if decision.points else EventStatus.APPLIED, None


def _following(event: OutsideEvent, by: Standing) -> Decision:
    """The points of the event that it refers to, whatever of them is left."""
    original = by.original
    if original is None or original.event.refers_to is not None:
        raise Refused("not_found", f"{event.source} has told of no event {event.refers_to!r} that earns")
    for field in ("member", "campaign"):
        if getattr(original.event, field) != getattr(event, field):
            raise Refused("bad_request", fields={field: f"{event.refers_to} was of another"})
    points = original.decision.points
    return Decision(points, points, 100, by.rules.version, ())


def _thread(known: KnownEvent) -> Key:
    return known.event.source, known.event.refers_to or known.event.source_id


def _entry(known: KnownEvent, original: KnownEvent | None) -> Entry | None:
    """What the event owes; None where the event it refers to was credited nothing.

    The same however often it is asked: an original stays as it was settled.
    """
    event = known.event
    if original is None:
        return Entry(
            known.entry_id, Kind.EARN, event.member, event.campaign, "", known.decision.points,
            event.occurred_at, known.decision.rule_version,
        )  # fmt: skip
    if not original.credited:
        return None
    # a reversal names the whole entry, however much of it was credited
    kind = _KINDS[event.kind]
    amount = original.decision.points if kind is Kind.REVERSE else original.credited
    entry = Entry(
        known.entry_id, kind, event.member, event.campaign, "", amount, event.occurred_at,
        known.decision.rule_version,
    )  # fmt: skip
    if kind is Kind.REVERSE:
        return msgspec.structs.replace(entry, reverses=original.entry_id)
    return msgspec.structs.replace(entry, about=original.entry_id)


def _verdict(outcome: Outcome) -> Settled:
    match outcome.status:
        case Status.APPLIED | Status.ALREADY:
            return Settled(EventStatus.APPLIED, outcome.reason, outcome.credited)
        case Status.PARKED | Status.DEAD:
            retry_at = time.time_ns() // 1_000_000 + PUT_ASIDE_MS
            return Settled(EventStatus.PENDING, outcome.reason, retry_at=retry_at)
        case _:
            return Settled(EventStatus.REJECTED, outcome.reason)
