from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.terms import Caps, Expiry, Reversal, Terms, decode_terms, encode_terms

points = st.one_of(st.none(), st.integers(1, 10**12))
drawn_terms = st.builds(
    Terms,
    timezone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]),
    caps=st.builds(Caps, day=points, month=points, year=points),
    expiry=st.sampled_from(Expiry),
    months=st.sampled_from([12, 24, 600]),
    reversal=st.sampled_from(Reversal),
    transfer_per_day=points,
    remind_days=st.lists(st.integers(1, 365), max_size=4).map(tuple),
)


@given(drawn_terms)
def test_terms_are_the_same_after_writing_and_reading(terms: Terms) -> None:
    assert decode_terms(encode_terms(terms)) == terms


def test_nothing_said_is_the_defaults_and_the_defaults_say_nothing() -> None:
    assert decode_terms("{}") == Terms()
    assert encode_terms(Terms()) == b"{}"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"timezone": "Asia/Atlantis"}, "Atlantis"),
        ({"timezone": "../../etc/passwd"}, "passwd"),
        ({"timezone": "Asia"}, "Asia"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "a\0b"}, "timezone"),
        ({"timezone": 8}, "timezone"),
        ({"caps": {"day": 0}}, "caps.day"),
        ({"caps": {"month": -1}}, "caps.month"),
        ({"caps": {"year": 10**12 + 1}}, "caps.year"),
        ({"expiry": "sometimes"}, "expiry"),
        ({"expiry": "fixed", "months": 0}, "at least one month"),
        ({"expiry": "year_end", "months": 6}, "multiple of 12"),
        ({"expiry": "monthly", "months": 601}, "months"),
        ({"reversal": "maybe"}, "reversal"),
        ({"transfer_per_day": 0}, "transfer_per_day"),
        ({"transfer_per_day": 1.5}, "transfer_per_day"),
        ({"remind_days": [0]}, "remind_days"),
        ({"remind_days": [366]}, "remind_days"),
        ({"remind_day": [7]}, "remind_day"),
    ],
)
def test_terms_that_do_not_fit_are_refused_by_name(body: dict[str, Any], names: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=names):
        decode_terms(msgspec.json.encode(body))


@pytest.mark.parametrize("months", [0, 12])
def test_a_month_more_or_none_is_for_the_policies_that_take_them(months: int) -> None:
    assert Terms(expiry=Expiry.YEAR_END, months=months).months == months
    assert Terms(expiry=Expiry.MONTHLY, months=months).months == months
