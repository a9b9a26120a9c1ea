"""Weights as draws use them and as they are published: the published odds are the odds."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

ODDS = 100_000


class Weighting:
    """The shares of one draw over a room's prizes.

    Args:
        ids: of all prizes, in the order of the config.
        weights: shares by prize id; who is not named has none.

    Attributes:
        total: the sum of the shares.
        only: the place of the one prize that has a share, where no other has; else 0.
    """

    __slots__ = ("_bounds", "_ids", "_weights", "only", "total")

    def __init__(self, ids: Sequence[str], weights: Mapping[str, int]) -> None:
        self._ids = ids
        self._weights = [weights.get(id_, 0) for id_ in ids]
        self._bounds = list(accumulate(self._weights))
        self.total = self._bounds[-1]
        self.only = self._weights.index(self.total) + 1 if self.total in self._weights else 0

    def place(self, number: int) -> int:
        """The prize that a drawn number in [0, total) means, by its place from 1."""
        return bisect_right(self._bounds, number) + 1

    def odds(self) -> dict[str, int]:
        """Chances by prize id in 100,000ths; they sum to 100,000 (largest remainders are rounded up)."""
        shares = [weight * ODDS // self.total for weight in self._weights]
        rest = [weight * ODDS % self.total for weight in self._weights]
        for at in sorted(range(len(rest)), key=lambda at: -rest[at])[: ODDS - sum(shares)]:
            shares[at] += 1
        return dict(zip(self._ids, shares, strict=True))

    def weights(self) -> dict[str, int]:
        """The shares themselves by prize id."""
        return dict(zip(self._ids, self._weights, strict=True))
