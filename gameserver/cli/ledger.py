"""`gameserver ledger`: serves the embedded ledger over HTTP, and reads its books."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterable
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
import uvloop
from rich.table import Table

from gameserver.app import Stores, port_is_free, serve_ledger
from gameserver.cli import letters, moves, suspense
from gameserver.cli.moments import moment, now, shown
from gameserver.cli.running import MemberArgument, Port, err, out, print_table, with_stores
from gameserver.engines import EngineError, addresses, var_folder
from gameserver.logs import configure
from gameserver.settings import Settings
from ledger_client.entry import Kind
from ledger_client.http.sheets import LIABILITY, csv_lines
from ledger_client.http.tokens import Tokens
from ledger_client.ledger import Liability, StatementLine

cli = typer.Typer(help="The points' books. Without a command: serves them over HTTP.")
cli.add_typer(letters.cli, name="letters")
cli.add_typer(suspense.cli, name="suspense")
for command in (moves.redeem, moves.transfer, moves.freeze, moves.thaw, moves.reverse):
    cli.command()(command)

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]
Csv = Annotated[bool, typer.Option("--csv", help="All of it, as CSV to standard output.")]


class Ranking(StrEnum):
    """What a top list ranks by."""

    EARN = "earn"
    SPEND = "spend"


class Printed(msgspec.Struct):
    """A statement's line as CSV: times as ISO 8601."""

    entry_id: str
    kind: str
    campaign: str
    room: str
    amount: int
    moved: int
    asked: int
    reason: str | None
    balance: int
    occurred_at: str
    applied_at: str


@cli.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8100,
) -> None:
    """The points' books. Without a command: serves them over HTTP to the bearers of LEDGER_TOKENS."""
    if context.invoked_subcommand is not None:
        return
    configure()
    settings = Settings()
    try:
        tokens = Tokens.parse(settings.ledger_tokens, settings.ledger_read_tokens)
    except ValueError as error:
        raise EngineError(f"{error}: set LEDGER_TOKENS") from None
    if not port_is_free(host, port):
        raise EngineError(f"port {port} is taken. Choose another with --port")
    url = settings.database_url or addresses(var_folder(settings.port)).database_url
    err.print(f"the ledger listens on http://{host}:{port}, its document is /openapi.json; Ctrl-C stops")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_ledger(url, tokens, host, port))


@cli.command()
def balance(member: MemberArgument, port: Port = 8000) -> None:
    """What a member has."""

    async def work(stores: Stores) -> None:
        has = await stores.ledger.balance(member)
        table = Table("available", "held", "expiring soon", "the first on", box=None)
        first = shown(has.expires_at) if has.expires_at else ""
        table.add_row(f"{has.available:,}", f"{has.held:,}", f"{has.expiring:,}", first)
        print_table(table)

    with_stores(port, work)


@cli.command()
def statement(
    member: MemberArgument,
    csv: Csv = False,
    at: Annotated[
        int | None, typer.Option(parser=moment, metavar="TIME", help="As it was then (ISO 8601).")
    ] = None,
    limit: Limit = 50,
    port: Port = 8000,
) -> None:
    """A member's movements, newest first; as CSV oldest first."""

    async def work(stores: Stores) -> None:
        ledger, until = stores.ledger, now() if at is None else at
        if csv:
            rows = (_printed(line) async for line in _until(ledger.statement_lines(member), until))
            await _print_csv(csv_lines(Printed.__struct_fields__, rows))
        elif at is None:
            _print_statement(member, await ledger.statement(member, limit))
        else:
            newest: deque[StatementLine] = deque(maxlen=limit)
            async for line in _until(ledger.statement_lines(member), until):
                newest.append(line)
            out.print(f"{member} owned {await ledger.balance_at(member, until):,} points at {shown(until)}")
            _print_statement(member, reversed(newest))

    with_stores(port, work)


async def _until(lines: AsyncIterator[StatementLine], until: int) -> AsyncIterator[StatementLine]:
    async for line in lines:
        if line.applied_at <= until:
            yield line


def _printed(line: StatementLine) -> Printed:
    return Printed(
        str(line.entry_id), line.kind.value, line.campaign, line.room, line.amount, line.moved, line.asked,
        line.reason, line.balance, shown(line.occurred_at), shown(line.applied_at),
    )  # fmt: skip


def _print_statement(member: str, lines: Iterable[StatementLine]) -> None:
    table = Table("applied", "kind", "points", "balance", "campaign", "room", "entry", "", box=None)
    for line in lines:
        cut = "" if line.moved == line.asked else f"{line.moved:,} of {line.asked:,}: {line.reason or ''}"
        points = f"{line.amount:+,}" if line.amount else f"({line.moved:,})"
        table.add_row(
            shown(line.applied_at), line.kind.value, points, f"{line.balance:,}", line.campaign, line.room,
            str(line.entry_id), cut,
        )  # fmt: skip
    print_table(table, f"nothing has moved for {member}")


async def _print_csv(lines: AsyncIterator[bytes]) -> None:
    async for line in lines:
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


@cli.command()
def liability(csv: Csv = False, port: Port = 8000) -> None:
    """What members still have, by campaign and month of expiry; debts are a line of no campaign."""

    async def work(stores: Stores) -> None:
        owed = await stores.ledger.liability()
        if csv:
            await _print_csv(csv_lines(LIABILITY, _each(owed)))
            return
        table = Table("campaign", "last month", "points", box=None)
        for line in owed:
            name = line.campaign or ("debts" if line.points < 0 else "")
            table.add_row(name, line.month or "never", f"{line.points:,}")
        print_table(table, "nobody has any points")
        if owed:
            out.print(f"{sum(line.points for line in owed):,} points in all")

    with_stores(port, work)


async def _each(lines: Iterable[Liability]) -> AsyncIterator[Liability]:
    for line in lines:
        yield line


@cli.command()
def top(
    ranking: Annotated[Ranking, typer.Argument(help="By what was earned, or by what was spent.")],
    campaign: Annotated[str, typer.Option(help="Of one campaign.")] = "",
    since: Annotated[
        int | None, typer.Option(parser=moment, metavar="TIME", help="From then on (ISO 8601).")
    ] = None,
    limit: Limit = 20,
    port: Port = 8000,
) -> None:
    """Who earned or spent most."""

    async def work(stores: Stores) -> None:
        ranked = await stores.ledger.top(Kind(ranking.value), campaign, since or 0, now() + 1, limit)
        table = Table("", "member", "points", box=None)
        for place, one in enumerate(ranked, 1):
            table.add_row(str(place), one.member, f"{one.points:,}")
        print_table(table, "nobody")

    with_stores(port, work)


@cli.command()
def audit(port: Port = 8000) -> None:
    """Recomputes every lane's hash chain; names the first entry that is not as it was sealed."""

    async def work(stores: Stores) -> None:
        broken = await stores.ledger.audit()
        for link in broken:
            entry = f"entry {link.entry_id}" if link.entry_id else "missing"
            err.print(f"[red]broken[/red]: lane {link.lane}, number {link.seq}: {entry}")
        if broken:
            raise typer.Exit(1)
        out.print("every entry is as it was sealed")

    with_stores(port, work)


@cli.command()
def drift(port: Port = 8000) -> None:
    """Holds the books against themselves; tells both numbers where they disagree."""

    async def work(stores: Stores) -> None:
        found = await stores.ledger.drift()
        for line in found:
            err.print(f"[red]drift[/red]: {line.what}: {line.key}: {line.expected:,}, but {line.found:,}")
        if found:
            raise typer.Exit(1)
        out.print("the books agree")

    with_stores(port, work)
