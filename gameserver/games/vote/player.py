"""A member of a vote who votes by program: for the terminal, load tests and bots.

It knows what the socket tells a page: the contestants that were shown with their numbers. Where none were, it
takes the first ones, whose ids follow from their numbers.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

MOST_BALLOTS = 1_000_000  # where nothing limits a member
MOST_KNOWN = 100  # contestants that it chooses from
FIRST = 3  # contestants that it supposes where none were shown


class VotePlayer:
    """See `gameserver.games.game.Player`.

    Args:
        public: the room's public config of the game (`Plan.public`).
        snapshot: the game's part of the welcome's snapshot.
    """

    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        ballots = public["ballots"]
        self._choose: int = ballots["choose_min"]
        self._each: int | None = ballots["per_contestant_per_day"]
        self._named: dict[str, int] = dict(snapshot["today"])
        self._random = Random()
        limits = [limit for limit in (snapshot["left_today"], snapshot["left_total"]) if limit is not None]
        self._left = min(limits, default=MOST_BALLOTS)
        self._at: int = snapshot["voting_opens_at"] or 0  # ms
        self._ids = list(snapshot["votes"] or ())
        self._meet(self._choose if self._ids else FIRST)

    def _meet(self, contestants: int) -> None:
        """Knows at least so many contestants."""
        if len(self._ids) < contestants:
            supposed = [f"c{number:04}" for number in range(1, contestants + 1)]
            self._ids += [id_ for id_ in supposed if id_ not in self._ids]

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event of the room."""
        if event["ev"] == "tally":
            self._meet(min(event["contestants"], MOST_KNOWN))

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        """The next ballot and the server ms from which it may be sent; None when there is none left."""
        open_ = [id_ for id_ in self._ids if self._each is None or self._named.get(id_, 0) < self._each]
        if self._left == 0 or len(open_) < self._choose:
            return None
        choices = self._random.sample(open_, self._choose)
        for id_ in choices:
            self._named[id_] = self._named.get(id_, 0) + 1
        self._left -= 1
        return self._at, {"op": "vote", "choices": choices}
