"""The ledger as the game server sees it: one protocol, whoever keeps the books."""

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from ledger_client.entry import Entry, Kind
from ledger_client.terms import Terms


class Status(StrEnum):
    """What became of an entry. A repeated entry keeps the outcome that it had."""

    APPLIED = "applied"
    ALREADY = "already"  # the same id and payload was applied before
    REJECTED = "rejected"  # a business refusal, stored; a retry needs a new id
    SUSPENSE = "suspense"  # a spend that no purse could pay: booked against suspense, alarm
    PARKED = "parked"  # waits behind an entry that is put aside: kept, applied when that one is retried
    MISMATCH = "mismatch"  # the id carries another payload: put aside, alarm
    DEAD = "dead"  # the ledger cannot store it: put aside, alarm


class Outcome(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An entry's outcome; `reason` is a code, and says too why less than asked was credited.

    `credited`: the points moved, which caps and purses may make fewer than the entry's amount.
    """

    id: UUID
    status: Status
    reason: str | None = None
    credited: int = 0


class LaneAt(msgspec.Struct, frozen=True):
    """The lane that speaks, such as "r42.0" or "mall", under its epoch, up to this id of its outbox."""

    id: str
    epoch: int
    outbox_id: str = "0-0"


class HoldAsk(msgspec.Struct, frozen=True):
    """Asks for points in a purse: `number` 0 opens the purse `id`, 1, 2 ... top it up.

    It gets `wanted` points, or fewer where the member has fewer, in multiples of `step`; less than one
    step is nothing. `until` in ms is when the purse is released by itself.
    """

    id: UUID
    number: int
    member: str
    campaign: str
    room: str
    wanted: int
    step: int
    until: int
    occurred_at: int


class HoldState(StrEnum):
    """A hold's life."""

    OPEN = "open"
    CLOSED = "closed"
    NONE = "none"  # there is no such hold: the member has less than one step


class Held(msgspec.Struct, frozen=True):
    """The answer to one ask: what this number of the purse was given, and how the purse stands.

    `state` is "none" where the member has not one step; nothing was stored then.
    """

    id: UUID
    number: int
    granted: int
    amount: int
    used: int
    until: int
    state: HoldState


class Purse(msgspec.Struct, frozen=True):
    """An open purse of a room: `amount` was held, `used` of it is spent and settled."""

    id: UUID
    member: str
    amount: int
    used: int
    until: int


class Balance(msgspec.Struct, frozen=True):
    """A member's points: free to use; reserved in purses or frozen; and how soon the free ones expire.

    `expiring` points expire within EXPIRING_DAYS, the first of them at `expires_at` (ms).
    """

    available: int
    held: int
    expiring: int = 0
    expires_at: int | None = None


EXPIRING_DAYS = 30


class StatementLine(msgspec.Struct, frozen=True):
    """One movement of a member; times in ms.

    `amount` is signed: the change of what the member owns (available and held), 0 where points only
    change between the two; `moved` is how many points the entry moved, `asked` how many it was about;
    `reason` says why they differ. `balance` is what the member owned after it.
    """

    entry_id: UUID
    kind: Kind
    campaign: str
    room: str
    amount: int
    moved: int
    asked: int
    reason: str | None
    balance: int
    occurred_at: int
    applied_at: int


class Liability(msgspec.Struct, frozen=True):
    """Points that members of a campaign still have, by month of expiry ("2026-11", "" for never)."""

    campaign: str
    month: str
    points: int


class Ranked(msgspec.Struct, frozen=True):
    """A place of a top list."""

    member: str
    points: int


class Reminder(msgspec.Struct, frozen=True):
    """A member's `points` expire at `expires_at` (ms), which is at most `days` days away."""

    member: str
    campaign: str
    points: int
    expires_at: int
    days: int


class Upkept(msgspec.Struct, frozen=True):
    """What one round of upkeep did."""

    purses_released: int
    lots_expired: int
    points_expired: int
    reminders: list[Reminder]


class Totals(msgspec.Struct, frozen=True):
    """What the ledger has of a lane: entries by status, and the points they credited."""

    applied: int = 0
    rejected: int = 0
    suspense: int = 0
    credited: int = 0


class Suspended(msgspec.Struct, frozen=True):
    """A spend that no purse could pay and that nobody has resolved."""

    entry_id: UUID
    member: str
    campaign: str
    room: str
    amount: int
    reason: str
    occurred_at: int


class DeadLetter(msgspec.Struct, frozen=True):
    """Something put aside: `raw` as it came, in hex; `id` in hex; times in ms."""

    id: str
    source: str
    reason: str
    attempts: int
    at: int
    raw: str
    entry_id: UUID | None = None
    member: str = ""


class Drift(msgspec.Struct, frozen=True):
    """Two numbers that must be equal and are not; `what` says of which thing `key` is."""

    what: str
    key: str
    expected: int
    found: int


class BrokenLink(msgspec.Struct, frozen=True):
    """The first entry of a lane's chain that is not as it was sealed; `seq` counts from 1.

    `entry_id` is "" where an entry is missing.
    """

    lane: str
    seq: int
    entry_id: str


class Ledger(Protocol):
    """Every call may raise LedgerAway, and may then be repeated as it is."""

    async def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        """Applies a batch, all or nothing; one outcome per entry, in order. Raises StaleEpoch."""

    async def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        """Opens and tops up purses for a lane; one answer per ask, in order. Raises StaleEpoch.

        The same (id, number) again is told what it was told before.
        """

    async def fund(self, campaign: str, budget: int) -> int:
        """Brings what the campaign was funded with to `budget` points; returns what it is in all.

        It only rises: the same or a smaller budget changes nothing.
        """

    async def agree(self, campaign: str, terms: Terms) -> None:
        """Puts a campaign under terms; they hold for entries that are applied from now on."""

    async def terms(self, campaign: str) -> Terms:
        """The campaign's terms; the defaults where none were agreed."""

    async def upkeep(self, now: int) -> Upkept:
        """Releases purses and expires lots whose time is over at `now` (ms); finds who is to be reminded.

        Does a bounded part of it; call it again while it finds something. Idempotent.
        """

    async def balance(self, member: str) -> Balance:
        """Zeros for a member the ledger has never seen."""

    async def balance_at(self, member: str, at: int) -> int:
        """What the member owned, available and held, once everything applied up to `at` (ms) was."""

    async def statement(self, member: str, limit: int = 100) -> list[StatementLine]:
        """The newest movements, newest first."""

    def statement_lines(self, member: str) -> AsyncIterator[StatementLine]:
        """All movements, oldest first, streamed."""

    async def reminders(self, member: str, now: int) -> list[Reminder]:
        """What the member was reminded of and has not expired yet, the nearest first."""

    async def liability(self) -> list[Liability]:
        """What members still have, by campaign and month of expiry (in the campaign's timezone)."""

    async def top(self, kind: Kind, campaign: str, since: int, until: int, limit: int = 100) -> list[Ranked]:
        """Who earned (EARN) or spent (SPEND: redemptions too) most in [since, until) ms of occurred_at.

        `campaign` "": over all.
        """

    async def purses(self, lane: str) -> list[Purse]:
        """The open purses that a lane, such as "r42.0", has asked for."""

    async def totals(self, lane: str, kind: Kind | None = None) -> Totals:
        """What has come from a lane; with `kind`, of that kind alone."""

    async def suspended(self, limit: int = 100) -> list[Suspended]:
        """What waits in suspense, oldest first; resolved by COLLECT or WRITE_OFF entries."""

    async def letters(self, limit: int = 100) -> list[DeadLetter]:
        """What was put aside and is not resolved, oldest first."""

    async def retry(self, letter: str) -> list[Outcome]:
        """Applies a dead entry again and, if it goes through, those parked behind it; their outcomes.

        Raises UnknownLetter.
        """

    async def resolve(self, letter: str) -> None:
        """Marks a letter as dealt with otherwise. Raises UnknownLetter."""

    async def drift(self, limit: int = 100) -> list[Drift]:
        """Where the books disagree with themselves: empty, or an alarm."""

    async def audit(self) -> list[BrokenLink]:
        """Recomputes every lane's hash chain: empty, or the first broken link of each."""
