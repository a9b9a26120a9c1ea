"""Tables of a rain: what each round brought."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from gameserver.games.game import Raw
from gameserver.games.red_packet_rain.rain import Kind
from gameserver.games.report import GameReport, Room, Row, Told

_PRIZE = 3  # a rare packet, in a grab's fact (rules.lua)


class Round:
    """Counts of one round."""

    def __init__(self) -> None:
        self.began = ""
        self.kinds = [0, 0, 0, 0]
        self.points = 0
        self.players: int | None = None
        self.left: int | None = None


class Rounds:
    """One row a round."""

    columns: ClassVar[Sequence[str]] = (
        "round", "began", "players", "grabs", "empty", "packets", "bombs", "prizes", "points", "packets_left",
    )  # fmt: skip

    def __init__(self, room: Room) -> None:
        self._moment = room.moment
        self._rounds: dict[int, Round] = {}

    def take(self, line: Told) -> Iterable[Row]:
        """Rows come at the end."""
        kind, *places = line.fact
        if kind in ("round_opened", "grab", "round_closed"):
            self._count(self._rounds.setdefault(places[0], Round()), line)
        return ()

    def _count(self, counts: Round, line: Told) -> None:
        kind, _, *places = line.fact
        if kind == "round_opened":
            counts.began = self._moment(line.at)
        elif kind == "grab":
            counts.kinds[places[1]] += 1
            counts.points += sum(grant[2] for grant in line.grants)
        else:
            counts.players, counts.left = places[:2]

    def rest(self) -> Iterable[Row]:
        """The rounds in order."""
        for number, counts in sorted(self._rounds.items()):
            empty, packets, bombs, prizes = (
                counts.kinds[kind] for kind in (0, Kind.PACKET, Kind.BOMB, _PRIZE)
            )
            yield (
                number + 1, counts.began, counts.players, sum(counts.kinds), empty, packets, bombs, prizes,
                counts.points, counts.left,
            )  # fmt: skip


def plays(fact: Raw) -> int:
    """A tap on a drop."""
    return int(fact[0] == "grab")


REPORTS: dict[str, type[GameReport]] = {"rounds": Rounds}
