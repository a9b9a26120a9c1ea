from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gameserver.fairness import Draws
from gameserver.games.red_packet_rain.amounts import allot
from gameserver.games.red_packet_rain.config import MAX_POINTS, DoubleMean, Fixed, Listed, Tier

keys = st.binary(min_size=16, max_size=16)


@st.composite
def double_means(draw: st.DrawFn) -> DoubleMean:
    count = draw(st.integers(1, 300))
    low = draw(st.integers(1, 1000))
    high = draw(st.integers(low, MAX_POINTS) | st.integers(low, low + 20))
    total = draw(st.integers(count * low, min(count * high, 10**12)))
    return DoubleMean(mode="double_mean", total_points=total, count=count, min=low, max=high)


tiers = st.lists(
    st.builds(Tier, amount=st.integers(1, 1000), count=st.integers(1, 50)), min_size=1, max_size=20
)


@given(st.integers(1, 500), st.integers(1, 1_000_000), keys)
def test_fixed_packets_are_all_alike(count: int, amount: int, key: bytes) -> None:
    amounts = Fixed(mode="fixed", count=count, amount=amount)
    assert allot(amounts, Draws(key)) == [amount] * count
    assert amounts.total() == amount * count


@given(double_means(), keys)
def test_double_mean_sums_exactly_within_its_bounds(amounts: DoubleMean, key: bytes) -> None:
    dealt = allot(amounts, Draws(key))
    assert len(dealt) == amounts.count
    assert sum(dealt) == amounts.total_points == amounts.total()
    assert all(amounts.min <= amount <= amounts.max for amount in dealt)


@given(tiers, keys)
def test_a_list_is_dealt_whole_in_another_order(lines: list[Tier], key: bytes) -> None:
    amounts = Listed(mode="list", tiers=tuple(lines))
    dealt = allot(amounts, Draws(key))
    wanted: Counter[int] = Counter()
    for tier in lines:
        wanted[tier.amount] += tier.count
    assert Counter(dealt) == wanted
    assert (len(dealt), sum(dealt)) == (amounts.count, amounts.total())


@given(double_means(), keys)
def test_the_seed_alone_decides(amounts: DoubleMean, key: bytes) -> None:
    assert allot(amounts, Draws(key)) == allot(amounts, Draws(key))


def test_another_seed_deals_otherwise() -> None:
    amounts = DoubleMean(mode="double_mean", total_points=10_000, count=500, min=1, max=200)
    assert allot(amounts, Draws(b"a")) != allot(amounts, Draws(b"b"))
    listed = Listed(mode="list", tiers=(Tier(amount=1, count=50), Tier(amount=2, count=50)))
    assert allot(listed, Draws(b"a")) != allot(listed, Draws(b"b"))


def test_no_unit_is_favoured() -> None:
    """Dealt amounts are shuffled: over many seeds every place has the same mean."""
    amounts = DoubleMean(mode="double_mean", total_points=100, count=10, min=1, max=40)
    rounds = 2000
    sums = [0] * 10
    for seed in range(rounds):
        for place, amount in enumerate(allot(amounts, Draws(seed.to_bytes(4, "big")))):
            sums[place] += amount
    assert all(9.3 < total / rounds < 10.7 for total in sums)


def test_no_packet_takes_more_than_twice_the_mean_of_what_is_left() -> None:
    """Uniform in [min, 2 x remaining mean]: of two packets the first is uniform in [1, total - 1]."""
    amounts = DoubleMean(mode="double_mean", total_points=10, count=2, min=1, max=1000)
    seen = Counter(allot(amounts, Draws(seed.to_bytes(4, "big")))[0] for seed in range(9000))
    assert set(seen) == set(range(1, 10))
    assert all(850 < count < 1150 for count in seen.values())


@settings(max_examples=50)
@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 10**6))
def test_what_cannot_be_split_is_refused(count: int, low: int, high: int, total: int) -> None:
    assume(not count * low <= total <= count * high)
    with pytest.raises(ValidationError, match="cannot be split"):
        DoubleMean(mode="double_mean", total_points=total, count=count, min=low, max=high)


@pytest.mark.parametrize("amount", [0, -1, -(2**31), 2**31, 1.5, "1e3", "5", None, True])
def test_what_is_no_amount_is_refused(amount: object) -> None:
    """Nothing passes that the published schema would not: an integer is neither text nor a truth value."""
    with pytest.raises(ValidationError):
        Fixed.model_validate({"mode": "fixed", "count": 1, "amount": amount})
    with pytest.raises(ValidationError):
        Tier.model_validate({"count": 1, "amount": amount})
    with pytest.raises(ValidationError):
        DoubleMean.model_validate(
            {"mode": "double_mean", "total_points": amount, "count": 1, "min": 1, "max": 10}
        )
