"""A member of a quiz who answers by program, at random: for the terminal, load tests and bots."""

from collections.abc import Mapping
from random import Random
from typing import Any

REACTION_MS = 600  # a live answer comes no sooner
PATIENCE = 0.8  # of a live question's time: no later than that

Wish = tuple[int, Mapping[str, Any]]


class SoloPlayer:
    """See `gameserver.games.game.Player`: plays round after round."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self._random = Random()
        self._attempts = snapshot["attempts"]
        self._asked: Mapping[str, Any] | None = None
        self._waits = False
        if snapshot["current"]:
            self._asked = snapshot["current"]["question"]

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event of the room."""
        match event["ev"]:
            case "asked":
                self._attempts, self._asked, self._waits = event["attempt"], event["question"], False
            case "checked":
                self._asked, self._waits = event["next"], False

    def next(self, now: int) -> Wish | None:
        """The next answer, or the next round; None while an answer is awaited."""
        if self._waits:
            return None
        self._waits = True
        if self._asked is None:
            return now, {"op": "begin", "attempt": self._attempts + 1}
        answer = {"op": "answer", "attempt": self._attempts, "question": self._asked["question"]}
        return now, {**answer, **guess(self._asked, self._random)}


class LivePlayer:
    """See `gameserver.games.game.Player`: joins a team, and answers every question it hears."""

    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        self._random = Random()
        self._wishes: list[Wish] = []
        if public["teams"] and snapshot["mine"]["team"] is None:
            team = self._random.choice(public["teams"])["id"]
            self._wishes.append((0, {"op": "join_team", "team": team}))
        if snapshot["state"] == "question" and not snapshot["answered"]:
            self._take(snapshot["question"])

    def _take(self, asked: Mapping[str, Any]) -> None:
        time = asked["ends_at"] - asked["starts_at"]
        at = asked["starts_at"] + self._random.randint(REACTION_MS, round(time * PATIENCE))
        answer = {"op": "answer", "question": asked["question"], **guess(asked, self._random)}
        self._wishes.append((at, answer))

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event of the room."""
        if event["ev"] == "question_opened":
            self._take(event["question"])

    def next(self, now: int) -> Wish | None:
        """What was not sent yet."""
        return self._wishes.pop(0) if self._wishes else None


def guess(asked: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """An answer that fits the kind of question, as the fields of the command."""
    options = list(range(len(asked["options"])))
    match asked["kind"]:
        case "single":
            return {"choices": [random.choice(options)]}
        case "multiple":
            return {"choices": random.sample(options, random.randint(1, len(options)))}
        case "true_false":
            return {"choices": [random.randrange(2)]}
        case "order":
            return {"choices": random.sample(options, len(options))}
        case "number":
            return {"number": str(random.randrange(1000))}
    return {"text": random.choice(("是", "不知道"))}
