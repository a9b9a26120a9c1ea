"""What members have used of caps: points by local day, a year of a member's days in one row.

A row's `days` are numbers day << 40 | points, in order of day; `day` is month * 32 + day of the month, so
that the days of a month lie together. Days without points are not there.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger_client.calendar import Day
from ledger_client.embedded.arrays import numbers, texts, unnest
from ledger_client.embedded.races import Raced

_POINTS_BITS = 40  # a cap is at most 10^12
_POINTS = (1 << _POINTS_BITS) - 1


class Cap(StrEnum):
    """What is counted of a member in a campaign."""

    EARN = "earn"
    TRANSFER = "transfer"


class Key(NamedTuple):
    """A row: a member's year in a campaign."""

    cap: Cap
    campaign: str
    member: str
    year: int

    def scope(self) -> str:
        """Its name in the books, such as "earn|c7|m1"."""
        return f"{self.cap.value}|{self.campaign}|{self.member}"


_READ = text(f"""
    select n, days from {unnest(scopes="text", years="integer")} with ordinality as wanted (scope, year, n)
    join ledger.counter using (scope, year)
""")
# nobody else may have counted since these were read: the accounts of members who only earn are not locked
_WRITE = text(f"""
    insert into ledger.counter (scope, year, days)
    select scope, year, cast(days as bigint[])
    from {unnest(scopes="text", years="integer", days="text", before="text")}
        as by (scope, year, days, before) where before = '{{}}' order by scope, year
    on conflict (scope, year) do update set days = excluded.days
    where counter.days = '{{}}'  -- all of the year was taken back
""")
_REWRITE = text(f"""
    update ledger.counter set days = cast(by.days as bigint[])
    from {unnest(scopes="text", years="integer", days="text", before="text")}
        as by (scope, year, days, before)
    where counter.scope = by.scope and counter.year = by.year and counter.days = cast(by.before as bigint[])
""")


class Counters:
    """The counters that a batch touches."""

    def __init__(self) -> None:
        self._years: dict[Key, dict[int, int]] = {}
        self._before: dict[Key, str] = {}

    async def load(self, connection: AsyncConnection, keys: Iterable[Key]) -> None:
        """Reads the years of `keys`."""
        wanted = list(keys)
        self._years = {key: {} for key in wanted}
        if wanted:
            values = {
                "scopes": texts([key.scope() for key in wanted]),
                "years": numbers([key.year for key in wanted]),
            }
            for n, days in await connection.execute(_READ, values):
                self._years[wanted[n - 1]] = _unpacked(days)

    def used(self, key: Key, day: Day) -> tuple[int, int, int]:
        """Points used on the day, in its month, and in its year."""
        days = self._years.get(key)
        if not days:
            return 0, 0, 0
        month = day.number >> 5
        return (
            days.get(day.number, 0),
            sum([points for number, points in days.items() if number >> 5 == month]),
            sum(days.values()),
        )

    def count(self, key: Key, day: Day, points: int) -> None:
        """Adds to the day; it never has less than nothing."""
        days = self._years.setdefault(key, {})
        if points < 0 and day.number not in days:
            return  # earned before there was a cap
        if key not in self._before:
            self._before[key] = _packed(days)
        days[day.number] = max(0, days.get(day.number, 0) + points)

    async def write(self, connection: AsyncConnection) -> None:
        """Writes what was counted. Raises Raced where somebody else counted the same meanwhile."""
        changed = self._before
        if not changed:
            return
        new = [key for key, before in changed.items() if before == "{}"]
        old = [key for key, before in changed.items() if before != "{}"]
        written = 0
        for statement, keys in ((_WRITE, new), (_REWRITE, old)):
            if keys:
                values = {
                    "scopes": texts([key.scope() for key in keys]),
                    "years": numbers([key.year for key in keys]),
                    # an array of arrays would have to be a rectangle
                    "days": texts([_packed(self._years[key]) for key in keys]),
                    "before": texts([changed[key] for key in keys]),
                }
                written += (await connection.execute(statement, values)).rowcount
        if written < len(changed):
            raise Raced("somebody else counted towards the same cap")


def _unpacked(days: Sequence[int]) -> dict[int, int]:
    return {packed >> _POINTS_BITS: packed & _POINTS for packed in days}


def _packed(days: dict[int, int]) -> str:
    if not days:
        return "{}"
    return numbers([day << _POINTS_BITS | points for day, points in sorted(days.items()) if points])
