"""Tables of questions: what people type is understood; what is wrong is told by row and column, at once."""

import contextlib
import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from gameserver.errors import Refused
from gameserver.games.questions import KINDS, AnyQuestion
from gameserver.records.database import Database
from gameserver.records.questions import Banked, get_questions
from gameserver.staff.question_examples import EXAMPLES
from gameserver.staff.questions import SUFFIXES, import_questions, picked, read_file, write_file
from tests.games.asked import question, questions

HEADINGS = ["题型", "题目", "选项A", "选项B", "选项C", "选项D", "答案", "解析", "难度", "标签", "图片"]
Row = Sequence[object]


def xlsx(file: Path, rows: Sequence[Row]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(file)
    return file


def lines(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def read(file: Path, rows: Sequence[Row]) -> list[AnyQuestion]:
    if file.suffix == ".xlsx":
        xlsx(file, rows)
    else:
        file.write_bytes(lines(rows).encode("gb18030"))
    return [one.question for one in read_file(file)]


def refused(file: Path) -> dict[str, str] | str:
    with pytest.raises(Refused) as raised:
        read_file(file)
    assert raised.value.code == "bad_table"
    return dict(raised.value.fields) if raised.value.fields else raised.value.message


def wrong(folder: Path, *rows: Row, headings: Row = HEADINGS) -> dict[str, str] | str:
    (folder / "wrong.csv").write_text(lines([headings, *rows]), encoding="utf-8")
    return refused(folder / "wrong.csv")


# out and in


def unlike(banked: Sequence[AnyQuestion]) -> list[Banked]:
    """With ids, and so that no two are the same to a member."""
    return [
        Banked(f"id-{number}", one.model_copy(update={"text": f"{one.text} {number}"}))
        for number, one in enumerate(banked)
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25)
@given(asked=st.lists(questions(), min_size=1, max_size=4))
def test_what_is_written_is_read_as_it_was(suffix: str, asked: list[AnyQuestion], tmp_path: Path) -> None:
    file, banked = tmp_path / f"bank{suffix}", unlike(asked)
    write_file(file, banked)
    assert [Banked(one.id or "", one.question) for one in read_file(file)] == banked


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_examples_are_one_of_each_kind_and_come_back(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"Template{suffix.upper()}"
    write_file(file, EXAMPLES)
    assert [(one.id, one.question) for one in read_file(file)] == list(EXAMPLES)
    assert tuple(one.question.kind for one in EXAMPLES) == KINDS
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


def test_no_cell_that_is_written_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1"]
    banked = [
        Banked(
            f"q{number}",
            question(
                kind="single", text=text, options=[text, f"{text} 2"], right=0, explanation=text, tags=[text]
            ),
        )
        for number, text in enumerate(evil)
    ]
    for suffix in (".csv", ".xlsx"):
        write_file(tmp_path / f"evil{suffix}", banked)
        assert [one.question for one in read_file(tmp_path / f"evil{suffix}")] == [
            one.question for one in banked
        ]
    with (tmp_path / "evil.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert cells.count("'=1+1") == 4
    book = load_workbook(tmp_path / "evil.xlsx")
    written = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in written} == {"s"}
    assert not [cell for cell in written if str(cell.value).startswith(("=", "+", "-", "@"))]


# what people type


def typed(row: Row, kind: str, right: Any = None, *options: str, **more: Any) -> tuple[Row, AnyQuestion]:
    """A row, and the question that is meant: its text is in the row."""
    fields = {"kind": kind, "text": row[1], **({"options": options} if options else {}), **more}
    return row, question(**fields, **({} if right is None else {"right": right}))


TINY = 0.0000001
TYPED = [
    typed(
        ("单选题", "首都？", "上海", "北京", "", "", "b", "因为", 2, "地理，中国;亚洲", "https://a.cn/1.png"),
        "single", 1, "上海", "北京",
        explanation="因为", difficulty=2, tags=["地理", "中国", "亚洲"], image="https://a.cn/1.png",
    ),
    typed(("多选", "质数？", 2, 3, 4, 5, "ABD"), "multiple", [0, 1, 3], *"2345"),
    typed(("Multiple", "质数2？", 2, 3, 4, 5, "Ｄ、Ａ"), "multiple", [0, 3], *"2345"),
    typed(("判断题", "鲸是鱼", "", "", "", "", "错"), "true_false", False),
    typed(("判断", "鱼是鱼", "", "", "", "", True), "true_false", True),
    typed(("排序", "从小到大", "三", "一", "二", "", "B>C>A"), "order", None, *"一二三"),
    typed(("order", "如上", "一", "二", "三"), "order", None, *"一二三"),
    typed(("数字", "圆周率", "", "", "", "", "3.1 ～ 3.20"), "number", {"min": "3.1", "max": "3.20"}),
    typed(("number", "度", "", "", "", "", -3.5), "number", {"min": "-3.5", "max": "-3.5"}),
    typed(("number", "度数", "", "", "", "", "-3..+4"), "number", {"min": "-3", "max": "4"}),
    typed(("number", "小", "", "", "", "", TINY), "number", {"min": "0.0000001", "max": "0.0000001"}),
    typed(("填空", "年", "", "", "", "", 1949), "text", ["1949"]),
    typed(
        ("text", "首都", "", "", "", "", r"北京｜ Beijing |a\|b|c\\d"),
        "text", ["北京", "Beijing", "a|b", r"c\d"],
    ),
]  # fmt: skip


@pytest.mark.parametrize("name", ["typed.xlsx", "typed.csv"])
def test_a_table_is_read_as_people_type_it(name: str, tmp_path: Path) -> None:
    rows: list[Row] = [HEADINGS]
    for row, _ in TYPED:
        rows += [row, []]  # empty rows do not count
    if name.endswith(".csv"):
        rows = [["0.0000001" if cell is TINY else cell for cell in row] for row in rows]
    assert read(tmp_path / name, rows) == [asked for _, asked in TYPED]


@pytest.mark.parametrize(
    "headings",
    [
        ["kind", "text", "option_a", "option_b", "right"],
        ["Type", "Question", "Option A", "Option B", "Answer"],
        ["题型 / kind", "题目*", "选项Ａ", "B", "正确答案："],
    ],
)
def test_headings_are_known_in_english_and_in_chinese_in_any_order(
    headings: list[str], tmp_path: Path
) -> None:
    row = ["单选", "?", "x", "y", "B"]
    expected = [question(kind="single", text="?", options=["x", "y"], right=1)]
    assert read(tmp_path / "a.csv", [headings, row]) == expected
    assert read(tmp_path / "b.csv", [headings[::-1], row[::-1]]) == expected


# what is wrong


def test_everything_that_is_wrong_is_told_at_once_by_row_and_column(tmp_path: Path) -> None:
    told = wrong(
        tmp_path,
        ("单选", "", "x", "y", "", "", "C"),
        ("单选", "a", "x", "", "", "", "A"),
        ("single", "b", "X", "Ｘ", "", "z", "A"),
        ("single", "c", "x", "y", "", "", "A,B"),
        ("multiple", "d", "x", "y", "", "", "AA"),
        ("multiple", "e", "x", "y", "", "", "yes"),
        ("判断", "f", "对", "", "", "", "也许"),
        ("排序", "g", "x", "y", "", "", ""),
        ("排序", "h", "x", "y", "z", "", "A>B"),
        ("数字", "i", "", "", "", "", "3,5"),
        ("数字", "j", "", "", "", "", "4..3"),
        ("填空", "k", "", "", "", "", "|"),
        ("填空", "l" * 501, "", "", "", "", "x" * 101, "e" * 1001, "6", "t" * 33, "cat.png"),
        ("问答", "", "x", "y", "", "", "A", "", "易", "", ""),
        ("填空", "m", "", "", "", "", "x", "", "", "", "", "lost"),
        ("填空", "n", "", "", "", "", "2024-03-05T00:00:00"),
        ("单选", "o", "x", "y" * 201, "", "", "A"),
        ("排序", "p", "x", "y" * 201, "z", "", "C>B>A"),
    )  # fmt: skip
    assert told == {
        "row 2, column B (题目)": "String should have at least 1 character",
        "row 2, column G (答案)": "there is no option C",
        "row 3, column D (选项B)": "at least 2 options are needed",
        "row 4, column D (选项B)": "the same as option A",
        "row 4, column E (选项C)": "a gap in the options",
        "row 5, column G (答案)": "a single question has one right option, this names 2",
        "row 6, column G (答案)": "names an option twice",
        "row 7, column G (答案)": "letters of options are needed, such as A or A,C",
        "row 8, column C (选项A)": "a question of kind true_false has no options",
        "row 8, column G (答案)": "true or false (对 or 错) is needed",
        "row 9, column E (选项C)": "at least 3 options are needed",
        "row 10, column G (答案)": "every option is needed once, such as B>A>C; empty: as they are given",
        "row 11, column G (答案)": "a number such as 3.5 or a range such as 3..3.5 is needed",
        "row 12, column G (答案)": "min must not be greater than max",
        "row 13, column G (答案)": "accepted texts are needed, such as 北京|Beijing",
        "row 14, column B (题目)": "String should have at most 500 characters",
        "row 14, column G (答案)": "String should have at most 100 characters",
        "row 14, column H (解析)": "String should have at most 1000 characters",
        "row 14, column I (难度)": "a whole number from 1, easy, to 5, hard, is needed",
        "row 14, column J (标签)": "String should have at most 32 characters",
        "row 14, column K (图片)": (
            "an address of at most 500 characters is needed: https://... or /media/..."
        ),
        "row 15, column A (题型)": "one of single, multiple, true_false, order, number, text is needed",
        "row 15, column B (题目)": "String should have at least 1 character",
        "row 15, column I (难度)": "a whole number from 1, easy, to 5, hard, is needed",
        "row 16, column L": "the column has no heading",
        "row 17, column G (答案)": "the spreadsheet made a date of it: make the cell a text",
        "row 18, column D (选项B)": "String should have at most 200 characters",
        "row 19, column D (选项B)": "String should have at most 200 characters",
    }


def test_more_than_200_errors_are_counted(tmp_path: Path) -> None:
    told = wrong(tmp_path, *[("单选", f"{number}", "x", "y", "", "", "C") for number in range(250)])
    assert isinstance(told, dict)
    assert len(told) == 201
    assert told["and"] == "50 more"


@pytest.mark.parametrize(
    ("headings", "told"),
    [
        (["kind", "text"], {"row 1, 答案 / right": "there is no such column"}),
        (
            ["kind", "text", "right", "explanaton"],
            {"row 1, column D": "unknown heading; `gameserver questions template` has the known ones"},
        ),
        (["kind", "题目", "right", "text"], {"row 1, column D": "the same column as column B"}),
        (
            ["", ""],
            {
                f"row 1, {name}": "there is no such column"
                for name in ("题型 / kind", "题目 / text", "答案 / right")
            },
        ),
    ],
)
def test_headings_that_do_not_fit_are_told_before_anything_else(
    headings: list[str], told: dict[str, str], tmp_path: Path
) -> None:
    assert wrong(tmp_path, ["填空", "?", "x", "y"], headings=headings) == told


def test_a_date_that_a_spreadsheet_made_of_a_text_is_no_option(tmp_path: Path) -> None:
    row = ["单选", "1/2 + 1/2 ?", datetime(2026, 1, 2), "1", "", "", "B"]
    assert refused(xlsx(tmp_path / "a.xlsx", [HEADINGS, row])) == {
        "row 2, column C (选项A)": "the spreadsheet made a date of it: make the cell a text"
    }


def test_the_same_question_or_id_twice_is_told_by_both_rows(tmp_path: Path) -> None:
    told = wrong(
        tmp_path,
        ("填空", "a", "", "", "", "", "x"),
        ("单选", "a", "x", "y", "", "", "A"),
        ("单选", " ａ", "y", "x", "", "", "A"),
        ("填空", "a", "", "", "", "", "z"),
    )
    assert told == {
        "row 4, text": "the same question as in row 3",
        "row 5, text": "the same question as in row 2",
    }
    headings = ["id", "kind", "text", "right"]
    rows = [
        ("a", "text", "1", "x"),
        ("b", "text", "2", "x"),
        ("a", "text", "3", "x"),
        ("c d", "text", "4", "x"),
    ]
    assert wrong(tmp_path, *rows, headings=headings) == {
        "row 5, column A (id)": "1 to 40 letters, digits, . _ - are needed"
    }
    assert wrong(tmp_path, *rows[:3], headings=headings) == {"row 4, id": "the id of row 2"}


UNICODE = "Input should be a valid string, unable to parse raw data as a unicode string"
JSON_WRONG: list[tuple[Any, dict[str, str]]] = [
    ([1], {"question 1": "is no object"}),
    ([{"text": "?"}], {"question 1, kind": "Unable to extract tag using discriminator 'kind'"}),
    (
        [{"kind": "text", "text": "?", "right": ["x"], "id": 7}, {"kind": "text", "text": "", "right": []}],
        {
            "question 1, id": "a text is needed",
            "question 2, text": "String should have at least 1 character",
            "question 2, right": "Tuple should have at least 1 item after validation, not 0",
        },
    ),
    (
        [{"kind": "single", "text": "?", "options": ["a", "b", ""], "right": 0, "more": 1}],
        {
            "question 1, options.2": "String should have at least 1 character",
            "question 1, more": "Extra inputs are not permitted",
        },
    ),
    (
        [{"kind": "single", "text": "?", "options": ["a", "b"], "right": 2}],
        {"question 1": "right: there is no option 2, places count from 0"},
    ),
    ([{"kind": "text", "text": "\ud800", "right": ["x"]}], {"question 1, text": UNICODE}),
    (
        [{"kind": "text", "text": "?", "right": ["x"]}] * 2,
        {"question 2, text": "the same question as in question 1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "told"), JSON_WRONG, ids=range(len(JSON_WRONG)))
def test_what_is_wrong_in_json_is_told_by_question_and_field(
    given_: Any, told: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(given_))
    assert refused(tmp_path / "a.json") == told


# files that are none


def test_files_that_cannot_be_read_are_one_clear_line(tmp_path: Path) -> None:
    good = xlsx(tmp_path / "good.xlsx", [HEADINGS, TYPED[0][0]]).read_bytes()
    files: dict[str, bytes] = {
        "cut.xlsx": good[: len(good) // 2],
        "text.xlsx": b"kind,text,right",
        "empty.xlsx": b"",
        "ole.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        "quote.csv": b'kind,text,right\ntext,"a,b\n',
        "bytes.csv": b"\xff\xfe\x00\xff",
        "cut.json": b"[{",
        "object.json": b"{}",
        "deep.json": b"[" * 100_000,
        "latin.json": b'["\xe9"]',
        "none.json": b"[]",
        "headings.csv": b"kind,text,right\n",
        "old.xls": good,
        "large.csv": b"x" * (5 * 2**20 + 1),
        "large.json": b" " * (5 * 2**20 + 1),
        "large.xlsx": good + bytes(5 * 2**20),
    }
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
        told = refused(tmp_path / name)
        assert isinstance(told, str), (name, told)
        assert str(tmp_path / name) in told
    for name in ("missing.csv", "missing.json", "missing.xlsx"):
        assert str(refused(tmp_path / name)).startswith(f"cannot read {tmp_path / name}: ")
    assert "larger than 5,242,880 bytes" in str(refused(tmp_path / "large.csv"))


def test_a_zip_that_unpacks_to_very_much_is_not_unpacked(tmp_path: Path) -> None:
    xlsx(tmp_path / "good.xlsx", [HEADINGS, TYPED[0][0]])
    with (
        zipfile.ZipFile(tmp_path / "good.xlsx") as good,
        zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in good.infolist():
            octets = good.read(part)
            if part.filename.endswith("sheet1.xml"):
                octets = octets.replace(b"</sheetData>", b" " * 60 * 2**20 + b"</sheetData>")
            bomb.writestr(part.filename, octets)
    assert (tmp_path / "bomb.xlsx").stat().st_size < 2**20
    assert "unpacks to more than" in str(refused(tmp_path / "bomb.xlsx"))


@settings(max_examples=25)
@given(at=st.integers(0, 10**6), octet=st.integers(0, 255), drop=st.booleans())
def test_a_damaged_table_is_read_or_refused(at: int, octet: int, drop: bool, tmp_path: Path) -> None:
    if not (tmp_path / "good.xlsx").exists():
        xlsx(tmp_path / "good.xlsx", [HEADINGS, *(row for row, _ in TYPED)])
    octets = bytearray((tmp_path / "good.xlsx").read_bytes())
    if drop:
        del octets[at % len(octets)]
    octets[at % len(octets)] = octet
    (tmp_path / "bad.xlsx").write_bytes(octets)
    # anything else that is raised is a bug
    with contextlib.suppress(Refused):
        read_file(tmp_path / "bad.xlsx")


def test_5000_questions_are_read_and_one_more_is_not(tmp_path: Path) -> None:
    rows = [("text", str(number), "x") for number in range(5001)]
    headings = ("kind", "text", "right")
    (tmp_path / "a.csv").write_text(lines([headings, *rows[:5000]]))
    assert len(read_file(tmp_path / "a.csv")) == 5000
    assert (
        wrong(tmp_path, *rows, headings=headings)
        == f"{tmp_path / 'wrong.csv'} holds 5,001 questions, 5,000 at most"
    )


# the bank


def file_of(folder: Path, *rows: Row) -> Path:
    (folder / "rows.csv").write_text(lines([("id", "kind", "text", "right", "tags", "difficulty"), *rows]))
    return folder / "rows.csv"


async def test_questions_without_an_id_get_the_next_free_number(engine: Database, tmp_path: Path) -> None:
    first = file_of(tmp_path, ("", "text", "1", "x"), ("q0002", "text", "2", "x"), ("", "text", "3", "x"))
    assert await import_questions(engine, "bank", read_file(first), replace=False) == 3
    more = file_of(tmp_path, ("own", "text", "4", "x"), ("", "text", "5", "x"))
    assert await import_questions(engine, "bank", read_file(more), replace=False) == 5
    assert [(one.id, one.question.text) for one in await get_questions(engine, "bank")] == [
        ("q0001", "1"), ("q0002", "2"), ("q0003", "3"), ("own", "4"), ("q0004", "5"),
    ]  # fmt: skip


async def test_what_the_bank_has_already_is_told_by_row_and_nothing_is_stored(
    engine: Database, tmp_path: Path
) -> None:
    rows = [("a", "text", "1", "x"), ("b", "text", "2", "x")]
    await import_questions(engine, "bank", read_file(file_of(tmp_path, *rows)), replace=False)
    before = await get_questions(engine, "bank")
    new = file_of(tmp_path, ("c", "text", "new", "x"), ("b", "text", "3", "x"), ("", "text", "１", "y"))
    with pytest.raises(Refused) as raised:
        await import_questions(engine, "bank", read_file(new), replace=False)
    assert raised.value.fields == {
        "row 3, id": "this id is in the bank already",
        "row 4, text": "the same question as a of the bank",
    }
    assert await get_questions(engine, "bank") == before
    # where it takes the bank's place there is nothing to be the same as
    assert await import_questions(engine, "bank", read_file(new), replace=True) == 3
    assert [one.id for one in await get_questions(engine, "bank")] == ["c", "b", "q0001"]


async def test_a_room_picks_by_tag_and_difficulty(engine: Database, tmp_path: Path) -> None:
    rows = [("", "text", f"{tag}{level}", "x", f"{tag},all", level) for tag in "ab" for level in range(1, 6)]
    await import_questions(engine, "bank", read_file(file_of(tmp_path, *rows)), replace=False)

    async def texts(*tags: str, levels: tuple[int, int] = (1, 5)) -> list[str]:
        return [one.text for one in await picked(engine, "bank", frozenset(tags), levels)]

    assert len(await texts()) == len(await texts("all")) == len(await texts("a", "b")) == 10
    assert await texts("a") == ["a1", "a2", "a3", "a4", "a5"]
    assert await texts("b", "none", levels=(2, 3)) == ["b2", "b3"]
    for nothing in (texts("none"), picked(engine, "no bank")):
        with pytest.raises(Refused, match="not_found"):
            await nothing
