"""What becomes of each entry, in order, given the books as they stand. No I/O.

A rule looks at the books, changes them where the entry goes through, and returns its verdict.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from ledger_client.calendar import day_of, expiry_of
from ledger_client.embedded.counters import Cap, Key
from ledger_client.embedded.state import OPEN_ENDED, Books, Hold, Lot, Original
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.ledger import Status
from ledger_client.terms import Reversal, Terms

NOT_ENOUGH = "not_enough_points"
BUDGET_EXHAUSTED = "budget_exhausted"
PARKED = "parked"


class Verdict(NamedTuple):
    """What becomes of an entry; `source` and `target` are the accounts between which it moves points."""

    status: Status
    credited: int
    reason: str | None = None
    source: str | None = None
    target: str | None = None


def decide(books: Books, entry: Entry) -> Verdict:
    """The verdict on an entry; the books are changed by it."""
    if books.waiting and (parked := _parked(books, entry)):
        return parked
    verdict = _RULES[entry.kind](books, entry)
    refused = verdict.status is Status.REJECTED and verdict.reason == NOT_ENOUGH
    if refused and books.waiting and entry.member in books.waiting.values():
        # what is put aside may be the very points that are missing
        return Verdict(Status.PARKED, 0, PARKED)
    if books.originals and entry.id in books.originals:
        books.originals[entry.id] = books.originals[entry.id]._replace(
            credited=verdict.credited, status=verdict.status
        )
    if verdict.source is not None and verdict.credited:
        _move(books, verdict.source, verdict.target or "", verdict.credited)
    return verdict


def _parked(books: Books, entry: Entry) -> Verdict | None:
    if entry.about in books.waiting or entry.reverses in books.waiting:
        return Verdict(Status.PARKED, 0, PARKED)
    return None


def _rejected(reason: str) -> Verdict:
    return Verdict(Status.REJECTED, 0, reason)


def _move(books: Books, source: str, target: str, points: int) -> None:
    if source not in OPEN_ENDED:
        books.accounts[source].posted -= points
    if target not in OPEN_ENDED:
        account = books.accounts[target]
        account.posted += points
        if account.floor is not None and account.floor < 0:
            account.floor = min(0, account.available)  # a debt that is paid is no longer allowed


def _fund(books: Books, entry: Entry) -> Verdict:
    return Verdict(Status.APPLIED, entry.amount, None, "issuance", "campaign:" + entry.campaign)


def _earn(books: Books, entry: Entry) -> Verdict:
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
        return _rejected(BUDGET_EXHAUSTED)
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


def _hold(books: Books, entry: Entry) -> Verdict:
    purse = books.holds.get(entry.about) if entry.about else None
    if entry.about is None:
        return _rejected("hold_unknown")
    if purse is not None and not purse.open:
        return _rejected("hold_closed")
    if purse is not None and (purse.kind, purse.member) != ("purse", entry.member):
        return _rejected("hold_unknown")
    if books.member(entry.member).available < entry.amount:
        return _rejected(NOT_ENOUGH)
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


def _spend(books: Books, entry: Entry) -> Verdict:
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


def _release(books: Books, entry: Entry) -> Verdict:
    purse = _purse_of(books, entry)
    if purse is None:
        return _rejected("hold_unknown")
    if not purse.open:
        return Verdict(Status.APPLIED, 0, "hold_closed")
    left = purse.left
    purse.open, purse.touched = False, True
    _return(books, entry, left, purse.id, about=purse.id)
    return Verdict(Status.APPLIED, left, None, f"purse:{purse.id}", "member:" + purse.member)


def _return(books: Books, entry: Entry, points: int, source: UUID, about: UUID | None) -> None:
    """Points come back to a member: pay a debt, go to the lots they came from, or into a lot of their own."""
    account = books.member(entry.member)
    points -= min(points, max(0, -account.posted))
    homeless = books.give_back(entry.id, source, points, about, entry.occurred_at) if points else 0
    if homeless:
        expires_at = expiry_of(books.terms_of(entry.campaign), entry.occurred_at)
        books.add_lot(Lot(entry.id, entry.member, entry.campaign, expires_at, homeless, fresh=True))


def _redeem(books: Books, entry: Entry) -> Verdict:
    if books.member(entry.member).available < entry.amount:
        return _rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, entry.amount, None)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, "redeemed")


def _expire(books: Books, entry: Entry) -> Verdict:
    lot = books.lots.get(entry.about) if entry.about else None
    if (
        lot is None
        or lot.member != entry.member
        or lot.expires_at is None
        or lot.expires_at > entry.occurred_at
    ):
        return _rejected("lot_unknown")
    points = min(entry.amount, lot.remaining, max(0, books.member(entry.member).available))
    if not points:
        return _rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, points, None, first=lot.id)
    return Verdict(Status.APPLIED, points, None, "member:" + entry.member, "expired")


def _freeze(books: Books, entry: Entry) -> Verdict:
    if entry.about is None:
        return _rejected("freeze_unknown")
    if entry.about in books.holds:
        return _rejected("already_frozen")
    account = books.member(entry.member)
    points = min(entry.amount, account.available)
    if points <= 0:
        return _rejected(NOT_ENOUGH)
    _new_hold(books, entry, "freeze", points)
    account.held += points
    return Verdict(Status.APPLIED, points, None if points == entry.amount else NOT_ENOUGH)


def _thaw(books: Books, entry: Entry) -> Verdict:
    freeze = books.holds.get(entry.about) if entry.about else None
    if freeze is None or not freeze.open or (freeze.kind, freeze.member) != ("freeze", entry.member):
        return _rejected("freeze_unknown")
    return Verdict(Status.APPLIED, _thawed(books, freeze))


def _thawed(books: Books, freeze: Hold) -> int:
    freeze.open, freeze.touched = False, True
    books.member(freeze.member).held -= freeze.amount
    return freeze.amount


def _transfer(books: Books, entry: Entry) -> Verdict:
    terms = books.terms_of(entry.campaign)
    if terms.transfer_per_day is None:
        return _rejected("transfer_not_allowed")
    if not entry.to or entry.to == entry.member:
        return _rejected("same_member")
    day = day_of(terms.timezone, entry.occurred_at)
    key = Key(Cap.TRANSFER, entry.campaign, entry.member, day.year)
    if books.counters.used(key, day)[0] + entry.amount > terms.transfer_per_day:
        return _rejected("transfer_cap")
    if books.member(entry.member).available < entry.amount:
        return _rejected(NOT_ENOUGH)
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


def _reverse(books: Books, entry: Entry) -> Verdict:
    original = books.originals.get(entry.reverses) if entry.reverses else None
    if original is None or not original.credited:
        return _rejected("reverses_unknown")
    if original.id in books.done:
        return _rejected("already_reversed")
    if (
        original.member != entry.member
        or original.campaign != entry.campaign
        or original.kind not in _MIRRORS
    ):
        return _rejected("not_reversible")
    if original.amount != entry.amount:
        return _rejected("amount_differs")
    verdict = _MIRRORS[original.kind](books, entry, original)
    if verdict.status is Status.APPLIED:
        books.done.add(original.id)
    return verdict


def _unfund(books: Books, entry: Entry, original: Original) -> Verdict:
    source = "campaign:" + original.campaign
    budget = books.accounts[source]
    if budget.floor is not None and budget.posted - budget.floor < original.credited:
        return _rejected(BUDGET_EXHAUSTED)
    return Verdict(Status.APPLIED, original.credited, None, source, "issuance")


def _unearn(books: Books, entry: Entry, original: Original) -> Verdict:
    freeze = books.holds.get(original.id)
    frozen = freeze if freeze is not None and freeze.open and freeze.kind == "freeze" else None
    back = frozen.amount if frozen and frozen.member == original.member else 0
    taken = _take_back(books, entry, original.member, original.credited, back, first=original.id)
    if taken is not None:
        return taken
    if frozen and back:
        _thawed(books, frozen)
    terms = books.terms_of(original.campaign)
    day = day_of(terms.timezone, original.occurred_at)
    key = Key(Cap.EARN, original.campaign, original.member, day.year)
    books.counters.count(key, day, -original.credited)
    return Verdict(
        Status.APPLIED, original.credited, None, "member:" + original.member, "campaign:" + original.campaign
    )


def _take_back(
    books: Books, entry: Entry, member: str, points: int, thawed: int, first: UUID | None = None
) -> Verdict | None:
    """Takes points from a member who may have spent them; None, or why that is refused."""
    account = books.member(member)
    after = account.available + thawed - points
    if after < 0:
        if books.terms_of(entry.campaign).reversal is Reversal.REFUSE:
            return _rejected("already_spent")
        account.floor = min(account.floor or 0, after)
    in_lots = max(0, account.posted) - max(0, account.posted - points)
    books.use(entry.id, member, in_lots, None, first)
    return None


def _untransfer(books: Books, entry: Entry, original: Original) -> Verdict:
    assert original.to is not None
    if refused := _take_back(books, entry, original.to, original.credited, 0):
        return refused
    terms = books.terms_of(original.campaign)
    day = day_of(terms.timezone, original.occurred_at)
    key = Key(Cap.TRANSFER, original.campaign, original.member, day.year)
    books.counters.count(key, day, -original.credited)
    _return(books, entry, original.credited, original.id, about=original.id)
    return Verdict(
        Status.APPLIED, original.credited, None, "member:" + original.to, "member:" + original.member
    )


def _unspend(books: Books, entry: Entry, original: Original) -> Verdict:
    if original.status is Status.SUSPENSE:
        return Verdict(Status.APPLIED, original.credited, None, "redeemed", "suspense")
    source = original.about if original.kind is Kind.SPEND else original.id
    assert source is not None
    _return(books, entry, original.credited, source, about=source)
    account = "expired" if original.kind is Kind.EXPIRE else "redeemed"
    return Verdict(Status.APPLIED, original.credited, None, account, "member:" + original.member)


def _suspended(books: Books, entry: Entry) -> Original | Verdict:
    original = books.originals.get(entry.about) if entry.about else None
    if original is None or original.status is not Status.SUSPENSE or original.member != entry.member:
        return _rejected("suspense_unknown")
    if original.id in books.done:
        return _rejected("already_reversed")
    return original if original.amount == entry.amount else _rejected("amount_differs")


def _collect(books: Books, entry: Entry) -> Verdict:
    original = _suspended(books, entry)
    if isinstance(original, Verdict):
        return original
    if books.member(entry.member).available < entry.amount:
        return _rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, entry.amount, None)
    books.done.add(original.id)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, "suspense")


def _write_off(books: Books, entry: Entry) -> Verdict:
    original = _suspended(books, entry)
    if isinstance(original, Verdict):
        return original
    books.done.add(original.id)
    return Verdict(Status.APPLIED, entry.amount, None, "issuance", "suspense")


_RULES: dict[Kind, Callable[[Books, Entry], Verdict]] = {
    Kind.FUND: _fund,
    Kind.EARN: _earn,
    Kind.HOLD: _hold,
    Kind.SPEND: _spend,
    Kind.RELEASE: _release,
    Kind.REDEEM: _redeem,
    Kind.EXPIRE: _expire,
    Kind.FREEZE: _freeze,
    Kind.THAW: _thaw,
    Kind.REVERSE: _reverse,
    Kind.TRANSFER: _transfer,
    Kind.COLLECT: _collect,
    Kind.WRITE_OFF: _write_off,
}
_MIRRORS: dict[Kind, Callable[[Books, Entry, Original], Verdict]] = {
    Kind.FUND: _unfund,
    Kind.EARN: _unearn,
    Kind.SPEND: _unspend,
    Kind.REDEEM: _unspend,
    Kind.EXPIRE: _unspend,
    Kind.TRANSFER: _untransfer,
}
