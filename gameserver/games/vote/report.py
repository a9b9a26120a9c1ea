"""Tables of a vote: votes by hour, channel and network, contestants' numbers, what was decided on them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar

from gameserver.games.contests import Tallies
from gameserver.games.game import Raw
from gameserver.games.report import GameReport, Room, Row, Told


class Votes:
    """One row for each hour, channel and network in which votes came."""

    columns: ClassVar[Sequence[str]] = ("hour", "channel", "network", "ballots", "votes", "kept_for_review")

    def __init__(self, room: Room) -> None:
        self._hour_of = room.hour
        self._hour = ""
        self._groups: dict[tuple[str, str], list[int]] = {}

    def take(self, line: Told) -> Iterable[Row]:
        """The rows of the hour that is over with this line: lines come in their order in time."""
        if line.fact[0] != "vote":
            return
        if (hour := self._hour_of(line.at)) != self._hour:
            yield from self.rest()
            self._hour, self._groups = hour, {}
        _, weight, counted, kept, _ = line.fact
        counts = self._groups.setdefault((line.channel, line.network), [0, 0, 0])
        for at, more in enumerate((1, weight * len(counted), weight * len(kept))):
            counts[at] += more

    def rest(self) -> Iterable[Row]:
        """The rows of the last hour."""
        for group, counts in sorted(self._groups.items()):
            yield self._hour, *group, *counts


class Numbers:
    """One row a contestant: raw = counted + kept + removed."""

    columns: ClassVar[Sequence[str]] = ("contestant", "ballots", "raw", "counted", "kept", "removed")

    def __init__(self, _: Room) -> None:
        self._ballots: Counter[str] = Counter()
        self._tallies = Tallies()

    def take(self, line: Told) -> Iterable[Row]:
        """Rows come at the end."""
        if line.fact[0] == "vote":
            _, _, counted, kept, _ = line.fact
            self._ballots.update([*counted, *kept])
        self._tallies.take(line.fact)
        return ()

    def rest(self) -> Iterable[Row]:
        """By number; who was never named has no row."""
        for id_, one in sorted(self._tallies.standings().items()):
            if ballots := self._ballots[id_]:
                yield id_, ballots, one.raw, one.counted, one.kept, one.removed


class Decisions:
    """One row for each mark of a review and each decision on votes that were kept, with its reason."""

    columns: ClassVar[Sequence[str]] = ("at", "contestant", "decision", "votes", "reason")

    def __init__(self, room: Room) -> None:
        self._moment = room.moment

    def take(self, line: Told) -> Iterable[Row]:
        """What this line decides."""
        kind, *places = line.fact
        if kind == "vote":
            for id_ in places[3]:
                yield self._moment(line.at), id_, "under_review", None, "growth"
        elif kind in ("review", "withdrawn"):
            yield self._moment(line.at), places[0], _DECIDED[kind], None, places[1]
        elif kind in ("kept_counted", "kept_removed"):
            yield self._moment(line.at), places[0], _DECIDED[kind], places[1], places[2]

    def rest(self) -> Iterable[Row]:
        """Every decision is a line."""
        return ()


_DECIDED = {
    "review": "under_review",
    "withdrawn": "withdrawn",
    "kept_counted": "counted",
    "kept_removed": "removed",
}


def plays(fact: Raw) -> int:
    """A ballot."""
    return int(fact[0] == "vote")


REPORTS: dict[str, type[GameReport]] = {"votes": Votes, "numbers": Numbers, "decisions": Decisions}
