"""A member of the rain who taps by program: for the terminal, load tests and bots.

It knows what a page knows: the round's key, so when drops fall and which are bombs; never what they hold.
"""

from collections.abc import Mapping
from typing import Any

from gameserver.games.red_packet_rain.rain import EARLY_MS, Kind, Rain

REACTION_MS = 300  # after the drop appeared: within a person's range
PATIENCE_MS = 1500  # a drop that has been out for longer is left alone


class RainPlayer:
    """See `gameserver.games.game.Player`.

    Args:
        public: the room's public config of the game (`Plan.public`).
        snapshot: the game's part of the welcome's snapshot.
    """

    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        self._public = public
        self._rain: Rain | None = None
        self._start = self._drop = 0
        self._taken: set[int] = set()
        if snapshot["round"]:
            self._begin(snapshot["round"], set(snapshot["taken"]))

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event of the room."""
        if event["ev"] == "round_opened":
            self._begin(event, set())

    def _begin(self, opened: Mapping[str, Any], taken: set[int]) -> None:
        public = self._public
        self._start, self._drop, self._taken = opened["starts_at"], 0, taken
        duration = opened["ends_at"] - self._start
        key = bytes.fromhex(opened["key"])
        self._rain = Rain(key, b"", duration, public["drops"], public["bombs"], 0)

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        """The next tap and the server ms from which it may be sent; None until another round opens.

        Drops that have been out for long are passed over.
        """
        while self._rain is not None and self._drop < self._public["drops"]:
            drop = self._drop
            self._drop += 1
            spawn, _, kind = self._rain.drop(drop)
            at = self._start + spawn + EARLY_MS + REACTION_MS
            if at >= now - PATIENCE_MS and kind != Kind.BOMB and drop not in self._taken:
                return at, {"op": "grab", "drop": drop}
        return None
