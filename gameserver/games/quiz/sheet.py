"""The questions of one room, each as one member sees it."""

from collections.abc import Sequence
from functools import lru_cache

from gameserver.fairness import Draws, derive
from gameserver.games.game import HOST, MemberId, RoomId
from gameserver.games.questions import (
    AnyQuestion,
    Given,
    graded,
    screen_order,
    shown_options,
    shown_order,
    solution,
)
from gameserver.games.quiz.events import Answer, Asked, Bounds, Right

GRACE_MS = 250  # an answer may arrive this much after its time is over
ORDERS = 65_536  # kept, of members and questions: told with the question, needed again with the answer
WRONG, RIGHT, BAD = 0, 1, 2  # rules.lua knows grades by these numbers

Order = tuple[int, ...]
"""order[shown] is the option's place in the question as it was written."""


class Sheet:
    """Orders, grades and solutions.

    Args:
        room: whose questions these are.
        questions: as the config has them.
        seed: the room's; the orders follow from it.
    """

    def __init__(self, room: RoomId, questions: Sequence[AnyQuestion], seed: bytes) -> None:
        self.questions = questions
        self._room = room
        self._seed = seed
        self.order = lru_cache(maxsize=ORDERS)(self._order)

    def _order(self, member: MemberId, attempt: int, question: int) -> Order:
        """How a member sees the options; the host's screen and all spectators see one order."""
        on_screen = member in ("", HOST)
        key = derive(self._seed, "order", self._room, "" if on_screen else member, attempt, question)
        show = screen_order if on_screen else shown_order
        return tuple(show(self.questions[question], Draws(key)))

    def asked(self, question: int, order: Order, place: int, of: int, window: tuple[int, int]) -> Asked:
        """Question number `question` as number `place` of `of`; `window` is server ms."""
        each = self.questions[question]
        return Asked(
            question=place, of=of, kind=each.kind, text=each.text, image=each.image,
            options=shown_options(each, order), difficulty=each.difficulty,
            starts_at=window[0], ends_at=window[1],
        )  # fmt: skip

    def right(self, question: int, order: Order) -> Right:
        """The right answer in this order; only for what is locked."""
        told = solution(self.questions[question], order)
        bounds = told.get("number")
        return Right(
            choices=told["choices"],
            explanation=told["explanation"],
            number=Bounds(**bounds) if bounds else None,
            text=told.get("text"),
        )

    def grade(self, question: int, order: Order, answer: Answer) -> int:
        """WRONG, RIGHT, or BAD for an answer that does not fit the kind of question."""
        try:
            given = Given(answer.choices, answer.number, answer.text)
            return RIGHT if graded(self.questions[question], given, order) else WRONG
        except ValueError:
            return BAD
