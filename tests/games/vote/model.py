"""The rule of a vote, plainly: what tests compare the lane with."""

from collections import Counter
from collections.abc import Sequence
from typing import Any


class VoteModel:
    """A room in memory. Growth is not modelled: a review begins by order only."""

    def __init__(self, per_day: int | None, total: int | None, each: int | None) -> None:
        self.per_day = per_day
        self.total = total
        self.each = each
        self.states: dict[str, str] = {}
        self.counted: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.removed: Counter[str] = Counter()
        self.ballots: Counter[str] = Counter()
        self.by_day: Counter[tuple[str, int]] = Counter()
        self.named: Counter[tuple[str, int, str]] = Counter()

    def vote(self, member: str, day: int, weight: int, choices: Sequence[str]) -> str | list[Any]:
        """The code of the refusal, or the body of the answer."""
        if self.total is not None and self.ballots[member] >= self.total:
            return "ballot_limit"
        if self.per_day is not None and self.by_day[member, day] >= self.per_day:
            return "ballot_limit"
        for id_ in choices:
            if self.states.get(id_, "w") == "w":
                return "contestant_unknown"
            if self.each is not None and self.named[member, day, id_] >= self.each:
                return "contestant_limit"
        for id_ in choices:
            (self.kept if self.states[id_] == "r" else self.counted)[id_] += weight
            self.named[member, day, id_] += 1
        self.ballots[member] += 1
        self.by_day[member, day] += 1
        return [
            list(choices),
            weight,
            False if self.per_day is None else self.per_day - self.by_day[member, day],
            False if self.total is None else self.total - self.ballots[member],
            [self.counted[id_] for id_ in choices],
        ]

    def order(self, op: str, id_: str) -> bool:
        """Whether the order fits the contestant's state, and then what it does."""
        state = self.states.get(id_, "")
        fitting = {"admit": ("", "w"), "withdraw": ("a", "r"), "review": ("a",)}.get(op, ("r",))
        if state not in fitting:
            return False
        if op == "clear_review":
            self.counted[id_] += self.kept.pop(id_, 0)
        if op == "remove_kept":
            self.removed[id_] += self.kept.pop(id_, 0)
        self.states[id_] = {"withdraw": "w", "review": "r"}.get(op, "a")
        return True

    def ranking(self) -> list[tuple[str, int]]:
        """Everybody who was ever in the list, in order."""
        return sorted(((id_, self.counted[id_]) for id_ in self.states), key=lambda line: (-line[1], line[0]))

    def listed(self) -> list[list[Any]]:
        """The list as a member is shown it."""
        return [[id_, votes] for id_, votes in self.ranking() if self.states[id_] != "w"]
