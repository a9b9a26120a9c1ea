"""Tables of a quiz: how each question was answered, and the rounds that members played alone."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from gameserver.games.game import MemberId, Raw
from gameserver.games.quiz.sheet import RIGHT
from gameserver.games.quiz.solo import SoloPlan
from gameserver.games.report import GameReport, Room, Row, Told, share

_RIGHT, _LATE = "1", "l"  # marks of a solo answer (rules.lua)


class Answers:
    """Counts of one question; `chosen` by option as it was written, of a live quiz."""

    def __init__(self) -> None:
        self.answers = self.right = self.late = self.took = 0
        self.chosen = [0] * 10


class Questions:
    """One row a question; `share_right` is in 100,000ths, times are in ms."""

    columns: ClassVar[Sequence[str]] = (
        "question", "kind", "difficulty", "text", "answers", "right", "wrong", "too_late", "share_right",
        "mean_ms", *(f"chose_{letter}" for letter in "abcdefghij"),
    )  # fmt: skip

    def __init__(self, room: Room) -> None:
        self._questions = room.config.questions
        self._plan = room.plan
        self._counts = [Answers() for _ in self._questions]
        self._rounds: dict[MemberId, int] = {}

    def take(self, line: Told) -> Iterable[Row]:
        """Rows come at the end."""
        kind, *places = line.fact
        if kind == "begun":
            self._rounds[line.member] = places[0]
        elif kind == "checked":
            self._checked(line.member, places)
        elif kind == "answered":
            question, grade, chosen, _, took, _ = places
            counts = self._count(question, grade == RIGHT, took)
            for option in range(len(counts.chosen)):
                counts.chosen[option] += chosen >> option & 1
        return ()

    def _checked(self, member: MemberId, places: Raw) -> None:
        assert isinstance(self._plan, SoloPlan)
        place, mark, _, took, _, over, _ = places
        question = self._plan.questions_of(member, self._rounds[member])[place]
        self._count(question, mark == _RIGHT, took).late += mark == _LATE
        if over:
            del self._rounds[member]

    def _count(self, question: int, right: bool, took: int) -> Answers:
        counts = self._counts[question]
        counts.answers += 1
        counts.right += right
        counts.took += took
        return counts

    def rest(self) -> Iterable[Row]:
        """The questions in order, whether they were asked or not."""
        for number, (question, counts) in enumerate(zip(self._questions, self._counts, strict=True), 1):
            wrong = counts.answers - counts.right - counts.late
            mean = counts.took // counts.answers if counts.answers else None
            chosen = counts.chosen if any(counts.chosen) else [None] * len(counts.chosen)
            yield (
                number, question.kind, question.difficulty, question.text, counts.answers, counts.right,
                wrong, counts.late, share(counts.right, counts.answers), mean, *chosen,
            )  # fmt: skip


class Rounds:
    """One row for each round that a member played to its end."""

    columns: ClassVar[Sequence[str]] = (
        "ended",
        "member",
        "attempt",
        "answers",
        "right",
        "score",
        "ms",
        "prize",
    )

    def __init__(self, room: Room) -> None:
        self._moment = room.moment
        self._on: dict[MemberId, list[int]] = {}

    def take(self, line: Told) -> Iterable[Row]:
        """The round that this line ends."""
        kind, *places = line.fact
        if kind == "begun":
            self._on[line.member] = [places[0], 0, 0, 0, 0]
        elif kind == "checked":
            _, mark, gain, took, _, over, prize = places
            on = self._on[line.member]
            for at, more in enumerate((1, mark == _RIGHT, gain, took), 1):
                on[at] += more
            if over:
                del self._on[line.member]
                yield self._moment(line.at), line.member, *on, prize or None

    def rest(self) -> Iterable[Row]:
        """Rounds that never ended have no row."""
        return ()


def plays(fact: Raw) -> int:
    """A round that was begun, or an answer to a live question."""
    return int(fact[0] in ("begun", "answered"))


REPORTS: dict[str, type[GameReport]] = {"questions": Questions, "rounds": Rounds}
