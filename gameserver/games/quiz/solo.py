"""The plan of a quiz that each member plays alone, round by round."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import to_builtins

from gameserver.errors import Refused
from gameserver.fairness import Draws, derive
from gameserver.games.game import Command, Due, Event, Granted, MemberId, PrizeId, Raw, RoomId, Sender
from gameserver.games.quiz.config import RIGHT_SCORE, SPEED_SCORE, QuizConfig, Solo, by_choice
from gameserver.games.quiz.events import (
    Answer,
    Asked,
    Begin,
    Checked,
    Mine,
    Picture,
    Result,
    Reviewed,
    RoundAsked,
    Tally,
)
from gameserver.games.quiz.sheet import BAD, GRACE_MS, WRONG, Sheet
from gameserver.games.room_config import LONGEST_MS, ms

SCORE = PrizeId("score")  # the prize of right answers: points
ROUNDS = 16_384  # drawn rounds kept
PAUSE_MS = 2500  # to read what was right, before the time of the next question begins
_RIGHT = "1"  # the mark of a right answer (rules.lua)


class SoloPlan:
    """See `gameserver.games.game.Plan`."""

    def __init__(self, room: RoomId, config: QuizConfig, seed: bytes, opened_at: int) -> None:
        assert isinstance(config.mode, Solo)
        self._room = room
        self._config = config
        self._solo = config.mode
        self._seed = seed
        self._opens = max(opened_at, ms(config.opens_at)) if config.opens_at else opened_at
        self._sheet = Sheet(room, config.questions, seed)
        self._time = self._solo.seconds_per_question * 1000
        lines = self._solo.draw
        self._fitting = [
            [place for place, each in enumerate(config.questions) if line.fits(each)] for line in lines
        ]
        self._turns = by_choice(lines, config.questions)
        self._drawn = lru_cache(maxsize=ROUNDS)(self._draw)

    def _draw(self, member: MemberId, attempt: int) -> tuple[int, ...]:
        """The questions of a member's round: each line's in the order of the lines, no question twice."""
        draws = Draws(derive(self._seed, "round", self._room, member, attempt))
        taken: set[int] = set()
        drawn: list[list[int]] = [[] for _ in self._fitting]
        for line in self._turns:
            left = [question for question in self._fitting[line] if question not in taken]
            for place in range(self._solo.draw[line].count):
                other = draws.between(place, len(left) - 1)
                left[place], left[other] = left[other], left[place]
            drawn[line] = left[: self._solo.draw[line].count]
            taken.update(drawn[line])
        return tuple(question for some in drawn for question in some)

    def questions_of(self, member: MemberId, attempt: int) -> tuple[int, ...]:
        """The questions of a member's round, by their places in the config."""
        return self._drawn(member, attempt)

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads."""
        solo = self._solo
        return {
            "live": False,
            "ms": self._time,
            "grace": GRACE_MS,
            "pause": PAUSE_MS if solo.feedback == "each" else 0,
            "count": solo.count,
            "right": RIGHT_SCORE,
            "speed": SPEED_SCORE if solo.speed_bonus else 0,
            "lives": solo.lives or False,
            "pass": solo.pass_score,
            "prize": solo.pass_prize or False,
            "per_right": solo.points_per_right,
            "budget": self._paid(),
            "pays": bool(solo.pass_prize or solo.points_per_right),
        }

    def _paid(self) -> int:
        """Points that right answers can pay at most: whole answers only."""
        each = self._solo.points_per_right
        return (self._config.points_budget or 0) // each * each if each else 0

    def stock(self) -> Mapping[PrizeId, int]:
        """The prizes', and a unit for each round that the budget can pay in the worst case."""
        stock = {PrizeId(prize): units for prize, units in self._config.stock().items()}
        if paid := self._paid():
            stock[SCORE] = paid // self._solo.points_per_right
        return stock

    def budget(self) -> int:
        """Points of prizes and right answers."""
        return self._config.points() + self._paid()

    def ends_at(self) -> int:
        """No end of its own."""
        return self._opens + LONGEST_MS

    def public(self) -> Mapping[str, Any]:
        """What the page needs before a round: never a question."""
        solo = self._solo
        return {
            "mode": "solo",
            "count": solo.count,
            "seconds": solo.seconds_per_question,
            "pass_score": solo.pass_score,
            "score_per_right": RIGHT_SCORE,
            "max_score": solo.count * (RIGHT_SCORE + (SPEED_SCORE if solo.speed_bonus else 0)),
            "points_per_right": solo.points_per_right,
            "speed_bonus": solo.speed_bonus,
            "lives": solo.lives,
            "feedback": solo.feedback,
            "pass_prize": solo.pass_prize,
            "kinds": sorted({question.kind for question in self._config.questions}),
        }

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """begin: (attempt,). answer: (attempt, place, grade, the answer as text, round trip)."""
        if isinstance(command, Begin):
            return (command.attempt,)
        if not isinstance(command, Answer):
            raise Refused("wrong_state")
        if command.attempt is None:
            raise Refused("no_attempt")
        grade = self._grade(sender.member, command.attempt, command)
        return command.attempt, command.question, grade, _written(command), sender.rtt_ms

    def _grade(self, member: MemberId, attempt: int, answer: Answer) -> int:
        if answer.question >= self._solo.count:
            return BAD
        if answer.choices == [] and answer.number is None and answer.text is None:
            return WRONG
        question = self._drawn(member, attempt)[answer.question]
        return self._sheet.grade(question, self._sheet.order(member, attempt, question), answer)

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """`body`: [attempt, at] of a round that has begun, or what an answer came to (rules.lua)."""
        if len(body) == 2:
            attempt, at = body
            asked = self._asked(member, attempt, 0, at)
            return RoundAsked(re=re, attempt=attempt, question=asked, lives=self._solo.lives, score=0)
        attempt, place, mark, gained, score, lives, starts_at, ended = body
        each = self._solo.feedback == "each"
        question = self._drawn(member, attempt)[place]
        order = self._sheet.order(member, attempt, question)
        result = None
        if ended:
            rights, took, prize, said = ended
            result = self._result(member, (attempt, score, rights, took), said)
            result.prize = prize or None
            _tell_grants(result, granted)
        return Checked(
            re=re, attempt=attempt, question=place,
            right=mark == _RIGHT if each else None,
            solution=self._sheet.right(question, order) if each else None,
            gained=gained if each else 0,
            score=score if each or result else 0,
            lives=None if lives is False else lives,
            next=None if result else self._asked(member, attempt, place + 1, starts_at),
            result=result,
        )  # fmt: skip

    def _asked(self, member: MemberId, attempt: int, place: int, starts_at: int | None) -> Asked:
        """`starts_at`: server ms; None in a review. An answer before it is as quick as can be."""
        question = self._drawn(member, attempt)[place]
        window = (0, 0) if starts_at is None else (starts_at, starts_at + self._time)
        order = self._sheet.order(member, attempt, question)
        return self._sheet.asked(question, order, place, self._solo.count, window)

    def _result(self, member: MemberId, sums: tuple[int, int, int, int], said: Sequence[str]) -> Result:
        """`sums`: attempt, score, right answers, ms."""
        attempt, score, rights, took = sums
        review = [self._reviewed(member, attempt, place, each) for place, each in enumerate(said)]
        return Result(
            attempt=attempt, score=score, right=rights, of=self._solo.count,
            passed=score >= self._solo.pass_score, ms=took, points=0, review=review,
        )  # fmt: skip

    def _reviewed(self, member: MemberId, attempt: int, place: int, said: str) -> Reviewed:
        question = self._drawn(member, attempt)[place]
        return Reviewed(
            question=self._asked(member, attempt, place, None),
            mine=_read(said[1:]),
            solution=self._sheet.right(question, self._sheet.order(member, attempt, question)),
            right=said[0] == _RIGHT,
        )

    def due(self, after: int) -> Due | None:
        """Nothing comes with time alone."""
        return None

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """Facts hold all."""
        return ()

    def event(self, name: str, v: int, body: Raw) -> Event:
        """The tally: [joined, 'solo', False, rounds over, {}]."""
        joined, state, _, over, _ = body
        return Tally(v=v, joined=joined, state=state, question=None, answered=over, teams={})

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """A solo room has no personal events."""
        raise LookupError(name)

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """`view`: [rounds, best, points, the round that is on, the last one that is over, prizes]."""
        rounds, best, points, on, last, prizes = view
        current, result = None, None
        if on:
            place, since, score, _, lives, _, _ = on
            current = {
                "attempt": rounds,
                "question": to_builtins(self._asked(member, rounds, place, since)),
                "score": score if self._solo.feedback == "each" else 0,
                "lives": None if lives is False else lives,
            }
        if last:
            attempt, score, rights, took, paid, prize, unit, amount, said = last
            result = self._result(member, (attempt, score, rights, took), said)
            result.points, result.prize = paid, prize or None
            if unit is not False:
                result.unit, result.amount = unit, amount
        picture: Picture = {
            "mode": "solo",
            "attempts": rounds,
            "current": current,
            "last": to_builtins(result),
            "best": best,
            "points": points,
            "prizes": dict(prizes),
        }
        return picture


def _tell_grants(result: Result, granted: Sequence[Granted]) -> None:
    for prize, unit, amount, receipt in granted:
        if prize == SCORE:
            result.points, result.points_unit, result.points_receipt = amount, unit, receipt
        else:
            result.unit, result.amount, result.receipt = unit, amount, receipt


def _written(answer: Answer) -> str:
    """An answer as the lane keeps it for the review; "" where nothing is known."""
    if answer.choices:
        return "c" + "".join(map(str, answer.choices))
    if answer.number is not None:
        return "n" + answer.number
    return "t" + answer.text if answer.text is not None else ""


def _read(written: str) -> Mine | None:
    """The answer that `_written` wrote."""
    kind, said = written[:1], written[1:]
    match kind:
        case "c":
            return Mine(choices=[int(place) for place in said])
        case "n":
            return Mine(number=said)
        case "t":
            return Mine(text=said)
    return None
