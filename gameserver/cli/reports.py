"""`gameserver report`: what became of a room, as tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.rooms import RoomArgument
from gameserver.cli.running import Port, err, out, print_table, with_stores
from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.rooms import get_room
from gameserver.reports import Report, report_named, reports_of_game
from gameserver.reports.reading import Reading
from gameserver.sheets import TableFile, book_file, table_file

PRINTED = 200  # rows on a terminal
LONG = ("lines",)  # as long as the record


def report(
    room: RoomArgument,
    what: Annotated[
        list[str] | None,
        typer.Option(help="Which report; may be repeated for XLSX: a sheet each. `all` is every short one."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="CSV or XLSX, as its name ends; without it: to the terminal.")
    ] = None,
    port: Port = 8000,
) -> None:
    """What became of a room: summary, prizes, hours, channels, winners and so on, and its game's own tables.

    An unknown name is told with those there are.
    """
    if file is not None and file.suffix.lower() not in (".csv", ".xlsx"):
        raise Refused("bad_table", f"{file} must end in .csv or .xlsx")

    async def work(stores: Stores) -> None:
        record = await get_room(stores.database, RoomId(room))
        if record.opened_at is None:
            raise Refused("bad_state", f"room {room} has never been opened")
        reports = _asked(record.game, what or ["summary"])
        if len(reports) > 1 and (file is None or file.suffix.lower() != ".xlsx"):
            raise Refused("bad_table", "several reports need an XLSX file: --out FILE.xlsx")
        with _told() as progress:
            task = progress.add_task("reading", total=None)
            reading = Reading(
                stores.database, stores.redis, record, lambda rows: progress.advance(task, rows)
            )
            if file is None:
                ((_, only),) = reports.items()
                await _print(only, reading)
            else:
                await _write(file, reports, reading)

    with_stores(port, work)


def _asked(game: str, names: Sequence[str]) -> dict[str, Report]:
    """The reports of those names; `all` leaves out those that are as long as the record."""
    wanted = [name for name in names if name != "all"]
    if len(wanted) < len(names):
        wanted += [name for name in reports_of_game(game) if name not in LONG]
    return {name: report_named(game, name) for name in wanted}


def _told() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} lines"))
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


async def _print(report: Report, reading: Reading) -> None:
    table = Table(*report.columns, box=None)
    async for row in report.rows(reading):
        if table.row_count == PRINTED:
            err.print(f"the first {PRINTED} rows; all of them: --out FILE")
            break
        table.add_row(*("" if value is None else str(value) for value in row))
    print_table(table, "nothing to report")


async def _write(file: Path, reports: dict[str, Report], reading: Reading) -> None:
    if len(reports) == 1:
        ((_, only),) = reports.items()
        with table_file(file, only.columns) as table:
            rows = await _fill(table, only, reading)
        out.print(
            f"{rows:,} rows are in {file}" + (f", on {table.sheets} sheets" if table.sheets > 1 else "")
        )
        return
    with book_file(file) as book:
        for name, each in reports.items():
            await _fill(book.table(name, each.columns), each, reading)
    out.print(f"{len(reports)} reports are in {file}")


async def _fill(table: TableFile, report: Report, reading: Reading) -> int:
    rows = 0
    async for row in report.rows(reading):
        table.write(row)
        rows += 1
    return rows
