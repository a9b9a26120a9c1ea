"""Days, months and years where they end: at local midnight, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger_client.calendar import SLOT_MS, expiry_of, midnight, periods
from ledger_client.terms import Expiry, Terms

DAY_MS = 86_400_000
ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
# summer time by day and at midnight, half hours, a zone that lost a whole day, zones far east and west
ODD_ZONES = [
    "Europe/Berlin", "America/Sao_Paulo", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Asia/Beirut", "America/Havana", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Cairo",
    "America/Santiago", "Asia/Gaza", "UTC",
]  # fmt: skip


def ms(moment: str) -> int:
    """Unix ms of an ISO moment with its offset."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def local_day(zone: str, at: int) -> date:
    """The day by the book: no slots, no cache."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(ZoneInfo(zone)).date()


def terms(zone: str, expiry: Expiry = Expiry.NEVER, months: int = 12) -> Terms:
    return Terms(timezone=zone, expiry=expiry, months=months)


moments = st.integers(ms("2012-01-01T00:00Z"), ms("2037-12-31T23:59:59Z"))


@settings(max_examples=400)
@given(zone=st.sampled_from(ZONES), at=moments)
def test_a_moments_periods_are_those_of_its_local_day(zone: str, at: int) -> None:
    day = local_day(zone, at)
    assert periods(zone, at) == (f"d{day}", f"m{day:%Y-%m}", f"y{day:%Y}")


@settings(max_examples=400)
@given(zone=st.sampled_from(ZONES), at=moments)
@example(zone="Pacific/Apia", at=ms("2011-12-30T09:59:59.999Z"))
@example(zone="Pacific/Apia", at=ms("2011-12-30T10:00Z"))
def test_a_day_begins_at_its_midnight_and_not_a_millisecond_before(zone: str, at: int) -> None:
    day = local_day(zone, at)
    begins = midnight(zone, day)
    assert begins <= at
    assert local_day(zone, begins) == day
    assert local_day(zone, begins - 1) < day
    assert begins % SLOT_MS == 0


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_every_quarter_of_an_hour_of_ten_years_is_in_the_day_it_belongs_to(zone: str) -> None:
    """Around every change of the clocks, to the millisecond."""
    first, last = ms("2015-01-01T00:00Z"), ms("2025-01-01T00:00Z")
    hours = range(first, last, 3_600_000)
    info = ZoneInfo(zone)
    offsets = [datetime.fromtimestamp(hour / 1000, info).utcoffset() for hour in hours]
    changes = [
        hour for hour, (before, after) in zip(hours, pairwise(offsets), strict=False) if before != after
    ]
    for change in changes:
        for slot in range(change - DAY_MS, change + DAY_MS, SLOT_MS):
            for at in (slot - 1, slot, slot + 1):
                assert periods(zone, at).day == f"d{local_day(zone, at)}"


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        # an ordinary midnight, a month's end, a year's end
        ("Asia/Shanghai", "2026-11-21T23:59:59.999+08:00", "2026-11-22T00:00:00+08:00"),
        ("Asia/Shanghai", "2026-11-30T23:59:59.999+08:00", "2026-12-01T00:00:00+08:00"),
        ("Asia/Shanghai", "2026-12-31T23:59:59.999+08:00", "2027-01-01T00:00:00+08:00"),
        # a day of 23 hours and one of 25
        ("Europe/Berlin", "2026-03-29T23:59:59.999+02:00", "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T23:59:59.999+01:00", "2026-10-26T00:00:00+01:00"),
        ("America/New_York", "2026-03-08T23:59:59.999-04:00", "2026-03-09T00:00:00-04:00"),
        ("America/New_York", "2026-11-01T23:59:59.999-05:00", "2026-11-02T00:00:00-05:00"),
        # midnight is skipped: the day begins at one o'clock
        ("America/Sao_Paulo", "2018-11-03T23:59:59.999-03:00", "2018-11-04T01:00:00-02:00"),
        # the hour before midnight comes twice, and both are the old day's
        ("America/Sao_Paulo", "2018-02-17T23:59:59.999-03:00", "2018-02-18T00:00:00-03:00"),
        # a whole day was skipped
        ("Pacific/Apia", "2011-12-29T23:59:59.999-10:00", "2011-12-31T00:00:00+14:00"),
        # the day after the last of February, with and without a leap day
        ("Asia/Shanghai", "2028-02-28T23:59:59.999+08:00", "2028-02-29T00:00:00+08:00"),
        ("Asia/Shanghai", "2027-02-28T23:59:59.999+08:00", "2027-03-01T00:00:00+08:00"),
    ],
)
def test_a_day_ends_where_the_next_begins(zone: str, last: str, first: str) -> None:
    assert ms(first) - ms(last) == 1
    before, after = periods(zone, ms(last)), periods(zone, ms(first))
    assert before.day == f"d{last[:10]}"
    assert after.day == f"d{first[:10]}"
    assert (before.month == after.month) == (last[:7] == first[:7])
    assert (before.year == after.year) == (last[:4] == first[:4])
    assert midnight(zone, date.fromisoformat(first[:10])) == ms(first)


def test_the_hour_that_comes_twice_before_midnight_is_all_of_the_old_day() -> None:
    twice = ["2018-02-17T23:30:00-02:00", "2018-02-17T23:30:00-03:00"]
    assert [periods("America/Sao_Paulo", ms(at)).day for at in twice] == ["d2018-02-17"] * 2


@pytest.mark.parametrize(
    ("zone", "expiry", "months", "earned", "expires"),
    [
        ("Asia/Shanghai", Expiry.NEVER, 12, "2026-11-21T12:00:00+08:00", None),
        # months after the day of earning, that day counting whole
        ("Asia/Shanghai", Expiry.FIXED, 1, "2026-11-21T00:00:00+08:00", "2026-12-22T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 1, "2026-11-21T23:59:59.999+08:00", "2026-12-22T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 12, "2026-11-22T00:00:00+08:00", "2027-11-23T00:00:00+08:00"),
        # a shorter month's last day stands for the 31st, the 30th, the leap day
        ("Asia/Shanghai", Expiry.FIXED, 1, "2027-01-31T12:00:00+08:00", "2027-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 1, "2028-01-31T12:00:00+08:00", "2028-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 3, "2026-11-30T12:00:00+08:00", "2027-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 12, "2028-02-29T12:00:00+08:00", "2029-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 48, "2028-02-29T12:00:00+08:00", "2032-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.FIXED, 12, "2026-12-31T12:00:00+08:00", "2028-01-01T00:00:00+08:00"),
        # one date for all of a month
        ("Asia/Shanghai", Expiry.MONTHLY, 0, "2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.MONTHLY, 0, "2026-11-30T23:59:59.999+08:00", "2026-12-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.MONTHLY, 0, "2026-12-31T23:59:59.999+08:00", "2027-01-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.MONTHLY, 1, "2028-01-31T12:00:00+08:00", "2028-03-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.MONTHLY, 12, "2026-11-21T12:00:00+08:00", "2027-12-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.YEAR_END, 0, "2026-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.YEAR_END, 0, "2026-12-31T23:59:59.999+08:00", "2027-01-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.YEAR_END, 0, "2027-01-01T00:00:00+08:00", "2028-01-01T00:00:00+08:00"),
        ("Asia/Shanghai", Expiry.YEAR_END, 24, "2026-06-01T12:00:00+08:00", "2029-01-01T00:00:00+08:00"),
        # the offset at the expiry counts, not the one at the earning
        ("Europe/Berlin", Expiry.FIXED, 6, "2026-01-15T12:00:00+01:00", "2026-07-16T00:00:00+02:00"),
        ("Europe/Berlin", Expiry.FIXED, 1, "2026-02-28T12:00:00+01:00", "2026-03-29T00:00:00+01:00"),
        ("Europe/Berlin", Expiry.FIXED, 1, "2026-03-01T12:00:00+01:00", "2026-04-02T00:00:00+02:00"),
        ("America/New_York", Expiry.MONTHLY, 0, "2026-10-31T23:59:59-04:00", "2026-11-01T00:00:00-04:00"),
        ("America/New_York", Expiry.FIXED, 1, "2026-10-01T12:00:00-04:00", "2026-11-02T00:00:00-05:00"),
        # midnight is skipped on the day of expiry: gone when the clocks skip to one o'clock
        ("America/Sao_Paulo", Expiry.FIXED, 1, "2018-10-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"),
    ],
)
def test_what_is_earned_expires_at_a_local_midnight(
    zone: str, expiry: Expiry, months: int, earned: str, expires: str | None
) -> None:
    expected = None if expires is None else ms(expires)
    assert expiry_of(terms(zone, expiry, months), ms(earned)) == expected


@settings(max_examples=300)
@given(
    zone=st.sampled_from(ODD_ZONES),
    expiry=st.sampled_from([Expiry.FIXED, Expiry.MONTHLY, Expiry.YEAR_END]),
    years=st.integers(0, 3),
    at=moments,
    later=st.integers(0, 40 * DAY_MS),
)
def test_who_earns_later_never_loses_earlier_and_every_expiry_is_a_midnight_to_come(
    zone: str, expiry: Expiry, years: int, at: int, later: int
) -> None:
    months = 12 * years + (12 if expiry is Expiry.FIXED else 0)
    expires = expiry_of(terms(zone, expiry, months), at)
    after = expiry_of(terms(zone, expiry, months), at + later)
    assert expires is not None
    assert after is not None
    assert at < expires <= after
    assert expires == midnight(zone, local_day(zone, expires))
