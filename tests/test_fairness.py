import hashlib
import hmac
from collections import Counter
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameserver.fairness import Draws, Receipts, canonical, commitment, derive, draw, rule_hash

KEY = bytes(range(32))
GRANT = ("r1", "packet", 7, 88, "m1", "s1-1", 3, 1)
rules = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def chi_square(counts: Counter[Any], kinds: int, drawn: int) -> float:
    expected = drawn / kinds
    return sum((count - expected) ** 2 / expected for count in counts.values()) + expected * (
        kinds - len(counts)
    )


# commitment and rules


def test_the_commitment_is_the_published_hash() -> None:
    assert commitment(KEY) == hashlib.sha256(KEY).hexdigest()
    assert commitment(KEY) != commitment(KEY[:-1] + b"\0")


def test_canonical_json_is_that_of_rfc_8785() -> None:
    assert canonical({"b": [1, True, None], "a": {"z": "é€", "y": ""}, "A": 2**53}) == (
        '{"A":9007199254740992,"a":{"y":"","z":"é€"},"b":[1,true,null]}'.encode()
    )


def test_canonical_json_escapes_as_rfc_8785_does() -> None:
    """Section 3.2.2.2: only quote, backslash and control characters, the short form where there is one."""
    text = '\b\t\n\f\r"\\/\x00\x1f\x7f\u2028😀'
    assert canonical({"t": text}) == (
        b'{"t":"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f' + "\x7f\u2028😀".encode() + b'"}'
    )


def test_canonical_json_sorts_keys_by_utf_16() -> None:
    """Section 3.2.3, with its own example: an emoji sorts before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    written = canonical(dict.fromkeys(keys, 0)).decode()
    at = [written.index(("\\r" if key == "\r" else key) + '":') for key in ordered]
    assert at == sorted(at)


def test_floats_are_no_rules() -> None:
    for bad in ({"a": 1.0}, {"a": [1, {"b": 2.5}]}, {"a": {"b": float("nan")}}, {"a": (1, 2.0)}):
        with pytest.raises(TypeError):
            canonical(bad)


@given(st.dictionaries(st.text(max_size=5), rules, max_size=5), st.randoms())
def test_the_rule_hash_knows_no_order_of_keys_but_every_value(mapping: dict[str, Any], random: Any) -> None:
    items = list(mapping.items())
    random.shuffle(items)
    assert rule_hash(dict(items)) == rule_hash(mapping)
    assert rule_hash({**mapping, "another": 1}) != rule_hash({**mapping, "another": 2})
    assert rule_hash(mapping) == hashlib.sha256(canonical(mapping)).hexdigest()


# draws


def test_derived_keys_are_hmacs_of_their_purpose() -> None:
    assert derive(KEY, "rain", "r1", 3, "m1") == hmac.new(KEY, b"rain|r1|3|m1", hashlib.sha256).digest()
    assert len({derive(KEY, *parts) for parts in (("a",), ("b",), ("a", 1), ("a", 1, 2))}) == 4


def test_a_stream_can_be_recomputed_by_anyone() -> None:
    words = [
        int.from_bytes(hmac.new(KEY, block.to_bytes(8, "big"), hashlib.sha256).digest()[at : at + 4], "big")
        for block in range(3)
        for at in range(0, 32, 4)
    ]
    draws = Draws(KEY)
    assert [draws.below(2**32) for _ in words] == words
    again = Draws(KEY)
    assert [again.below(256) for _ in words] == [word % 256 for word in words]


def test_words_that_would_favour_small_values_are_thrown_away() -> None:
    """With a bound of 2^31 + 1 nearly half of all words must go."""
    bound = 2**31 + 1
    words, draws = Draws(KEY), Draws(KEY)
    kept = [word for word in (words.below(2**32) for _ in range(400)) if word < bound]
    assert 150 < len(kept) < 250
    assert [draws.below(bound) for _ in kept] == kept


@given(st.binary(min_size=1, max_size=64), st.integers(1, 2**32))
def test_a_draw_is_below_its_bound(key: bytes, bound: int) -> None:
    draws = Draws(key)
    assert all(0 <= draws.below(bound) < bound for _ in range(5))


@given(st.integers(-(2**31), 2**31), st.integers(0, 2**31))
def test_a_draw_lies_between_both_ends(low: int, width: int) -> None:
    draws = Draws(KEY)
    assert all(low <= draws.between(low, low + width) <= low + width for _ in range(5))


@pytest.mark.parametrize("bound", [2, 3, 7, 10, 97])
def test_draws_are_unbiased(bound: int) -> None:
    draws = Draws(derive(KEY, "chi", bound))
    drawn = 20_000
    counts = Counter(draws.below(bound) for _ in range(drawn))
    # five standard deviations above the mean of chi-square: one run in a million for an honest stream
    assert chi_square(counts, bound, drawn) < (bound - 1) + 5 * (2 * (bound - 1)) ** 0.5 + 5


def test_every_order_of_a_shuffle_is_equally_likely() -> None:
    draws = Draws(derive(KEY, "shuffle"))
    counts: Counter[tuple[int, ...]] = Counter()
    drawn = 24 * 800
    for _ in range(drawn):
        items = [1, 2, 3, 4]
        draws.shuffle(items)
        counts[tuple(items)] += 1
    assert set(counts) == set(permutations((1, 2, 3, 4)))
    assert chi_square(counts, 24, drawn) < 23 + 5 * 46**0.5 + 5


@given(st.lists(st.integers(), max_size=50))
def test_a_shuffle_loses_and_adds_nothing(items: list[int]) -> None:
    shuffled, again = list(items), list(items)
    Draws(KEY).shuffle(shuffled)
    Draws(KEY).shuffle(again)
    assert shuffled == again
    assert sorted(shuffled) == sorted(items)


# a command's draws


def words_of(*parts: object) -> list[int]:
    digest = hmac.new(KEY, "|".join(map(str, parts)).encode(), hashlib.sha256).digest()
    return [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]


def test_a_commands_number_is_the_first_word_that_favours_nothing() -> None:
    rejected = 0
    for n in range(400):
        bound = 2**31 + 1  # nearly every second word is thrown away
        command = ("draw", "r1", "m1", "s1-1", 7, n)
        words = [*words_of(*command), *words_of(*command, 1), *words_of(*command, 2)]
        expected = next(word for word in words if word < bound)
        assert draw(KEY, "r1", "m1", "s1-1", 7, n, bound) == expected % bound
        rejected += words.index(expected) >= 8
    assert rejected, "no draw needed a second block"


def test_numbers_of_a_command_differ_by_all_that_names_them() -> None:
    named = ["r1", "m1", "s1-1", 7, 0]
    numbers = [draw(KEY, *named, 2**32)]  # type: ignore[arg-type]
    for place, other in enumerate(["r2", "m2", "s1-2", 8, 1]):
        numbers.append(draw(KEY, *[*named[:place], other, *named[place + 1 :]], 2**32))  # type: ignore[arg-type, list-item]
    numbers.append(draw(KEY[::-1], *named, 2**32))  # type: ignore[arg-type]
    assert len(set(numbers)) == 7


@pytest.mark.parametrize("bound", [1, 2, 7, 100])
def test_numbers_of_commands_are_unbiased(bound: int) -> None:
    drawn = Counter(draw(KEY, "r1", f"m{ref % 5}", "s1-1", ref, 0, bound) for ref in range(10_000))
    assert set(drawn) <= set(range(bound))
    assert chi_square(drawn, bound, 10_000) < bound + 6 * (2 * bound) ** 0.5


# receipts


def test_a_receipt_is_the_documented_hmac() -> None:
    signed = hmac.new(KEY, b"r1|packet|7|88|m1|s1-1|3|1", hashlib.sha256).hexdigest()
    assert Receipts(KEY).sign(*GRANT) == signed[:32]
    assert Receipts(KEY).sign(*GRANT) == signed[:32]


def test_a_receipt_holds_for_its_grant_alone() -> None:
    receipts = Receipts(KEY)
    receipt = receipts.sign(*GRANT)
    assert receipts.holds(receipt, *GRANT)
    changed: list[tuple[Any, ...]] = [
        tuple(
            (value + 1 if isinstance(value, int) else value + "x") if place == at else value
            for place, value in enumerate(GRANT)
        )
        for at in range(len(GRANT))
    ]
    assert not any(receipts.holds(receipt, *grant) for grant in changed)
    assert len({receipts.sign(*grant) for grant in changed}) == len(changed)


@settings(max_examples=50)
@given(st.text(alphabet="0123456789abcdef", min_size=32, max_size=32) | st.text(max_size=40))
def test_a_forged_receipt_does_not_hold(forged: str) -> None:
    receipts = Receipts(KEY)
    if forged != receipts.sign(*GRANT):
        assert not receipts.holds(forged, *GRANT)


def test_another_servers_receipt_does_not_hold() -> None:
    assert not Receipts(KEY).holds(Receipts(KEY[::-1]).sign(*GRANT), *GRANT)


def test_fields_cannot_slide_into_each_other() -> None:
    """Ids hold no separator, so "a|b" + "c" and "a" + "b|c" cannot both exist; numbers cannot either."""
    receipts = Receipts(KEY)
    assert receipts.sign("r1", "p", 11, 1, "m", "s", 1, 1) != receipts.sign("r1", "p", 1, 11, "m", "s", 1, 1)
    assert receipts.sign("r", "1p", 1, 1, "m", "s", 1, 1) != receipts.sign("r1", "p", 1, 1, "m", "s", 1, 1)
