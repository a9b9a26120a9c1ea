from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gameserver.rooms.days import Days

# half hours, daylight saving at midnight, both hemispheres, days that skip or repeat their first hour
ZONES = (
    "Asia/Shanghai", "UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
    "America/Havana", "Africa/Cairo", "Asia/Beirut", "America/Santiago", "America/Asuncion",
    "Atlantic/Azores", "Pacific/Kiritimati", "Pacific/Marquesas", "America/St_Johns",
)  # fmt: skip
START, END = (
    int(datetime(2023, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()),
)
zones = st.sampled_from(ZONES)
moments = st.integers(START * 1000, END * 1000)


def local_day(zone: str, at: int) -> int:
    day = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()
    return day.year * 10_000 + day.month * 100 + day.day


def picked(days: list[tuple[int, int]], at: int) -> int:
    """As the prelude picks by its own clock: the last that has begun."""
    return [day for begins, day in days if begins <= at][-1]


@settings(max_examples=300)
@given(zones, moments, st.integers(-5000, 5000))
def test_the_day_is_right_by_the_stores_clock_though_this_process_is_ahead_or_behind(
    zone: str, now: int, skew: int
) -> None:
    days = Days(zone, lambda: now + skew)()
    assert picked([*days], now) == local_day(zone, now)


@settings(max_examples=200)
@given(zones, st.dates(date(2023, 1, 2), date(2029, 12, 30)), st.integers(-3, 3), st.integers(-3, 3))
@example("America/Havana", date(2026, 3, 8), 0, 1)
@example("Africa/Cairo", date(2026, 4, 24), 0, 1)
@example("Asia/Beirut", date(2026, 3, 29), 0, 1)
@example("America/Santiago", date(2026, 9, 6), 0, 1)
def test_the_day_is_right_around_midnight(zone: str, day: date, shift: int, skew: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    now = round(midnight.timestamp() * 1000) + shift
    assert picked([*Days(zone, lambda: now + skew)()], now) == local_day(zone, now)


@given(zones, moments)
def test_days_begin_where_the_day_before_ends(zone: str, now: int) -> None:
    days = Days(zone, lambda: now)()
    assert any(begins > now for begins, _ in days), "the limit's end is not known"
    for (begins, first), (ends, second) in pairwise(days):
        assert local_day(zone, begins) == local_day(zone, ends - 1) == first
        assert local_day(zone, ends) == second
        assert ends - begins in (82_800_000, 84_600_000, 86_400_000, 88_200_000, 90_000_000)


@settings(max_examples=50)
@given(zones, moments, st.lists(st.integers(0, 100_000_000), max_size=12))
def test_days_follow_a_clock_that_goes_on(zone: str, now: int, steps: list[int]) -> None:
    clock = [now]
    days = Days(zone, lambda: clock[0])
    for step in steps:
        clock[0] += step
        assert picked([*days()], clock[0]) == local_day(zone, clock[0])
        assert any(begins > clock[0] for begins, _ in days())


def test_days_are_worked_out_once_a_day() -> None:
    days = Days("Asia/Shanghai", lambda: START * 1000)
    assert days() is days()


@pytest.mark.parametrize("back", [1, 3_600_000, 86_400_000, 3 * 86_400_000])
def test_a_process_whose_clock_is_set_back_still_knows_the_day(back: int) -> None:
    clock = [1_790_000_000_000]
    days = Days("Europe/Berlin", lambda: clock[0])
    days()
    clock[0] -= back
    assert picked([*days()], clock[0]) == local_day("Europe/Berlin", clock[0])


def test_today_and_its_neighbours() -> None:
    noon = int(datetime(2026, 3, 1, 4, tzinfo=UTC).timestamp() * 1000)
    midnight = datetime(2026, 2, 28, 16, tzinfo=UTC)
    begins = [int((midnight + timedelta(days=shift)).timestamp() * 1000) for shift in (-1, 0, 1)]
    assert Days("Asia/Shanghai", lambda: noon)() == [
        (begins[0], 20260228),
        (begins[1], 20260301),
        (begins[2], 20260302),
    ]
