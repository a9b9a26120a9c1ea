"""Outbox to record to ledger: everything that Redis decided, made to outlive it.

Per lane and batch: record (facts and grants), then ledger (entries), then mark the grants settled, then
acknowledge and tell the pages. Every step may be repeated, so a crash anywhere costs nothing but a
second reading.
"""

import asyncio
import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

import structlog
from msgspec import MsgspecError
from prometheus_client import Counter, Histogram

from gameserver.line import PlacedLine, Position, decode_line, purse_closed
from gameserver.records.batches import record
from gameserver.records.claims import Claims
from gameserver.records.database import Database, passes
from gameserver.records.goods import Goods, goods_in
from gameserver.records.grants import Grant, mark_settled
from gameserver.records.lanes import Lane, SettledLane, StaleEpoch, lanes_to_settle, stream_id
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Batches, CutUnit, Outbox, Sent, SettledUnits
from gameserver.store.redis import Redis, RedisError
from ledger_client import errors as ledger_errors
from ledger_client.embedded.dead_letters import Letter
from ledger_client.entry import Entry, Kind, purse_id, release_id, spend_id
from ledger_client.ledger import LaneAt, Ledger, Outcome, Status

log = structlog.get_logger()

STEPS_AT_ONCE = 4  # steps that write at the same time, of all lanes: each takes a connection
BATCHES_AT_ONCE = 3  # of one lane, each at another step
ENTRIES_AT_ONCE = 1000
WAIT_MS = 500
RESCAN_SECONDS = 1.0
DRAIN_LOOK_SECONDS = 0.05
LINGER_MS = 60_000  # a room's last ticks may still be on their way when it is closed
LOOK_BACK_MS = 86_400_000  # far beyond what the clocks of two nodes may differ by
UNDECODABLE = "undecodable"

ENTRIES = Counter("gameserver_settled_entries_total", "Entries by what the ledger answered", ["status"])
LETTERS = Counter("gameserver_dead_letters_total", "Lines put aside, by reason", ["reason"])
LAG_SECONDS = Histogram(
    "gameserver_settlement_lag_seconds",
    "From a tick to its lines being settled",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 120),
)


class Stages:
    """The steps of one lane: a batch enters each in its turn, while the one before is a step further."""

    def __init__(self) -> None:
        self.record = asyncio.Lock()
        self.apply = asyncio.Lock()
        self.finish = asyncio.Lock()


class Settlement:
    """A settlement worker. Any number may run; each lane has one of them at a time.

    Args:
        database: the record, migrated.
        redis: the store; it must not decode replies.
        ledger: where points end.
    """

    def __init__(self, database: Database, redis: Redis, ledger: Ledger) -> None:
        self._database = database
        self._redis = redis
        self._ledger = ledger
        self._claims = Claims(database)
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(STEPS_AT_ONCE)
        self._following: dict[str, asyncio.Task[None]] = {}
        self._lanes: dict[str, SettledLane] = {}
        self._drained: set[str] = set()
        self._away: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Settles all opened rooms until `stop` is set; batches in hand are finished first.

        Tolerates that PostgreSQL, Valkey or the ledger is away: waits and goes on.
        """
        stopping = asyncio.ensure_future(stop.wait())
        closed_since = 0
        while not stop.is_set():
            self._wake.clear()
            try:
                await self._claims.check()
                closed_since = await self._scan(stop, closed_since)
                self._is_back("rooms")
            except Exception as error:
                self._is_away("rooms", error)
            waking = asyncio.ensure_future(self._wake.wait())
            await asyncio.wait((stopping, waking), timeout=RESCAN_SECONDS, return_when="FIRST_COMPLETED")
            waking.cancel()
        await asyncio.gather(*self._following.values())

    def rescan(self) -> None:
        """Looks for newly opened rooms now and not within the second."""
        self._wake.set()

    async def drain(self, lane: Lane) -> None:
        """Returns when nothing is left in the lane's outbox, settled here or by the worker that has it."""
        outbox = self._outbox(lane)
        while await outbox.waiting():
            if not await self._claims.claim(lane.name):
                await asyncio.sleep(DRAIN_LOOK_SECONDS)
                continue
            try:
                lanes = await lanes_to_settle(self._database, room=lane.room)
                await self._settle_lane(next(at for at in lanes if at.lane.lane == lane.lane), None)
            finally:
                await self._claims.release(lane.name)

    async def close(self) -> None:
        """Gives up all claims."""
        await self._claims.close()

    async def _scan(self, stop: asyncio.Event, closed_since: int) -> int:
        """Follows every lane that may have something; returns since when closed rooms matter."""
        lanes = await lanes_to_settle(self._database, closed_since)
        self._lanes = {at.lane.name: at for at in lanes}
        for name, at in self._lanes.items():
            if name in self._following or name in self._drained:
                continue
            if _is_over(at) and not await self._outbox(at.lane).waiting():
                self._drained.add(name)
            else:
                task = asyncio.ensure_future(self._follow(at, stop))
                self._following[name] = task
                task.add_done_callback(partial(self._ended, name))
        self._drained &= self._lanes.keys()
        left = [
            at.closed_at for name, at in self._lanes.items() if at.closed_at and name not in self._drained
        ]
        return min([_now() - LOOK_BACK_MS, *left])

    def _ended(self, name: str, _: asyncio.Task[None]) -> None:
        del self._following[name]

    def _outbox(self, lane: Lane) -> Outbox:
        return Outbox(self._redis, LaneKeys(lane.room, lane.lane))

    async def _follow(self, at: SettledLane, stop: asyncio.Event) -> None:
        """Settles one lane until `stop`, the room's end or an error; the next scan takes it up again."""
        name = at.lane.name
        try:
            if not await self._claims.claim(name):
                return
            try:
                await self._settle_lane(at, stop)
            finally:
                await self._claims.release(name)
        except (StaleEpoch, ledger_errors.StaleEpoch) as stale:
            log.info("lane has a new epoch", lane=name, reason=str(stale))
            self.rescan()
        except Exception as error:
            self._is_away(name, error)

    async def _settle_lane(self, at: SettledLane, stop: asyncio.Event | None) -> None:
        """Settles until `stop` is set, the claim lost or the room over; without `stop`, all there is."""
        outbox, name = self._outbox(at.lane), at.lane.name
        await outbox.ensure()
        goods = await goods_in(self._database, at.lane.room)
        batches, stages = Batches(outbox), Stages()
        flying: deque[asyncio.Task[None]] = deque()
        try:
            while stop is None or (self._claims.holds(name) and not stop.is_set()):
                while flying and (len(flying) == BATCHES_AT_ONCE or flying[0].done()):
                    await flying.popleft()
                    self._is_back(name)
                if batch := await batches.next(WAIT_MS if stop else None, idle=not flying):
                    flying.append(asyncio.ensure_future(self._settle(at, goods, outbox, batch, stages)))
                elif stop is None or _is_over(self._lanes.get(name, at)):
                    break
                elif not flying:
                    self._is_back(name)
            while flying:
                await flying.popleft()
        finally:
            # the lane is given up only when nothing of it is under way
            await asyncio.gather(*flying, return_exceptions=True)

    async def _settle(
        self, at: SettledLane, goods: Goods, outbox: Outbox, batch: Sequence[Sent], stages: Stages
    ) -> None:
        lines, undecodable = _decode(at.lane, batch)
        async with stages.record, self._slots:
            recorded = await record(self._database, at.lane, lines, undecodable, goods)
        for letter in recorded.letters:
            reason = letter.reason.partition(":")[0]
            LETTERS.labels(reason).inc()
            log.error("settlement alarm", reason=letter.reason, lane=at.lane.name, line=letter.raw.hex())
        entries = [
            *_charges(at, recorded.lines),
            *(_entry(at, grant) for grant in recorded.grants if grant.entry_id),
        ]
        async with stages.apply, self._slots:
            outcomes = await self._applied(LaneAt(at.lane.name, at.lane.epoch, batch[-1].id), entries)
        settled, refused = _sorted(recorded.grants, outcomes)
        async with stages.finish, self._slots:
            cut = _cut(settled, outcomes)
            await mark_settled(self._database, at.lane.room, settled, refused, _now(), cut)
            told = _cut(recorded.grants, outcomes)
            await outbox.finish([sent.id for sent in batch], _units(settled, told))
        for status, count in Tally(outcome.status.value for outcome in outcomes).items():
            ENTRIES.labels(status).inc(count)
        now = time.time()
        for sent in batch:
            LAG_SECONDS.observe(max(0.0, now - stream_id(sent.id)[0] / 1000))

    async def _applied(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        """A line may carry thousands of grants, as a ranking's does: the ledger gets them in parts."""
        outcomes: list[Outcome] = []
        for first in range(0, len(entries), ENTRIES_AT_ONCE):
            outcomes += await self._ledger.apply(lane, entries[first : first + ENTRIES_AT_ONCE])
        return outcomes

    def _is_away(self, what: str, error: Exception) -> None:
        if not (passes(error) or isinstance(error, RedisError | ledger_errors.LedgerAway)):
            log.error("settlement failed", lane=what, exc_info=error)
        elif not self._away:
            log.warning("settlement waits", lane=what, error=str(error).partition("\n")[0])
        self._away.add(what)

    def _is_back(self, what: str) -> None:
        if what in self._away:
            self._away.discard(what)
            if not self._away:
                log.info("settlement goes on")


def _decode(lane: Lane, batch: Sequence[Sent]) -> tuple[list[PlacedLine], list[Letter]]:
    """The batch's lines in order, and what in it is none."""
    lines, letters = [], []
    for sent in batch:
        ms, seq = stream_id(sent.id)
        if sent.lines is None:
            letters.append(Letter(lane.name, sent.raw, UNDECODABLE))
            continue
        for place, raw in enumerate(sent.lines):
            body = bytes(raw)
            try:
                lines.append(PlacedLine(decode_line(body), body, Position(ms, seq, place)))
            except MsgspecError as error:
                letters.append(Letter(lane.name, body, f"{UNDECODABLE}: {error}"))
    return lines, letters


def _charges(at: SettledLane, lines: Sequence[PlacedLine]) -> Iterator[Entry]:
    """What plays cost, and what is left in purses that were closed, in the order in which it happened."""
    lane, room = at.lane.name, at.lane.room
    for line, body, _ in lines:
        number = amount = 0
        if line.spent is not None:
            kind, number, amount = Kind.SPEND, line.spent.number, line.spent.amount
        elif closed := purse_closed(line, body):
            kind, number, amount = Kind.RELEASE, closed.number, closed.left
        if number:
            purse = purse_id(lane, line.member, number)
            id_ = release_id(purse) if kind is Kind.RELEASE else spend_id(room, line.session, line.ref)
            yield Entry(
                id_, kind, line.member, at.campaign, room, amount, line.at, at.rule_version, about=purse
            )


def _entry(at: SettledLane, grant: Grant) -> Entry:
    assert grant.entry_id is not None
    return Entry(
        grant.entry_id,
        Kind.EARN,
        grant.member,
        at.campaign,
        grant.room,
        grant.amount,
        grant.at,
        at.rule_version,
    )


def _sorted(
    grants: Sequence[Grant], outcomes: Sequence[Outcome]
) -> tuple[list[Grant], list[tuple[Grant, str]]]:
    """Which grants are settled (goods are, once they are on record), and which the ledger would not take."""
    refusals = {
        outcome.id: outcome.reason or outcome.status.value
        for outcome in outcomes
        if outcome.status not in (Status.APPLIED, Status.ALREADY)
    }
    settled = [grant for grant in grants if grant.entry_id not in refusals]
    refused = [(grant, refusals[grant.entry_id]) for grant in grants if grant.entry_id in refusals]
    return settled, refused


def _cut(grants: Sequence[Grant], outcomes: Sequence[Outcome]) -> list[tuple[Grant, int, str]]:
    """Which of the grants were credited in part only or not at all, with how many points, and why.

    What was put aside is not among them: it may be credited yet.
    """
    parts = {
        outcome.id: outcome
        for outcome in outcomes
        if outcome.reason is not None and outcome.status in (Status.APPLIED, Status.ALREADY, Status.REJECTED)
    }
    return [
        (grant, part.credited, part.reason or "")
        for grant in grants
        if grant.entry_id and (part := parts.get(grant.entry_id)) and part.credited < grant.amount
    ]


def _units(settled: Sequence[Grant], cut: Sequence[tuple[Grant, int, str]]) -> SettledUnits:
    by_session: dict[tuple[str, str], tuple[set[int], list[tuple[str, int]], list[CutUnit]]] = {}

    def of(grant: Grant) -> tuple[set[int], list[tuple[str, int]], list[CutUnit]]:
        return by_session.setdefault((grant.member, grant.session), (set(), [], []))

    for grant in settled:
        refs, units, _ = of(grant)
        refs.add(grant.ref)
        units.append((grant.prize, grant.unit))
    for grant, credited, reason in cut:
        of(grant)[2].append((grant.prize, grant.unit, credited, grant.amount, reason))
    return [
        (member, session, sorted(refs), units, cuts)
        for (member, session), (refs, units, cuts) in by_session.items()
    ]


def _is_over(at: SettledLane) -> bool:
    return at.closed_at is not None and at.closed_at < _now() - LINGER_MS


def _now() -> int:
    return time.time_ns() // 1_000_000
