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
from ledger_client.terms import Caps

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
# which rows are there is known, and whoever makes or changes one holds its member's account
_INSERT = text(f"""
    insert into ledger.counter (scope, year, days)
    select scope, year, cast(days as bigint[])
    from {unnest(scopes="text", years="integer", days="text")} as by (scope, year, days)
""")
_UPDATE = text(f"""
    update ledger.counter set days = cast(by.days as bigint[])
    from {unnest(scopes="text", years="integer", days="text")} as by (scope, year, days)
    where counter.scope = by.scope and counter.year = by.year
""")


class Counters:
    """The counters that a batch touches.

    Of members whose accounts are not locked nothing is read before: see `hope`.
    """

    def __init__(self) -> None:
        self._years: dict[Key, dict[int, int]] = {}
        self._stored: set[Key] = set()
        self._changed: dict[Key, None] = {}
        self._hoped: dict[Key, tuple[Caps, dict[Day, int]]] = {}

    async def load(self, connection: AsyncConnection, keys: Iterable[Key]) -> None:
        """Reads the years of `keys`."""
        wanted = list(keys)
        self._years |= {key: {} for key in wanted}
        if wanted:
            values = {
                "scopes": texts([key.scope() for key in wanted]),
                "years": numbers([key.year for key in wanted]),
            }
            for n, days in await connection.execute(_READ, values):
                self._years[wanted[n - 1]] = _unpacked(days)
                self._stored.add(wanted[n - 1])

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
        days[day.number] = max(0, days.get(day.number, 0) + points)
        self._changed[key] = None

    def hope(self, key: Key, day: Day, points: int, caps: Caps) -> None:
        """Adds points that `caps` are hoped to leave room for: `write` looks."""
        _, days = self._hoped.setdefault(key, (caps, {}))
        days[day] = days.get(day, 0) + points

    async def write(self, connection: AsyncConnection) -> None:
        """Writes what was counted; all accounts are locked by now. Raises Raced where a cap has less room."""
        await self.load(connection, self._hoped)
        for key, (caps, days) in self._hoped.items():
            for day, points in days.items():
                self.count(key, day, points)
                for cap, used in zip((caps.day, caps.month, caps.year), self.used(key, day), strict=True):
                    if cap is not None and used > cap:
                        raise Raced("a cap that is nearly used up has to be locked")
        new = [key for key in self._changed if key not in self._stored]
        old = [key for key in self._changed if key in self._stored]
        for statement, keys in ((_INSERT, new), (_UPDATE, old)):
            if keys:
                values = {
                    "scopes": texts([key.scope() for key in keys]),
                    "years": numbers([key.year for key in keys]),
                    # an array of arrays would have to be a rectangle
                    "days": texts([_packed(self._years[key]) for key in keys]),
                }
                await connection.execute(statement, values)


def _unpacked(days: Sequence[int]) -> dict[int, int]:
    return {packed >> _POINTS_BITS: packed & _POINTS for packed in days}


def _packed(days: dict[int, int]) -> str:
    return numbers([day << _POINTS_BITS | points for day, points in sorted(days.items()) if points])
