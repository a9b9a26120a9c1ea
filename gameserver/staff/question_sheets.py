"""Questions as rows of a spreadsheet: what people type into cells, and what they are told is wrong there."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from gameserver.games.questions import MAX_OPTIONS, AnyQuestion, Posed, Question, as_read, options_of
from gameserver.records.questions import Banked
from gameserver.sheets import Errors
from gameserver.staff import question_cells as cells

OPTIONS = tuple(f"option_{letter.lower()}" for letter in cells.LETTERS)
# columns in the order in which they are written: the Chinese heading first, then other words for it
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("编号", "题号"),
    "kind": ("题型", "类型", "type"),
    "text": ("题目", "题干", "问题", "question"),
    **{f"option_{a.lower()}": (f"选项{a}", f"option{a}", f"option {a}", a) for a in cells.LETTERS},
    "right": ("答案", "正确答案", "answer"),
    "explanation": ("解析", "说明"),
    "difficulty": ("难度",),
    "tags": ("标签", "分类", "tag"),
    "image": ("图片", "配图"),
}
COLUMNS = tuple(f"{words[0]} / {name}" for name, words in HEADINGS.items())
_COLUMN_OF = {cells.folded(word): name for name, words in HEADINGS.items() for word in (name, *words)}
_NEEDED = ("kind", "text", "right")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
_PLAINLY = {"image": "an address of at most 500 characters is needed: https://... or /media/..."}

_POSED: TypeAdapter[Posed] = TypeAdapter(Posed)
_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)


class Drafted(NamedTuple):
    """A question of a file: the row it stands in, and its id where it has one."""

    row: int
    id: str | None
    question: AnyQuestion


# reading


def read_questions(rows: Sequence[Sequence[str]]) -> list[Drafted]:
    """The questions of a table whose first row are headings, in English, Chinese or both.

    Empty rows do not count. Raises Refused("bad_table") with all that is wrong, by row and column.
    """
    errors = Errors()
    headings = rows[0] if rows else ()
    columns = _columns(headings, errors)
    errors.check()  # what cells mean is not known without their headings
    drafted = [
        _Row(number, values, columns, headings, errors).read()
        for number, values in enumerate(rows[1:], 2)
        if any(values)
    ]
    errors.check()
    return [one for one in drafted if one is not None]


def _columns(headings: Sequence[str], errors: Errors) -> dict[str, int]:
    """Where each known column is."""
    columns: dict[str, int] = {}
    for place, heading in enumerate(headings):
        if not heading:
            continue
        # 题型 / kind says the same twice
        names = {_COLUMN_OF.get(cells.folded(part).rstrip("*: ")) for part in heading.split("/")} - {None}
        name = names.pop() if len(names) == 1 else None
        if name is None:
            errors.add(1, "unknown heading; `gameserver questions template` has the known ones", _at(place))
        elif name in columns:
            errors.add(1, f"the same column as {_at(columns[name])}", _at(place))
        else:
            columns[name] = place
    for name in _NEEDED:
        if name not in columns:
            errors.add(1, "there is no such column", f"{HEADINGS[name][0]} / {name}")
    return columns


def _at(place: int, heading: str = "") -> str:
    from openpyxl.utils import get_column_letter

    return f"column {get_column_letter(place + 1)}" + (f" ({heading})" if heading else "")


class _Row:
    """One row; what is wrong with it goes to `errors`."""

    def __init__(
        self,
        number: int,
        values: Sequence[str],
        columns: Mapping[str, int],
        headings: Sequence[str],
        errors: Errors,
    ) -> None:
        self._number = number
        self._values = values
        self._columns = columns
        self._headings = headings
        self._errors = errors
        self._wrong: set[str] = set()
        self._named: list[str] = []

    def read(self) -> Drafted | None:
        """The question, unless something is wrong."""
        self._check_cells()
        fields: dict[str, Any] = {
            "text": self._cell("text"),
            "explanation": self._cell("explanation"),
            "image": self._cell("image") or None,
            "tags": cells.tags(self._cell("tags")),
        }
        id_ = None
        with self._in("id"):
            id_ = cells.checked_id(self._cell("id")) if self._cell("id") else None
        with self._in("difficulty"):
            if level := self._cell("difficulty"):
                fields["difficulty"] = cells.difficulty(level)
        with self._in("kind"):
            fields["kind"] = cells.kind(self._cell("kind"))
        if "kind" in fields:
            self._answer(fields)
        question = self._validated(fields)
        return Drafted(self._number, id_, question) if question is not None and not self._wrong else None

    def _cell(self, name: str) -> str:
        place = self._columns.get(name)
        return self._values[place] if place is not None and place < len(self._values) else ""

    def _add(self, name: str, why: str) -> None:
        self._wrong.add(name)
        place = self._columns.get(name)
        at = HEADINGS[name][0] if place is None else _at(place, self._headings[place])
        self._errors.add(self._number, why, at)

    @contextmanager
    def _in(self, name: str) -> Iterator[None]:
        """What is raised as ValueError is wrong with this column's cell."""
        try:
            yield
        except ValueError as error:
            self._add(name, str(error))

    def _check_cells(self) -> None:
        known = {place: name for name, place in self._columns.items()}
        for place, value in enumerate(self._values):
            if place in known and _DATE.fullmatch(value):
                self._add(known[place], "the spreadsheet made a date of it: make the cell a text")
            elif place not in known and value:
                self._wrong.add("")
                self._errors.add(self._number, "the column has no heading", _at(place))

    def _answer(self, fields: dict[str, Any]) -> None:
        """Options and the right answer, as the kind has them."""
        kind, right = fields["kind"], self._cell("right")
        if kind in ("single", "multiple", "order"):
            self._choice(fields, right)
            return
        for name in OPTIONS:
            if self._cell(name):
                self._add(name, f"a question of kind {kind} has no options")
        read: dict[str, Callable[[str], Any]] = {
            "true_false": cells.true_or_false,
            "number": cells.span,
            "text": cells.accepted,
        }
        with self._in("right"):
            fields["right"] = read[kind](right)

    def _choice(self, fields: dict[str, Any], right: str) -> None:
        self._named = self._options(least=3 if fields["kind"] == "order" else 2)
        if self._wrong.intersection(OPTIONS):
            self._wrong.add("right")  # which options it names is not known yet
            return
        with self._in("right"):
            match fields["kind"]:
                case "single":
                    fields["right"] = cells.one_letter(right, len(self._named))
                case "multiple":
                    fields["right"] = cells.letters(right, len(self._named))
                case _:
                    self._named = cells.ordered(self._named, right)
        fields["options"] = [self._cell(name) for name in self._named]

    def _options(self, least: int) -> list[str]:
        """The columns that hold options."""
        filled = [name for name in OPTIONS if self._cell(name)]
        for name in OPTIONS[: max(least, len(filled))]:
            if name not in filled:
                few = f"at least {least} options are needed"
                self._add(name, few if len(filled) < least else "a gap in the options")
        seen: dict[str, str] = {}
        for name in filled:
            if (other := seen.setdefault(as_read(self._cell(name)), name)) != name:
                self._add(name, f"the same as option {other[-1].upper()}")
        return filled

    def _validated(self, fields: Mapping[str, Any]) -> AnyQuestion | None:
        """Checks lengths and what else all kinds have in common; the rest has been said in words before."""
        try:
            if "kind" in fields:
                return _QUESTION.validate_python(fields)
            _POSED.validate_python(fields)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_context=False):
                # a union names the kind first
                at = problem["loc"]["kind" in fields :]
                self._told(at, problem["msg"].removeprefix("Value error, "))
        return None

    def _told(self, at: Sequence[int | str], why: str) -> None:
        """What the model says of a field, unless it was said in words before."""
        name = str(at[0]) if at else "right"
        if name == "options":
            place = at[-1]
            each = [self._named[place]] if isinstance(place, int) else list(OPTIONS)
        else:
            each = [name]
        if self._wrong.isdisjoint(each):
            self._add(each[0], _PLAINLY.get(name, why))


# writing


def cells_of(banked: Banked) -> list[str]:
    """The row of a question, as `read_questions` reads it."""
    question = banked.question
    options = options_of(question)
    return [
        banked.id,
        question.kind,
        question.text,
        *options,
        *[""] * (MAX_OPTIONS - len(options)),
        cells.right_cell(question),
        question.explanation,
        str(question.difficulty),
        ",".join(question.tags),
        question.image or "",
    ]
