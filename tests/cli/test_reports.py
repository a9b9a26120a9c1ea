import csv
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from gameserver.cli import reports
from gameserver.engines import Engines
from gameserver.records.rooms import Room
from gameserver.reports import reports_of_game
from tests.books import settled
from tests.cli.typed import run_here
from tests.node import GAME, Live, Member, emptied, living, member_token


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    """Without the demo's rooms."""
    async with emptied(engines), living(engines, demo=False) as live:
        yield live


@pytest.fixture(scope="module")
async def room(live: Live) -> Room:
    """A member taps one packet."""
    opened = await live.open_room(title="=cmd")
    page = await live.join(opened.id, Member(member_token(sub="ann"), "ann", "ann"))
    assert (await page.grab())["ev"] == "grabbed"
    await settled(live, opened)
    return opened


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


async def test_the_summary_is_printed(variables: dict[str, str], room: Room) -> None:
    said = await run_here(variables, "report", room.id)
    assert said.code == 0
    assert said.err == ""
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines() if len(line.split()) > 1)
    assert lines["plays"].split()[0] == lines["wins"].split()[0] == "1"
    assert lines["points_granted"].split()[0] == "5"


async def test_a_report_is_written_as_csv_with_nothing_that_a_spreadsheet_runs(
    variables: dict[str, str], room: Room, tmp_path: Path
) -> None:
    file = tmp_path / "summary.csv"
    said = await run_here(variables, "report", room.id, "--out", str(file))
    rows = rows_of(file)
    assert said.out == f"{len(rows)} rows are in {file}\n"
    assert {row["figure"]: row["value"] for row in rows}["title"] == "'=cmd"


async def test_several_reports_are_sheets_of_one_workbook(
    variables: dict[str, str], room: Room, tmp_path: Path
) -> None:
    file = tmp_path / "all.xlsx"
    said = await run_here(
        variables, "report", room.id, "--what", "all", "--what", "lines", "--out", str(file)
    )
    names = list(reports_of_game(GAME))
    assert said.out == f"{len(names)} reports are in {file}\n"
    book = load_workbook(file, read_only=True)
    assert sorted(book.sheetnames) == sorted(names)
    winners = list(book["winners"].iter_rows(values_only=True))
    assert winners[0][:4] == ("prize", "name", "kind", "unit")
    assert winners[1][0] == "packet"
    assert winners[1][6] == 5, "a number is a number"
    cells = {row[0]: row[1] for row in book["summary"].iter_rows(values_only=True)}
    assert cells["title"] == "'=cmd"
    book.close()


async def test_rounds_are_the_rains_own_report(variables: dict[str, str], room: Room, tmp_path: Path) -> None:
    file = tmp_path / "rounds.csv"
    assert (await run_here(variables, "report", room.id, "--what", "rounds", "--out", str(file))).code == 0
    (row,) = rows_of(file)
    assert (row["round"], row["grabs"], row["packets"], row["points"]) == ("1", "1", "1", "5")
    assert row["began"].endswith("+08:00")


async def test_only_so_many_rows_are_printed(
    variables: dict[str, str], room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PRINTED", 2)
    said = await run_here(variables, "report", room.id, "--what", "prizes")
    assert said.err == ""
    said = await run_here(variables, "report", room.id)
    assert said.err == "the first 2 rows; all of them: --out FILE\n"
    assert len(said.out.splitlines()) == 3


async def test_what_cannot_be_reported_is_told(
    variables: dict[str, str], live: Live, room: Room, tmp_path: Path
) -> None:
    async def error(*words: Any) -> str:
        return (await run_here(variables, "report", *map(str, words))).error

    names = ", ".join(reports_of_game(GAME))
    assert (
        await error(room.id, "--what", "odds")
        == f"not_found: there is no report 'odds' of {GAME}; there are: {names}"
    )
    assert (await error("r999")).startswith("not_found: ")
    draft = await live.stores.lifecycle.create(GAME, room.config)
    assert await error(draft.id) == f"bad_state: room {draft.id} has never been opened"
    both = (room.id, "--what", "hours", "--what", "prizes")
    for words in (both, (*both, "--out", tmp_path / "x.csv")):
        assert await error(*words) == "bad_table: several reports need an XLSX file: --out FILE.xlsx"
    assert (await error(room.id, "--out", tmp_path / "x.pdf")).endswith("must end in .csv or .xlsx")
    assert (await error(room.id, "--out", tmp_path / "no" / "x.csv")).startswith("bad_table: cannot write")
    assert os.listdir(tmp_path) == []
