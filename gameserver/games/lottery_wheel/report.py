"""Tables of a wheel: the odds as they were published, and what the dice and the stock made of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar

from gameserver.games.game import Raw
from gameserver.games.lottery_wheel.odds import Weighting
from gameserver.games.report import GameReport, Room, Row, Told, share


class Odds:
    """One row for each prize in each pool; pool 0 is everybody else's.

    `odds` and `realised` are in 100,000ths, `realised` and `expected` of the draws that pity did not make.
    """

    columns: ClassVar[Sequence[str]] = (
        "pool", "prize", "name", "weight", "odds", "draws", "expected", "drawn", "realised",
        "by_pity", "given",
    )  # fmt: skip

    def __init__(self, room: Room) -> None:
        self._prizes = room.config.prizes
        ids = [prize.id for prize in self._prizes]
        base = {prize.id: prize.weight for prize in self._prizes}
        self._pools = [
            Weighting(ids, weights) for weights in (base, *(pool.weights for pool in room.config.pools))
        ]
        self._drawn: Counter[tuple[int, int]] = Counter()
        self._by_pity: Counter[tuple[int, int]] = Counter()
        self._given: Counter[tuple[int, int]] = Counter()

    def take(self, line: Told) -> Iterable[Row]:
        """Rows come at the end."""
        if line.fact[0] == "spun":
            _, pool, *spins = line.fact
            for drawn, given, by_pity in zip(spins[::3], spins[1::3], spins[2::3], strict=True):
                (self._by_pity if by_pity else self._drawn)[pool, drawn] += 1
                self._given[pool, given] += 1
        return ()

    def rest(self) -> Iterable[Row]:
        """Pools in order, prizes as the config lists them."""
        for pool, weighting in enumerate(self._pools):
            weights, odds = weighting.weights(), weighting.odds()
            draws = sum(count for (of, _), count in self._drawn.items() if of == pool)
            for place, prize in enumerate(self._prizes, 1):
                key, weight = (pool, place), weights[prize.id]
                expected = (draws * weight + weighting.total // 2) // weighting.total
                yield (
                    pool, prize.id, prize.name, weight, odds[prize.id], draws, expected, self._drawn[key],
                    share(self._drawn[key], draws), self._by_pity[key], self._given[key],
                )  # fmt: skip


def plays(fact: Raw) -> int:
    """Spins: a ten-draw is ten."""
    return (len(fact) - 2) // 3 if fact[0] == "spun" else 0


REPORTS: dict[str, type[GameReport]] = {"odds": Odds}
