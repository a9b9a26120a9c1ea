"""Tables of the ledger as CSV, one line at a time. Times in ms."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import msgspec

from ledger_client.ledger import Liability, StatementLine

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
STATEMENT: Final = StatementLine.__struct_fields__
LIABILITY: Final = Liability.__struct_fields__


async def csv_lines(columns: Sequence[str], rows: AsyncIterator[msgspec.Struct]) -> AsyncIterator[bytes]:
    """A heading, then a line per row (RFC 4180). The first row is awaited before the heading is given."""
    row = await anext(rows, None)
    yield line(columns)
    while row is not None:
        yield line(cell(value) for value in msgspec.structs.astuple(row))
        row = await anext(rows, None)


def line(cells: Iterable[str]) -> bytes:
    """Cells as a line of CSV."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def cell(value: object) -> str:
    """A value as text. A spreadsheet would run one that looks like a formula; an apostrophe prevents that.

    A text that begins with such an apostrophe itself gets one more, so that `plain` gives back every text.
    """
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip("'").startswith(_FORMULA) else text


def plain(text: str) -> str:
    """The text of a cell that `cell` may have written: without the apostrophe, if that was its doing."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text
