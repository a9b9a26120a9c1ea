import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameserver.anti_cheat.frame_rate import BURST, PER_SECOND, FrameRate


def admitted(rate: FrameRate, moments: list[float]) -> int:
    return sum(rate.admits(moment) for moment in moments)


def test_a_burst_is_admitted_and_no_frame_more() -> None:
    assert admitted(FrameRate(), [1000.0] * 200) == BURST


@pytest.mark.parametrize("hertz", [1, 29, 30])
def test_an_honest_page_is_never_refused(hertz: int) -> None:
    moments = [1000 + n / hertz for n in range(hertz * 60)]
    assert admitted(FrameRate(), moments) == len(moments)


def test_a_page_that_paused_has_one_burst_and_not_two() -> None:
    rate = FrameRate()
    assert admitted(rate, [1000.0] * 100) == BURST
    assert admitted(rate, [1000.5] * 100) == PER_SECOND / 2
    assert admitted(rate, [9000.0] * 100) == BURST


@given(
    st.lists(st.floats(0, 60, allow_nan=False), max_size=300),
    st.integers(1, 60),
    st.integers(1, 100),
)
def test_any_stretch_of_time_has_at_most_its_rate_and_one_burst(
    offsets: list[float], per_second: int, burst: int
) -> None:
    rate = FrameRate(per_second, burst)
    moments = [1000 + offset for offset in sorted(offsets)]
    passed = [moment for moment in moments if rate.admits(moment)]
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - begin) * per_second + 1e-6
