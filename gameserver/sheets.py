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
    """A table that is being written. It has one sheet, more in XLSX where it has more than XLSX_ROWS rows."""

    sheets: int

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
def table_file(
    file: Path, columns: Sequence[str], *, edited: bool = False, mark: str = ""
) -> Iterator[TableFile]:
    """Writes a table row by row, to CSV or XLSX; rows do not stay in memory.

    One that is `edited` and read again has columns of texts, in which a spreadsheet leaves what people type
    as it is (1/2 is no date). A `mark` is printed on every page of an XLSX file and stands in its properties.

    The file appears under its name when it is whole. Raises Refused("bad_table") where it cannot.
    """
    with _whole(file) as part:
        if file.suffix.lower() == ".xlsx":
            with _book(part, mark) as book:
                yield _XlsxTable(book, columns, edited=edited, mark=mark)
        else:
            with _private(part) as out:
                yield _CsvTable(out, columns)


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


class _CsvTable:
    sheets = 1

    def __init__(self, out: io.BufferedWriter, columns: Sequence[str]) -> None:
        self._out = out
        out.write(BOM)
        self.write(columns)

    def write(self, row: Sequence[object]) -> None:
        self._out.write(line(cell(value) for value in row))


class _XlsxTable:
    """Sheets of a book; one that is full is continued on the next, under the same heading."""

    def __init__(
        self, book: Any, columns: Sequence[str], name: str = "", *, edited: bool = False, mark: str = ""
    ) -> None:
        self.sheets = 0
        self._book = book
        self._columns = columns
        self._name = name
        self._mark = _printed(mark)
        self._texts = book.add_format({"num_format": "@"}) if edited else None
        self._begin()

    def write(self, row: Sequence[object]) -> None:
        if self._next == XLSX_ROWS:
            self._begin()
        self._put(row)

    def _begin(self) -> None:
        self.sheets += 1
        name = self._name and (self._name if self.sheets == 1 else f"{self._name} ({self.sheets})")
        self._sheet = self._book.add_worksheet(name or None)
        self._next = 0
        self._sheet.freeze_panes(1, 0)
        if self._texts:
            self._sheet.set_column(0, len(self._columns) - 1, 16, self._texts)
        if self._mark:
            self._sheet.set_header(f"&L{self._mark}")
            self._sheet.set_footer(f"&L{self._mark}&R&P / &N")
        self._put(self._columns)

    def _put(self, row: Sequence[object]) -> None:
        for column, value in enumerate(row):
            if isinstance(value, int) and abs(value) < EXACT:
                self._sheet.write_number(self._next, column, value)
            elif value not in (None, "") and self._sheet.write_string(self._next, column, cell(value)):
                raise Refused(
                    "bad_table", "a cell of an XLSX sheet is too small for a text: write a CSV file"
                )
        self._next += 1


def _printed(mark: str) -> str:
    """A mark as a line of a page, which has 255 places: a long one is cut. A single & is a sign there."""
    return mark[:100].replace("&", "&&")


@contextmanager
def _book(file: Path, mark: str = "") -> Iterator[Any]:
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileSizeError

    try:
        with _private(file) as out, Workbook(out, {"constant_memory": True}) as book:
            if mark:
                book.set_properties({"title": mark, "comments": mark})
            yield book
    except FileSizeError:
        raise Refused("bad_table", "an XLSX sheet ends at 2 GiB: write a CSV file") from None


class BookFile:
    """An XLSX file of several tables, which are written one after the other."""

    def __init__(self, book: Any) -> None:
        self._book = book

    def table(self, name: str, columns: Sequence[str]) -> TableFile:
        """A new sheet with its heading; the one before is finished."""
        return _XlsxTable(self._book, columns, name)


@contextmanager
def book_file(file: Path) -> Iterator[BookFile]:
    """Writes an XLSX file of several tables, as `table_file` writes one."""
    with _whole(file) as part, _book(part) as book:
        yield BookFile(book)


def _private(file: Path) -> io.BufferedWriter:
    """A new file that only its owner may read: tables hold what members told us."""
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
