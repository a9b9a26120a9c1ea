"""The config of quiz (GAMES.md)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from gameserver.games.questions import AnyQuestion, Question
from gameserver.games.room_config import Form, RoomConfig, number

RIGHT_SCORE = 100  # of a right answer in a solo round
SPEED_SCORE = 50  # what speed can add to it
LIVE_SCORE = 1000  # of a right answer in a live quiz, before streaks
MAX_QUESTIONS = 1000
MAX_ASKED = 100  # questions of one round, or of a live quiz
# sums of answering times share a number with the points of the ranking (rules.lua, TIME)
MAX_LIVE_MS = 2**23 - 1
RESERVED = ("score", "place")  # ids of the points that the game itself pays


class DrawLine(Form):
    """Some questions of a round, drawn from those that fit."""

    tag: str | None = Field(
        None, title="Tag", description="Only questions with this tag; null: any", max_length=32
    )
    difficulty: int | None = number(
        "Difficulty", "Only questions of this difficulty; null: any", "level", 1, 5, default=None
    )
    count: int = number("Questions", "How many are drawn", "questions", 1, MAX_ASKED)

    def fits(self, question: AnyQuestion) -> bool:
        """Whether the question may be drawn for this line."""
        tagged = self.tag is None or self.tag in question.tags
        return tagged and self.difficulty in (None, question.difficulty)


def _seconds(default: int) -> int:
    seconds: int = number("Time", "To answer one question", "s", 3, 300, default=default)
    return seconds


class Solo(Form):
    """Each member plays rounds alone, with questions drawn for them."""

    kind: Literal["solo"] = Field(title="Kind", description="Each member plays alone")
    draw: tuple[DrawLine, ...] = Field(
        title="Draw", description="What a round's questions are drawn from", min_length=1, max_length=20
    )
    seconds_per_question: int = _seconds(20)
    pass_score: int = number(
        "Pass score",
        f"Score from which a round is passed: {RIGHT_SCORE} a right answer, and what speed adds",
        "score",
        0,
        MAX_ASKED * (RIGHT_SCORE + SPEED_SCORE),
        default=0,
    )
    points_per_right: int = number(
        "Points", "Paid at the end of a round for each right answer", "points", 0, 10**6, default=0
    )
    speed_bonus: bool = Field(
        False,
        strict=True,
        title="Speed bonus",
        description=f"Whether a right answer scores up to {SPEED_SCORE} more for its speed",
    )
    lives: int | None = number(
        "Lives", "A round ends when so many answers were wrong: 1 or 3; null: never", "lives", 1, 3,
        default=None,
    )  # fmt: skip
    feedback: Literal["each", "end"] = Field(
        "each", title="Feedback", description="Whether the right answer is told at once or at the end"
    )
    pass_prize: str | None = Field(
        None, title="Pass prize", description="Id of the prize of a passed round", max_length=16
    )

    @field_validator("lives")
    @classmethod
    def _one_life_or_three(cls, lives: int | None) -> int | None:
        if lives == 2:
            raise ValueError("one life or three")
        return lives

    @property
    def count(self) -> int:
        """Questions of a round."""
        return sum(line.count for line in self.draw)

    @model_validator(mode="after")
    def _rounds_can_be_passed(self) -> "Solo":
        if self.count > MAX_ASKED:
            raise ValueError(f"a round has at most {MAX_ASKED} questions")
        most = self.count * (RIGHT_SCORE + (SPEED_SCORE if self.speed_bonus else 0))
        if self.pass_score > most:
            raise ValueError(f"pass_score is out of reach: a round scores at most {most}")
        if self.lives is not None and self.feedback == "end":
            raise ValueError("lives tell at once what was wrong: they need feedback 'each'")
        return self


class Team(Form):
    """A team of a live quiz."""

    id: str = Field(title="Id", description="Short id, unique in the room", pattern=r"^[a-z0-9_]{1,16}$")
    name: str = Field(title="Name", description="As members see it", min_length=1, max_length=20)


class Tier(Form):
    """Points for each of the next places."""

    places: int = number("Places", "How many places this tier covers", "places", 1, 1000)
    points: int = number("Points", "Points for each of them", "points", 1, 10**9)


class Live(Form):
    """All answer the same question at the same time; a host leads on from the big screen."""

    kind: Literal["live"] = Field(title="Kind", description="All answer at once, led by a host")
    seconds_per_question: int = _seconds(20)
    scoring: Literal["flat", "speed"] = Field(
        "speed",
        title="Scoring",
        description=f"{LIVE_SCORE} a right answer, or down to half of it the longer it took",
    )
    streak_bonus: int = number(
        "Streak bonus", "More for each right answer in a row after the first; 0: none", "score", 0, 1000,
        default=0,
    )  # fmt: skip
    streak_max: int = number(
        "Streak limit", "Right answers in a row after which the bonus grows no more", "answers", 1, 100,
        default=5,
    )  # fmt: skip
    teams: tuple[Team, ...] = Field(
        (), title="Teams", description="Members choose one before they answer; none: all for themselves",
        max_length=12,
    )  # fmt: skip
    team_score: Literal["sum", "average"] = Field(
        "sum", title="Team score", description="Sum of its members' scores, or that sum by member"
    )
    survival: bool = Field(
        False, strict=True, title="Survival", description="Who answers wrong or not at all is out"
    )
    late_join: bool = Field(
        True, strict=True, title="Late join", description="Whether one may join after the first question"
    )
    lead_ms: int = number(
        "Lead", "From the question on every phone to the start of its time", "ms", 500, 10_000, default=3000
    )
    tiers: tuple[Tier, ...] = Field(
        (), title="Tiers", description="Points of the podium, from the first place down", max_length=20
    )
    hide_ranking: bool = Field(
        False, strict=True, title="Hide ranking", description="Whether places are told at the podium only"
    )

    @model_validator(mode="after")
    def _teams_differ(self) -> "Live":
        if len({team.id for team in self.teams}) != len(self.teams):
            raise ValueError("team ids must differ")
        if len(self.teams) == 1:
            raise ValueError("give no team, or at least two")
        return self


class QuizConfig(RoomConfig):
    """Quiz."""

    mode: Annotated[Solo | Live, Field(discriminator="kind")] = Field(
        title="Mode", description="Solo rounds, or live with a host"
    )
    questions: tuple[Question, ...] = Field(
        title="Questions",
        description="The bank of a solo quiz; in a live quiz what is asked, in order",
        min_length=1,
        max_length=MAX_QUESTIONS,
    )

    @model_validator(mode="after")
    def _fits_its_mode(self) -> "QuizConfig":
        if any(prize.id in RESERVED for prize in self.prizes):
            raise ValueError(f"the prize ids {' and '.join(RESERVED)} are the points that the game pays")
        if isinstance(self.mode, Solo):
            _check_solo(self, self.mode)
        else:
            _check_live(self, self.mode)
        return self


def _check_solo(config: QuizConfig, solo: Solo) -> None:
    check_draw(solo.draw, config.questions)
    if solo.pass_prize is not None and solo.pass_prize not in {prize.id for prize in config.prizes}:
        raise ValueError(f"pass_prize {solo.pass_prize!r} is no prize")
    if config.prizes and solo.pass_prize is None:
        raise ValueError("prizes are for rounds that were passed: name the first of them in pass_prize")
    if solo.points_per_right:
        if (config.points_budget or 0) < solo.points_per_right:
            raise ValueError("points_per_right needs a points_budget that covers it")
        if any(prize.kind == "points" and prize.stock is None for prize in config.prizes):
            raise ValueError("where right answers pay points, prizes of points need a stock")


def _check_live(config: QuizConfig, live: Live) -> None:
    if len(config.questions) > MAX_ASKED:
        raise ValueError(f"a live quiz has at most {MAX_ASKED} questions")
    if len(config.questions) * live.seconds_per_question * 1000 > MAX_LIVE_MS:
        raise ValueError(f"all questions together may take at most {MAX_LIVE_MS // 1000} s")
    if config.prizes or config.points_budget is not None:
        raise ValueError("a live quiz pays the points of its tiers: it has no prizes and no points_budget")


def check_draw(lines: Sequence[DrawLine], questions: Sequence[AnyQuestion]) -> None:
    """That every round can be drawn whatever the dice say, no question twice. Raises ValueError.

    The lines are drawn in the order of `by_choice`; the worst is that those before took all they could of
    what a line needs.
    """
    fitting = [{place for place, each in enumerate(questions) if line.fits(each)} for line in lines]
    order = by_choice(lines, questions)
    for turn, at in enumerate(order):
        taken = sum(min(lines[other].count, len(fitting[at] & fitting[other])) for other in order[:turn])
        left = len(fitting[at]) - taken
        if left < lines[at].count:
            raise ValueError(
                f"draw line {at + 1} asks for {lines[at].count} questions, "
                f"and only {max(left, 0)} are sure to be left that fit it"
            )


def by_choice(lines: Sequence[DrawLine], questions: Sequence[AnyQuestion]) -> list[int]:
    """The places of the lines, those with the least to choose from first: they are drawn first."""
    return sorted(range(len(lines)), key=lambda place: (sum(map(lines[place].fits, questions)), place))
