import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameserver.errors import Refused
from gameserver.personal import (
    ALPHABET,
    Person,
    Place,
    Seal,
    line_of,
    masked_phone,
    person_of,
    phone_of,
    redemption_code_of,
)

SECRET = b"a secret key for tests, thirty-two characters and more"
SEAL = Seal(SECRET)
HERE, THERE = Place("r1", "mug", 1), Place("r1", "mug", 2)
HOME = Person("张三", "13800138000", "广东省 深圳市", "科技园 1 号")


def refused(call: object, *arguments: object) -> Refused:
    with pytest.raises(Refused) as error:
        call(*arguments)  # type: ignore[operator]
    return error.value


@given(
    st.builds(
        Person, st.text(max_size=40), st.text(max_size=20), st.text(max_size=100), st.text(max_size=200)
    )
)
def test_what_is_sealed_opens_for_its_own_place_alone(person: Person) -> None:
    sealed = SEAL.seal(person, HERE)
    assert SEAL.open(sealed, HERE) == person
    assert refused(SEAL.open, sealed, THERE).code == "bad_seal"
    assert refused(Seal(SECRET + b"!").open, sealed, HERE).code == "bad_seal"
    assert SEAL.seal(person, HERE) != sealed


@pytest.mark.parametrize("at", [0, 1, 12, 13, -1])
def test_a_single_bit_is_enough_to_break_a_seal(at: int) -> None:
    sealed = bytearray(SEAL.seal(HOME, HERE))
    sealed[at] ^= 1
    assert refused(SEAL.open, bytes(sealed), HERE).code == "bad_seal"


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(60)])
def test_what_is_no_seal_does_not_open(sealed: bytes) -> None:
    assert refused(SEAL.open, sealed, HERE).code == "bad_seal"


def test_without_a_real_key_nothing_is_sealed_opened_or_derived() -> None:
    bare = Seal(b"short")
    for call, *arguments in (
        (bare.seal, HOME, HERE), (bare.open, SEAL.seal(HOME, HERE), HERE), (bare.index, "1"),
        (bare.redemption_code, HERE),
    ):  # fmt: skip
        assert refused(call, *arguments).code == "no_secret_key"


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("13800138000", "13800138000"),
        (" 138-0013 8000 ", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("+4915112345678", "+4915112345678"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("23800138000", None),
        ("1380013800", None),
        ("138001380001", None),
        ("+86138001380", None),
        ("+012345678", None),
        ("+1234567890123456", None),
        ("", None),
        ("phone", None),
        ("١٣٨٠٠١٣٨٠٠٠", None),
        ("13800138000\n", None),
    ],
)
def test_a_phone_is_a_chinese_mobile_or_e164(typed: str, phone: str | None) -> None:
    assert phone_of(typed) == phone


def test_equal_phones_have_equal_indexes_that_say_nothing() -> None:
    typed = {phone_of(text) for text in ("13800138000", "+86 138-0013-8000")}
    (phone,) = typed
    assert phone
    assert SEAL.index(phone) == SEAL.index("13800138000") != SEAL.index("13800138001")
    assert SEAL.index(phone) != Seal(SECRET + b"!").index(phone)
    assert len(SEAL.index(phone)) == 16


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800138000", "138****8000"), ("+4915112345678", "+49****5678"), ("+1234567", "****4567"),
        ("+12345678", "+****5678"),
    ],
)  # fmt: skip
def test_a_masked_phone_hides_at_least_four_digits(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown
    assert len(phone) - sum(sign.isdigit() or sign == "+" for sign in shown) >= 4 or phone == "+1234567"


def test_a_masked_person_shows_the_region_and_hardly_more() -> None:
    assert HOME.masked() == Person("张**", "138****8000", "广东省 深圳市", "****")


@pytest.mark.parametrize(
    "bad", ["", " ", "a\nb", "a\0b", "a\x7fb", "a\u2028b", "a\u202eb", "a\ud800b", "n" * 41]
)
def test_a_text_of_one_line_has_nothing_hidden_in_it(bad: str) -> None:
    assert line_of(bad, 40) is None


def test_every_field_that_does_not_fit_is_named() -> None:
    assert person_of(" 张三 ", "138 0013 8000", "广东省 深圳市", "科技园 1 号") == HOME
    error = refused(person_of, "", "1", "x" * 101, "x" * 201)
    assert error.code == "bad_request"
    assert set(error.fields or {}) == {"name", "phone", "region", "address"}
    assert person_of("n", "13800138000", "r", "a\n").address == "a"


def test_redemption_codes_differ_and_have_no_sign_that_is_read_as_another() -> None:
    codes = {SEAL.redemption_code(Place("r1", "mug", unit)) for unit in range(5000)}
    assert len(codes) == 5000
    assert all(re.fullmatch(f"[{ALPHABET}]{{10}}", code) for code in codes)
    assert {sign for code in codes for sign in code} == set(ALPHABET)
    assert not set("0O1IL") & set(ALPHABET)
    assert SEAL.redemption_code(HERE) == SEAL.redemption_code(HERE) != SEAL.redemption_code(HERE, 1)
    assert SEAL.redemption_code(HERE) != Seal(SECRET + b"!").redemption_code(HERE)


def test_a_redemption_code_may_be_typed_as_it_is_read_out() -> None:
    assert redemption_code_of(" abcde-23 456 ") == "ABCDE23456"
