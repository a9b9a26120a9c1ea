"""Which day it is in a room's timezone, for limits that count by day."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


class Days:
    """Yesterday, today and tomorrow as (from ms, yyyymmdd): the rule picks by its own clock.

    A day starts at local midnight, or where daylight saving skips midnight, at the first moment of the day.
    """

    def __init__(self, timezone: str, now: Callable[[], int]) -> None:
        self._zone = ZoneInfo(timezone)
        self._now = now
        self._days: Sequence[tuple[int, int]] = ()

    def __call__(self) -> Sequence[tuple[int, int]]:
        """The three days; worked out once a day."""
        now = self._now()
        if not self._days or not self._days[1][0] <= now < self._days[2][0]:
            today = datetime.fromtimestamp(now / 1000, self._zone).date()
            days = [today + timedelta(shift) for shift in (-1, 0, 1)]
            self._days = [
                (
                    round(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp() * 1000),
                    day.year * 10_000 + day.month * 100 + day.day,
                )
                for day in days
            ]
        return self._days
