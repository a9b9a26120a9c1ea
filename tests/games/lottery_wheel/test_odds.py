from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gameserver.games.lottery_wheel.odds import ODDS, Weighting

weights = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), min_size=1).filter(
    lambda weights: sum(weights.values()) > 0
)


@given(weights)
def test_every_number_means_a_prize_as_often_as_its_weight_says(shares: dict[str, int]) -> None:
    ids = "abcdefghi"  # the last has no share
    weighting = Weighting(ids, shares)
    assert weighting.total == sum(shares.values())
    found = Counter(ids[weighting.place(number) - 1] for number in range(weighting.total))
    assert found == {id_: share for id_, share in shares.items() if share}
    assert weighting.weights() == {id_: shares.get(id_, 0) for id_ in ids}


@given(weights)
def test_published_odds_sum_to_the_whole_and_are_the_shares_to_the_last_place(shares: dict[str, int]) -> None:
    weighting = Weighting("abcdefghi", shares)
    odds = weighting.odds()
    assert sum(odds.values()) == ODDS
    for id_, shown in odds.items():
        assert abs(shown - ODDS * shares.get(id_, 0) / weighting.total) < 1
        assert shares.get(id_, 0) or shown == 0
