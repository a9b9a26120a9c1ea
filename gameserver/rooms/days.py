"""Which day it is in a room's timezone, for limits that count by day."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


class Days:
    """Today and tomorrow as (from ms, yyyymmdd), so that the rule can pick by its own clock.

    A day starts at local midnight, or where daylight saving skips midnight, at the first moment of the day.
    """

    def __init__(self, timezone: str, now: Callable[[], int]) -> None:
        self._zone = ZoneInfo(timezone)
        self._now = now
        self._days: Sequence[tuple[int, int]] = ()

    def __call__(self) -> Sequence[tuple[int, int]]:
        """The two days; worked out once a day."""
        now = self._now()
        if not self._days or now >= self._days[1][0]:
            today = datetime.fromtimestamp(now / 1000, self._zone).date()
            starts = [
                datetime(d.year, d.month, d.day, tzinfo=self._zone) for d in (today, today + timedelta(1))
            ]
            self._days = [
                (round(start.timestamp() * 1000), start.year * 10_000 + start.month * 100 + start.day)
                for start in starts
            ]
        return self._days
