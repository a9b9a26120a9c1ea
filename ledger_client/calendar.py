"""Days, months and years in a campaign's timezone, and when what is earned in them expires. Pure."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger_client.terms import Expiry, Terms

# every zone's days begin and its clocks change on a quarter of an hour, since 2011 (tz database)
SLOT_MS = 900_000


class Periods(NamedTuple):
    """The periods of one moment by name, such as d2026-11-21, m2026-11 and y2026."""

    day: str
    month: str
    year: str


class Day(NamedTuple):
    """A local day; `number` is month * 32 + day of the month, so that a month's days lie together."""

    year: int
    number: int


@lru_cache(maxsize=4096)
def _date(timezone: str, slot: int) -> date:
    return datetime.fromtimestamp(slot * SLOT_MS / 1000, ZoneInfo(timezone)).date()


@lru_cache(maxsize=4096)
def _day(timezone: str, slot: int) -> Day:
    day = _date(timezone, slot)
    return Day(day.year, day.month << 5 | day.day)


def day_of(timezone: str, at: int) -> Day:
    """The local day of `at` (ms)."""
    return _day(timezone, at // SLOT_MS)


def periods(timezone: str, at: int) -> Periods:
    """The day, month and year of `at` (ms)."""
    day = _date(timezone, at // SLOT_MS)
    return Periods(f"d{day.isoformat()}", f"m{day:%Y-%m}", f"y{day:%Y}")


@lru_cache(maxsize=4096)
def _expiry(timezone: str, policy: Expiry, months: int, slot: int) -> int | None:
    day = _date(timezone, slot)
    if policy is Expiry.NEVER:
        return None
    if policy is Expiry.FIXED:
        last = _months_later(day, months)
    elif policy is Expiry.MONTHLY:
        last = _months_later(day.replace(day=1), months + 1) - timedelta(days=1)
    else:
        last = date(day.year + months // 12, 12, 31)
    return midnight(timezone, last + timedelta(days=1))


def expiry_of(terms: Terms, at: int) -> int | None:
    """When points earned at `at` (ms) expire: ms, the first moment at which they are gone; None: never."""
    return _expiry(terms.timezone, terms.expiry, terms.months, at // SLOT_MS)


def midnight(timezone: str, day: date) -> int:
    """The first moment of a local day in ms; where clocks skip midnight, the moment they skip to."""
    moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    return round(moment.timestamp() * 1000)


def _months_later(day: date, months: int) -> date:
    """The same day of a later month; its last day where the month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_after = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_after - timedelta(days=1))
