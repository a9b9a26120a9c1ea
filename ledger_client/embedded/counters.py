"""What members have used of caps: points by local day, a year of a member's days in one row.

A row's `days` are numbers day << 40 | points, in order of day; `day` is month * 32 + day of the month, so
that the days of a month lie together. Days without points are not there.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import Day
from ledger_client.embedded.arrays import numbers, texts, unnest

_POINTS_BITS = 40  # a cap is at most 10^12
_POINTS = (1 << _POINTS_BITS) - 1

Key = tuple[str, int]
"""A scope, such as "earn|c7|m1", and a year."""

_READ = text(f"""
    select counter.* from {unnest(scopes="text", years="integer")} as wanted (scope, year)
    join ledger.counter using (scope, year)
""")
_WRITE = text(f"""
    insert into ledger.counter (scope, year, days)
    select scope, year, cast(days as bigint[])
    from {unnest(scopes="text", years="integer", days="text")}
        as by (scope, year, days)
    on conflict (scope, year) do update set days = excluded.days
""")


class Counters:
    """The counters that a batch touches."""

    def __init__(self) -> None:
        self._years: dict[Key, dict[int, int]] = {}
        self._changed: set[Key] = set()

    async def load(self, connection: AsyncConnection, keys: Iterable[Key]) -> None:
        """Reads the years of `keys`; who holds the member's account holds their counters."""
        self._years = {key: {} for key in keys}
        if self._years:
            scopes, years = zip(*self._years, strict=True)
            for scope, year, days in await connection.execute(
                _READ, {"scopes": texts(scopes), "years": numbers(years)}
            ):
                self._years[scope, year] = _unpacked(days)

    def used(self, scope: str, day: Day) -> tuple[int, int, int]:
        """Points used on the day, in its month, and in its year."""
        days = self._years.get((scope, day.year))
        if not days:
            return 0, 0, 0
        month = day.number >> 5
        return (
            days.get(day.number, 0),
            sum(points for number, points in days.items() if number >> 5 == month),
            sum(days.values()),
        )

    def count(self, scope: str, day: Day, points: int) -> None:
        """Adds to the day; it never has less than nothing."""
        key = scope, day.year
        days = self._years.setdefault(key, {})
        if points < 0 and day.number not in days:
            return  # earned before there was a cap
        days[day.number] = max(0, days.get(day.number, 0) + points)
        self._changed.add(key)

    async def write(self, connection: AsyncConnection) -> None:
        """Writes what was counted."""
        if self._changed:
            changed = sorted(self._changed)
            values = {
                "scopes": texts(scope for scope, _ in changed),
                "years": numbers(year for _, year in changed),
                # an array of arrays would have to be a rectangle
                "days": texts(_packed(self._years[key]) for key in changed),
            }
            await connection.execute(_WRITE, values)


def _unpacked(days: Sequence[int]) -> dict[int, int]:
    return {packed >> _POINTS_BITS: packed & _POINTS for packed in days}


def _packed(days: dict[int, int]) -> str:
    return numbers(day << _POINTS_BITS | points for day, points in sorted(days.items()) if points)
