"""The plan of a quiz that all play at once, led by a host."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from gameserver.errors import Refused
from gameserver.games.game import Command, Due, Event, Granted, MemberId, PrizeId, Raw, RoomId, Sender
from gameserver.games.questions import AnyQuestion, Multiple, Single, TrueFalse, options_of
from gameserver.games.quiz.config import LIVE_SCORE, Live, QuizConfig
from gameserver.games.quiz.events import (
    Answer,
    Answered,
    Ask,
    Asked,
    Begin,
    Finished,
    JoinTeam,
    Picture,
    QuestionLocked,
    QuestionOpened,
    RankingShown,
    Revealed,
    Tally,
    TeamJoined,
    TeamScore,
    Told,
)
from gameserver.games.quiz.sheet import BAD, GRACE_MS, RIGHT, WRONG, Sheet
from gameserver.games.quiz.standing import Shared, View, mine_of, moved, podium, ranked
from gameserver.games.room_config import LONGEST_MS, ms

PLACE = PrizeId("place")  # the prize of the podium's places: points
_SHOWN = ("question", "locked", "reveal", "ranking")  # states in which the question is still known


class LivePlan:
    """See `gameserver.games.game.Plan`."""

    def __init__(self, room: RoomId, config: QuizConfig, seed: bytes, opened_at: int) -> None:
        assert isinstance(config.mode, Live)
        self._config = config
        self._live = config.mode
        self._opens = max(opened_at, ms(config.opens_at)) if config.opens_at else opened_at
        self._sheet = Sheet(room, config.questions, seed)
        self._of = len(config.questions)
        self._teams = [team.id for team in self._live.teams]
        # the right options as bits, by question; None where something else is asked for
        self._right_bits = [_right_bits(question) for question in config.questions]

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads."""
        live = self._live
        return {
            "live": True,
            "ms": live.seconds_per_question * 1000,
            "lead": live.lead_ms,
            "grace": GRACE_MS,
            "score": LIVE_SCORE,
            "flat": live.scoring == "flat",
            "bonus": live.streak_bonus,
            "bonus_rows": live.streak_max,
            "teams": len(self._teams),
            "survival": live.survival,
            "late": live.late_join,
            "tiers": [[tier.places, tier.points] for tier in live.tiers],
            "options": max((_options(question) for question in self._config.questions), default=0),
        }

    def stock(self) -> Mapping[PrizeId, int]:
        """A unit for each place that wins."""
        places = sum(tier.places for tier in self._live.tiers)
        return {PLACE: places} if places else {}

    def budget(self) -> int:
        """Points of all places."""
        return sum(tier.places * tier.points for tier in self._live.tiers)

    def ends_at(self) -> int:
        """No end of its own: the host finishes, staff close."""
        return self._opens + LONGEST_MS

    def public(self) -> Mapping[str, Any]:
        """What the page needs before the first question: never a question."""
        live = self._live
        return {
            "mode": "live",
            "of": self._of,
            "seconds": live.seconds_per_question,
            "lead_ms": live.lead_ms,
            "scoring": live.scoring,
            "streak_bonus": live.streak_bonus,
            "streak_max": live.streak_max,
            "teams": [team.model_dump() for team in live.teams],
            "team_score": live.team_score,
            "survival": live.survival,
            "late_join": live.late_join,
            "tiers": [tier.model_dump() for tier in live.tiers],
            "hide_ranking": live.hide_ranking,
            "kinds": sorted({question.kind for question in self._config.questions}),
        }

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """answer: (question, grade, bits of the options chosen, round trip). join_team: (team from 1,).

        ask: (question,). Other host commands need nothing.
        """
        match command:
            case Answer():
                return self._graded(sender, command)
            case JoinTeam(team=team):
                if team not in self._teams:
                    raise Refused("team_unknown")
                return (self._teams.index(team) + 1,)
            case Ask(question=question):
                if question >= self._of:
                    raise Refused("no_such_question")
                return (question,)
            case Begin():
                raise Refused("wrong_state")
        return ()

    def _graded(self, sender: Sender, answer: Answer) -> tuple[int, int, int, int]:
        question, rtt = answer.question, sender.rtt_ms
        if question >= self._of or answer.attempt is not None:
            return question, BAD, 0, rtt
        order = self._sheet.order(sender.member, 0, question)
        right = self._right_bits[question]
        if right is None:
            return question, self._sheet.grade(question, order, answer), 0, rtt
        choices = answer.choices
        if not choices or answer.number is not None or answer.text is not None:
            return question, BAD, 0, rtt
        bits = 0
        for place in choices:
            if place >= len(order) or bits >> order[place] & 1:
                return question, BAD, 0, rtt
            bits |= 1 << order[place]
        if len(choices) > 1 and not isinstance(self._config.questions[question], Multiple):
            return question, BAD, 0, rtt
        return question, RIGHT if bits == right else WRONG, bits, rtt

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """`body`: [question, at], [team], or [state]."""
        if len(body) == 2:
            return Answered(re=re, question=body[0], at=body[1])
        if isinstance(body[0], str):
            return Told(re=re, state=body[0])
        return TeamJoined(re=re, team=self._teams[body[0] - 1])

    def due(self, after: int) -> Due | None:
        """The host's hand moves the room, not the clock."""
        return None

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """Facts hold all."""
        return ()

    def event(self, name: str, v: int, body: Raw) -> Event:
        """question_locked: [question, answered]. tally: [joined, state, question, answered, members]."""
        if name == "question_locked":
            return QuestionLocked(v=v, question=body[0], answered=body[1])
        joined, state, question, answered, members = body
        return Tally(
            v=v, joined=joined, state=state, question=None if question is False else question,
            answered=answered, teams=dict(zip(self._teams, members, strict=True)),
        )  # fmt: skip

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """Bodies as game.host emits them (rules.lua); `granted`: the place won, among what the clock gave."""
        if name == "question_opened":
            question, starts, ends = body
            return QuestionOpened(v=v, question=self._asked(member, question, (starts, ends)))
        seen = View(*view)
        if name == "revealed":
            return self._revealed(v, body, member, seen)
        if name == "ranked":
            question, top, players, teams = body
            hidden = self._live.hide_ranking
            return RankingShown(
                v=v, question=question, top=[] if hidden else ranked(top), place=0 if hidden else seen.place,
                moved=0 if hidden else moved(seen), score=seen.score, players=players,
                teams=self._team_scores(teams),
            )  # fmt: skip
        top, players, teams = body
        finished = Finished(
            v=v, top=podium(top), place=seen.place, score=seen.score, players=players,
            teams=self._team_scores(teams),
        )  # fmt: skip
        for grant in granted.values():
            if grant.prize == PLACE:
                finished.prize, finished.unit, finished.won, finished.receipt = grant
        return finished

    def _asked(self, member: MemberId, question: int, window: tuple[int, int]) -> Asked:
        order = self._sheet.order(member, 0, question)
        return self._sheet.asked(question, order, question, self._of, window)

    def _revealed(self, v: int, body: Raw, member: MemberId, seen: View) -> Revealed:
        question, round_, counts, answered = body
        order = self._sheet.order(member, 0, question)
        # the view is of now: of an answer before the last two told it knows nothing any more
        mine = mine_of(seen) if member and seen.told == round_ else None
        return Revealed(
            v=v, question=question, solution=self._sheet.right(question, order),
            counts=self._counts(question, order, counts), answered=answered, mine=mine,
        )  # fmt: skip

    def _counts(self, question: int, order: Sequence[int], counts: Sequence[int]) -> list[int]:
        return [counts[option] for option in order] if self._right_bits[question] is not None else []

    def _team_scores(self, teams: Raw) -> list[TeamScore]:
        average = self._live.team_score == "average"
        return [
            TeamScore(id=id_, score=score // max(members, 1) if average else score, members=members)
            for id_, (score, members) in zip(self._teams, teams, strict=True)
        ]

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """The state, the question that is on, what was told of it, and the member's own standing."""
        seen = View(*view)
        room = Shared(*seen.room)
        hidden = self._live.hide_ranking and room.state != "podium"
        shown = room.state in _SHOWN
        picture: Picture = {
            "mode": "live",
            "state": room.state,
            "of": self._of,
            "asked": list(room.asked),
            "question": self._asked(member, room.question, (room.starts, room.ends)) if shown else None,
            "answered": bool(shown and seen.answered),
            "answers": room.answered,
            "mine": {
                "score": seen.score,
                "place": 0 if hidden else seen.place,
                "streak": seen.row,
                "alive": bool(seen.alive),
                "team": self._teams[seen.team - 1] if seen.team else None,
                "won": seen.won,
            },
            "players": room.players,
            "teams": self._team_scores(room.teams),
        }
        return dict(to_builtins(picture | self._told(member, room, seen, hidden=hidden)))

    def _told(self, member: MemberId, room: Shared, seen: View, *, hidden: bool) -> Picture:
        """What is told past the lock."""
        told: Picture = {"solution": None, "counts": None, "revealed": None, "top": None}
        if room.state == "reveal" and isinstance(room.counts, Sequence):
            order = self._sheet.order(member, 0, room.question)
            told["solution"] = self._sheet.right(room.question, order)
            told["counts"] = self._counts(room.question, order, room.counts)
            told["revealed"] = mine_of(seen) if member else None
        if isinstance(room.top, Sequence):
            shape = podium if room.state == "podium" else ranked
            told["top"] = [] if hidden else shape(room.top)
        return told


def _options(question: AnyQuestion) -> int:
    return 2 if isinstance(question, TrueFalse) else len(options_of(question))


def _right_bits(question: AnyQuestion) -> int | None:
    """The right options of a question whose answers are a set of options, as bits."""
    match question:
        case Single():
            return 1 << question.right
        case Multiple():
            return sum(1 << option for option in question.right)
        case TrueFalse():
            return 1 if question.right else 2
    return None
