"""What members and the host of a quiz send and are told."""

from typing import Annotated, Any

import msgspec

from gameserver.games.game import Command, Event
from gameserver.games.questions import MAX_OPTIONS, MAX_TYPED

Place = Annotated[int, msgspec.Meta(ge=0, lt=MAX_OPTIONS)]
Choices = Annotated[list[Place], msgspec.Meta(max_length=MAX_OPTIONS)]
Typed = Annotated[str, msgspec.Meta(max_length=MAX_TYPED)]
Index = Annotated[int, msgspec.Meta(ge=0, lt=1000)]
Attempt = Annotated[int, msgspec.Meta(ge=1, le=10**6)]


class Begin(Command, tag="begin"):
    """Solo: begins round number `attempt`, one more than were begun before."""

    attempt: Attempt


class Answer(Command, tag="answer"):
    """An answer, exactly one of the three; what fits which kind of question: games/questions.py.

    Solo: `attempt` is there, and `choices` may be [] whatever the kind: nothing is known, or time is over.
    """

    question: Index
    attempt: Attempt | None = None
    choices: Choices | None = None
    number: Typed | None = None
    text: Typed | None = None


class JoinTeam(Command, tag="join_team"):
    """Live: chooses a team, once."""

    team: Annotated[str, msgspec.Meta(max_length=16)]


class Ask(Command, tag="ask"):
    """Host: asks question number `question`, from 0."""

    question: Index


class Lock(Command, tag="lock"):
    """Host: ends the time of the question."""


class Reveal(Command, tag="reveal"):
    """Host: tells the right answer and what each has gained."""


class Rank(Command, tag="rank"):
    """Host: shows the ranking."""


class Finish(Command, tag="finish"):
    """Host: ends the quiz with the podium, and pays the places."""


class Asked(msgspec.Struct):
    """A question as one member sees it; server ms."""

    question: int
    of: int
    kind: str
    text: str
    image: str | None
    options: list[str]
    difficulty: int
    starts_at: int
    ends_at: int


class Bounds(msgspec.Struct):
    """A range of right numbers, as decimal text."""

    min: str
    max: str


class Right(msgspec.Struct, omit_defaults=True):
    """The right answer as one member is told it; `choices` are places as shown to them."""

    choices: list[int]
    explanation: str
    number: Bounds | None = None
    text: list[str] | None = None


class Mine(msgspec.Struct, omit_defaults=True):
    """What a member answered."""

    choices: list[int] | None = None
    number: str | None = None
    text: str | None = None


class Reviewed(msgspec.Struct):
    """One question of a round that is over; `mine` is None where nothing was answered."""

    question: Asked
    mine: Mine | None
    solution: Right
    right: bool


class Result(msgspec.Struct, omit_defaults=True):
    """A round that is over.

    `ms` is the time its answers took; `points` were granted as unit `points_unit` of the prize 'score',
    with its receipt; `prize` is what passing it won.
    """

    attempt: int
    score: int
    right: int
    of: int
    passed: bool
    ms: int
    points: int
    review: list[Reviewed]
    prize: str | None = None
    unit: int | None = None
    amount: int | None = None
    receipt: str | None = None
    points_unit: int | None = None
    points_receipt: str | None = None


class RoundAsked(Event, tag="asked", kw_only=True):
    """Solo: a round has begun."""

    attempt: int
    question: Asked
    lives: int | None
    score: int


class Checked(Event, tag="checked", kw_only=True):
    """Solo: what an answer came to; its question is `question` of round `attempt`.

    With feedback at the end `right` and `solution` are None, and `gained` and `score` are 0.
    """

    attempt: int
    question: int
    right: bool | None
    solution: Right | None
    gained: int
    score: int
    lives: int | None
    next: Asked | None
    result: Result | None


class Answered(Event, tag="answered", kw_only=True):
    """Live: the answer is taken, at server ms `at`. Says nothing of right or wrong."""

    question: int
    at: int


class TeamJoined(Event, tag="team_joined", kw_only=True):
    """Live: the member is in this team."""

    team: str


class Told(Event, tag="told", kw_only=True):
    """Live: answers the host; `state` is the room's now."""

    state: str


class QuestionOpened(Event, tag="question_opened", kw_only=True):
    """Live: a question, with options in the member's own order."""

    question: Asked


class QuestionLocked(Event, tag="question_locked", kw_only=True):
    """Live: the time of a question is over; `answered` members have answered."""

    question: int
    answered: int


class MineRevealed(msgspec.Struct):
    """What the member's answer to the revealed question came to; `score` is the member's in all."""

    answered: bool
    right: bool
    gained: int
    streak: int
    score: int
    alive: bool


class Revealed(Event, tag="revealed", kw_only=True):
    """Live: the right answer. `counts`: answers by option as shown; none where it is typed or ordered."""

    question: int
    solution: Right
    counts: list[int]
    answered: int
    mine: MineRevealed | None


class Ranked(msgspec.Struct):
    """A line of the ranking; `moved` is how many places up since the question before (down: below 0)."""

    name: str
    score: int
    place: int
    moved: int


class Podium(msgspec.Struct):
    """A line of the last ranking."""

    name: str
    score: int
    place: int


class TeamScore(msgspec.Struct):
    """A team in the ranking."""

    id: str
    score: int
    members: int


class RankingShown(Event, tag="ranked", kw_only=True):
    """Live: the ranking; `place` is 0 for one who is not in it, and where places are hidden."""

    question: int
    top: list[Ranked]
    place: int
    moved: int
    score: int
    players: int
    teams: list[TeamScore]


class Finished(Event, tag="finished", kw_only=True):
    """Live: the end; `won` points were granted for the member's place."""

    top: list[Podium]
    place: int
    score: int
    players: int
    teams: list[TeamScore]
    won: int | None = None
    prize: str | None = None
    unit: int | None = None
    receipt: str | None = None


class Tally(Event, tag="tally", kw_only=True):
    """The room at a glance; conflated. Solo: `state` is 'solo', `answered` the rounds that were finished."""

    joined: int
    state: str
    question: int | None
    answered: int
    teams: dict[str, int]


EVENTS: tuple[type[Event], ...] = (
    RoundAsked, Checked, Answered, TeamJoined, Told, QuestionOpened, QuestionLocked, Revealed, RankingShown,
    Finished, Tally,
)  # fmt: skip
Picture = dict[str, Any]
"""A member's snapshot."""
