"""What staff do with question banks: import, export, a template, and picking questions for a room."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gameserver.errors import Refused
from gameserver.games.questions import KINDS, AnyQuestion, Question, as_read, options_of
from gameserver.records.database import Database
from gameserver.records.questions import Banked, change_bank, get_questions
from gameserver.sheets import Errors, read_table, table_file
from gameserver.staff.question_cells import checked_id
from gameserver.staff.question_sheets import COLUMNS, Drafted, cells_of, read_questions

MOST_BYTES = 5 * 2**20
MOST_QUESTIONS = 5000  # in a file
SUFFIXES = (".xlsx", ".csv", ".json")

_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)


def read_file(file: Path) -> list[Drafted]:
    """The questions of an XLSX, CSV or JSON file, as its name ends.

    Raises Refused("bad_table") with all that is wrong, by row and column (JSON: by question and field).
    """
    suffix = _suffix(file)
    if suffix == ".json":
        drafted = _read_json(file)
    else:
        # headings, and some empty rows between
        drafted = read_questions(read_table(file, MOST_BYTES, 2 * MOST_QUESTIONS))
    if not drafted:
        raise Refused("bad_table", f"{file} holds no questions")
    if len(drafted) > MOST_QUESTIONS:
        raise Refused("bad_table", f"{file} holds {len(drafted):,} questions, {MOST_QUESTIONS:,} at most")
    _check_alike(drafted, "question" if suffix == ".json" else "row")
    return drafted


def _suffix(file: Path) -> str:
    if (suffix := file.suffix.lower()) not in SUFFIXES:
        raise Refused("bad_table", f"{file}: a name that ends in {', '.join(SUFFIXES)} is needed")
    return suffix


def _read_json(file: Path) -> list[Drafted]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Refused("bad_table", f"{file} is larger than {MOST_BYTES:,} bytes")
        given = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Refused("bad_table", f"cannot read {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Refused("bad_table", f"{file} is no JSON in UTF-8: {error}") from None
    if not isinstance(given, list):
        raise Refused("bad_table", f"{file} holds no list of questions")
    errors = Errors(each="question")
    drafted = [_drafted(number, one, errors) for number, one in enumerate(given, 1)]
    errors.check()
    return [one for one in drafted if one is not None]


def _drafted(number: int, given: Any, errors: Errors) -> Drafted | None:
    if not isinstance(given, dict):
        errors.add(number, "is no object")
        return None
    id_ = given.get("id")
    try:
        id_ = checked_id(id_) if isinstance(id_, str) else id_
        if id_ is not None and not isinstance(id_, str):
            raise ValueError("a text is needed")
    except ValueError as error:
        errors.add(number, str(error), "id")
    try:
        question = _QUESTION.validate_python({name: given[name] for name in given if name != "id"})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False):
            places = problem["loc"][1:] if problem["loc"][:1] and problem["loc"][0] in KINDS else ("kind",)
            column = ".".join(map(str, places))
            errors.add(number, problem["msg"].removeprefix("Value error, "), column)
        return None
    return Drafted(number, id_, question)


def _same(question: AnyQuestion) -> object:
    """What two questions share that a member would take for one."""
    options = sorted(map(as_read, options_of(question)))
    return question.kind, as_read(question.text), tuple(options), question.image


def _check_alike(drafted: Sequence[Drafted], each: str) -> None:
    """Raises Refused("bad_table") where a file has an id or a question twice."""
    errors, ids, seen = Errors(each), dict[str, int](), dict[object, int]()
    for row, id_, question in drafted:
        if id_ is not None and (first := ids.setdefault(id_, row)) != row:
            errors.add(row, f"the id of {each} {first}", "id")
        if (first := seen.setdefault(_same(question), row)) != row:
            errors.add(row, f"the same question as in {each} {first}", "text")
    errors.check()


async def import_questions(
    database: Database,
    bank: str,
    drafted: Sequence[Drafted],
    *,
    replace: bool,
    each: str = "row",
    told: Callable[[int], None] = lambda stored: None,
) -> int:
    """Adds what a file held to a bank, or replaces the bank by it; returns how many questions it has then.

    Questions without an id get the next number of the bank. `told` hears how many are stored so far.
    Raises Refused("bad_table") where an id or a question is in the bank already; then nothing is stored.
    """

    def choose(staying: Sequence[Banked]) -> Sequence[Banked]:
        ids = {banked.id for banked in staying}
        alike = {_same(banked.question): banked.id for banked in staying}
        errors = Errors(each)
        for row, id_, question in drafted:
            if id_ in ids:
                errors.add(row, "this id is in the bank already", "id")
            if (other := alike.get(_same(question))) is not None:
                errors.add(row, f"the same question as {other} of the bank", "text")
        errors.check()
        return _numbered(drafted, ids)

    return await change_bank(database, bank, choose, replace=replace, told=told)


def _numbered(drafted: Sequence[Drafted], taken: Iterable[str]) -> list[Banked]:
    """Each with its id, else the next free q0001, q0002 ..."""
    used = {*taken, *(one.id for one in drafted)}
    free = (id_ for number in count(1) if (id_ := f"q{number:04}") not in used)
    return [Banked(id_ or next(free), question) for _, id_, question in drafted]


def write_file(file: Path, banked: Sequence[Banked]) -> None:
    """Questions to an XLSX, CSV or JSON file, as its name ends; read again they are the same.

    Raises Refused("bad_table").
    """
    if _suffix(file) != ".json":
        with table_file(file, COLUMNS, edited=True) as table:
            for one in banked:
                table.write(cells_of(one))
        return
    given = [{"id": one.id, **_QUESTION.dump_python(one.question, mode="json")} for one in banked]
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(json.dumps(given, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused("bad_table", f"cannot write {file}: {error.strerror or error}") from None


async def picked(
    database: Database, bank: str, tags: frozenset[str] = frozenset(), difficulty: tuple[int, int] = (1, 5)
) -> list[AnyQuestion]:
    """A bank's questions of any of `tags` (none: all) and a difficulty from the first to the last level.

    Raises Refused("not_found") where there is no such bank, or no such question in it.
    """
    low, high = difficulty
    found = [
        question
        for _, question in await get_questions(database, bank)
        if low <= question.difficulty <= high and (not tags or tags.intersection(question.tags))
    ]
    if not found:
        raise Refused("not_found", f"no question of bank {bank!r} has these tags and this difficulty")
    return found
