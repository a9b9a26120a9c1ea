import json
from pathlib import Path
from typing import Any

import pytest

from gameserver.errors import Refused
from gameserver.records.contestants import MOST, Picture, Work
from gameserver.sheets import table_file
from gameserver.staff.contestant_sheets import read_works

GROUPS = ("门店", "总部")
ID = "ab" * 32
OWN = Picture(f"/media/{ID}.webp", f"/media/{ID}-480.webp")
FAR = "https://cdn.example.org/a,b.png?x=1&y=%20"


def csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "works.csv"
    file.write_bytes(text.encode(encoding))
    return file


def wrong(file: Path) -> dict[str, str]:
    """What is wrong, by row and column."""
    with pytest.raises(Refused) as refused:
        read_works(file, GROUPS)
    assert refused.value.code == "bad_table"
    return dict(refused.value.fields or {"file": refused.value.message})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_in_english_or_chinese(tmp_path: Path, encoding: str) -> None:
    english = csv(
        tmp_path,
        "name,text,group,cover,media\n"
        f'张伟,"一\n二",门店,{OWN.url},{OWN.thumb} | https://cdn.example.org/b.png\n'
        ",,,,\n李娜,,,,\n",
        encoding,
    )
    far = Picture("https://cdn.example.org/b.png", "https://cdn.example.org/b.png")
    works = [
        Work(name="张伟", text="一\n二", group="门店", cover=OWN.url, thumb=OWN.thumb, media=(OWN, far)),
        Work(name="李娜"),
    ]
    assert read_works(english, GROUPS) == works
    chinese = csv(tmp_path, "介绍,姓名,分组\n,李娜,\n", encoding)
    assert read_works(chinese, GROUPS) == [Work(name="李娜")]


def test_a_spreadsheet_and_its_formulas_are_texts(tmp_path: Path) -> None:
    file = tmp_path / "works.xlsx"
    with table_file(file, ("Name", "cover")) as table:
        table.write(["=1+1", FAR])
        table.write(["+86", None])
    assert read_works(file, GROUPS) == [Work(name="=1+1", cover=FAR, thumb=FAR), Work(name="+86")]


def test_the_first_picture_is_the_cover_where_none_is_given(tmp_path: Path) -> None:
    (work,) = read_works(csv(tmp_path, f"name,media\na,{ID} {OWN.url}\n"), GROUPS)
    assert (work.cover, work.thumb, work.media) == (OWN.url, OWN.thumb, (OWN, OWN))


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "works.json"
    file.write_text(json.dumps([{"name": "a", "media": [FAR, OWN.url]}, {"name": "b", "group": None}]))
    far = Picture(FAR, FAR)
    assert read_works(file, GROUPS) == [
        Work(name="a", cover=FAR, thumb=FAR, media=(far, OWN)),
        Work(name="b"),
    ]


def test_everything_that_is_wrong_is_told_at_once_by_row_and_column(tmp_path: Path) -> None:
    file = csv(
        tmp_path,
        "name,text,group,cover,media\n"
        f"{'n' * 41},{'t' * 2001},x,javascript:alert(1),http://example.org/a.png\n"
        "fine,,,,\n"
        f',,"",https://exa mple.org,/media/../../etc/passwd\n'
        f'"a\nb","\x1b",门店,/media/{ID}-96.webp,{" ".join([OWN.url] * 21)}\n',
    )
    found = wrong(file)
    assert set(found) == {
        *(f"row 2, column {name}" for name in ("name", "text", "group", "cover", "media")),
        *(f"row 4, column {name}" for name in ("name", "cover", "media")),
        *(f"row 5, column {name}" for name in ("name", "text", "media")),
    }
    assert found["row 2, column name"] == "1 to 40 characters are needed"
    assert found["row 2, column group"] == "the room's groups are: 门店, 总部"
    assert found["row 5, column media"] == "at most 20 pictures are allowed"


HEADINGS = {
    "no name": ("text\nx\n", "row 1, column name"),
    "an unknown one": ("name,votes\na,100\n", "row 1, column votes"),
    "one twice": ("name,姓名\na,b\n", "row 1, column name"),
    "an empty file": ("", "row 1, column name"),
}


@pytest.mark.parametrize("case", HEADINGS)
def test_headings_that_do_not_fit(tmp_path: Path, case: str) -> None:
    text, place = HEADINGS[case]
    assert place in wrong(csv(tmp_path, text))


OBJECTS: dict[str, Any] = {
    "[": "is no JSON",
    "{}": "holds no list of objects",
    "[1]": "holds no list of objects",
    "[]": "names no contestant",
    "[" * 100_000: "is no JSON",
    json.dumps([{"name": "x"}] * (MOST + 1)): "has more than 9,999 rows",
    '[{"name": 1}]': {"row 1, column name": "a text is needed"},
    '[{"name": "a"}, {"name": "b", "media": [1]}]': {"row 2, column media": "a list of addresses is needed"},
    '[{"name": "a", "votes": 7}]': {
        "row 1, column votes": "unknown; known are: name, text, group, cover, media"
    },
    '[{"name": "\\ud800"}]': {"row 1, column name": "a line break or a control character is in it"},
}


@pytest.mark.parametrize("text", OBJECTS, ids=lambda text: text[:40])
def test_json_that_does_not_fit(tmp_path: Path, text: str) -> None:
    file = tmp_path / "works.json"
    file.write_text(text)
    found, expected = wrong(file), OBJECTS[text]
    if isinstance(expected, str):
        assert expected in found["file"]
    else:
        assert found == expected


def test_a_file_that_is_not_there_or_no_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "works.xlsx").write_bytes(b"PK\3\4 nothing")
    for name in ("works.xlsx", "missing.csv", "missing.json", "missing.xlsx"):
        assert wrong(tmp_path / name)["file"]
