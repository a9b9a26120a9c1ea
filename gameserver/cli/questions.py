"""`gameserver questions`: banks of questions, from which quizzes are filled."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from gameserver.app import Stores
from gameserver.cli.running import Port, Yes, err, out, print_table, with_stores
from gameserver.records.questions import delete_bank, get_questions, list_banks
from gameserver.staff.question_cells import right_cell
from gameserver.staff.question_examples import EXAMPLES
from gameserver.staff.questions import import_questions, read_file, write_file

cli = typer.Typer(no_args_is_help=True, help="Banks of questions, from which quizzes are filled.")


def _bank(value: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,39}", value):
        raise typer.BadParameter("1 to 40 letters (of any script), digits, . _ -")
    return value


BankArgument = Annotated[
    str, typer.Argument(help="A bank's name: letters, digits, . _ -", callback=_bank, metavar="BANK")
]
FileArgument = Annotated[Path, typer.Argument(help="A file that ends in .xlsx, .csv or .json.")]


@cli.command("import")
def questions_import(
    bank: BankArgument,
    file: FileArgument,
    replace: Annotated[
        bool | None,
        typer.Option(
            "--replace/--add", help="Whether it takes the place of what the bank has, or is added to it."
        ),
    ] = None,
    port: Port = 8000,
) -> None:
    """Fills a bank from a table; all of it, or nothing where something in it is wrong."""

    async def work(stores: Stores) -> None:
        if replace is None:
            await _check_new(stores, bank)
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task(f"reading {escape(file.name)}", total=None)
            drafted = read_file(file)
            progress.update(task, description=f"storing in {bank}", total=len(drafted))
            count = await import_questions(
                stores.database,
                bank,
                drafted,
                replace=bool(replace),
                each="question" if file.suffix.lower() == ".json" else "row",
                told=lambda stored: progress.update(task, completed=stored),
            )
        out.print(f"{bank} has {count:,} questions, {len(drafted):,} of them from {escape(str(file))}")

    with_stores(port, work)


async def _check_new(stores: Stores, bank: str) -> None:
    for known in await list_banks(stores.database):
        if known.id == bank and known.questions:
            why = f"the bank has {known.questions:,} questions: say --add or --replace"
            raise typer.BadParameter(why, param_hint="BANK")


@cli.command("export")
def questions_export(
    bank: BankArgument,
    file: FileArgument,
    yes: Yes = False,
    port: Port = 8000,
) -> None:
    """Writes a bank to a table, which imports as it is."""
    _ask_to_replace(file, yes)

    async def work(stores: Stores) -> None:
        banked = await get_questions(stores.database, bank)
        write_file(file, banked)
        out.print(f"{len(banked):,} questions of {bank} are in {escape(str(file))}")

    with_stores(port, work)


def _ask_to_replace(file: Path, yes: bool) -> None:
    if file.exists() and not yes and not typer.confirm(f"{file} is there already. Replace it"):
        raise typer.Abort


@cli.command("template")
def questions_template(file: FileArgument, yes: Yes = False) -> None:
    """Writes a table with a question of each kind, to be filled in and imported."""
    _ask_to_replace(file, yes)
    write_file(file, EXAMPLES)
    out.print(f"{len(EXAMPLES)} examples are in {escape(str(file))}")


@cli.command("list")
def questions_list(port: Port = 8000) -> None:
    """Banks by name."""

    async def work(stores: Stores) -> None:
        table = Table("bank", "questions", "changed", box=None)
        for bank in await list_banks(stores.database):
            changed = datetime.fromtimestamp(bank.changed_at / 1000).astimezone()
            table.add_row(bank.id, f"{bank.questions:,}", changed.isoformat(timespec="seconds"))
        print_table(table, "no banks; fill one with `gameserver questions import`")

    with_stores(port, work)


@cli.command("show")
def questions_show(bank: BankArgument, port: Port = 8000) -> None:
    """A bank's questions with their right answers."""

    async def work(stores: Stores) -> None:
        table = Table("id", "kind", "level", "tags", "right", "question", box=None)
        for id_, one in await get_questions(stores.database, bank):
            cells = (id_, one.kind, str(one.difficulty), ", ".join(one.tags), right_cell(one), one.text)
            table.add_row(*(escape(" ".join(cell.split())) for cell in cells))
        print_table(table, f"{bank} is empty")

    with_stores(port, work)


@cli.command("delete")
def questions_delete(bank: BankArgument, yes: Yes = False, port: Port = 8000) -> None:
    """Deletes a bank with its questions; rooms that were filled from it keep theirs."""

    async def work(stores: Stores) -> None:
        count = len(await get_questions(stores.database, bank))
        if not yes and not typer.confirm(f"Delete {bank} with its {count:,} questions"):
            raise typer.Abort
        count = await delete_bank(stores.database, bank)
        out.print(f"{bank} is deleted, with {count:,} questions")

    with_stores(port, work)
