"""What becomes of each entry, in order, given the books as they stand. No I/O."""

from collections.abc import Callable

from ledger_client.embedded import reversing, rules
from ledger_client.embedded.rules import NOT_ENOUGH, Verdict
from ledger_client.embedded.state import OPEN_ENDED, Books
from ledger_client.entry import Entry, Kind
from ledger_client.ledger import Status

PARKED = "parked"


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


def _move(books: Books, source: str, target: str, points: int) -> None:
    if source not in OPEN_ENDED:
        books.accounts[source].posted -= points
    if target not in OPEN_ENDED:
        account = books.accounts[target]
        account.posted += points
        if account.floor is not None and account.floor < 0:
            account.floor = min(0, account.available)  # a debt that is paid is no longer allowed


_RULES: dict[Kind, Callable[[Books, Entry], Verdict]] = {
    Kind.FUND: rules.fund,
    Kind.EARN: rules.earn,
    Kind.HOLD: rules.hold,
    Kind.SPEND: rules.spend,
    Kind.RELEASE: rules.release,
    Kind.REDEEM: rules.redeem,
    Kind.EXPIRE: rules.expire,
    Kind.FREEZE: rules.freeze,
    Kind.THAW: rules.thaw,
    Kind.REVERSE: reversing.reverse,
    Kind.TRANSFER: rules.transfer,
    Kind.COLLECT: reversing.collect,
    Kind.WRITE_OFF: reversing.write_off,
}
