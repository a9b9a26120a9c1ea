"""A contestant's numbers and state, from what rules.lua keeps of it."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gameserver.games.vote.plan import NUMBERS

RANKINGS: Final = ("counted", "kept", "removed")
STATES: Final = "contestants"  # the hash of states
_NAMES = {"a": "approved", "r": "under_review", "w": "withdrawn"}


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
