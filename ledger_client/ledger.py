"""The ledger as the game server sees it: one protocol, whoever keeps the books."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from ledger_client.entry import Entry, Kind


class Status(StrEnum):
    """What became of an entry. A repeated entry keeps the outcome that it had."""

    APPLIED = "applied"
    ALREADY = "already"  # the same id and payload was applied before
    REJECTED = "rejected"  # a business refusal, stored; a retry needs a new id
    MISMATCH = "mismatch"  # the id carries another payload: put aside, alarm
    DEAD = "dead"  # the ledger cannot store it: put aside, alarm


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """An entry's outcome; `reason` is a code where the status is not applied or already."""

    id: UUID
    status: Status
    reason: str | None = None


class LaneAt(msgspec.Struct, frozen=True):
    """The lane that speaks, such as "r42.0", under its epoch, up to this id of its outbox."""

    id: str
    epoch: int
    outbox_id: str


class Balance(msgspec.Struct, frozen=True):
    """A member's points: free to use, and reserved."""

    available: int
    held: int


class StatementLine(msgspec.Struct, frozen=True):
    """One movement of a member: `amount` is signed, `balance` is what stood after it; times in ms."""

    entry_id: UUID
    kind: Kind
    campaign: str
    room: str
    amount: int
    balance: int
    occurred_at: int
    applied_at: int


class Drift(msgspec.Struct, frozen=True):
    """Two numbers of the books that must be equal and are not; `what` says of which thing `key` is."""

    what: str
    key: str
    expected: int
    found: int


class Ledger(Protocol):
    """Every call may raise LedgerAway, and may then be repeated as it is."""

    async def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        """Applies a batch, all or nothing; one outcome per entry, in order. Raises StaleEpoch."""

    async def fund(self, campaign: str, budget: int) -> int:
        """Brings what the campaign was funded with to `budget` points; returns what it is in all.

        It only rises: the same or a smaller budget changes nothing.
        """

    async def balance(self, member: str) -> Balance:
        """Zeros for a member the ledger has never seen."""

    async def statement(self, member: str, limit: int = 100) -> list[StatementLine]:
        """The newest movements, newest first."""

    async def drift(self, limit: int = 100) -> list[Drift]:
        """Where the books disagree with themselves: empty, or an alarm."""
