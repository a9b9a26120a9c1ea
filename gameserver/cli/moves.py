"""`gameserver ledger redeem | transfer | freeze | thaw | reverse`: what staff do to a member's points.

Each asks first, and tells the balance after it. The id of what is written is derived from a reference (a
ticket's number, say), so that saying the same again changes nothing.
"""

from typing import Annotated
from uuid import UUID

import msgspec
import typer

from gameserver.app import Stores
from gameserver.cli.moments import now, shown
from gameserver.cli.running import MemberArgument, Port, Yes, out, with_stores
from gameserver.errors import Refused
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.ledger import LaneAt, Ledger, Outcome, StatementLine, Status

STAFF = LaneAt("staff", 1)

Points = Annotated[int, typer.Argument(min=1, max=10**12, help="Points.")]
Reference = Annotated[
    str, typer.Option(help="What it is done for, such as a ticket's number; the same again changes nothing.")
]
Campaign = Annotated[str, typer.Option(help="The campaign under whose terms it is done.")]
EntryArgument = Annotated[UUID, typer.Argument(help="An entry's id, as the statement shows it.")]


def redeem(
    member: MemberArgument, points: Points, reference: Reference, campaign: Campaign = "",
    yes: Yes = False, port: Port = 8000,
) -> None:  # fmt: skip
    """Takes points from a member for something outside of the games."""
    entry = _entry(Kind.REDEEM, member, points, reference, campaign)
    _do(port, yes, f"Redeem {points:,} points of {member}", entry)


def transfer(
    member: MemberArgument, to: Annotated[str, typer.Argument(help="Who gets them.")], points: Points,
    reference: Reference, campaign: Campaign, yes: Yes = False, port: Port = 8000,
) -> None:  # fmt: skip
    """Moves points from a member to another, as the campaign's terms allow."""
    entry = _entry(Kind.TRANSFER, member, points, reference, campaign)
    _do(port, yes, f"Transfer {points:,} points from {member} to {to}", msgspec.structs.replace(entry, to=to))


def freeze(
    member: MemberArgument, points: Points, reference: Reference, campaign: Campaign = "",
    yes: Yes = False, port: Port = 8000,
) -> None:  # fmt: skip
    """Holds points of a member back until they are thawed; prints the id to thaw them by."""
    entry = _entry(Kind.FREEZE, member, points, reference, campaign)
    _do(port, yes, f"Freeze {points:,} points of {member}", msgspec.structs.replace(entry, about=entry.id))


def thaw(member: MemberArgument, entry: EntryArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Gives frozen points free; ENTRY is the freeze, or the entry that was frozen."""

    async def work(stores: Stores) -> None:
        frozen = await _line_of(stores.ledger, member, entry)
        given = Entry(
            derived_id(f"staff|thaw|{entry}|{now()}"), Kind.THAW, member, frozen.campaign, "", frozen.moved,
            now(), 0, about=entry,
        )  # fmt: skip
        await carry_out(stores.ledger, given, f"Thaw what {entry} froze of {member}", yes)

    with_stores(port, work)


def reverse(member: MemberArgument, entry: EntryArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Takes a movement back, once: the mirror of an entry of the member."""

    async def work(stores: Stores) -> None:
        line = await _line_of(stores.ledger, member, entry)
        mirror = Entry(
            derived_id(f"staff|reverse|{entry}|{now()}"), Kind.REVERSE, member, line.campaign, line.room,
            line.asked, now(), 0, reverses=entry,
        )  # fmt: skip
        what = f"Reverse the {line.kind} of {line.moved:,} points of {member}, {shown(line.occurred_at)}"
        await carry_out(stores.ledger, mirror, what, yes)

    with_stores(port, work)


def _entry(kind: Kind, member: str, points: int, reference: str, campaign: str) -> Entry:
    if not reference.strip():
        raise typer.BadParameter("say what it is done for", param_hint="--reference")
    id_ = derived_id(f"staff|{kind}|{reference.strip()}")
    return Entry(id_, kind, member, campaign, "", points, now(), 0)


def _do(port: int, yes: bool, what: str, entry: Entry) -> None:
    async def work(stores: Stores) -> None:
        if done := await _found(stores.ledger, entry.member, entry.id):
            _same(done, entry)
            out.print(f"it was done before, {shown(done.applied_at)}: entry {entry.id}")
            await _print_balance(stores.ledger, entry.member)
        else:
            await carry_out(stores.ledger, entry, what, yes)

    with_stores(port, work)


def _same(done: StatementLine, entry: Entry) -> None:
    if (done.kind, done.asked, done.campaign) != (entry.kind, entry.amount, entry.campaign):
        raise _used()


def _used() -> Refused:
    return Refused("reference_used", "the reference was used for something else, or refused, before")


async def carry_out(ledger: Ledger, entry: Entry, what: str, yes: bool) -> None:
    """Asks, applies an entry of the staff's and tells what came of it. Raises Refused."""
    if not yes and not typer.confirm(what):
        raise typer.Abort
    (outcome,) = await ledger.apply(STAFF, [entry])
    if outcome.status is Status.MISMATCH:
        await _resolve_own(ledger, entry.id)
        raise _used()
    if outcome.status not in (Status.APPLIED, Status.ALREADY):
        raise Refused("ledger_refused", f"{outcome.status}: {outcome.reason}")
    out.print(f"{_told(outcome, entry)}: entry {entry.id}")
    await _print_balance(ledger, entry.member)


def _told(outcome: Outcome, entry: Entry) -> str:
    told = f"{outcome.credited:,} points"
    return told if outcome.reason is None else f"{told} of {entry.amount:,} ({outcome.reason})"


async def _resolve_own(ledger: Ledger, entry: UUID) -> None:
    """A reference said twice is told to who said it, and is nothing for others to look into."""
    for letter in await ledger.letters(1000):
        if (letter.source, letter.entry_id) == (STAFF.id, entry):
            await ledger.resolve(letter.id)


async def _print_balance(ledger: Ledger, member: str) -> None:
    has = await ledger.balance(member)
    out.print(f"{member} has {has.available:,} available, {has.held:,} held")


async def _line_of(ledger: Ledger, member: str, entry: UUID) -> StatementLine:
    if (found := await _found(ledger, member, entry)) is None:
        raise Refused("not_found", f"no entry {entry} of {member} was applied")
    return found


async def _found(ledger: Ledger, member: str, entry: UUID) -> StatementLine | None:
    """The member's movement of that id."""
    lines = ledger.statement_lines(member)
    found = [line async for line in lines if line.entry_id == entry]
    return found[0] if found else None
