"""Quiz 答题: rounds that each plays alone, or a live quiz led by a host."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gameserver.games.game import Command, Demo, Event, Plan, Player, RoomId
from gameserver.games.quiz.bank import QUESTIONS
from gameserver.games.quiz.config import Live, QuizConfig
from gameserver.games.quiz.events import (
    EVENTS,
    Answer,
    Ask,
    Begin,
    Finish,
    JoinTeam,
    Lock,
    Rank,
    Reveal,
)
from gameserver.games.quiz.live import LivePlan
from gameserver.games.quiz.player import LivePlayer, SoloPlayer
from gameserver.games.quiz.solo import SoloPlan
from gameserver.games.room_config import RoomConfig


class Quiz:
    """See `gameserver.games.game.Game`."""

    name: ClassVar[str] = "quiz"
    config: ClassVar[type[RoomConfig]] = QuizConfig
    commands: ClassVar[tuple[type[Command], ...]] = (Begin, Answer, JoinTeam)
    host_commands: ClassVar[tuple[type[Command], ...]] = (Ask, Lock, Reveal, Rank, Finish)
    events: ClassVar[tuple[type[Event], ...]] = EVENTS
    personal: ClassVar[frozenset[str]] = frozenset({"question_opened", "revealed", "ranked", "finished"})
    secret: ClassVar[tuple[str, ...]] = ("questions",)
    refusals: ClassVar[Mapping[str, str]] = {
        "attempt_stale": "another round is on, or the number is not that of the next one",
        "no_attempt": "no round of that number is on",
        "not_asked": "the question was not asked yet",
        "answered_already": "the question was answered before",
        "question_closed": "the time of the question is over",
        "bad_answer": "the answer does not fit the kind of question",
        "out_of_game": "only who was right in every question before plays on",
        "late_join": "the quiz began before the member joined",
        "team_unknown": "there is no such team",
        "team_chosen": "the member has chosen a team before",
        "team_needed": "a team must be chosen first",
        "not_locked": "the time of the question is not over yet",
        "wrong_state": "the quiz is at another point",
        "no_such_question": "there is no question of that number",
    }

    def plan(self, room: RoomId, config: Any, seed: bytes, opened_at: int) -> Plan:
        """Plans a room."""
        plan = LivePlan if isinstance(config.mode, Live) else SoloPlan
        return plan(room, config, seed, opened_at)

    def player(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Player:
        """Answers at random."""
        return LivePlayer(public, snapshot) if public["mode"] == "live" else SoloPlayer(snapshot)

    def example(self) -> Mapping[str, Any]:
        """Rounds of five questions, 10 points a right answer."""
        return {
            "title": "国学知识问答",
            "rules_text": "每轮 5 题，每题 20 秒，答对一题得 10 积分。",
            "organiser": "会员中心",
            "mode": {
                "kind": "solo",
                "draw": [{"difficulty": 2, "count": 1}, {"count": 4}],
                "seconds_per_question": 20,
                "pass_score": 300,
                "points_per_right": 10,
                "speed_bonus": True,
            },
            "points_budget": 100_000,
            "questions": [dict(question) for question in QUESTIONS],
        }

    def demos(self) -> Sequence[Demo]:
        """Any number of rounds of six questions with three lives; a live quiz of twelve for two teams."""
        example = self.example()
        mode = {**example["mode"], "draw": [{"count": 6}], "lives": 3}
        solo = {
            **example,
            "title": "答题体验场",
            "rules_text": "每轮 6 题，每题 20 秒，三次机会，答对一题得 10 积分。",
            "mode": mode,
        }
        teams = [{"id": "red", "name": "红队"}, {"id": "gold", "name": "金队"}]
        live = {
            "title": "现场答题体验场",
            "rules_text": "跟着大屏幕作答，越快得分越高。前三名得积分。",
            "organiser": "会员中心",
            "mode": {
                "kind": "live",
                "seconds_per_question": 20,
                "scoring": "speed",
                "streak_bonus": 100,
                "streak_max": 3,
                "teams": teams,
                "team_score": "average",
                "tiers": [{"places": 1, "points": 300}, {"places": 2, "points": 100}],
            },
            "questions": example["questions"],
        }
        return [Demo(solo), Demo(live, hosted=True)]


GAME = Quiz()
