"""What games share in which members vote for contestants: the room's list, and what a contestant has.

A lane keeps by contestant: the rankings of RANKINGS, and a hash of states (a letter and the reason for it).
The score of the first ranking is votes * NUMBERS + NUMBERS - 1 - number, so that equal numbers of votes stand
in the order of the contestants' own numbers; the others' scores are votes.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

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
