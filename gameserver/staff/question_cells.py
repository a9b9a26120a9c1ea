"""What people type into a cell about a question, and what is written there.

What reads a cell raises ValueError with the reason in words.
"""

import re
import unicodedata

from gameserver.games.questions import (
    KINDS,
    MAX_OPTIONS,
    AnyQuestion,
    Multiple,
    Number,
    Order,
    Single,
    Text,
    TrueFalse,
)

LETTERS = "ABCDEFGHIJ"[:MAX_OPTIONS]
_KIND_WORDS = {
    "single": ("单选", "单选题"),
    "multiple": ("多选", "多选题"),
    "true_false": ("判断", "判断题", "truefalse"),
    "order": ("排序", "排序题"),
    "number": ("数字", "数字题", "数值"),
    "text": ("填空", "填空题", "文本"),
}
_TRUE = ("true", "t", "yes", "y", "1", "对", "是", "正确", "√", "✓")
_FALSE = ("false", "f", "no", "n", "0", "错", "否", "错误", "×", "✗", "x")
_TAG_ENDS = re.compile(r"[,，、;；\n]")
_DECIMALS = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
_PART = re.compile(r"(?:[^|｜\\]|\\.|\\$)+", re.DOTALL)


def folded(text: str) -> str:
    """A word as it is looked up: without case, width and spaces around it."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


_KIND_OF = {folded(word): kind for kind in KINDS for word in (kind, *_KIND_WORDS[kind])}


def checked_id(cell: str) -> str:
    """An id as it may be."""
    if not _ID.fullmatch(cell):
        raise ValueError("1 to 40 letters, digits, . _ - are needed")
    return cell


def tags(cell: str) -> list[str]:
    """Tags, however they are parted; each once."""
    parts = (tag.strip() for tag in _TAG_ENDS.split(cell))
    return list(dict.fromkeys(filter(None, parts)))


def kind(cell: str) -> str:
    """A kind of question by its name in English or Chinese."""
    if (known := _KIND_OF.get(folded(cell))) is None:
        raise ValueError(f"one of {', '.join(KINDS)} is needed")
    return known


def difficulty(cell: str) -> int:
    """1 to 5."""
    if not re.fullmatch(r"[1-5]", folded(cell)):
        raise ValueError("a whole number from 1, easy, to 5, hard, is needed")
    return int(folded(cell))


def letters(cell: str, options: int) -> list[int]:
    """Places of the options that are named: A,C or AC or B>A>C."""
    named = re.sub(r"[\s,、;>|/&]", "", unicodedata.normalize("NFKC", cell)).upper()
    if not named or not set(named) <= set(LETTERS):
        raise ValueError("letters of options are needed, such as A or A,C")
    for letter in named:
        if LETTERS.index(letter) >= options:
            raise ValueError(f"there is no option {letter}")
    if len(set(named)) != len(named):
        raise ValueError("names an option twice")
    return [LETTERS.index(letter) for letter in named]


def one_letter(cell: str, options: int) -> int:
    """The place of the only option that is named."""
    places = letters(cell, options)
    if len(places) != 1:
        raise ValueError(f"a single question has one right option, this names {len(places)}")
    return places[0]


def ordered(options: list[str], cell: str) -> list[str]:
    """Options in the right order: B>A>C, or as they were given."""
    if not cell:
        return options
    places = letters(cell, len(options))
    if len(places) != len(options):
        raise ValueError("every option is needed once, such as B>A>C; empty: as they are given")
    return [options[place] for place in places]


def true_or_false(cell: str) -> bool:
    """As people say it, in English or Chinese."""
    if folded(cell) not in _TRUE + _FALSE:
        raise ValueError("true or false (对 or 错) is needed")
    return folded(cell) in _TRUE


def span(cell: str) -> dict[str, str]:
    """3..3.5 or 3~3.5, or one number alone."""
    ends = re.split(r"\.{2,}|~", unicodedata.normalize("NFKC", cell))
    ends = [end.strip().removeprefix("+") for end in ends]
    if len(ends) > 2 or not all(_DECIMALS.fullmatch(end) for end in ends):
        raise ValueError("a number such as 3.5 or a range such as 3..3.5 is needed")
    return {"min": ends[0], "max": ends[-1]}


def accepted(cell: str) -> list[str]:
    r"""Texts between bars; \| is a bar of the text's own and \\ a backslash."""
    parts = [re.sub(r"\\([|｜\\])", r"\1", part).strip() for part in _PART.findall(cell)]
    if not any(parts):
        raise ValueError("accepted texts are needed, such as 北京|Beijing")
    return [part for part in parts if part]


def right_cell(question: AnyQuestion) -> str:
    """The right answer, as it is read again."""
    match question:
        case Single():
            return LETTERS[question.right]
        case Multiple():
            return ",".join(LETTERS[place] for place in question.right)
        case TrueFalse():
            return "true" if question.right else "false"
        case Order():
            return ">".join(LETTERS[: len(question.options)])
        case Number(right=right):
            return right.min if right.min == right.max else f"{right.min}..{right.max}"
        case Text():
            return "|".join(re.sub(r"([|｜\\])", r"\\\1", text) for text in question.right)
