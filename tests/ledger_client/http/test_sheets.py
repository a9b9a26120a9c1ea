import csv
import io
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from ledger_client.entry import Kind
from ledger_client.http.sheets import LIABILITY, STATEMENT, csv_lines
from ledger_client.ledger import Liability, StatementLine


async def each(*rows: msgspec.Struct) -> AsyncIterator[msgspec.Struct]:
    for row in rows:
        yield row


async def read(columns: tuple[str, ...], *rows: msgspec.Struct) -> list[list[str]]:
    text = b"".join([line async for line in csv_lines(columns, each(*rows))]).decode()
    return list(csv.reader(io.StringIO(text)))


async def test_a_statement_is_a_heading_and_a_line_each() -> None:
    line = StatementLine(UUID(int=1), Kind.REDEEM, "c,1", 'r"1"', -5, 5, 5, None, 7, 1, 2)
    heading, shown = await read(STATEMENT, line)
    columns = "entry_id,kind,campaign,room,amount,moved,asked,reason,balance,occurred_at,applied_at"
    assert ",".join(heading) == columns
    assert shown == [str(UUID(int=1)), "redeem", "c,1", 'r"1"', "-5", "5", "5", "", "7", "1", "2"]


async def test_nothing_is_a_heading_alone() -> None:
    assert await read(LIABILITY) == [["campaign", "month", "points"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx"])
async def test_a_name_that_looks_like_a_formula_stays_a_text(text: str) -> None:
    _, (campaign, month, points) = await read(LIABILITY, Liability(text, "", -3))
    assert (campaign, month, points) == ("'" + text, "", "-3")


async def test_a_ledger_that_is_away_is_known_before_the_heading_is_given() -> None:
    async def broken() -> AsyncIterator[Liability]:
        raise LookupError
        yield Liability("", "", 0)

    with pytest.raises(LookupError):
        await anext(csv_lines(LIABILITY, broken()))
