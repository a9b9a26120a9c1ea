"""Contestants as staff's tables have them: CSV, XLSX, or a JSON list of objects."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gameserver.errors import Refused
from gameserver.records.contestants import MOST, Picture, Work
from gameserver.sheets import Errors, read_table
from gameserver.works import MEDIA_MOST, any_picture, group_of, name_of, text_of

MOST_BYTES = 20 * 2**20
# a column by the headings that mean it
HEADINGS: Mapping[str, Sequence[str]] = {
    "name": ("name", "姓名", "名称", "作品名称", "选手"),
    "text": ("text", "介绍", "简介", "说明"),
    "group": ("group", "分组", "组别"),
    "cover": ("cover", "封面"),
    "media": ("media", "图片", "作品"),
}
COLUMNS = tuple(HEADINGS)
_COLUMN_OF = {heading: column for column, headings in HEADINGS.items() for heading in headings}
_BETWEEN = re.compile(r"[\s|]+")  # no address holds any of them

Fields = Mapping[str, Any]


def read_works(file: Path, groups: Sequence[str]) -> list[Work]:
    """The works of a file; an empty row is none.

    Args:
        file: a table with headings in its first row, or JSON.
        groups: those of the room.

    Raises Refused("bad_table") with all errors by row and column.
    """
    errors = Errors()
    rows = _objects(file) if file.suffix.lower() == ".json" else _rows(file, errors)
    works = [work for number, fields in rows if (work := _Row(number, fields, groups, errors).work())]
    errors.check()
    if not works:
        raise Refused("bad_table", f"{file} names no contestant")
    return works


def _rows(file: Path, errors: Errors) -> Iterator[tuple[int, Fields]]:
    """Rows by number, as (column, cell)."""
    table = read_table(file, MOST_BYTES, MOST + 1)
    columns = [_COLUMN_OF.get(heading.strip().lower(), "") for heading in table[0]] if table else []
    for place, column in enumerate(columns):
        if not column and table[0][place]:
            errors.add(1, f"unknown heading; known are: {', '.join(COLUMNS)}", f"column {table[0][place]}")
        elif column and column in columns[:place]:
            errors.add(1, "the column is there twice", f"column {column}")
    if "name" not in columns:
        errors.add(1, "there is no such column", "column name")
    errors.check()  # what cells mean is not known without their headings
    for number, cells in enumerate(table[1:], 2):
        if any(cells):
            yield number, {column: cell for column, cell in zip(columns, cells, strict=False) if column}


def _objects(file: Path) -> Iterator[tuple[int, Fields]]:
    try:
        octets = file.read_bytes()
        if len(octets) > MOST_BYTES:
            raise Refused("bad_table", f"{file} is larger than {MOST_BYTES:,} bytes")
        listed = json.loads(octets.decode("utf-8-sig"))
    except OSError as error:
        raise Refused("bad_table", f"cannot read {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Refused("bad_table", f"{file} is no JSON: {error}") from None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Refused("bad_table", f"{file} holds no list of objects")
    if len(listed) > MOST:
        raise Refused("bad_table", f"{file} has more than {MOST:,} rows")
    yield from enumerate(listed, 1)


class _Row:
    """One row; what is wrong with it goes to `errors`."""

    def __init__(self, number: int, fields: Fields, groups: Sequence[str], errors: Errors) -> None:
        self._number = number
        self._fields = fields
        self._groups = groups
        self._errors = errors
        self._wrong = False

    def work(self) -> Work | None:
        """The work, unless something is wrong."""
        for column in self._fields:
            if column not in HEADINGS:
                self._add(column, f"unknown; known are: {', '.join(COLUMNS)}")
        name = self._text("name", name_of)
        text = self._text("text", text_of)
        group = self._text("group", lambda given: group_of(given, self._groups))
        media = self._media()
        cover = self._cover()
        if self._wrong:
            return None
        shown = cover or (media[0] if media else None)
        return Work(
            name=name,
            text=text,
            group=group,
            cover=shown.url if shown else None,
            thumb=shown.thumb if shown else None,
            media=media,
        )

    def _add(self, column: str, why: str) -> None:
        self._wrong = True
        self._errors.add(self._number, why, f"column {column}")

    @contextmanager
    def _in(self, column: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            self._add(column, str(error))

    def _text(self, column: str, checked: Callable[[str], str]) -> str:
        with self._in(column):
            given = self._fields.get(column)
            if not isinstance(given, str | None):
                raise ValueError("a text is needed")
            return checked(given or "")
        return ""

    def _cover(self) -> Picture | None:
        with self._in("cover"):
            given = self._fields.get("cover")
            if not isinstance(given, str | None):
                raise ValueError("a text is needed")
            return any_picture(given) if given else None
        return None

    def _media(self) -> tuple[Picture, ...]:
        with self._in("media"):
            given = self._fields.get("media") or []
            if isinstance(given, str):
                given = [url for url in _BETWEEN.split(given) if url]
            if not isinstance(given, list) or not all(isinstance(url, str) for url in given):
                raise ValueError("a list of addresses is needed")
            if len(given) > MEDIA_MOST:
                raise ValueError(f"at most {MEDIA_MOST} pictures are allowed")
            return tuple(map(any_picture, given))
        return ()
