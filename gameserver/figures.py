"""What a room counts beside its record: pages asked for, members online, refusals. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

HOUR_MS: Final = 3_600_000


class Figures(msgspec.Struct, frozen=True):
    """Counts of one room.

    `views`: pages asked for, by channel. `online`: the most members at once, by the hour's start in ms (UTC).
    `refused`: commands refused, by code.
    """

    views: Mapping[str, int]
    online: Mapping[int, int]
    refused: Mapping[str, int]

    def with_most_of(self, other: "Figures") -> "Figures":
        """Each count as it was highest: none of them ever goes down."""
        return Figures(
            _most(self.views, other.views),
            _most(self.online, other.online),
            _most(self.refused, other.refused),
        )


def _most(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in {**one, **other}}
