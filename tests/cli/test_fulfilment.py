import asyncio
import csv
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from gameserver.cli.moments import now
from gameserver.games.game import MemberId, PrizeId
from gameserver.personal import Person, Place
from gameserver.records.batches import record
from gameserver.records.disclosures import disclosures
from gameserver.records.fulfilment import State, fulfilments_of_room, get_fulfilment
from gameserver.records.goods import goods_in
from gameserver.records.handover import give_address, keep_redemption_code
from gameserver.records.rooms import Room
from gameserver.sheets import read_table
from gameserver.staff.fulfilment import COLUMNS
from tests.cli.test_codes import told
from tests.cli.typed import run_here
from tests.node import Live
from tests.page import PATIENCE_S
from tests.records.goods import SEAL, campaign_with, opened, place, prize, wins

HOME = Person("=1+1", "13800138000", "广东省 深圳市", "科技园 1 号")


class Won(NamedTuple):
    room: Room
    variables: dict[str, str]


@pytest.fixture
async def won(live: Live, variables: dict[str, str]) -> Won:
    """Members m1 to m4 have won a mug; m1 to m3 have said where they want it."""
    database, at = live.stores.database, now()
    room, lane = await opened(
        database, await campaign_with(database, []), prize("mug", "physical", stock=9),
        prize("tea", "physical", stock=9, delivery="on_site"), at=at,
    )  # fmt: skip
    lines = [*wins("mug", [1, 2, 3, 4], at), *wins("tea", [1], at, session="s2")]
    await record(database, lane, lines, goods=await goods_in(database, room.id))
    for unit in (1, 2, 3):
        here, member = place(room, "mug", unit), MemberId(f"m{unit}")
        await give_address(database, here, member, SEAL.seal(HOME, here), SEAL.index(HOME.phone), at)
    return Won(room, variables)


async def states(live: Live, room: Room) -> list[State]:
    return [x.state async for x in fulfilments_of_room(live.stores.database, room.id, [PrizeId("mug")])]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as table:
        return list(csv.DictReader(table))


def left_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def test_a_list_masks_people(won: Won) -> None:
    room, variables = won
    said = await run_here(variables, "prizes", "list", room.id)
    assert said.code == 0
    assert "138****8000" in said.out
    assert "13800138000" not in said.out
    assert "科技园" not in said.out
    some = await run_here(variables, "prizes", "list", room.id, "--state", "to_ship", "--limit", "2")
    assert [line.split()[:4] for line in some.out.splitlines()[1:]] == [
        ["mug", "1", "m1", "to_ship"], ["mug", "2", "m2", "to_ship"],
    ]  # fmt: skip
    assert "only the first 2" in some.err
    none = await run_here(variables, "prizes", "list", room.id, "--state", "received")
    assert none.out == "nothing\n"
    assert (await run_here(variables, "prizes", "list", "r999999")).error.startswith("not_found")


async def test_a_parcel_is_noted_and_mended(won: Won, live: Live) -> None:
    room, variables = won
    words = ("prizes", "ship", room.id, "mug")
    for number in ("SF1", "SF2"):
        said = await run_here(variables, *words, "1", "--carrier", "顺丰", "--number", number, "--by", "ann")
        assert said.out == "unit 1 of mug is shipped\n"
    held = await get_fulfilment(live.stores.database, place(room, "mug", 1))
    assert (held.carrier, held.tracking, held.staff) == ("顺丰", "SF2", "ann")
    early = await run_here(variables, *words, "4", "--carrier", "顺丰", "--number", "SF3")
    assert early.error == "bad_state: there is no address yet"
    none = await run_here(variables, *words, "9", "--carrier", "顺丰", "--number", "SF3")
    assert none.error == "not_found: there is no such unit"
    empty = await run_here(variables, *words, "2", "--carrier", " ", "--number", "SF3")
    assert empty.error.startswith("bad_config: ")


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
async def test_an_export_may_be_filled_in_and_given_back(
    won: Won, live: Live, tmp_path: Path, name: str
) -> None:
    room, variables = won
    file = tmp_path / name
    said = await run_here(
        variables,
        "prizes",
        "export",
        room.id,
        str(file),
        "--reason",
        "寄奖品",
        "--state",
        "to_ship",
        "--by",
        "ann",
    )
    assert (said.code, said.out.splitlines()[0]) == (0, f"3 prizes are in {file}")
    if name.endswith("csv"):
        rows = rows_of(file)
        for row in rows:
            row["carrier"], row["tracking"] = "顺丰", f"SF{row['unit']}"
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    else:
        book = load_workbook(file)
        sheet = book.worksheets[0]
        for number in (2, 3, 4):
            unit = sheet.cell(number, COLUMNS.index("unit") + 1).value
            sheet.cell(number, COLUMNS.index("carrier") + 1).value = "顺丰"
            sheet.cell(number, COLUMNS.index("tracking") + 1).value = f"SF{unit}"
        book.save(file)
    for _ in range(2):  # again: nothing changes
        back = await run_here(variables, "prizes", "tracking", room.id, str(file), "--by", "bob")
        assert back.out == "3 prizes are shipped\n"
    held = await get_fulfilment(live.stores.database, place(room, "mug", 2))
    assert (held.state, held.carrier, held.tracking, held.staff) == (State.SHIPPED, "顺丰", "SF2", "bob")


async def test_tracking_numbers_are_all_or_none_and_wrong_ones_are_told_by_row_and_column(
    won: Won, live: Live, tmp_path: Path
) -> None:
    room, variables = won
    file = tmp_path / "a.csv"
    rows = [
        "room,prize,unit,carrier,tracking", f"{room.id},mug,1,顺丰,SF1", "r999,mug,2,顺丰,SF2",
        ",mug,4,顺丰,SF4", ",mug,1,顺丰,SF5", ",mug,x,顺丰,SF6", ",mug,2,,SF7", ",mug,3,,", ",,3,顺丰,SF8",
        ",mug,77,顺丰,SF9", f",mug,3,顺丰,{'9' * 61}",
    ]  # fmt: skip
    file.write_text("\n".join(rows), encoding="utf-8")
    said = await run_here(variables, "prizes", "tracking", room.id, str(file))
    assert told(said) == {
        "row 3, room": "this is a row of room r999",
        "row 4, unit": "there is no address yet",
        "row 5, unit": "the same as in row 2",
        "row 6, unit": "a whole number",
        "row 7, carrier": "1 to 40 characters on one line",
        "row 9, prize": "it is empty",
        "row 10, unit": "there is no such unit",
        "row 11, tracking": "1 to 60 characters on one line",
    }
    assert State.SHIPPED not in await states(live, room)
    file.write_text("prize,unit\nmug,1\n", encoding="utf-8")
    headless = await run_here(variables, "prizes", "tracking", room.id, str(file))
    assert told(headless) == {"row 1": "no column carrier, tracking"}


async def test_an_export_is_masked_or_has_a_reason_that_is_on_record(
    won: Won, live: Live, tmp_path: Path
) -> None:
    room, variables = won
    file = tmp_path / "a.csv"
    words = ("prizes", "export", room.id, str(file))
    for wrong in ((), ("--reason", "x", "--masked")):
        said = await run_here(variables, *words, *wrong)
        assert said.error == "bad_config: people are shown in clear with --reason WHY, or else --masked"
        assert not left_in(tmp_path)
    assert (await run_here(variables, *words, "--masked")).out == f"5 prizes are in {file}\n"
    first = rows_of(file)[0]
    assert list(first) == list(COLUMNS)
    assert (first["receiver"], first["phone"], first["address"]) == ("'=**", "138****8000", "****")
    assert {row["export"] for row in rows_of(file)} == {""}
    assert await disclosures(live.stores.database, room.id) == []
    assert (await run_here(variables, *words, "--reason", "寄奖品", "--by", "ann")).code == 0
    first = rows_of(file)[0]
    # a name that looks like a formula is made harmless
    assert (first["receiver"], first["phone"], first["address"]) == ("'=1+1", HOME.phone, HOME.address)
    assert (first["room"], first["prize"], first["unit"], first["name"]) == (room.id, "mug", "1", "mug")
    assert first["won_at"].endswith("+08:00")
    (one,) = await disclosures(live.stores.database, room.id)
    assert (one.staff, one.reason) == ("ann", "寄奖品")
    assert file.stat().st_mode & 0o777 == 0o600
    empty = await run_here(variables, *words, "--reason", " ")
    assert empty.error.startswith("bad_config: a reason")


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
async def test_every_row_of_an_export_leads_back_to_who_made_it_when_and_why(
    won: Won, live: Live, tmp_path: Path, name: str
) -> None:
    room, variables = won
    file, before = tmp_path / name, now()
    words = ("prizes", "export", room.id, str(file), "--reason", "寄给 A & B", "--by", "ann")
    said = await run_here(variables, *words)
    (one,) = await disclosures(live.stores.database, room.id)
    assert said.out == f"5 prizes are in {file}\nit is export {one.id}, for: 寄给 A & B\n"
    heading, *rows = read_table(file)
    assert len(rows) == 5
    (mark,) = {row[heading.index("export")] for row in rows}
    number, staff, moment, why = mark.split(", ")
    assert (number, staff, why) == (f"export {one.id}", "ann", "寄给 A & B")
    assert moment.endswith("+08:00")
    assert before // 1000 <= datetime.fromisoformat(moment).timestamp() == one.at // 1000
    if name.endswith("xlsx"):
        book = load_workbook(file)
        sheet = book.worksheets[0]
        assert book.properties.title == book.properties.description == mark
        assert sheet.oddHeader.left.text == sheet.oddFooter.left.text == mark.replace("&", "&&")
    # from a row that turns up somewhere to who made it
    for asked in ((room.id,), ("--id", str(one.id)), ()):
        listed = (await run_here(variables, "prizes", "exports", *asked)).out.splitlines()[1].split(None, 4)
        assert (listed[:3], listed[4].strip()) == ([str(one.id), room.id, "ann"], "寄给 A & B")
    assert (await run_here(variables, "prizes", "exports", "r999999")).out == "nobody\n"


async def test_nothing_is_written_before_it_is_on_record_who_looks(
    won: Won, live: Live, tmp_path: Path
) -> None:
    room, variables = won
    words = ("prizes", "export", room.id, str(tmp_path / "a.csv"), "--reason", "寄奖品", "--by", "ann")
    waiting = text(
        "select count(*) from pg_locks where not granted and relation = 'game.disclosure'::regclass"
    )
    async with live.stores.database.begin() as connection:
        await connection.execute(text("lock table game.disclosure in exclusive mode"))
        exporting = asyncio.create_task(run_here(variables, *words))
        async with asyncio.timeout(PATIENCE_S):
            while not (await connection.execute(waiting)).scalar_one():
                await asyncio.sleep(0.02)
        assert not left_in(tmp_path)
        assert not exporting.done()
    assert (await exporting).code == 0
    assert left_in(tmp_path) == ["a.csv"]


async def test_another_secret_key_opens_nothing(won: Won, tmp_path: Path) -> None:
    room, variables = won
    words = ("prizes", "export", room.id, str(tmp_path / "a.csv"), "--masked")
    other = {**variables, "SECRET_KEY": "another secret key of at least thirty-two characters"}
    assert (await run_here(other, *words)).error.startswith("bad_seal: ")
    short = {**variables, "SECRET_KEY": "short"}
    assert (await run_here(short, *words)).error.startswith("no_secret_key: ")
    assert not left_in(tmp_path)


async def test_a_redemption_code_is_good_once_and_the_second_is_told_who_was_first(
    won: Won, live: Live
) -> None:
    room, variables = won
    at = Place(room.id, "tea", 1)
    code = SEAL.redemption_code(at)
    await keep_redemption_code(live.stores.database, at, code)
    typed = f"{code[:5]}-{code[5:]}".lower()
    said = await run_here(variables, "prizes", "redeem", typed, "--by", "ann")
    assert said.out == f"hand out: tea, unit 1 of {room.id}, to m1\n"
    again = await run_here(variables, "prizes", "redeem", code, "--by", "bob")
    assert again.error.startswith("already_redeemed: ann redeemed it at 20")
    unknown = await run_here(variables, "prizes", "redeem", "ABCDE23456")
    assert unknown.error == "not_found: there is no such redemption code"


async def test_a_prize_is_canceled_with_a_reason(won: Won, live: Live) -> None:
    room, variables = won
    words = ("prizes", "cancel", room.id, "mug", "4", "--reason", "fraud", "--by", "ann")
    asked = await run_here(variables, *words, given="n\n")
    assert asked.code == 1
    assert State.CANCELED not in await states(live, room)
    assert (await run_here(variables, *words, "--yes")).out == "unit 4 of mug is canceled\n"
    held = await get_fulfilment(live.stores.database, place(room, "mug", 4))
    assert (held.state, held.staff, held.reason) == (State.CANCELED, "ann", "fraud")
    again = await run_here(variables, *words, "--yes")
    assert again.error.startswith("bad_state: ")
