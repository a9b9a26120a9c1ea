"""What a room counts beside its record: pages asked for, members online, refusals. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

HOUR_MS: Final = 3_600_000


class Counted(NamedTuple):
    """What a count is of.

    `kind`: views, by channel; online, by the hour's start in ms (UTC); refused, by code.
    `since`: server ms at which the store began to count it, 0 for `online`. A store that has lost its counts
    begins anew: then both counts are the room's. One that has gone back to an older state has the same
    `since`, and goes on where it was.
    """

    kind: str
    key: str
    since: int


Counts = Mapping[Counted, int]


class Figures(msgspec.Struct, frozen=True):
    """Counts of one room.

    `views`: pages asked for, by channel. `online`: the most members at once, by the hour's start in ms (UTC).
    `refused`: commands refused, by code.
    """

    views: Mapping[str, int]
    online: Mapping[int, int]
    refused: Mapping[str, int]


def figures_of(*found: Counts) -> Figures:
    """What counts that were found in several places come to.

    Each count is as it was highest, for none of them ever goes down; those of different times add up.
    """
    most: dict[Counted, int] = {}
    for counts in found:
        for counted, count in counts.items():
            most[counted] = max(count, most.get(counted, 0))
    kinds = {kind: Counter[str]() for kind in ("views", "online", "refused")}
    for counted, count in most.items():
        kinds[counted.kind][counted.key] += count
    online = {int(hour): count for hour, count in kinds["online"].items()}
    return Figures(dict(kinds["views"]), online, dict(kinds["refused"]))
