"""The whole ledger as plain dicts: LEDGER.md's rules, one entry after the other, without a database.

It shares with the real one only what both speak: entries, terms, the calendar, outcomes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ledger_client.calendar import expiry_of, periods
from ledger_client.entry import Entry, Kind, derived_id, top_up_id
from ledger_client.errors import StaleEpoch
from ledger_client.ledger import Held, HoldAsk, HoldState, LaneAt, Outcome, Status
from ledger_client.terms import Reversal, Terms

DAY_MS = 86_400_000
GRACE_MS = 600_000
LARGEST_INTEGER = 2**31 - 1
CAPS = ("daily_cap", "monthly_cap", "yearly_cap")

Taken = dict[UUID, int]
"""Points by the lot they were taken from, in the order in which the lots were first used."""


Put = tuple[str, Entry, str]
"""An entry that was put aside, from which lane, and why."""


@dataclass
class Lot:
    member: str
    campaign: str
    expires_at: int | None
    left: int


@dataclass
class Hold:
    """A purse or a freeze."""

    kind: str
    member: str
    campaign: str
    lane: str
    until: int | None = None
    amount: int = 0
    used: int = 0
    open: bool = True
    taken: Taken = field(default_factory=dict)
    granted: dict[int, int] = field(default_factory=dict)


def outcome(entry: Entry, credited: int | None = None, reason: str | None = None) -> Outcome:
    return Outcome(entry.id, Status.APPLIED, reason, entry.amount if credited is None else credited)


def rejected(entry: Entry, reason: str | None) -> Outcome:
    return Outcome(entry.id, Status.REJECTED, reason)


class ModelLedger:
    def __init__(self) -> None:
        self.epochs: dict[str, int] = {}
        self.told: dict[UUID, tuple[Entry, Outcome]] = {}
        self.lane_of: dict[UUID, str] = {}
        self.posted: Counter[str] = Counter()
        self.frozen: Counter[str] = Counter()
        self.lots: dict[UUID, Lot] = {}
        self.holds: dict[UUID, Hold] = {}
        self.taken: dict[UUID, Taken] = {}
        self.days: dict[tuple[str, ...], Counter[str]] = {}  # points by local day, such as 2026-11-21
        self.agreed: dict[str, Terms] = {}
        self.settled: set[UUID] = set()  # reversed, collected or written off
        self.letters: dict[Put, bool] = {}  # what was put aside: whether it still waits
        self.rules: dict[Kind, Callable[[Entry], Outcome]] = {
            Kind.FUND: self._fund, Kind.EARN: self._earn, Kind.HOLD: self._hold, Kind.SPEND: self._spend,
            Kind.RELEASE: self._release, Kind.REDEEM: self._redeem, Kind.EXPIRE: self._expire,
            Kind.FREEZE: self._freeze, Kind.THAW: self._thaw, Kind.REVERSE: self._reverse,
            Kind.TRANSFER: self._transfer, Kind.COLLECT: self._collect, Kind.WRITE_OFF: self._write_off,
        }  # fmt: skip

    def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        self._enter(lane)
        return [self._tell(lane, entry) for entry in entries]

    def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        if lane.epoch < self.epochs.get(lane.id, 0):
            raise StaleEpoch(lane.id)
        # a chain of their own: it does not raise the epoch of what is settled
        self._enter(LaneAt(f"{lane.id}/purses", lane.epoch))
        for ask in asks:
            self._fill(lane, ask)
        return [self._held(ask) for ask in asks]

    def agree(self, campaign: str, terms: Terms) -> None:
        self.agreed[campaign] = terms

    def terms(self, campaign: str) -> Terms:
        return self.agreed.get(campaign, Terms())

    def available(self, member: str) -> int:
        return self.posted[f"member:{member}"] - self.frozen[member]

    def held(self, member: str) -> int:
        purses = sum(hold.amount - hold.used for hold in self.purses(member))
        return purses + self.frozen[member]

    def purses(self, member: str) -> list[Hold]:
        own = [hold for hold in self.holds.values() if hold.member == member]
        return [hold for hold in own if hold.kind == "purse" and hold.open]

    def upkeep(self, now: int) -> tuple[int, int, int]:
        """How many purses are released, how many lots and how many points expire."""
        due = [
            (hold.until, id_) for id_, hold in self.holds.items()
            if hold.kind == "purse" and hold.open and hold.until is not None and hold.until + GRACE_MS <= now
        ]  # fmt: skip
        for _, id_ in sorted(due):
            self._close(id_, now)
        lots = points = 0
        over = [
            (lot.expires_at, id_) for id_, lot in self.lots.items()
            if lot.left and lot.expires_at is not None and lot.expires_at <= now
        ]  # fmt: skip
        for _, id_ in sorted(over):
            lot = self.lots[id_]
            # a lot with frozen points waits as a whole for their decision
            if lot.left <= self.available(lot.member):
                lots += 1
                points += self._expire_lot(id_, derived_id(f"{id_}|{lot.expires_at}|{now}"), lot.left)
        return len(due), lots, points

    # what is told

    def _enter(self, lane: LaneAt) -> None:
        if lane.epoch < self.epochs.get(lane.id, 0):
            raise StaleEpoch(lane.id)
        self.epochs[lane.id] = lane.epoch

    def _tell(self, lane: LaneAt, entry: Entry) -> Outcome:
        if entry.id not in self.told:
            return self._decide(lane, entry)
        first, told = self.told[entry.id]
        if first != entry:
            return self._put_aside(lane, entry, Status.MISMATCH, "id_payload_mismatch")
        if told.status is Status.APPLIED:
            return Outcome(entry.id, Status.ALREADY, told.reason, told.credited)
        return told

    def _decide(self, lane: LaneAt, entry: Entry) -> Outcome:
        waiting = self.waiting()
        if any(one.id in (entry.about, entry.reverses) for one in waiting):
            return self._put_aside(lane, entry, Status.PARKED, "parked")
        if entry.rule_version > LARGEST_INTEGER:
            return self._put_aside(lane, entry, Status.DEAD, "unstorable")
        self.lane_of[entry.id] = lane.id
        told = self.rules[entry.kind](entry)
        short = told.status is Status.REJECTED and told.reason == "not_enough_points"
        if short and any(one.member == entry.member for one in waiting):
            # what waits may be the very points that are missing
            return self._put_aside(lane, entry, Status.PARKED, "parked")
        self.told[entry.id] = entry, told
        return told

    def waiting(self) -> list[Entry]:
        """What was put aside and others may depend on."""
        return [
            entry
            for (_, entry, reason), waits in self.letters.items()
            if waits and reason != "id_payload_mismatch"
        ]

    def resolve(self, put: Put) -> None:
        self.letters[put] = False

    def _put_aside(self, lane: LaneAt, entry: Entry, status: Status, reason: str) -> Outcome:
        # who dealt with it once is not asked again
        self.letters.setdefault((lane.id, entry, reason), True)
        return Outcome(entry.id, status, reason)

    def _fill(self, lane: LaneAt, ask: HoldAsk) -> None:
        purse = self.holds.get(ask.id)
        if purse is not None and (ask.number in purse.granted or not purse.open):
            return
        points = min(ask.wanted, max(0, self.available(ask.member))) // ask.step * ask.step
        if points:
            entry = Entry(
                top_up_id(ask.id, ask.number), Kind.HOLD, ask.member, ask.campaign, ask.room, points,
                ask.occurred_at, 0, about=ask.id, until=ask.until,
            )  # fmt: skip
            if self._tell(lane, entry).status is Status.APPLIED:
                self.holds[ask.id].granted[ask.number] = points

    def _held(self, ask: HoldAsk) -> Held:
        purse = self.holds.get(ask.id)
        if purse is None:
            return Held(ask.id, ask.number, 0, 0, 0, ask.until, HoldState.NONE)
        state = HoldState.OPEN if purse.open else HoldState.CLOSED
        granted = purse.granted.get(ask.number, 0)
        return Held(ask.id, ask.number, granted, purse.amount, purse.used, purse.until or 0, state)

    # points and their lots

    def _move(self, source: str, target: str, points: int) -> None:
        self.posted[source] -= points
        self.posted[target] += points

    def _debt(self, member: str) -> int:
        return max(0, -self.posted[f"member:{member}"])

    def _use(self, member: str, points: int, first: UUID | None = None) -> Taken:
        """Takes points out of lots: `first`, then the oldest expiry, then by id; the eternal last."""

        def order(item: tuple[UUID, Lot]) -> tuple[bool, bool, int, UUID]:
            id_, lot = item
            return id_ != first, lot.expires_at is None, lot.expires_at or 0, id_

        taken: Taken = {}
        for id_, lot in sorted(self.lots.items(), key=order):
            part = min(points, lot.left) if lot.member == member else 0
            if part:
                lot.left -= part
                points -= part
                taken[id_] = part
        assert points == 0, "lots cover what a member has"
        return taken

    def _give_back(self, member: str, points: int, taken: Taken, at: int) -> None:
        """The latest taken first; a debt is paid before; a lot that is over lasts another day."""
        points -= min(points, self._debt(member))
        for id_ in reversed(list(taken)):
            part = min(points, taken[id_])
            if part:
                taken[id_] -= part
                points -= part
                lot = self.lots[id_]
                lot.left += part
                if lot.expires_at is not None and lot.expires_at <= at:
                    lot.expires_at = at + DAY_MS
        assert points == 0, "what comes back was taken from lots"

    # the kinds

    def _fund(self, entry: Entry) -> Outcome:
        self._move("issuance", f"campaign:{entry.campaign}", entry.amount)
        return outcome(entry)

    def _earn(self, entry: Entry) -> Outcome:
        terms, credited, reason = self.terms(entry.campaign), entry.amount, None
        caps = (terms.caps.day, terms.caps.month, terms.caps.year)
        for cap, used, name in zip(caps, self._used("earn", entry), CAPS, strict=True):
            left = credited if cap is None else max(0, cap - used)
            if left < credited:
                credited, reason = left, name
        if not credited:
            return rejected(entry, reason)
        if self.posted[f"campaign:{entry.campaign}"] < credited:
            return rejected(entry, "budget_exhausted")
        if any(caps):
            self._count("earn", entry, credited)
        lot = credited - min(credited, self._debt(entry.member))
        expires_at = expiry_of(terms, entry.occurred_at)
        self.lots[entry.id] = Lot(entry.member, entry.campaign, expires_at, lot)
        self._move(f"campaign:{entry.campaign}", f"member:{entry.member}", credited)
        return outcome(entry, credited, reason)

    def _counted(self, what: str, entry: Entry) -> tuple[Counter[str], str]:
        """The member's days in the campaign, and the entry's day."""
        days = self.days.setdefault((what, entry.campaign, entry.member), Counter())
        return days, periods(self.terms(entry.campaign).timezone, entry.occurred_at).day[1:]

    def _used(self, what: str, entry: Entry) -> list[int]:
        """What is used in the day, the month and the year of the entry."""
        days, day = self._counted(what, entry)
        spans = (day, day[:7], day[:4])
        return [sum(points for one, points in days.items() if one.startswith(span)) for span in spans]

    def _count(self, what: str, entry: Entry, points: int) -> None:
        """What was earned before there was a cap was not counted, so it is not given back either."""
        days, day = self._counted(what, entry)
        days[day] = max(0, days[day] + points)

    def _hold(self, entry: Entry) -> Outcome:
        if entry.about is None:
            return rejected(entry, "hold_unknown")
        purse = self.holds.get(entry.about)
        if purse is not None and not purse.open:
            return rejected(entry, "hold_closed")
        if purse is not None and (purse.kind, purse.member) != ("purse", entry.member):
            return rejected(entry, "hold_unknown")
        if self.available(entry.member) < entry.amount:
            return rejected(entry, "not_enough_points")
        if purse is None:
            lane = self.lane_of[entry.id]
            purse = self.holds[entry.about] = Hold("purse", entry.member, entry.campaign, lane)
        purse.amount += entry.amount
        purse.until = purse.until if entry.until is None else entry.until
        for id_, part in self._use(entry.member, entry.amount).items():
            purse.taken[id_] = purse.taken.get(id_, 0) + part
        self._move(f"member:{entry.member}", f"purse:{entry.about}", entry.amount)
        return outcome(entry)

    def _purse(self, entry: Entry) -> Hold | None:
        purse = self.holds.get(entry.about) if entry.about else None
        return purse if purse and (purse.kind, purse.member) == ("purse", entry.member) else None

    def _spend(self, entry: Entry) -> Outcome:
        purse, reason = self._purse(entry), None
        if purse is None:
            reason = "hold_unknown"
        elif not purse.open:
            reason = "hold_closed"
        elif purse.amount - purse.used < entry.amount:
            reason = "hold_too_small"
        else:
            purse.used += entry.amount
        self._move(f"purse:{entry.about}" if reason is None else "suspense", "redeemed", entry.amount)
        status = Status.APPLIED if reason is None else Status.SUSPENSE
        return Outcome(entry.id, status, reason, entry.amount)

    def _release(self, entry: Entry) -> Outcome:
        purse = self._purse(entry)
        if purse is None or entry.about is None:
            return rejected(entry, "hold_unknown")
        if not purse.open:
            return outcome(entry, 0, "hold_closed")
        return outcome(entry, self._close(entry.about, entry.occurred_at))

    def _close(self, id_: UUID, at: int) -> int:
        purse = self.holds[id_]
        left, purse.open = purse.amount - purse.used, False
        self._give_back(purse.member, left, purse.taken, at)
        self._move(f"purse:{id_}", f"member:{purse.member}", left)
        return left

    def _redeem(self, entry: Entry) -> Outcome:
        return self._pay(entry, "redeemed")

    def _pay(self, entry: Entry, target: str) -> Outcome:
        if self.available(entry.member) < entry.amount:
            return rejected(entry, "not_enough_points")
        self.taken[entry.id] = self._use(entry.member, entry.amount)
        self._move(f"member:{entry.member}", target, entry.amount)
        return outcome(entry)

    def _expire(self, entry: Entry) -> Outcome:
        lot = self.lots.get(entry.about) if entry.about else None
        if lot is None or entry.about is None or lot.member != entry.member:
            return rejected(entry, "lot_unknown")
        if lot.expires_at is None or lot.expires_at > entry.occurred_at:
            return rejected(entry, "lot_unknown")
        points = self._expire_lot(entry.about, entry.id, entry.amount)
        return outcome(entry, points) if points else rejected(entry, "not_enough_points")

    def _expire_lot(self, id_: UUID, entry: UUID, asked: int) -> int:
        """Frozen points wait for their decision."""
        lot = self.lots[id_]
        points = min(asked, lot.left, max(0, self.available(lot.member)))
        self.taken[entry] = self._use(lot.member, points, first=id_)
        self._move(f"member:{lot.member}", "expired", points)
        return points

    def _freeze(self, entry: Entry) -> Outcome:
        if entry.about is None:
            return rejected(entry, "freeze_unknown")
        if entry.about in self.holds:
            return rejected(entry, "already_frozen")
        points = min(entry.amount, max(0, self.available(entry.member)))
        if not points:
            return rejected(entry, "not_enough_points")
        lane = self.lane_of[entry.id]
        self.holds[entry.about] = Hold("freeze", entry.member, entry.campaign, lane, amount=points)
        self.frozen[entry.member] += points
        return outcome(entry, points, None if points == entry.amount else "not_enough_points")

    def _thaw(self, entry: Entry) -> Outcome:
        freeze = self.holds.get(entry.about) if entry.about else None
        if freeze is None or not freeze.open or (freeze.kind, freeze.member) != ("freeze", entry.member):
            return rejected(entry, "freeze_unknown")
        return outcome(entry, self._thawed(freeze))

    def _thawed(self, freeze: Hold) -> int:
        freeze.open = False
        self.frozen[freeze.member] -= freeze.amount
        return freeze.amount

    def _transfer(self, entry: Entry) -> Outcome:
        terms = self.terms(entry.campaign)
        if terms.transfer_per_day is None:
            return rejected(entry, "transfer_not_allowed")
        if not entry.to or entry.to == entry.member:
            return rejected(entry, "same_member")
        if self._used("transfer", entry)[0] + entry.amount > terms.transfer_per_day:
            return rejected(entry, "transfer_cap")
        debt = self._debt(entry.to)
        told = self._pay(entry, f"member:{entry.to}")
        if told.status is Status.APPLIED:
            self._count("transfer", entry, entry.amount)
            for id_, part in self.taken[entry.id].items():
                paid, old = min(debt, part), self.lots[id_]
                debt -= paid
                lot = Lot(entry.to, old.campaign, old.expires_at, part - paid)
                self.lots[derived_id(f"{entry.id}|{id_}")] = lot
        return told

    # reversals

    def _reverse(self, entry: Entry) -> Outcome:
        first, told = self.told.get(entry.reverses, (None, None)) if entry.reverses else (None, None)
        if first is None or told is None or not told.credited:
            return rejected(entry, "reverses_unknown")
        if first.id in self.settled:
            return rejected(entry, "already_reversed")
        mirrors = {
            Kind.FUND: self._unfund, Kind.EARN: self._unearn, Kind.TRANSFER: self._untransfer,
            Kind.SPEND: self._unspend, Kind.REDEEM: self._unspend, Kind.EXPIRE: self._unspend,
        }  # fmt: skip
        same = (first.member, first.campaign) == (entry.member, entry.campaign)
        if not same or first.kind not in mirrors:
            return rejected(entry, "not_reversible")
        if first.amount != entry.amount:
            return rejected(entry, "amount_differs")
        if refusal := mirrors[first.kind](entry, first, told):
            return rejected(entry, refusal)
        self.settled.add(first.id)
        return outcome(entry, told.credited)

    def _unfund(self, entry: Entry, first: Entry, told: Outcome) -> str | None:
        if self.posted[f"campaign:{first.campaign}"] < told.credited:
            return "budget_exhausted"
        self._move(f"campaign:{first.campaign}", "issuance", told.credited)
        return None

    def _unearn(self, entry: Entry, first: Entry, told: Outcome) -> str | None:
        freeze = self.holds.get(first.id)
        frozen = freeze if freeze and freeze.kind == "freeze" and freeze.open else None
        if frozen and frozen.member != first.member:
            frozen = None
        thawed = frozen.amount if frozen else 0
        if refusal := self._take_back(entry, first.member, told.credited, thawed, first.id):
            return refusal
        if frozen:
            self._thawed(frozen)
        self._count("earn", first, -told.credited)
        self._move(f"member:{first.member}", f"campaign:{first.campaign}", told.credited)
        return None

    def _untransfer(self, entry: Entry, first: Entry, told: Outcome) -> str | None:
        assert first.to is not None
        if refusal := self._take_back(entry, first.to, told.credited):
            return refusal
        self._count("transfer", first, -told.credited)
        self._give_back(first.member, told.credited, self.taken[first.id], entry.occurred_at)
        self._move(f"member:{first.to}", f"member:{first.member}", told.credited)
        return None

    def _take_back(
        self, entry: Entry, member: str, points: int, thawed: int = 0, first: UUID | None = None
    ) -> str | None:
        short = self.available(member) + thawed < points
        if short and self.terms(entry.campaign).reversal is Reversal.REFUSE:
            return "already_spent"
        self._use(member, min(points, max(0, self.posted[f"member:{member}"])), first)
        return None

    def _unspend(self, entry: Entry, first: Entry, told: Outcome) -> str | None:
        if told.status is Status.SUSPENSE:
            self._move("redeemed", "suspense", told.credited)
            return None
        assert first.about is not None or first.kind is Kind.REDEEM
        taken = (
            self.holds[first.about].taken
            if first.kind is Kind.SPEND and first.about
            else self.taken[first.id]
        )
        self._give_back(first.member, told.credited, taken, entry.occurred_at)
        source = "expired" if first.kind is Kind.EXPIRE else "redeemed"
        self._move(source, f"member:{first.member}", told.credited)
        return None

    # suspense

    def _suspended(self, entry: Entry) -> str | None:
        first, told = self.told.get(entry.about, (None, None)) if entry.about else (None, None)
        if first is None or told is None or told.status is not Status.SUSPENSE:
            return "suspense_unknown"
        if first.member != entry.member:
            return "suspense_unknown"
        if first.id in self.settled:
            return "already_reversed"
        return None if first.amount == entry.amount else "amount_differs"

    def _collect(self, entry: Entry) -> Outcome:
        if refusal := self._suspended(entry):
            return rejected(entry, refusal)
        assert entry.about is not None
        told = self._pay(entry, "suspense")
        if told.status is Status.APPLIED:
            self.settled.add(entry.about)
        return told

    def _write_off(self, entry: Entry) -> Outcome:
        if refusal := self._suspended(entry):
            return rejected(entry, refusal)
        assert entry.about is not None
        self.settled.add(entry.about)
        self._move("issuance", "suspense", entry.amount)
        return outcome(entry)
