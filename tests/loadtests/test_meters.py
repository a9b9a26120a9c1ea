import pytest

from loadtests.meters import Spread, percentile, spread


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(percent: float, value: float) -> None:
    assert percentile(range(100, 0, -1), percent) == value


def test_of_few_values_the_highest_percentiles_are_the_greatest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0


def test_nothing_measured_is_zero() -> None:
    assert percentile([], 99) == 0.0


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert spread([5.0, 1.0, 3.0]) == Spread(median=3.0, least=1.0, most=5.0, runs=3)
    assert spread([4.0, 2.0]).median == 3.0
