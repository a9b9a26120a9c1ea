"""What the entries of a batch touch, as it stands while they are decided: locked, read, changed here.

Accounts by name: issuance, campaign:<id>, member:<id>, purse:<hold>, redeemed, expired, suspense.
"""

from typing import NamedTuple
from uuid import UUID

from ledger_client.embedded.counters import Counters
from ledger_client.entry import Kind
from ledger_client.ledger import Status
from ledger_client.terms import Terms

DAY_MS = 86_400_000

# the ledger's own: any balance is allowed there, so nobody has to read them before
OPEN_ENDED = frozenset({"issuance", "redeemed", "expired", "suspense"})


class Account:
    """An account; `floor` None: it may go as low as it likes."""

    __slots__ = ("floor", "held", "id", "posted", "read")

    def __init__(self, id_: str, posted: int, held: int, floor: int | None) -> None:
        self.id = id_
        self.posted = posted
        self.held = held
        self.floor = floor
        self.read = (posted, held, floor)

    @property
    def available(self) -> int:
        """Points that are not frozen."""
        return self.posted - self.held

    @property
    def is_moved(self) -> bool:
        """Whether it is not as it was read."""
        return self.read != (self.posted, self.held, self.floor)


class Lot:
    """Points earned together that expire together; `fresh`: made by this batch."""

    __slots__ = ("campaign", "expires_at", "fresh", "id", "member", "read", "remaining")

    def __init__(
        self,
        id_: UUID,
        member: str,
        campaign: str,
        expires_at: int | None,
        remaining: int,
        fresh: bool = False,
    ) -> None:
        self.id = id_
        self.member = member
        self.campaign = campaign
        self.expires_at = expires_at
        self.remaining = remaining
        self.fresh = fresh
        self.read = (expires_at, remaining)

    def order(self) -> tuple[bool, int, UUID]:
        """Which is used first: the oldest expiry, then the id; what never expires comes last."""
        return self.expires_at is None, self.expires_at or 0, self.id


class Hold:
    """A purse or a freeze."""

    __slots__ = (
        "amount", "campaign", "epoch", "id", "kind", "lane", "member", "open", "room", "touched", "until",
        "used",
    )  # fmt: skip

    def __init__(
        self, id_: UUID, kind: str, member: str, campaign: str, room: str, lane: str, epoch: int,
        amount: int, used: int, until: int | None, state: str,
    ) -> None:  # fmt: skip
        self.id = id_
        self.kind = kind
        self.member = member
        self.campaign = campaign
        self.room = room
        self.lane = lane
        self.epoch = epoch
        self.amount = amount
        self.used = used
        self.until = until
        self.open = state == "open"
        self.touched = False

    @property
    def left(self) -> int:
        """What is neither spent nor given back."""
        return self.amount - self.used if self.open else 0


class Use(NamedTuple):
    """Points of a lot that an entry used; negative: gave back. `about` as in the entry."""

    entry_id: UUID
    lot: UUID
    amount: int
    about: UUID | None


class Original(NamedTuple):
    """An entry that another refers to."""

    id: UUID
    kind: Kind
    member: str
    to: str | None
    campaign: str
    amount: int
    credited: int
    status: Status
    occurred_at: int
    about: UUID | None


class Books:
    """The part of the books that a batch touches.

    Attributes:
        lane: whose batch it is, and its epoch.
        accounts: by name; those of OPEN_ENDED are not among them.
        holds: by id.
        lots: by id; of members who use points in this batch all that have some left.
        uses: by entry and by `about`, in the order in which they were written.
        originals: by id, those that a reversal, collection or write-off refers to; one of the same batch
            has credited nothing until it is decided.
        done: ids of originals that were reversed or resolved before.
        counters: what of their caps is used.
        waiting: entries put aside, by id: their members.
    """

    def __init__(self, lane: str, epoch: int) -> None:
        self.lane = lane
        self.epoch = epoch
        self.accounts: dict[str, Account] = {}
        self.holds: dict[UUID, Hold] = {}
        self.lots: dict[UUID, Lot] = {}
        self.uses: dict[UUID, list[Use]] = {}
        self.originals: dict[UUID, Original] = {}
        self.done: set[UUID] = set()
        self.counters = Counters()
        self.terms: dict[str, Terms] = {}
        self.waiting: dict[UUID, str] = {}
        self.users: set[str] = set()
        self.used: list[Use] = []
        self._usable: dict[str, list[Lot]] = {}

    def terms_of(self, campaign: str) -> Terms:
        """A campaign's terms, the defaults where none were agreed."""
        return self.terms.get(campaign) or _DEFAULT

    def member(self, member: str) -> Account:
        """A member's account."""
        return self.accounts["member:" + member]

    def usable(self, member: str) -> list[Lot]:
        """The member's lots in the order of use."""
        lots = self._usable.get(member)
        if lots is None:
            lots = sorted((lot for lot in self.lots.values() if lot.member == member), key=Lot.order)
            self._usable[member] = lots
        return lots

    def add_lot(self, lot: Lot) -> None:
        """A lot made by this batch."""
        self.lots[lot.id] = lot
        self._usable.pop(lot.member, None)

    def use(
        self, entry: UUID, member: str, points: int, about: UUID | None, first: UUID | None = None
    ) -> list[Use]:
        """Takes up to `points` out of the member's lots, out of the lot `first` before all others."""
        lots = self.usable(member)
        if first is not None:
            lots = sorted(lots, key=lambda lot: lot.id != first)
        taken = []
        for lot in lots:
            if points == 0:
                break
            if lot.remaining:
                part = min(points, lot.remaining)
                lot.remaining -= part
                points -= part
                taken.append(self._note(Use(entry, lot.id, part, about)))
        return taken

    def give_back(self, entry: UUID, source: UUID, points: int, about: UUID | None, at: int) -> int:
        """Puts up to `points` back into the lots that `source` used, the latest used first; what did not fit.

        A lot that expired meanwhile lasts another day: nobody loses points by getting them back.
        """
        net: dict[UUID, int] = {}
        for use in self.uses.get(source, ()):
            net[use.lot] = net.get(use.lot, 0) + use.amount
        for lot_id, used in reversed(list(net.items())):
            part = min(points, used)
            if part > 0:
                lot = self.lots[lot_id]
                lot.remaining += part
                if lot.expires_at is not None and lot.expires_at <= at:
                    lot.expires_at = at + DAY_MS
                    self._usable.pop(lot.member, None)
                points -= part
                self._note(Use(entry, lot_id, -part, about))
        return points

    def remember(self, use: Use) -> None:
        """A use is found under its entry and under what that is about."""
        self.uses.setdefault(use.entry_id, []).append(use)
        if use.about is not None and use.about != use.entry_id:
            self.uses.setdefault(use.about, []).append(use)

    def _note(self, use: Use) -> Use:
        self.used.append(use)
        self.remember(use)
        return use


_DEFAULT = Terms()
