"""A player of the rain that derives each drop when it is next."""

from collections.abc import Mapping
from typing import Any

from gameserver.games.red_packet_rain.player import REACTION_MS
from gameserver.games.red_packet_rain.rain import EARLY_MS, Kind, Rain

PATIENCE_MS = 1500


class LazyRainPlayer:
    def __init__(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> None:
        self._public = public
        self._rain: Rain | None = None
        self._taken: frozenset[int] = frozenset()
        if snapshot["round"]:
            self._begin(snapshot["round"], frozenset(snapshot["taken"]))

    def heard(self, event: Mapping[str, Any]) -> None:
        if event["ev"] == "round_opened":
            self._begin(event, frozenset())

    def _begin(self, opened: Mapping[str, Any], taken: frozenset[int]) -> None:
        public, self._taken, self._drop = self._public, taken, 0
        self._start: int = opened["starts_at"]
        duration = opened["ends_at"] - self._start
        self._rain = Rain(bytes.fromhex(opened["key"]), b"", duration, public["drops"], public["bombs"], 0)

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        rain, drops = self._rain, self._public["drops"]
        while rain is not None and self._drop < drops:
            drop = self._drop
            self._drop += 1
            spawn, _, kind = rain.drop(drop)
            at = self._start + spawn + EARLY_MS + REACTION_MS
            if at >= now - PATIENCE_MS and kind != Kind.BOMB and drop not in self._taken:
                return at, {"op": "grab", "drop": drop}
        return None
