"""Tables of people's spreadsheets, in and out: CSV or XLSX, as the file's name ends."""

import csv
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from gameserver.errors import Refused
from ledger_client.http.sheets import cell, line, plain

MOST_BYTES = 64 * 2**20
MOST_UNPACKED = 8  # times what the file itself may have: a zip can say little and unpack to much
MOST_ROWS = 1_000_000
MOST_COLUMNS = 100
MOST_ERRORS = 200
BOM = b"\xef\xbb\xbf"  # by it Excel knows UTF-8
XLSX_ROWS = 2**20
EXACT = 10**15  # a spreadsheet keeps 15 digits of a number


class Errors:
    """What is wrong with a table, by row and column; all is told at once.

    Args:
        each: what a row is called.
    """

    def __init__(self, each: str = "row") -> None:
        self._each = each
        self._found: dict[str, str] = {}
        self._more = 0

    def add(self, row: int, why: str, column: str = "") -> None:
        """Notes an error of row `row`, counted from 1 with the heading."""
        if len(self._found) < MOST_ERRORS:
            self._found.setdefault(f"{self._each} {row}" + (f", {column}" if column else ""), why)
        else:
            self._more += 1

    def check(self) -> None:
        """Raises Refused("bad_table") with the text by row and column, if there are any."""
        if self._found:
            more = {"and": f"{self._more} more"} if self._more else {}
            raise Refused("bad_table", fields={**self._found, **more})


class TableFile(Protocol):
    """A table that is being written."""

    def write(self, row: Sequence[object]) -> None:
        """One row; None is an empty cell, texts that look like formulas are made harmless."""


def read_table(file: Path, most_bytes: int = MOST_BYTES, most_rows: int = MOST_ROWS) -> list[list[str]]:
    """The rows of a CSV file (UTF-8 or GB18030) or of the first sheet of an XLSX file, as texts.

    Empty rows at the end are dropped, those between are kept, so that row numbers are the spreadsheet's.
    Raises Refused("bad_table").
    """
    try:
        if file.stat().st_size > most_bytes:
            raise Refused("bad_table", f"{file} is larger than {most_bytes:,} bytes")
        is_xlsx = file.suffix.lower() == ".xlsx"
        read = _xlsx_rows(file, MOST_UNPACKED * most_bytes) if is_xlsx else _csv_rows(file)
        rows = []
        for number, row in enumerate(read, 1):
            if number > most_rows:
                raise Refused("bad_table", f"{file} has more than {most_rows:,} rows")
            rows.append([plain(text.strip()) for text in row])
    except OSError as error:
        raise Refused("bad_table", f"cannot read {file}: {error.strerror or error}") from None
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _csv_rows(file: Path) -> Iterator[list[str]]:
    octets = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = octets.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            yield from csv.reader(io.StringIO(text, newline=""), strict=True)
        except csv.Error as error:
            raise Refused("bad_table", f"{file} is no CSV: {error}") from None
        return
    raise Refused("bad_table", f"{file} is neither UTF-8 nor GB18030")


def _xlsx_rows(file: Path, most_unpacked: int) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > most_unpacked:
                raise Refused("bad_table", f"{file} unpacks to more than {most_unpacked:,} bytes")
        book = load_workbook(file, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size is not believed
            for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                if len(row) > MOST_COLUMNS and any(value is not None for value in row[MOST_COLUMNS:]):
                    raise Refused("bad_table", f"row {number} has more than {MOST_COLUMNS} columns")
                yield [_text(value, number) for value in row[:MOST_COLUMNS]]
        finally:
            book.close()
    except Refused:
        raise
    except Exception as error:  # the library raises whatever a broken file makes it stumble over
        raise Refused("bad_table", f"{file} cannot be read as XLSX: {type(error).__name__}") from None


def _text(value: object, row: int) -> str:
    from openpyxl.utils.escape import unescape

    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float() if abs(value) >= EXACT:
            why = "a number of more than 15 digits is not kept exactly: make the cell a text"
            raise Refused("bad_table", fields={f"row {row}": why})
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.isoformat()
        case float():
            return f"{Decimal(repr(value)):f}"  # as it is typed: str() may give an exponent
        case _:
            # Excel writes what XML cannot hold, and what looks like that, as _xHHHH_
            return unescape(str(value))


@contextmanager
def table_file(file: Path, columns: Sequence[str], *, edited: bool = False) -> Iterator[TableFile]:
    """Writes a table row by row, to CSV or XLSX; rows do not stay in memory.

    One that is `edited` and read again has columns of texts, in which a spreadsheet leaves what people type
    as it is (1/2 is no date).

    The file appears under its name when it is whole. Raises Refused("bad_table") where it cannot.
    """
    with _whole(file) as part:
        is_xlsx = file.suffix.lower() == ".xlsx"
        with _xlsx_file(part, len(columns) if edited else 0) if is_xlsx else _csv_file(part) as table:
            table.write(list(columns))
            yield table


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Where to write a file that appears under its name once it is whole."""
    part = file.with_name(f".{file.name}.part")
    try:
        yield part
        part.replace(file)
    except OSError as error:
        raise Refused("bad_table", f"cannot write {file}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


class _CsvFile:
    def __init__(self, out: io.BufferedWriter) -> None:
        self._out = out

    def write(self, row: Sequence[object]) -> None:
        self._out.write(line(cell(value) for value in row))


@contextmanager
def _csv_file(file: Path) -> Iterator[TableFile]:
    with _private(file) as out:
        out.write(BOM)
        yield _CsvFile(out)


class _XlsxFile:
    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._next = 0

    def write(self, row: Sequence[object]) -> None:
        if self._next == XLSX_ROWS:
            raise Refused("bad_table", f"an XLSX sheet ends after {XLSX_ROWS:,} rows: write a CSV file")
        for column, value in enumerate(row):
            if isinstance(value, int) and abs(value) < EXACT:
                self._sheet.write_number(self._next, column, value)
            elif value is not None:
                self._sheet.write_string(self._next, column, cell(value))
        self._next += 1


@contextmanager
def _xlsx_file(file: Path, text_columns: int) -> Iterator[TableFile]:
    with _book(file) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        if text_columns:
            sheet.set_column(0, text_columns - 1, 16, book.add_format({"num_format": "@"}))
        yield _XlsxFile(sheet)


@contextmanager
def _book(file: Path) -> Iterator[Any]:
    from xlsxwriter import Workbook

    with _private(file) as out, Workbook(out, {"constant_memory": True}) as book:
        yield book


class BookFile:
    """An XLSX file of several tables, which are written one after the other."""

    def __init__(self, book: Any) -> None:
        self._book = book

    def table(self, name: str, columns: Sequence[str]) -> TableFile:
        """A new sheet with its heading; the one before is finished."""
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        table = _XlsxFile(sheet)
        table.write(columns)
        return table


@contextmanager
def book_file(file: Path) -> Iterator[BookFile]:
    """Writes an XLSX file of several tables, as `table_file` writes one."""
    with _whole(file) as part, _book(part) as book:
        yield BookFile(book)


def _private(file: Path) -> io.BufferedWriter:
    """A new file that only its owner may read: tables hold what members told us."""
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
