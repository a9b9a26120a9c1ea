"""`gameserver questions`, and quizzes that are filled from a bank."""

import json
from pathlib import Path
from typing import Any

import pytest

from gameserver.engines import Engines
from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.questions import get_questions, list_banks
from gameserver.records.rooms import get_room
from gameserver.staff.question_examples import EXAMPLES
from gameserver.staff.questions import read_file
from tests.cli.typed import Said, run_here
from tests.node import environment

HEADINGS = "kind,text,right,tags,difficulty\n"


@pytest.fixture
def variables(engines: Engines, engine: Database) -> dict[str, str]:
    """The stores without a server."""
    return environment(engines)


async def asked(variables: dict[str, str], *words: str, given: str | None = None) -> Said:
    return await run_here(variables, "questions", *words, given=given)


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".json"])
async def test_a_template_is_imported_shown_and_exported_as_it_was(
    suffix: str, variables: dict[str, str], engine: Database, tmp_path: Path
) -> None:
    template, copy = str(tmp_path / f"a{suffix}"), str(tmp_path / f"b{suffix}")
    assert (await asked(variables, "template", template)).out == f"6 examples are in {template}\n"
    said = await asked(variables, "import", "常识", template)
    assert said == Said(0, f"常识 has 6 questions, 6 of them from {template}\n", said.err)
    assert await get_questions(engine, "常识") == list(EXAMPLES)
    listed = (await asked(variables, "list")).out.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["常识", "6"]]
    shown = (await asked(variables, "show", "常识")).out
    assert [one.question.text for one in EXAMPLES if one.question.text not in shown] == []
    assert "李白|李太白|Li Bai" in shown
    assert (await asked(variables, "export", "常识", copy)).out == f"6 questions of 常识 are in {copy}\n"
    assert read_file(Path(copy)) == read_file(Path(template))


async def test_a_bank_with_questions_is_added_to_or_replaced_only_as_said(
    variables: dict[str, str], engine: Database, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(HEADINGS + "text,1,x,a,1\n")
    two.write_text(HEADINGS + "text,2,x,a,1\ntext,3,x,b,2\n")
    assert (await asked(variables, "import", "bank", str(one))).code == 0
    unsaid = await asked(variables, "import", "bank", str(two))
    assert unsaid.code == 2
    assert "the bank has 1 questions: say --add or --replace" in " ".join(unsaid.err.replace("│", "").split())
    added = await asked(variables, "import", "bank", str(two), "--add")
    assert added.out == f"bank has 3 questions, 2 of them from {two}\n"
    replaced = await asked(variables, "import", "bank", str(two), "--replace")
    assert replaced.out == f"bank has 2 questions, 2 of them from {two}\n"
    assert [one.question.text for one in await get_questions(engine, "bank")] == ["2", "3"]


async def test_what_is_wrong_is_told_in_lines_and_nothing_is_imported(
    variables: dict[str, str], engine: Database, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(HEADINGS + "text,[/] [red],x,a,9\nsingle,b,A,a,1\ntext,c,x,a,1\n")
    said = await asked(variables, "import", "bank", str(file))
    assert (said.code, said.out) == (1, "")
    assert said.err.strip().splitlines() == [
        "bad_table",
        "  row 2, column E (difficulty): a whole number from 1, easy, to 5, hard, is needed",
        "  row 3, 选项A: at least 2 options are needed",
        "  row 3, 选项B: at least 2 options are needed",
    ]
    assert await list_banks(engine) == []
    missing = await asked(variables, "import", "bank", str(tmp_path / "[/x].csv"))
    assert missing.error == f"bad_table: cannot read {tmp_path / '[/x].csv'}: No such file or directory"
    other = await asked(variables, "import", "bank", str(tmp_path / "a.txt"))
    assert other.error == f"bad_table: {tmp_path / 'a.txt'}: a name that ends in .xlsx, .csv, .json is needed"
    assert (await asked(variables, "import", "no/bank", str(file))).code == 2


async def test_what_people_wrote_is_no_markup(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADINGS + "text,[bold]是[/] [/x],[red],a,1\n")
    await asked(variables, "import", "bank", str(tmp_path / "a.csv"))
    assert "[bold]是[/] [/x]" in (await asked(variables, "show", "bank")).out
    (tmp_path / "a.json").write_text('[{"kind": "text", "text": "?", "right": ["x"], "[/x]": 1}]')
    said = await asked(variables, "import", "other", str(tmp_path / "a.json"))
    assert "question 1, [/x]: Extra inputs are not permitted" in said.err


async def test_what_is_lost_is_asked_for(variables: dict[str, str], engine: Database, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HEADINGS + "text,1,x,a,1\n")
    before = file.read_text()
    for words in (("template", str(file)), ("export", "bank", str(file))):
        no = await asked(variables, *words, given="n\n")
        assert (no.code, file.read_text()) == (1, before)
    await asked(variables, "import", "bank", str(file))
    no = await asked(variables, "delete", "bank", given="n\n")
    assert "Delete bank with its 1 questions" in no.out
    assert [bank.id for bank in await list_banks(engine)] == ["bank"]
    assert (await asked(variables, "delete", "bank", "--yes")).out == "bank is deleted, with 1 questions\n"
    assert await list_banks(engine) == []
    assert (await asked(variables, "list")).out == "no banks; fill one with `gameserver questions import`\n"
    for words in (("delete", "bank", "--yes"), ("show", "bank"), ("export", "bank", str(tmp_path / "b.csv"))):
        assert (await asked(variables, *words)).error == "not_found: there is no question bank 'bank'"
    assert not (tmp_path / "b.csv").exists()


# rooms


QUIZ: dict[str, Any] = {
    "title": "quiz",
    "mode": {"kind": "solo", "draw": [{"count": 1}], "seconds_per_question": 10},
}


async def create(variables: dict[str, str], *words: str, **fields: Any) -> Said:
    text = json.dumps({**QUIZ, **fields})
    return await run_here(variables, "room", "create", "--game", "quiz", "--config", "-", *words, given=text)


async def test_a_quiz_is_filled_from_a_bank_by_tag_and_level(
    variables: dict[str, str], engine: Database, tmp_path: Path
) -> None:
    rows = [f"text,{tag}{level},x,{tag},{level}\n" for tag in "abc" for level in range(1, 6)]
    (tmp_path / "a.csv").write_text(HEADINGS + "".join(rows))
    await asked(variables, "import", "bank", str(tmp_path / "a.csv"))

    async def texts(*words: str) -> list[str]:
        said = await create(variables, "--questions", "bank", *words)
        assert said.code == 0, said.err
        room = await get_room(engine, RoomId(said.out.strip()))
        return [one["text"] for one in room.config["questions"]]

    assert len(await texts()) == 15
    assert await texts("--tag", "a") == ["a1", "a2", "a3", "a4", "a5"]
    assert await texts("--tag", "a", "--tag", "c", "--difficulty", "2-3") == ["a2", "a3", "c2", "c3"]
    assert await texts("--difficulty", "5") == ["a5", "b5", "c5"]
    # a room keeps its questions whatever becomes of the bank
    kept = (await create(variables, "--questions", "bank")).out.strip()
    await asked(variables, "delete", "bank", "--yes")
    assert len((await get_room(engine, RoomId(kept))).config["questions"]) == 15
    assert (
        await create(variables, "--questions", "bank")
    ).error == "not_found: there is no question bank 'bank'"


async def test_options_that_do_not_fit_make_no_room(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADINGS + "text,1,x,a,1\n")
    await asked(variables, "import", "bank", str(tmp_path / "a.csv"))
    for words in (("--tag", "a"), ("--difficulty", "1")):
        assert (await create(variables, *words)).code == 2
    for levels in ("0", "6", "3-1", "1-", "a", "1-2-3"):
        assert (await create(variables, "--questions", "bank", "--difficulty", levels)).code == 2
    assert (await create(variables, "--questions", "bank", questions=[])).code == 2
    none = await create(variables, "--questions", "bank", "--tag", "z")
    assert none.error == "not_found: no question of bank 'bank' has these tags and this difficulty"
    assert (await run_here(variables, "room", "list", "--all")).out.startswith("no rooms")
