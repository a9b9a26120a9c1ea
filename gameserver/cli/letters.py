"""`gameserver ledger letters`: what the ledger and the game's record put aside, for people to look into."""

import json
from dataclasses import dataclass
from typing import Annotated

import typer
from msgspec import MsgspecError, to_builtins
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.moments import now, shown
from gameserver.cli.running import Port, Yes, out, print_table, with_stores
from gameserver.errors import Refused
from gameserver.line import decode_line
from gameserver.records import dead_letters as game
from gameserver.records.grants import settle_entries
from gameserver.staff.letters import record_again
from ledger_client.entry import decode_entry
from ledger_client.ledger import Status

cli = typer.Typer(no_args_is_help=True, help="What could not be stored as it came.")

AT_ONCE = 10_000
SHORT = 12
LetterArgument = Annotated[str, typer.Argument(help="A letter's id, or how it begins.")]


@dataclass(frozen=True)
class Put:
    """A letter of either of the two; `of` is "ledger" or "game"."""

    of: str
    id: str
    source: str
    reason: str
    attempts: int
    at: int
    raw: bytes


async def _letters(stores: Stores) -> list[Put]:
    """All that are not resolved, oldest first."""
    found = [
        Put("ledger", one.id, one.source, one.reason, one.attempts, one.at, bytes.fromhex(one.raw))
        for one in await stores.ledger.letters(AT_ONCE)
    ]
    found += [
        Put("game", one.id.hex(), one.source, one.reason, one.attempts, one.at, one.raw)
        for one in await game.dead_letters(stores.database, AT_ONCE)
    ]
    return sorted(found, key=lambda one: one.at)


async def _letter(stores: Stores, start: str) -> Put:
    found = [one for one in await _letters(stores) if one.id.startswith(start.lower())]
    if len(found) != 1:
        why = (
            f"no unresolved letter begins with {start!r}"
            if not found
            else f"{len(found)} letters do: say more"
        )
        raise Refused("not_found", why)
    return found[0]


@cli.command("list")
def list_(port: Port = 8000) -> None:
    """What waits, oldest first."""

    async def work(stores: Stores) -> None:
        table = Table("letter", "of", "lane", "reason", "times", "since", box=None)
        for one in await _letters(stores):
            table.add_row(one.id[:SHORT], one.of, one.source, one.reason, str(one.attempts), shown(one.at))
        print_table(table, "no dead letters")

    with_stores(port, work)


@cli.command()
def show(letter: LetterArgument, port: Port = 8000) -> None:
    """A letter whole, as JSON; what was put aside in words where it can be read, and in hex."""

    async def work(stores: Stores) -> None:
        one = await _letter(stores, letter)
        whole = {
            "id": one.id, "of": one.of, "source": one.source, "reason": one.reason, "attempts": one.attempts,
            "since": shown(one.at), "holds": _read(one), "raw": one.raw.hex(),
        }  # fmt: skip
        print(json.dumps(whole, ensure_ascii=False, indent=2))

    with_stores(port, work)


def _read(one: Put) -> object:
    try:
        return to_builtins(decode_entry(one.raw) if one.of == "ledger" else decode_line(one.raw))
    except MsgspecError as error:
        return f"cannot be read: {error}"


@cli.command()
def retry(letter: LetterArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Tries again: an entry with all that is parked behind it, a line through its lane's outbox."""

    async def work(stores: Stores) -> None:
        one = await _letter(stores, letter)
        if not yes and not typer.confirm(f"Try {one.id[:SHORT]} of {one.source} again ({one.reason})"):
            raise typer.Abort
        gone = await (_retry_entry if one.of == "ledger" else _retry_line)(stores, one)
        if not gone:
            raise Refused("bad_state", f"it failed again; letter {one.id[:SHORT]} stays")

    with_stores(port, work)


async def _retry_entry(stores: Stores, one: Put) -> bool:
    """Whether it went through; the grants that waited for what is applied now are settled."""
    outcomes = await stores.ledger.retry(one.id)
    for outcome in outcomes:
        out.print(f"{outcome.id}: {outcome.status}" + (f" ({outcome.reason})" if outcome.reason else ""))
    applied = [outcome for outcome in outcomes if outcome.status in (Status.APPLIED, Status.ALREADY)]
    if settled := await settle_entries(stores.database, applied, now()):
        out.print(f"grants settled: {settled}")
    return outcomes[0].status not in (Status.DEAD, Status.MISMATCH, Status.PARKED)


async def _retry_line(stores: Stores, one: Put) -> bool:
    """Puts a line back into its lane's outbox, from where it is recorded and paid as any other."""
    try:
        decode_line(one.raw)
    except MsgspecError as error:
        raise Refused("bad_state", f"it is no line and can only be resolved: {error}") from None
    return await record_again(stores.database, stores.redis, stores.settlement.drain, one.source, one.raw)


@cli.command()
def resolve(letter: LetterArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Marks a letter as dealt with otherwise; nothing is applied."""

    async def work(stores: Stores) -> None:
        one = await _letter(stores, letter)
        if not yes and not typer.confirm(
            f"Mark {one.id[:SHORT]} of {one.source} ({one.reason}) as dealt with"
        ):
            raise typer.Abort
        if one.of == "ledger":
            await stores.ledger.resolve(one.id)
        else:
            await game.resolve_letters(stores.database, [bytes.fromhex(one.id)], now())
        out.print(f"{one.id[:SHORT]} is resolved")

    with_stores(port, work)
