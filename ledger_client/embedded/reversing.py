"""What was done is undone: reversals, and what becomes of suspended spends. No I/O."""

from collections.abc import Callable
from uuid import UUID

from ledger_client.calendar import day_of
from ledger_client.embedded.counters import Cap, Key
from ledger_client.embedded.rules import (
    BUDGET_EXHAUSTED,
    NOT_ENOUGH,
    Verdict,
    give_points_back,
    rejected,
    thawed,
)
from ledger_client.embedded.state import Books, Original
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import Status
from ledger_client.terms import Reversal


def reverse(books: Books, entry: Entry) -> Verdict:
    """The mirror of an entry, once."""
    original = books.originals.get(entry.reverses) if entry.reverses else None
    if original is None or not original.credited:
        return rejected("reverses_unknown")
    if original.id in books.done:
        return rejected("already_reversed")
    if (
        original.member != entry.member
        or original.campaign != entry.campaign
        or original.kind not in _MIRRORS
    ):
        return rejected("not_reversible")
    if original.amount != entry.amount:
        return rejected("amount_differs")
    verdict = _MIRRORS[original.kind](books, entry, original)
    if verdict.status is Status.APPLIED:
        books.done.add(original.id)
    return verdict


def _unfund(books: Books, entry: Entry, original: Original) -> Verdict:
    source = "campaign:" + original.campaign
    budget = books.accounts[source]
    if budget.floor is not None and budget.posted - budget.floor < original.credited:
        return rejected(BUDGET_EXHAUSTED)
    return Verdict(Status.APPLIED, original.credited, None, source, "issuance")


def _unearn(books: Books, entry: Entry, original: Original) -> Verdict:
    freeze = books.holds.get(original.id)
    frozen = freeze if freeze is not None and freeze.open and freeze.kind == "freeze" else None
    back = frozen.amount if frozen and frozen.member == original.member else 0
    taken = _take_back(books, entry, original.member, original.credited, back, first=original.id)
    if taken is not None:
        return taken
    if frozen and back:
        thawed(books, frozen)
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
            return rejected("already_spent")
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
    give_points_back(books, entry, original.credited, original.id, about=original.id)
    return Verdict(
        Status.APPLIED, original.credited, None, "member:" + original.to, "member:" + original.member
    )


def _unspend(books: Books, entry: Entry, original: Original) -> Verdict:
    if original.status is Status.SUSPENSE:
        return Verdict(Status.APPLIED, original.credited, None, "redeemed", "suspense")
    source = original.about if original.kind is Kind.SPEND else original.id
    assert source is not None
    give_points_back(books, entry, original.credited, source, about=source)
    account = "expired" if original.kind is Kind.EXPIRE else "redeemed"
    return Verdict(Status.APPLIED, original.credited, None, account, "member:" + original.member)


def _suspended(books: Books, entry: Entry) -> Original | Verdict:
    original = books.originals.get(entry.about) if entry.about else None
    if original is None or original.status is not Status.SUSPENSE or original.member != entry.member:
        return rejected("suspense_unknown")
    if original.id in books.done:
        return rejected("already_reversed")
    return original if original.amount == entry.amount else rejected("amount_differs")


def collect(books: Books, entry: Entry) -> Verdict:
    """member -> suspense: pays a suspended spend."""
    original = _suspended(books, entry)
    if isinstance(original, Verdict):
        return original
    if books.member(entry.member).available < entry.amount:
        return rejected(NOT_ENOUGH)
    books.use(entry.id, entry.member, entry.amount, None)
    books.done.add(original.id)
    return Verdict(Status.APPLIED, entry.amount, None, "member:" + entry.member, "suspense")


def write_off(books: Books, entry: Entry) -> Verdict:
    """issuance -> suspense: forgives a suspended spend."""
    original = _suspended(books, entry)
    if isinstance(original, Verdict):
        return original
    books.done.add(original.id)
    return Verdict(Status.APPLIED, entry.amount, None, "issuance", "suspense")


_MIRRORS: dict[Kind, Callable[[Books, Entry, Original], Verdict]] = {
    Kind.FUND: _unfund,
    Kind.EARN: _unearn,
    Kind.SPEND: _unspend,
    Kind.REDEEM: _unspend,
    Kind.EXPIRE: _unspend,
    Kind.TRANSFER: _untransfer,
}
