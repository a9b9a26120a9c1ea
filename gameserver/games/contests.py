"""What games share in which members vote for contestants: the room's list, and what a contestant has.

A lane keeps by contestant: the rankings of RANKINGS, and a hash of states (a letter and the reason for it).
The score of the first ranking is votes * NUMBERS + NUMBERS - 1 - number, so that equal numbers of votes stand
in the order of the contestants' own numbers; the others' scores are votes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import AwareDatetime, Field, field_validator, model_validator

from gameserver.games.room_config import Form, RoomConfig, number

RANKINGS: Final = ("counted", "kept", "removed")
STATES: Final = "contestants"  # the hash of states
NUMBERS: Final = 65_536
_NAMES: Final = {"a": "approved", "r": "under_review", "w": "withdrawn"}


class Signup(Form):
    """Members put themselves forward; staff approve."""

    opens_at: AwareDatetime | None = Field(
        None, title="Opens at", description="ISO 8601 with offset; null: with the room"
    )
    closes_at: AwareDatetime | None = Field(
        None, title="Closes at", description="ISO 8601 with offset; null: with the room"
    )
    media_max: int = number("Pictures", "Pictures that a member may send in", "pictures", 0, 9, default=3)
    text_max: int = number("Text", "Longest text", "characters", 1, 2000, default=500)

    @model_validator(mode="after")
    def _window_is_forward(self) -> "Signup":
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at must be later than opens_at")
        return self


class ContestConfig(RoomConfig):
    """A room that has contestants."""

    results: Literal["always", "after_voting", "at_end"] = Field(
        "always", title="Results", description="When a member may see the numbers"
    )
    signup: Signup | None = Field(
        None, title="Sign-up", description="Members may put themselves forward; null: only staff enter"
    )
    groups: tuple[str, ...] = Field(
        (), title="Groups", description="Groups of contestants, in order", max_length=50
    )

    @field_validator("groups")
    @classmethod
    def _groups_are_names(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if any(not 1 <= len(group) <= 40 or not group.isprintable() for group in groups):
            raise ValueError("a group's name has 1 to 40 printable characters")
        if len(set(groups)) != len(groups):
            raise ValueError("groups must differ")
        return groups


class Standing(NamedTuple):
    """Votes that count, that are kept, and that were removed; raw is the sum of them.

    `state` is approved, under_review or withdrawn; `reason` says why, or why kept votes were decided on.
    """

    counted: int
    kept: int
    removed: int
    state: str
    reason: str | None

    @property
    def raw(self) -> int:
        """All votes that were given."""
        return self.counted + self.kept + self.removed


def standings(rankings: Sequence[Mapping[str, int]], states: Mapping[str, str]) -> dict[str, Standing]:
    """Every contestant that was ever in the list, by id in the order of the ranking.

    Args:
        rankings: scores by contestant in each of RANKINGS, highest first.
        states: a letter and a reason each.
    """
    counted, kept, removed = rankings
    return {
        id_: Standing(
            score // NUMBERS, kept.get(id_, 0), removed.get(id_, 0), _NAMES[state[0]], state[1:] or None
        )
        for id_, score in counted.items()
        if (state := states.get(id_))
    }


class Tallies:
    """The same numbers and states from a room's facts, in their order: what rules.lua folds."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._states: dict[str, tuple[str, str | None]] = {}

    def take(self, fact: Sequence[Any]) -> None:
        """A fact as rules.lua wrote it; those of other things are passed over."""
        kind, *places = fact
        match kind:
            case "vote":
                weight, counted, kept, marked = places
                for ids, to in ((counted, self._counted), (kept, self._kept)):
                    for id_ in ids:
                        to[id_] += weight
                for id_ in marked:
                    self._states[id_] = ("under_review", "growth")
            case "admitted":
                for id_, _ in places[0]:
                    self._states[id_] = ("approved", None)
            case "review" | "withdrawn":
                id_, reason = places
                self._states[id_] = ("under_review" if kind == "review" else kind, reason or None)
            case "kept_counted" | "kept_removed":
                id_, votes, reason = places
                self._kept[id_] -= votes
                (self._counted if kind == "kept_counted" else self._removed)[id_] += votes
                self._states[id_] = ("approved", reason or None)

    def standings(self) -> dict[str, Standing]:
        """As `standings` tells a lane's: who was ever in the list, in the order of the ranking."""
        ranking = sorted(self._states, key=lambda id_: (-self._counted[id_], int(id_[1:])))
        return {
            id_: Standing(self._counted[id_], self._kept[id_], self._removed[id_], *self._states[id_])
            for id_ in ranking
        }
