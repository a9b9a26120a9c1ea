import csv
import gc
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from gameserver import sheets
from gameserver.errors import Refused
from gameserver.sheets import BOM, Errors, book_file, read_table, table_file

FORMULAS = ["=1+1", "+1", "-1", "@A1", "\tx"]
ROWS: list[list[object]] = [
    ["张三", 5, None],
    *[[text, -7, "x"] for text in FORMULAS],
    ['a "b", c', 0, "two\nlines"],
]


def written(file: Path) -> Path:
    with table_file(file, ["name", "units", "note"]) as table:
        for row in ROWS:
            table.write(row)
    return file


def refused(file: Path, **limits: int) -> Refused:
    with pytest.raises(Refused) as error:
        read_table(file, **limits)
    assert error.value.code == "bad_table"
    return error.value


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.XLSX"])
def test_what_is_written_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name)
    heading, *rows = read_table(file)
    assert heading == ["name", "units", "note"]
    padded = [row + [""] * (3 - len(row)) for row in rows]
    assert padded == [["" if cell is None else str(cell) for cell in row] for row in ROWS]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    with written(tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row[0] for row in csv.reader(file)][2:-1] == ["'" + text for text in FORMULAS]
    sheet = load_workbook(written(tmp_path / "a.xlsx")).worksheets[0]
    cells = [row[0] for row in sheet.iter_rows(min_row=3, max_row=7)]
    assert [(cell.data_type, cell.value) for cell in cells] == [("s", "'" + text) for text in FORMULAS]
    assert sheet["B2"].data_type == "n"


def test_excel_knows_the_encoding(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv").read_bytes().startswith(BOM)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_may_be_in_the_encodings_of_the_house(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("券码,到期\r\nA1,\r\n\r\n  B2 ,2027-01-01\r\n\r\n".encode(encoding))
    assert read_table(file) == [["券码", "到期"], ["A1", ""], [], ["B2", "2027-01-01"]]


def test_numbers_and_times_of_a_sheet_become_texts(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append([12345678901234, 5.0, 2.5, True, datetime(2027, 1, 2, 3, 4), None, "x"])
    book.save(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx") == [
        ["12345678901234", "5", "2.5", "TRUE", "2027-01-02T03:04:00", "", "x"]
    ]


def test_a_number_that_the_sheet_did_not_keep_whole_is_refused(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["code"])
    book.active.append([1234567890123456])
    book.save(tmp_path / "a.xlsx")
    assert "15 digits" in (refused(tmp_path / "a.xlsx").fields or {})["row 2"]


def test_what_is_no_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, octets in {
        "a.csv": b"\xff\xff\xff", "b.csv": b'a,"b', "c.xlsx": b"no zip", "d.xlsx": b"PK\x03\x04",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(octets)
        refused(tmp_path / name)
    refused(tmp_path / "absent.csv")
    refused(tmp_path)
    whole = written(tmp_path / "e.xlsx")
    refused(whole, most_bytes=10)
    refused(whole, most_rows=3)
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 0)
    assert "unpacks" in refused(whole).message


def test_an_archive_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as packed:
        packed.writestr("x", "y")
    refused(tmp_path / "a.xlsx")


def test_a_table_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    for name in ("a.csv", "a.xlsx"):
        file = tmp_path / name
        file.write_text("before")
        with pytest.raises(LookupError), table_file(file, ["x"]):
            raise LookupError
        assert file.read_text() == "before"
        assert [path.name for path in tmp_path.iterdir()] == [name]
        file.unlink()
    with pytest.raises(Refused, match="bad_table"), table_file(tmp_path / "no" / "a.csv", ["x"]):
        pass


def test_all_errors_are_told_at_once_but_not_without_end() -> None:
    errors = Errors()
    errors.check()
    for row in range(1, 251):
        errors.add(row, "wrong", "unit" if row == 1 else "")
    with pytest.raises(Refused) as error:
        errors.check()
    fields = error.value.fields or {}
    assert (len(fields), fields["row 1, unit"], fields["row 2"], fields["and"]) == (
        201,
        "wrong",
        "wrong",
        "50 more",
    )


def sheets_of(file: Path) -> dict[str, list[list[object]]]:
    book = load_workbook(file)
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


@pytest.mark.parametrize(("rows", "names"), [(2, 1), (3, 2), (4, 2), (5, 3)])
def test_a_sheet_that_is_full_is_continued_on_the_next_under_the_same_heading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, names: int
) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 3)
    with table_file(tmp_path / "t.xlsx", ["n"]) as table:
        for n in range(rows):
            table.write([n])
    assert table.sheets == names
    with book_file(tmp_path / "b.xlsx") as book:
        for name in ("one", "two"):
            part = book.table(name, ["n"])
            for n in range(rows):
                part.write([n])
    alone, two = sheets_of(tmp_path / "t.xlsx"), sheets_of(tmp_path / "b.xlsx")
    assert len(alone) == names
    assert list(two) == [
        name if n == 1 else f"{name} ({n})" for name in ("one", "two") for n in range(1, names + 1)
    ]
    for each in (list(alone.values()), list(two.values())[:names], list(two.values())[names:]):
        assert all(sheet[0] == ["n"] for sheet in each)
        assert all(len(sheet) == 3 for sheet in each[:-1])
        assert [row for sheet in each for row in sheet[1:]] == [[n] for n in range(rows)]


def test_what_xlsx_cannot_hold_is_not_cut_but_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.xlsx"
    longest = "x" * 32_767
    with table_file(file, ["text"]) as table:
        table.write([longest])
    assert read_table(file)[1] == [longest]
    file.unlink()
    with pytest.raises(Refused) as long, table_file(file, ["text"]) as table:
        table.write([longest + "x"])
    assert (long.value.code, "too small" in long.value.message) == ("bad_table", True)
    assert not list(tmp_path.iterdir())


def test_a_file_that_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 500)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # of the archive that was given up
    with pytest.raises(Refused) as large, table_file(tmp_path / "t.xlsx", ["text"]) as table:
        table.write(["x"])
    assert (large.value.code, "2 GiB" in large.value.message) == ("bad_table", True)
    assert not list(tmp_path.iterdir())
    del large
    gc.collect()


def test_a_mark_is_on_every_page_and_in_the_files_properties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 2)
    for mark in ("export 7, ann & ben", "&" * 300, "😀" * 300):
        with table_file(tmp_path / "t.xlsx", ["n"], mark=mark) as table:
            table.write([1])
            table.write([2])
        book = load_workbook(tmp_path / "t.xlsx")
        assert (book.properties.title, book.properties.description) == (mark, mark)
        assert len(book.worksheets) == 2
        for sheet in book:
            for place in (sheet.oddHeader.left, sheet.oddFooter.left):
                assert place.text.replace("&&", "&") == mark[:100]


def test_a_book_has_its_tables_in_order_and_no_formula(tmp_path: Path) -> None:
    file = tmp_path / "t.xlsx"
    with book_file(file) as book:
        for name in ("one", "two"):
            book.table(name, ["name", "n"]).write([f"={name}", 7])
    read = load_workbook(file)
    assert read.sheetnames == ["one", "two"]
    assert [[cell.value for cell in row] for row in read["two"].iter_rows()] == [["name", "n"], ["'=two", 7]]
