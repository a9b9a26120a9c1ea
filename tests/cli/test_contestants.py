import csv
import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from gameserver.games.game import MemberId, RoomId
from gameserver.records.contestants import Work
from gameserver.records.rooms import Room
from tests.cli.typed import Said, run_here
from tests.games.votes import voting
from tests.node import Live, forgotten


@pytest.fixture
async def room(live: Live) -> Room:
    draft = await live.stores.lifecycle.create("vote", voting(groups=["门店"]))
    return await live.stores.lifecycle.open(draft.id)


async def type_(variables: dict[str, str], verb: str, room: Any, *words: str) -> Said:
    return await run_here(variables, "contestants", verb, room.id, *words)


async def sign_up(live: Live, room: Room, member: str, name: str) -> str:
    entry = await live.stores.contestants.sign_up(RoomId(room.id), MemberId(member), Work(name=name))
    return f"e{entry.entry}"


async def test_an_import_is_whole_or_nothing(
    variables: dict[str, str], live: Live, room: Room, tmp_path: Path
) -> None:
    file = tmp_path / "works.csv"
    file.write_text("姓名,分组\n张伟,门店\n李娜,总部\n,门店\n", encoding="utf-8")
    said = await type_(variables, "import", room, str(file))
    assert said.code == 1
    assert said.err.split("\n")[:3] == [
        "bad_table",
        "  row 3, column group: the room's groups are: 门店",
        "  row 4, column name: 1 to 40 characters are needed",
    ]
    assert "no contestants" in (await type_(variables, "list", room)).out
    file.write_text("姓名,分组\n张伟,门店\n李娜,\n", encoding="utf-8")
    said = await type_(variables, "import", room, str(file))
    assert (said.code, said.out) == (0, "2 contestants entered, c0001 to c0002\n")
    page = await live.join(room.id, await live.member())
    assert (await page.ask("vote", choices=["c0002"]))["votes"] == {"c0002": 1}


async def test_a_sign_up_is_approved_or_rejected(variables: dict[str, str], live: Live, room: Room) -> None:
    ann, ben = await sign_up(live, room, "ann", "小[b]明"), await sign_up(live, room, "ben", "小红")
    listed = (await type_(variables, "list", room, "--state", "pending")).out
    assert ann in listed.split()
    assert "小[b]明" in listed
    assert (await type_(variables, "approve", room, ann)).out == "c0001 小[b]明\n"
    assert (await type_(variables, "approve", room, ann)).out == "they are in the list already\n"
    said = await type_(variables, "reject", room, ben, "--reason", "blurred")
    assert (said.code, said.out) == (0, f"{ben} is rejected\n")
    assert (await type_(variables, "reject", room, ann, "--reason", "x")).error == (
        "contestant_state: c0001 is approved and cannot become rejected"
    )
    assert "blurred" in (await type_(variables, "list", room, "--state", "rejected")).out


async def test_a_review_and_its_end(variables: dict[str, str], live: Live, room: Room) -> None:
    await live.stores.contestants.enter(room.id, [Work(name="a"), Work(name="b")])
    page = await live.join(room.id, await live.member())
    said = await type_(variables, "review", room, "c0001", "mark", "--reason", "too fast")
    assert (said.code, said.out) == (0, "c0001 is under review\n")
    await page.ask("vote", choices=["c0001", "c0002"])
    listed = (await type_(variables, "list", room)).out
    first = next(line for line in listed.splitlines() if "c0001" in line).split()
    assert first[3:] == ["under_review", "0", "1", "0", "too", "fast"]
    said = await type_(variables, "review", room, "c0001", "count", "--reason", "people")
    assert said.out == "c0001 has its kept votes\n"
    again = await type_(variables, "review", room, "c0001", "remove", "--reason", "x")
    assert again.error == "contestant_state: c0001 is not in a state in which that could be done"
    assert (await type_(variables, "review", room, "c0001", "edit", "--reason", "x")).code == 2
    assert (
        await type_(variables, "withdraw", room, "c0002", "--reason", "left")
    ).out == "c0002 is withdrawn\n"
    assert (await page.ask("vote", choices=["c0002"]))["code"] == "contestant_unknown"


async def test_the_archive_holds_every_work_with_its_numbers(
    variables: dict[str, str], live: Live, room: Room, tmp_path: Path
) -> None:
    await live.stores.contestants.enter(room.id, [Work(name="=1+1", text="一\n二", group="门店")])
    await sign_up(live, room, "ann", "waiting")
    page = await live.join(room.id, await live.member())
    await page.ask("vote", choices=["c0001"])
    for name in ("works.csv", "works.xlsx"):
        said = await type_(variables, "archive", room, str(tmp_path / name))
        assert (said.code, said.out) == (0, f"2 works are in {tmp_path / name}\n")
    text = (tmp_path / "works.csv").read_text(encoding="utf-8-sig")
    heading, first, second = csv.reader(io.StringIO(text))
    shown = dict(zip(heading, first, strict=True))
    assert (shown["number"], shown["name"], shown["text"]) == ("1", "'=1+1", "一\n二")
    assert [shown[column] for column in ("raw", "counted", "kept", "removed")] == ["1", "1", "0", "0"]
    waiting = dict(zip(heading, second, strict=True))
    assert [waiting[column] for column in ("number", "state", "signed up by", "raw")] == [
        "",
        "pending",
        "ann",
        "",
    ]
    sheet = load_workbook(tmp_path / "works.xlsx").worksheets[0]
    assert [cell.value for cell in sheet[2]][:4] == [1, "c0001", "'=1+1", "门店"]
    await forgotten(live.stores, room)
    await type_(variables, "archive", room, str(tmp_path / "later.csv"))
    assert (tmp_path / "later.csv").read_bytes() == (tmp_path / "works.csv").read_bytes()
    refused = await type_(variables, "archive", room, str(tmp_path / "works.pdf"))
    assert refused.error.startswith("bad_table: ")


async def test_other_rooms_have_no_contestants(variables: dict[str, str], live: Live) -> None:
    rain = await live.open_room(0)
    for room in (rain, RoomStub("r999999")):
        for verb, *words in (["list"], ["approve", "e1"], ["withdraw", "c0001", "--reason", "x"]):
            assert (await type_(variables, verb, room, *words)).error.startswith("not_found: ")


class RoomStub:
    def __init__(self, id_: str) -> None:
        self.id = id_
