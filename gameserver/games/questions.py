"""Questions: what is asked, in which order its options are shown, and whether an answer is right. Pure.

Numbers are decimal text, never floats: a room's rules are hashed as canonical JSON (fairness.canonical).
An `order` says how the options of a question are shown to one member: order[shown] is the option's index.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, NotRequired, TypedDict

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gameserver.fairness import Draws
from gameserver.games.room_config import Form, number

MAX_OPTIONS = 10
MAX_ACCEPTED = 20
MAX_TAGS = 10
MAX_TYPED = 200  # characters of a typed answer
# what a database, a table or a screen cannot hold; tabs and line ends are text
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_DECIMAL = r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"
_TYPED_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,12})?|\.[0-9]{1,12})")
_TYPED_SIGNS = str.maketrans({"−": "-", "。": "."})


def _printable(text: str) -> str:
    if _CONTROLS.search(text):
        raise ValueError("must not hold control characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _readable(text: str) -> str:
    if not plain(text):
        raise ValueError("must hold something that can be read")
    return _printable(text)


_Readable = AfterValidator(_readable)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), _Readable]
Option = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _Readable]
Accepted = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _Readable]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32, pattern=r"^[^,，、;；\r\n]*$"),
    _Readable,
]
Decimals = Annotated[str, StringConstraints(pattern=_DECIMAL)]


def _tags_differ(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) != len(tags):
        raise ValueError("tags must differ")
    return tags


class Posed(Form):
    """What questions of all kinds have."""

    text: Words = Field(title="Question", description="What is asked")
    image: str | None = Field(
        None,
        title="Image",
        description="Address of a picture: https://... or /media/...",
        max_length=500,
        pattern=r"^(https?://|/)[!-~]+$",
    )
    explanation: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(_printable)
    ] = Field("", title="Explanation", description="Why it is so; shown with the right answer")
    difficulty: int = number("Difficulty", "From 1, easy, to 5, hard", "level", 1, 5, default=1)
    tags: Annotated[tuple[Tag, ...], AfterValidator(_tags_differ)] = Field(
        (), title="Tags", description="Subjects, to draw questions by", max_length=MAX_TAGS
    )


def as_read(option: str) -> str:
    """An option as it is read: two of which this is the same cannot be told apart."""
    return " ".join(unicodedata.normalize("NFKC", option).split())


def _options_differ(options: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(map(as_read, options))) != len(options):
        raise ValueError("options must differ")
    return options


Options = Annotated[tuple[Option, ...], AfterValidator(_options_differ)]


Place = Annotated[int, Field(ge=0, lt=MAX_OPTIONS, strict=True)]


def _in_places(places: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(places)) != len(places):
        raise ValueError("places must differ")
    return tuple(sorted(places))


class Single(Posed):
    """One option is right."""

    kind: Literal["single"] = Field(title="Kind", description="One option is right")
    options: Options = Field(
        title="Options", description="What there is to choose from", min_length=2, max_length=MAX_OPTIONS
    )
    right: int = number("Right", "Place of the right option, from 0", "place", 0, MAX_OPTIONS - 1)

    @model_validator(mode="after")
    def _right_is_an_option(self) -> "Single":
        if self.right >= len(self.options):
            raise ValueError(f"right: there is no option {self.right}, places count from 0")
        return self


class Multiple(Posed):
    """Some options are right, and exactly they must be chosen."""

    kind: Literal["multiple"] = Field(title="Kind", description="Exactly the right options must be chosen")
    options: Options = Field(
        title="Options", description="What there is to choose from", min_length=2, max_length=MAX_OPTIONS
    )
    right: Annotated[tuple[Place, ...], AfterValidator(_in_places)] = Field(
        title="Right",
        description="Places of the right options, from 0",
        min_length=1,
        max_length=MAX_OPTIONS,
    )

    @model_validator(mode="after")
    def _right_are_options(self) -> "Multiple":
        if max(self.right) >= len(self.options):
            raise ValueError(f"right: there is no option {max(self.right)}, places count from 0")
        return self


class TrueFalse(Posed):
    """A statement that is true or false."""

    kind: Literal["true_false"] = Field(title="Kind", description="A statement that is true or false")
    right: bool = Field(title="Right", description="Whether the statement is true", strict=True)


class Order(Posed):
    """Options to be put in order."""

    kind: Literal["order"] = Field(title="Kind", description="Options to be put in order")
    options: Options = Field(
        title="Options", description="In the right order", min_length=3, max_length=MAX_OPTIONS
    )


class Span(Form):
    """A range of numbers, both ends in it."""

    min: Decimals = Field(title="Least", description="Least right number, as decimal text such as 3.5")
    max: Decimals = Field(title="Most", description="Greatest right number, as decimal text such as 3.5")

    @model_validator(mode="after")
    def _is_forward(self) -> "Span":
        if Decimal(self.min) > Decimal(self.max):
            raise ValueError("min must not be greater than max")
        return self


class Number(Posed):
    """A number is typed."""

    kind: Literal["number"] = Field(title="Kind", description="A number within a range is right")
    right: Span = Field(title="Right", description="Least and greatest right number")


class Text(Posed):
    """A word or two are typed."""

    kind: Literal["text"] = Field(title="Kind", description="One of the accepted texts is right")
    right: tuple[Accepted, ...] = Field(
        title="Right",
        description="Accepted texts; case, width and repeated spaces do not matter",
        min_length=1,
        max_length=MAX_ACCEPTED,
    )

    @cached_property
    def accepted(self) -> frozenset[str]:
        """The accepted texts as they are compared: made once, and not for each of ten thousand answers."""
        return frozenset(map(plain, self.right))


AnyQuestion = Single | Multiple | TrueFalse | Order | Number | Text
Question = Annotated[AnyQuestion, Field(discriminator="kind")]
KINDS = ("single", "multiple", "true_false", "order", "number", "text")


class Given(NamedTuple):
    """An answer as it came: exactly one of the three.

    `choices` are places as shown to this member (true_false: 0 is true, 1 is false; order: all places, the
    first to the last); `number` is decimal text.
    """

    choices: Sequence[int] | None = None
    number: str | None = None
    text: str | None = None


class Bounds(TypedDict):
    """The ends of a number's range, as decimal text."""

    min: str
    max: str


class Solution(TypedDict):
    """The right answer for one member; `choices` are places as shown to them, none where it is typed."""

    choices: list[int]
    number: NotRequired[Bounds]
    text: NotRequired[list[str]]
    explanation: str


def plain(text: str) -> str:
    """A typed text as it is compared: NFKC (so full width is half width), no case, single inner spaces.

    Marks that cannot be seen (such as U+200B, which phones insert) do not count.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(each for each in folded if unicodedata.category(each) != "Cf").split())


def typed_number(text: str) -> Decimal:
    """The number a member typed, full width and `3.` tolerated. Raises ValueError, also for exponents."""
    if len(text) > MAX_TYPED:
        raise ValueError("too long for a number")
    clean = unicodedata.normalize("NFKC", text.translate(_TYPED_SIGNS)).strip()
    if not _TYPED_NUMBER.fullmatch(clean):
        raise ValueError("not a plain decimal number")
    return Decimal(clean)


def options_of(question: AnyQuestion) -> tuple[str, ...]:
    """The options as they were written; none for true_false, number and text."""
    return question.options if isinstance(question, Single | Multiple | Order) else ()


def shown_order(question: AnyQuestion, draws: Draws) -> list[int]:
    """The order in which one member sees the options: every one equally likely.

    An order question never shows the right order; true_false is never shuffled ([0, 1]); what is typed
    has no options ([]).
    """
    if isinstance(question, TrueFalse):
        return [0, 1]
    order = list(range(len(options_of(question))))
    written = order.copy()
    draws.shuffle(order)
    while isinstance(question, Order) and order == written:
        draws.shuffle(order)
    return order


def screen_order(question: AnyQuestion, draws: Draws) -> list[int]:
    """The order for the big screen and spectators: as written, save that an order question is shuffled.

    Its options are written in the right order, which nobody may see before the lock.
    """
    if isinstance(question, Order | TrueFalse):
        return shown_order(question, draws)
    return list(range(len(options_of(question))))


def shown_options(question: AnyQuestion, order: Sequence[int]) -> list[str]:
    """The options in the order shown; none for true_false (pages have the words), number and text."""
    options = options_of(question)
    return [options[index] for index in order] if options else []


def graded(question: AnyQuestion, answer: Given, order: Sequence[int]) -> bool:
    """Whether the answer is right. Raises ValueError for one that does not fit the kind of question."""
    choices, typed, text = answer
    if sum(part is not None for part in answer) != 1:
        raise ValueError("give exactly one of choices, number and text")
    if isinstance(question, Number):
        if typed is None:
            raise ValueError("a number is asked for")
        return Decimal(question.right.min) <= typed_number(typed) <= Decimal(question.right.max)
    if isinstance(question, Text):
        return _text_right(question, text)
    if choices is None:
        raise ValueError("choices are asked for")
    _check_choices(question, choices, len(order))
    solved = _right_places(question, order)
    # only in an order question does it matter what comes first
    return list(choices) == solved if isinstance(question, Order) else sorted(choices) == solved


def _text_right(question: Text, text: str | None) -> bool:
    if text is None or len(text) > MAX_TYPED or not (said := plain(text)):
        raise ValueError(f"a text of 1 to {MAX_TYPED} characters is asked for")
    return said in question.accepted


def _check_choices(
    question: Single | Multiple | TrueFalse | Order, choices: Sequence[int], shown: int
) -> None:
    if len(set(choices)) != len(choices) or not all(0 <= place < shown for place in choices):
        raise ValueError("choices are places as shown, each at most once")
    if isinstance(question, Multiple):
        fits = len(choices) >= 1
    else:
        fits = len(choices) == (shown if isinstance(question, Order) else 1)
    if not fits:
        raise ValueError("too few or too many choices")


def _right_places(question: Single | Multiple | TrueFalse | Order, order: Sequence[int]) -> list[int]:
    """Where the right options are shown: in rising order, in an order question in the right order."""
    place_of = {index: place for place, index in enumerate(order)}
    match question:
        case Single():
            return [place_of[question.right]]
        case Multiple():
            return sorted(place_of[index] for index in question.right)
        case TrueFalse():
            return [0 if question.right else 1]
        case Order():
            return [place_of[index] for index in range(len(question.options))]


def solution(question: AnyQuestion, order: Sequence[int]) -> Solution:
    """The right answer as one member is told it after the lock."""
    told = Solution(choices=[], explanation=question.explanation)
    match question:
        case Number():
            told["number"] = Bounds(min=question.right.min, max=question.right.max)
        case Text():
            told["text"] = list(question.right)
        case _:
            told["choices"] = _right_places(question, order)
    return told
