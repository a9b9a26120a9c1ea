"""A member who spins by program, as often as the rules allow."""

from collections.abc import Mapping
from typing import Any

UNANSWERED = 8  # spins that may be under way: as many answers as the server remembers


class WheelPlayer:
    """See `gameserver.games.game.Player`.

    Args:
        public: the room's public config of the game (`Plan.public`).
        snapshot: the game's part of the welcome's snapshot.
    """

    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        self._asked = 0
        self._wait: int | None = 0

    def heard(self, event: Mapping[str, Any]) -> None:
        """A refusal says when to try again; one that does not is the last."""
        if event["ev"] in ("spun", "refused"):
            self._asked = max(0, self._asked - 1)
        if event["ev"] == "refused":
            self._wait = event.get("retry_ms")

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        """A spin, at once or when the last refusal allows it; None while enough are unanswered, or for good
        once there is no chance left.
        """
        if self._wait is None or self._asked == UNANSWERED:
            return None
        at, self._wait = now + self._wait, 0
        self._asked += 1
        return at, {"op": "spin", "times": 1}
