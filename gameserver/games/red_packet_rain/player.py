"""A member of the rain who taps by program: for the terminal, load tests and bots.

It knows what a page knows: the round's key, so when drops fall and which are bombs; never what they hold.
"""

from collections.abc import Mapping
from typing import Any

from gameserver.games.red_packet_rain.rain import EARLY_MS, Kind, Rain

REACTION_MS = 300  # after the drop appeared: within a person's range


class RainPlayer:
    """See `gameserver.games.game.Player`.

    Args:
        public: the room's public config of the game (`Plan.public`).
        snapshot: the game's part of the welcome's snapshot.
    """

    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        self._public = public
        self._taps: list[tuple[int, int]] = []  # (server ms, drop), latest first
        if snapshot["round"]:
            self._begin(snapshot["round"], set(snapshot["taken"]))

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event of the room."""
        if event["ev"] == "round_opened":
            self._begin(event, set())

    def _begin(self, opened: Mapping[str, Any], taken: set[int]) -> None:
        start, drops = opened["starts_at"], self._public["drops"]
        duration = opened["ends_at"] - start
        rain = Rain(bytes.fromhex(opened["key"]), b"", duration, drops, self._public["bombs"], 0)
        falling = [(index, rain.drop(index)) for index in range(drops) if index not in taken]
        self._taps = [
            (start + drop.spawn + EARLY_MS + REACTION_MS, index)
            for index, drop in reversed(falling)
            if drop.kind != Kind.BOMB
        ]

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        """The next tap and the server ms from which it may be sent; None until another round opens.

        Drops that have been out for long are passed over.
        """
        while self._taps and self._taps[-1][0] < now - 1500:
            self._taps.pop()
        if not self._taps:
            return None
        at, drop = self._taps.pop()
        return at, {"op": "grab", "drop": drop}
