from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameserver.earning import (
    EXAMPLE,
    MAX_CENTS,
    Band,
    Because,
    Boost,
    Decision,
    Earning,
    Item,
    OutsideEvent,
    Rate,
    Rule,
    Rules,
    decide,
)
from ledger_client.terms import Terms

YUAN = 100
# the scheme of the retail programme: 1 a yuan below 100; 1.5x for 100 to 200; 2x above 200
RETAIL = Rate(YUAN, (Band(100 * YUAN, 150), Band(200 * YUAN + 1, 200)))


def rules(rate: Rate | None = RETAIL, timezone: str = "Asia/Shanghai", **fields: Any) -> Rules:
    return Rules(Earning({"purchase": Rule(rate=rate), "sign_in": Rule(fixed=5)}, **fields), Terms(timezone))


def at(text: str, timezone: str = "Asia/Shanghai") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp() * 1000)


def event(amount: int | None = None, kind: str = "purchase", **fields: Any) -> OutsideEvent:
    return OutsideEvent(
        "pos", "1", kind, "m1", "c1", fields.pop("occurred_at", at("2026-06-15T12:00")), amount, **fields
    )


def points(amount: int, held: Rules | None = None, **fields: Any) -> int:
    return decide(held or rules(), 1, event(amount, **fields)).points


def steps(decision: Decision) -> dict[str, int]:
    return {str(why.step): why.value for why in decision.why}


@pytest.mark.parametrize(
    ("cents", "expected"),
    [
        (0, 0), (99, 0), (100, 1), (199, 1), (9_999, 99),
        # from here the whole amount is multiplied, not only what exceeds the border
        (10_000, 150), (10_001, 150), (10_066, 150), (10_067, 151), (19_999, 299), (20_000, 300),
        (20_001, 400), (20_049, 400), (20_050, 401), (50_000, 1000), (MAX_CENTS, 2 * 10**8),
    ],
)  # fmt: skip
def test_a_band_multiplies_the_whole_amount_that_lies_in_it(cents: int, expected: int) -> None:
    assert points(cents) == expected


def test_a_decision_says_how_it_came_about() -> None:
    held = rules(levels={"gold": 120}, birthday_percent=200, max_percent=300)
    made = decide(held, 7, event(20_050, level="gold", birthday="06-30"))
    assert (made.points, made.base, made.multiplier, made.rule_version) == (601, 200, 300, 7)
    assert steps(made) == {
        "rate": 100, "paid": 20_050, "band": 200, "level": 120, "birthday": 200, "max": 300,
    }  # fmt: skip
    assert [why.name for why in made.why if why.step is Because.LEVEL] == ["gold"]


def test_everything_is_multiplied_and_rounded_down_once_at_the_end() -> None:
    held = rules(Rate(7), levels={"silver": 133}, birthday_percent=150)
    made = decide(held, 1, event(12, level="silver", birthday="06-01"))
    # 12/7 = 1.71..., x 1.33 x 1.5 = 3.42; rounded on the way it would be 1 x 1.33 x 1.5 = 1
    assert (made.points, made.base, made.multiplier) == (3, 1, 199)


def test_the_product_of_all_multipliers_is_bounded() -> None:
    held = rules(levels={"gold": 300}, birthday_percent=300)
    assert points(300 * YUAN, held, level="gold", birthday="06-01") == 3000
    assert points(300 * YUAN, held, level="gold") == 1800


def test_an_unknown_level_and_none_earn_as_they_are() -> None:
    held = rules(levels={"gold": 300})
    assert points(YUAN, held, level="tin") == points(YUAN, held) == 1
    assert points(YUAN, held, level="gold") == 3


@pytest.mark.parametrize(
    ("moment", "birthday", "doubled"),
    [
        ("2026-02-28T23:59:59.999", "02-29", True), ("2026-03-01T00:00", "02-29", False),
        ("2026-03-01T00:00", "03-31", True), ("2026-12-31T23:59:59", "01-01", False),
        ("2027-01-01T00:00", "01-01", True), ("2026-06-15T12:00", "", False),
    ],
)  # fmt: skip
def test_the_birthday_month_is_that_of_the_campaigns_timezone(
    moment: str, birthday: str, doubled: bool
) -> None:
    for timezone in ("Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"):
        held = rules(timezone=timezone, birthday_percent=200)
        earned = points(10 * YUAN, held, occurred_at=at(moment, timezone), birthday=birthday)
        assert earned == (20 if doubled else 10), timezone


@pytest.mark.parametrize(
    ("moment", "boosted"),
    [
        ("2026-11-10T23:59:59.999", False), ("2026-11-11T00:00", True), ("2026-11-11T23:59:59.999", True),
        ("2026-11-12T00:00", False),
    ],
)  # fmt: skip
def test_a_boost_holds_from_its_start_until_before_its_end(moment: str, boosted: bool) -> None:
    boost = Boost("11.11", datetime(2026, 11, 11), datetime(2026, 11, 12), 300)
    for timezone in ("Asia/Shanghai", "Europe/Berlin"):
        held = rules(timezone=timezone, boosts=(boost,))
        assert points(YUAN, held, occurred_at=at(moment, timezone)) == (3 if boosted else 1), timezone


def test_a_boost_may_be_for_some_kinds_only_and_boosts_multiply() -> None:
    day = datetime(2026, 6, 15), datetime(2026, 6, 16)
    held = rules(boosts=(Boost("all", *day, 200), Boost("buy", *day, 150, ("purchase",))))
    assert points(10 * YUAN, held) == 30
    assert decide(held, 1, event(kind="sign_in")).points == 10


def test_a_fixed_rule_needs_no_amount_and_may_be_kept_out_of_the_multipliers() -> None:
    held = Rules(
        Earning({"sign_in": Rule(fixed=5, multiplied=False), "review": Rule(fixed=5)}, levels={"gold": 250})
    )
    assert decide(held, 1, event(kind="sign_in", level="gold")).points == 5
    assert decide(held, 1, event(kind="review", level="gold")).points == 12


def test_a_kind_without_a_rule_earns_nothing_and_says_so() -> None:
    made = decide(rules(), 1, event(100, kind="refund"))
    assert (made.points, steps(made)) == (0, {"no_rule": 0})


def item(cents: int, sku: str = "a", category: str = "", redeemed: bool = False) -> Item:
    return Item(sku, category, cents, redeemed)


NOTHING_FOR = rules(Rate(YUAN), excluded_skus=frozenset({"x"}), excluded_categories=frozenset({"tobacco"}))


@pytest.mark.parametrize(
    "barren", [item(4000, sku="x"), item(4000, category="tobacco"), item(4000, redeemed=True)]
)
def test_what_is_excluded_or_redeemed_earns_nothing(barren: Item) -> None:
    items = (item(6000), barren)
    assert points(10_000, NOTHING_FOR, items=items) == 60
    assert decide(NOTHING_FOR, 1, event(None, items=items)).points == 60  # the sum is the amount
    # a discount of 10% on the whole order is borne by all alike
    assert points(9000, NOTHING_FOR, items=items) == 54
    assert points(10_000, NOTHING_FOR, items=(barren,)) == 0
    made = decide(NOTHING_FOR, 1, event(9000, items=items))
    assert steps(made) == {
        "rate": 100, "paid": 9000, "eligible": 5400, ("redeemed" if barren.redeemed else "excluded"): 4000,
    }  # fmt: skip


def test_the_band_is_that_of_what_earns() -> None:
    held = rules(excluded_skus=frozenset({"x"}))
    assert points(30_000, held, items=(item(9_900), item(20_100, sku="x"))) == 99


def test_an_item_that_is_both_redeemed_and_excluded_counts_once() -> None:
    items = (item(6000), item(4000, sku="x", redeemed=True))
    assert points(10_000, NOTHING_FOR, items=items) == 60


def test_free_items_change_nothing() -> None:
    assert points(10_000, NOTHING_FOR, items=(item(0, sku="x"), item(0, redeemed=True))) == 100


BAD: dict[str, tuple[str, str]] = {
    "both": ('{"purchase":{"fixed":1,"rate":{"cents_per_point":1}}}', "exactly one of fixed and rate"),
    "neither": ('{"purchase":{}}', "exactly one of fixed and rate"),
    "an unknown field": ('{"purchase":{"fixd":1}}', "unknown field `fixd`"),
    "a negative": ('{"purchase":{"fixed":-1}}', ">= 0"),
    "a fraction": ('{"purchase":{"fixed":1.5}}', "Expected `int"),
    "falling borders": (
        '{"purchase":{"rate":{"cents_per_point":1,"bands":[{"from_cents":9,"percent":1},'
        '{"from_cents":9,"percent":2}]}}}',
        "rising borders",
    ),
    "a kind about another event": ('{"return":{"fixed":1}}', "earns nothing itself"),
    "a kind that no caller could send": ('{"Buy now":{"fixed":1}}', "regex"),
}


@pytest.mark.parametrize("case", BAD)
def test_rules_that_do_not_fit_say_where(case: str) -> None:
    text, why = BAD[case]
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(f'{{"earning":{{"events":{text}}}}}', type=Rules)
    assert why in str(error.value)
    assert "$.earning" in str(error.value)


def test_a_boost_has_local_times_in_order() -> None:
    boost = '{"name":"x","percent":200,"starts":"2026-11-11T00:00:00","ends":"2026-11-1%s"}'
    assert msgspec.json.decode(boost % "2T00:00:00", type=Boost).percent == 200
    for ends in ("1T00:00:00", "2T00:00:00Z", "2T00:00:00+08:00"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(boost % ends, type=Boost)


def test_the_example_is_valid_and_reads_back_as_it_was() -> None:
    assert msgspec.json.decode(msgspec.json.encode(EXAMPLE), type=Rules) == EXAMPLE
    assert msgspec.json.schema(Rules)["$defs"]["Earning"]["additionalProperties"] is False


# whatever the rules are

percents = st.integers(1, 10_000)
bands = st.lists(
    st.builds(Band, st.integers(0, 10**6), st.integers(0, 10_000)),
    max_size=4,
    unique_by=lambda b: b.from_cents,
).map(lambda found: tuple(sorted(found, key=lambda band: band.from_cents)))
rates = st.builds(Rate, st.integers(1, 10**4), bands)
earnings = st.builds(
    Rules,
    st.builds(
        Earning,
        rates.map(lambda rate: {"purchase": Rule(rate=rate)}),
        levels=st.dictionaries(st.sampled_from(["silver", "gold"]), percents),
        birthday_percent=percents,
        max_percent=st.integers(1, 10_000),
        excluded_skus=st.frozensets(st.sampled_from("abc")),
    ),
)
lines = st.lists(
    st.builds(Item, st.sampled_from("abcd"), st.just(""), st.integers(0, 10**6), st.booleans()), max_size=5
).map(tuple)
purchases = st.builds(
    event,
    st.one_of(st.none(), st.integers(0, 10**6)),
    items=lines,
    level=st.sampled_from(["", "gold", "tin"]),
    birthday=st.sampled_from(["", "06-01", "07-01"]),
)


@given(earnings, purchases)
def test_points_are_whole_and_never_negative_nor_above_the_bound(held: Rules, told: OutsideEvent) -> None:
    made = decide(held, 3, told)
    rate = held.earning.events["purchase"].rate
    assert rate is not None
    most = Fraction(told.paid_cents or 0, rate.cents_per_point) * Fraction(held.earning.max_percent, 100)
    assert 0 <= made.points <= most
    assert made == decide(held, 3, told)  # a decision depends on nothing else


@given(earnings, purchases, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_is_never_worth_less_within_a_band(
    held: Rules, told: OutsideEvent, less: int, more: int
) -> None:
    less, more = sorted((less, more))
    rate = held.earning.events["purchase"].rate
    assert rate is not None
    small, big = (
        decide(held, 1, msgspec.structs.replace(told, amount_cents=x, items=())) for x in (less, more)
    )
    if rate.band(Fraction(less)) == rate.band(Fraction(more)):
        assert small.points <= big.points


def amount(items: Iterable[Item]) -> int:
    return sum(one.amount_cents for one in items)


@given(earnings, purchases)
def test_what_earns_nothing_is_as_if_it_had_not_been_bought(held: Rules, told: OutsideEvent) -> None:
    kept = tuple(x for x in told.items if not x.redeemed and x.sku not in held.earning.excluded_skus)
    whole = msgspec.structs.replace(told, amount_cents=amount(told.items))
    without = msgspec.structs.replace(told, amount_cents=amount(kept), items=kept)
    assert decide(held, 1, whole).points == decide(held, 1, without).points
