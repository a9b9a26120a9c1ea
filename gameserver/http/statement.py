"""A member's statement as a file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import Response

from ledger_client.http.exchange import streamed
from ledger_client.http.sheets import csv_lines
from ledger_client.ledger import StatementLine

_TYPE = "text/csv; charset=utf-8"
CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


class StatementRow(msgspec.Struct):
    """A movement as people read it."""

    applied_at: str
    kind: str
    amount: int
    balance: int
    moved: int
    asked: int
    reason: str | None
    campaign: str
    room: str
    occurred_at: str
    entry_id: str


def row_of(line: StatementLine) -> StatementRow:
    """A statement's line with its times in ISO 8601, UTC."""
    return StatementRow(
        _moment(line.applied_at), line.kind.value, line.amount, line.balance, line.moved, line.asked,
        line.reason, line.campaign, line.room, _moment(line.occurred_at), str(line.entry_id),
    )  # fmt: skip


async def statement_csv(lines: AsyncIterator[StatementLine]) -> Response:
    """All lines as CSV, sent as they come."""
    rows = csv_lines(StatementRow.__struct_fields__, (row_of(line) async for line in lines))
    return await streamed(rows, _TYPE, {"content-disposition": 'attachment; filename="points.csv"'})


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
