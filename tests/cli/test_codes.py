from pathlib import Path

import pytest
from openpyxl import Workbook

from gameserver.games.game import CampaignId
from gameserver.records.batches import record
from gameserver.records.campaigns import create_campaign
from gameserver.records.code_pools import PoolCount, pool_counts
from gameserver.records.fulfilment import get_fulfilment
from gameserver.records.goods import goods_in
from tests.cli.typed import Said, run_here
from tests.node import Live
from tests.records.goods import names, opened, place, prize, wins
from tests.records.rooms import OPENED_AT


@pytest.fixture
async def campaign(live: Live) -> CampaignId:
    return (await create_campaign(live.stores.database, "spring", 0)).id


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


async def imported(variables: dict[str, str], campaign: str, file: Path, text: str | None = None) -> Said:
    if text is not None:
        write(file, text)
    return await run_here(variables, "codes", "import", "mall", str(file), "--campaign", campaign)


async def count_of(live: Live, campaign: CampaignId) -> PoolCount:
    (count,) = await pool_counts(live.stores.database, OPENED_AT, campaign)
    return count


def told(said: Said) -> dict[str, str]:
    """What is wrong, by row and column."""
    assert said.code == 1
    code, *lines = said.err.strip().splitlines()
    assert code == "bad_table"
    return dict(line.strip().split(": ", 1) for line in lines)


async def test_codes_come_from_csv_and_xlsx(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    first = await imported(
        variables, campaign, tmp_path / "a.csv", "A1\nA2,2999-01-31\n\nA3,2999-01-31T18:00+08:00\n"
    )
    assert (first.code, first.out) == (0, "3 codes added to mall\n")
    book = Workbook()
    assert book.active is not None
    for row in (["到期时间", "券码"], [None, 12345678], ["2999-01-31", "B2"]):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    second = await imported(variables, campaign, tmp_path / "b.xlsx")
    assert second.out == "2 codes added to mall\n"
    listed = await run_here(variables, "codes", "list", "--campaign", campaign)
    assert listed.out.split("\n")[1].split() == [campaign, "mall", "5", "0", "0", "0", "0"]
    nothing = await run_here(variables, "codes", "list", "--campaign", "c999999")
    assert nothing.out.startswith("no code pools")


async def test_a_day_counts_whole(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    await imported(variables, campaign, tmp_path / "a.csv", "A1,2999-01-31\n")
    (count,) = await pool_counts(live.stores.database, 32474476800000, campaign)  # 2999-01-31T12:00Z
    assert (count.free, count.expired) == (1, 0)


async def test_all_that_is_wrong_is_told_by_row_and_nothing_is_imported(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    await imported(variables, campaign, tmp_path / "a.csv", "A1\nA2\n")
    rows = [
        "code,expires_at",
        "B1",
        "A2",
        "B1",
        ",2999-01-01",
        "B2,soon",
        "B3,2001-01-01",
        "x" * 201,
        "B4",
        "A1",
    ]
    said = await imported(variables, campaign, tmp_path / "b.csv", "\n".join(rows))
    assert told(said) == {
        "row 3, code": "the pool has it already",
        "row 4, code": "the same as in row 2",
        "row 5, code": "a code has 1 to 200 characters on one line",
        "row 6, expires_at": "a time such as 2027-01-31 or 2027-01-31T18:00+08:00",
        "row 7, expires_at": "it has expired already",
        "row 8, code": "a code has 1 to 200 characters on one line",
        "row 10, code": "the pool has it already",
    }
    assert await count_of(live, campaign) == PoolCount(campaign, "mall", 2, 0, 0, 0, 0)


async def test_what_cannot_be_imported_is_one_clear_line(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    empty = await imported(variables, campaign, tmp_path / "a.csv", "code\n")
    assert told(empty) == {"row 1": "there is no code in the table"}
    unknown = await imported(variables, "c999999", tmp_path / "b.csv", "A1\n")
    assert unknown.error == "not_found: there is no campaign 'c999999'"
    absent = await imported(variables, campaign, tmp_path / "absent.csv")
    assert absent.error.startswith("bad_table: cannot read ")
    nameless = await run_here(
        variables, "codes", "import", " ", str(tmp_path / "b.csv"), "--campaign", campaign
    )
    assert nameless.error.startswith("bad_config: a pool's name")
    assert await pool_counts(live.stores.database, OPENED_AT, campaign) == []


async def test_many_codes_are_all_or_none_too(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    codes = names(12_000)
    refused = await imported(variables, campaign, tmp_path / "a.csv", "\n".join([*codes, codes[0]]))
    assert told(refused) == {"row 12001, code": "the same as in row 1"}
    assert await pool_counts(live.stores.database, OPENED_AT, campaign) == []
    said = await imported(variables, campaign, tmp_path / "a.csv", "\n".join(codes))
    assert said.out == "12,000 codes added to mall\n"
    again = await imported(variables, campaign, tmp_path / "a.csv", "\n".join(codes))
    assert len(told(again)) == 201
    assert told(again)["and"] == "11800 more"


async def test_a_voided_code_is_replaced_and_a_missing_one_given(
    variables: dict[str, str], live: Live, campaign: CampaignId, tmp_path: Path
) -> None:
    database = live.stores.database
    await imported(variables, campaign, tmp_path / "a.csv", "A1\nA2\nA3\nA4\n")
    room, lane = await opened(database, campaign, prize("code", stock=2))
    await record(database, lane, wins("code", [1]), goods=await goods_in(database, room.id))
    words = ("codes", "void", "mall")
    options = ("--campaign", campaign, "--reason", "leaked", "--by", "ann")
    given = await run_here(variables, *words, "A1", *options)
    assert given.out == f"voided; unit 1 of code in {room.id} has another code now\n"
    assert (await get_fulfilment(database, place(room, "code", 1))).code == "A3"
    kept = await run_here(variables, *words, "A2", *options)
    assert kept.out == f"voided; unit 2 of code in {room.id} will have another code now\n"
    short = await run_here(variables, *words, "A3", *options)
    assert short.error == "too_few_codes: pool 'mall' has 0 free codes; 1 is needed instead"
    none = await run_here(variables, "codes", "give", room.id, "code", "1")
    assert none.error == "bad_state: the grant has a code"
    unreasonable = await run_here(variables, *words, "A4", "--campaign", campaign, "--reason", " ")
    assert unreasonable.code == 2
    assert (await count_of(live, campaign)).voided == 2
