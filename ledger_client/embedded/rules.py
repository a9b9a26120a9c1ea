"""What each kind of entry asks of the books. No I/O.

A rule looks at the books, changes them where the entry goes through, and returns its verdict.
"""

from typing import NamedTuple
from uuid import UUID

from ledger_client.calendar import day_of, expiry_of
from ledger_client.embedded.counters import Cap, Key
from ledger_client.embedded.state import Books, Hold, Lot
from ledger_client.entry import Entry, derived_id
from ledger_client.ledger import Status
from ledger_client.terms import Terms

NOT_ENOUGH = "not_enough_points"
BUDGET_EXHAUSTED = "budget_exhausted"


class Verdict(NamedTuple):
    """What becomes of an entry; `source` and `target` are the accounts between which it moves points."""

    status: Status
    credited: int
    reason: str | None = None
    source: str | None = None
    target: str | None = None


def rejected(reason: str) -> Verdict:
    """A refusal that is stored."""
    return Verdict(Status.REJECTED, 0, reason)


def fund(books: Books, entry: Entry) -> Verdict:
    """issuance -> campaign."""
    return Verdict(Status.APPLIED, entry.amount, None, "issuance", "campaign:" + entry.campaign)


def earn(books: Books, entry: Entry) -> Verdict:
    """campaign -> member, as much as caps leave; the whole or nothing where the budget ends."""
    terms = books.terms_of(entry.campaign)
    credited, reason = entry.amount, None
    capped = terms.caps.any
    if capped:
        credited, reason = _cut(books, terms, entry)
        if not credited:
            return Verdict(Status.REJECTED, 0, reason)
    source = "campaign:" + entry.campaign
    budget = books.accounts[source]
    if budget.floor is not None and budget.posted - budget.floor < credited:
        return rejected(BUDGET_EXHAUSTED)
    if capped:
        day = day_of(terms.timezone, entry.occurred_at)
        key = Key(Cap.EARN, entry.campaign, entry.member, day.year)
        books.counters.count(key, day, credited)
    _earn_lot(books, terms, entry, credited)
    return Verdict(Status.APPLIED, credited, reason, source, "member:" + entry.member)


def _cut(books: Books, terms: Terms, entry: Entry) -> tuple[int, str | None]:
    """What the caps leave of an earn, and the cap that cut it; of several the one that leaves least."""
    today = day_of(terms.timezone, entry.occurred_at)
    key = Key(Cap.EARN, entry.campaign, entry.member, today.year)
    day, month, year = books.counters.used(key, today)
    least, reason = entry.amount, None
    caps = terms.caps
    for cap, used, name in (
        (caps.day, day, "daily_cap"), (caps.month, month, "monthly_cap"), (caps.year, year, "yearly_cap"),
    ):  # fmt: skip
        if cap is not None and max(0, cap - used) < least:
            least, reason = max(0, cap - used), name
    return least, reason


def _earn_lot(books: Books, terms: Terms, entry: Entry, credited: int) -> None:
    """The earn's lot, smaller by the debt that it pays; kept here only where the batch may use it."""
    debt = min(credited, max(0, -books.member(entry.member).posted))
    if debt or entry.member in books.users:
        lot = Lot(
            entry.id, entry.member, entry.campaign, expiry_of(terms, entry.occurred_at), credited, fresh=True
        )
        books.add_lot(lot)
        if debt:
            books.use(entry.id, entry.member, debt, None, first=lot.id)


def hold(books: Books, entry: Entry) -> Verdict:
    """member -> purse, the whole or nothing."""
    purse = books.holds.get(entry.about) if entry.about else None
    if entry.about is None:
        return rejected("hold_unknown")
    if purse is not None and not purse.open:
        return rejected("hold_closed")
    if purse is not None and (purse.kind, purse.member) != ("purse", entry.member):
        return rejected("hold_unknown")
    if books.member(entry.member).available < entry.amount:
        return rejected(NOT_ENOUGH)
    if purse is None:
        purse = _new_hold(books, entry, "purse", 0)
    purse.amount += entry.amount
    purse.until = entry.until if entry.until is not None else purse.until
    purse.touched = True
    books.use(entry.id, entry.member, entry.amount, entry.about)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, f"purse:{entry.about}")


def _new_hold(books: Books, entry: Entry, kind: str, amount: int) -> Hold:
    assert entry.about is not None
    lane = books.lane.removesuffix("/purses")
    hold = Hold(
        entry.about, kind, entry.member, entry.campaign, entry.room, lane, books.epoch, amount, 0,
        entry.until, "open",
    )  # fmt: skip
    hold.touched = True
    books.holds[hold.id] = hold
    return hold


def spend(books: Books, entry: Entry) -> Verdict:
    """purse -> redeemed; from suspense where the purse cannot pay."""
    purse = _purse_of(books, entry)
    if purse is None:
        reason = "hold_unknown"
    elif not purse.open:
        reason = "hold_closed"
    elif purse.left < entry.amount:
        reason = "hold_too_small"
    else:
        purse.used += entry.amount
        purse.touched = True
        return Verdict(Status.APPLIED, entry.amount, None, f"purse:{purse.id}", "redeemed")
    # the play has happened: the debt is ours until staff decide
    return Verdict(Status.SUSPENSE, entry.amount, reason, "suspense", "redeemed")


def _purse_of(books: Books, entry: Entry) -> Hold | None:
    purse = books.holds.get(entry.about) if entry.about else None
    if purse is None or (purse.kind, purse.member) != ("purse", entry.member):
        return None
    return purse


def release(books: Books, entry: Entry) -> Verdict:
    """purse -> member: all that is left."""
    purse = _purse_of(books, entry)
    if purse is None:
        return rejected("hold_unknown")
    if not purse.open:
        return Verdict(Status.APPLIED, 0, "hold_closed")
    left = purse.left
    purse.open, purse.touched = False, True
    give_points_back(books, entry, left, purse.id, about=purse.id)
    return Verdict(Status.APPLIED, left, None, f"purse:{purse.id}", "member:" + purse.member)


def give_points_back(books: Books, entry: Entry, points: int, source: UUID, about: UUID | None) -> None:
    """Points come back to a member: pay a debt, go to the lots they came from, or into a lot of their own."""
    account = books.member(entry.member)
    points -= min(points, max(0, -account.posted))
    homeless = books.give_back(entry.id, source, points, about, entry.occurred_at) if points else 0
    if homeless:
        expires_at = expiry_of(books.terms_of(entry.campaign), entry.occurred_at)
        books.add_lot(Lot(entry.id, entry.member, entry.campaign, expires_at, homeless, fresh=True))


def redeem(books: Books, entry: Entry) -> Verdict:
    """member -> redeemed."""
    if books.member(entry.member).available < entry.amount:
        return rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, entry.amount, None)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, "redeemed")


def expire(books: Books, entry: Entry) -> Verdict:
    """member -> expired: what is left of a lot."""
    lot = books.lots.get(entry.about) if entry.about else None
    if (
        lot is None
        or lot.member != entry.member
        or lot.expires_at is None
        or lot.expires_at > entry.occurred_at
    ):
        return rejected("lot_unknown")
    points = min(entry.amount, lot.remaining, max(0, books.member(entry.member).available))
    if not points:
        return rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, points, None, first=lot.id)
    return Verdict(Status.APPLIED, points, None, "member:" + entry.member, "expired")


def freeze(books: Books, entry: Entry) -> Verdict:
    """available -> held: what there is of it."""
    if entry.about is None:
        return rejected("freeze_unknown")
    if entry.about in books.holds:
        return rejected("already_frozen")
    account = books.member(entry.member)
    points = min(entry.amount, account.available)
    if points <= 0:
        return rejected(NOT_ENOUGH)
    _new_hold(books, entry, "freeze", points)
    account.held += points
    return Verdict(Status.APPLIED, points, None if points == entry.amount else NOT_ENOUGH)


def thaw(books: Books, entry: Entry) -> Verdict:
    """held -> available: a freeze."""
    freeze = books.holds.get(entry.about) if entry.about else None
    if freeze is None or not freeze.open or (freeze.kind, freeze.member) != ("freeze", entry.member):
        return rejected("freeze_unknown")
    return Verdict(Status.APPLIED, thawed(books, freeze))


def thawed(books: Books, freeze: Hold) -> int:
    """Ends a freeze; its points."""
    freeze.open, freeze.touched = False, True
    books.member(freeze.member).held -= freeze.amount
    return freeze.amount


def transfer(books: Books, entry: Entry) -> Verdict:
    """member -> member."""
    terms = books.terms_of(entry.campaign)
    if terms.transfer_per_day is None:
        return rejected("transfer_not_allowed")
    if not entry.to or entry.to == entry.member:
        return rejected("same_member")
    day = day_of(terms.timezone, entry.occurred_at)
    key = Key(Cap.TRANSFER, entry.campaign, entry.member, day.year)
    if books.counters.used(key, day)[0] + entry.amount > terms.transfer_per_day:
        return rejected("transfer_cap")
    if books.member(entry.member).available < entry.amount:
        return rejected(NOT_ENOUGH)
    books.counters.count(key, day, entry.amount)
    _hand_over(books, entry, entry.to)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, "member:" + entry.to)


def _hand_over(books: Books, entry: Entry, to: str) -> None:
    """Lots keep their campaign and expiry in the other member's hands; a debt of theirs is paid first."""
    debt = max(0, -books.member(to).posted)
    for use in books.use(entry.id, entry.member, entry.amount, None):
        old = books.lots[use.lot]
        paid = min(debt, use.amount)
        debt -= paid
        new = Lot(
            derived_id(f"{entry.id}|{old.id}"),
            to,
            old.campaign,
            old.expires_at,
            use.amount - paid,
            fresh=True,
        )
        books.add_lot(new)
