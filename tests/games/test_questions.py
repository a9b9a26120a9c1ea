"""Questions, GAMES.md: six kinds, options shuffled per member, graded by what the member saw."""

from collections import Counter
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gameserver.fairness import rule_hash
from gameserver.games.questions import (
    AnyQuestion,
    Given,
    Multiple,
    Number,
    Order,
    Single,
    Text,
    TrueFalse,
    graded,
    options_of,
    plain,
    screen_order,
    shown_options,
    shown_order,
    solution,
    typed_number,
)
from tests.games.asked import SAMPLES, decimals, draws, question, questions, samples

CHOSEN = ("single", "multiple", "true_false", "order")


def told(asked: AnyQuestion, order: list[int]) -> Given:
    """The answer that the solution tells."""
    right = solution(asked, order)
    if "number" in right:
        return Given(number=right["number"]["max"])
    return Given(text=right["text"][-1]) if "text" in right else Given(choices=right["choices"])


# what fits


@pytest.mark.parametrize(
    ("fields", "at", "why"),
    [
        ({"kind": "single", "options": ["a", "b"], "right": 2}, (), "there is no option 2"),
        ({"kind": "single", "options": ["a"], "right": 0}, ("options",), "at least 2"),
        ({"kind": "single", "options": list("abcdefghijk"), "right": 0}, ("options",), "at most 10"),
        ({"kind": "single", "options": ["Ａ b", "A  b "], "right": 0}, ("options",), "options must differ"),
        ({"kind": "single", "options": ["a", "b"], "right": True}, ("right",), "valid integer"),
        ({"kind": "single", "options": ["a", "b"]}, ("right",), "required"),
        ({"kind": "multiple", "options": ["a", "b"], "right": [0, 3]}, (), "there is no option 3"),
        ({"kind": "multiple", "options": ["a", "b"], "right": [0, 0]}, ("right",), "places must differ"),
        ({"kind": "multiple", "options": ["a", "b"], "right": []}, ("right",), "at least 1"),
        ({"kind": "true_false", "right": 1}, ("right",), "valid boolean"),
        ({"kind": "true_false", "right": True, "options": ["a", "b"]}, ("options",), "not permitted"),
        ({"kind": "order", "options": ["a", "b"]}, ("options",), "at least 3"),
        ({"kind": "number", "right": {"min": "2", "max": "1.9"}}, ("right",), "greater than max"),
        ({"kind": "number", "right": {"min": "NaN", "max": "1"}}, ("right", "min"), "match pattern"),
        ({"kind": "number", "right": {"min": "1e2", "max": "1"}}, ("right", "min"), "match pattern"),
        ({"kind": "number", "right": {"min": 1.5, "max": "2"}}, ("right", "min"), "valid string"),
        ({"kind": "text", "right": ["x"] * 21}, ("right",), "at most 20"),
        ({"kind": "text", "right": ["\u200b "]}, ("right", 0), "something that can be read"),
        ({"kind": "text", "right": ["x"], "text": "a\0b"}, ("text",), "control characters"),
        ({"kind": "text", "right": ["x"], "text": " "}, ("text",), "at least 1"),
        ({"kind": "text", "right": ["x"], "tags": ["a,b"]}, ("tags", 0), "match pattern"),
        ({"kind": "text", "right": ["x"], "tags": ["a", "a"]}, ("tags",), "tags must differ"),
        ({"kind": "text", "right": ["x"], "difficulty": 6}, ("difficulty",), "less than or equal to 5"),
        ({"kind": "text", "right": ["x"], "image": "javascript:alert(1)"}, ("image",), "match pattern"),
    ],
)
def test_what_is_no_question_is_told_by_its_field(
    fields: dict[str, Any], at: tuple[Any, ...], why: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        question(**fields)
    problems = {problem["loc"][1:]: problem["msg"] for problem in raised.value.errors()}
    assert why in problems[at]


def test_words_are_trimmed_and_their_lines_end_alike() -> None:
    asked = question(kind="text", text="  一\r\n二\r ", right=[" a "], explanation="\t因为 ")
    assert (asked.text, asked.right, asked.explanation) == ("一\n二", ("a",), "因为")  # type: ignore[union-attr]


@given(questions())
def test_a_question_is_the_same_after_json_and_can_be_hashed_as_a_rule(asked: AnyQuestion) -> None:
    rules = asked.model_dump(mode="json")
    assert question(**rules) == asked
    assert rule_hash(rules) == rule_hash(question(**rules).model_dump(mode="json"))


# what is shown


@given(questions(), st.integers(0, 2**64))
def test_every_option_is_shown_once(asked: AnyQuestion, key: int) -> None:
    for order in (shown_order(asked, draws(key)), screen_order(asked, draws(key))):
        assert sorted(order) == list(range(2 if isinstance(asked, TrueFalse) else len(options_of(asked))))
        assert sorted(shown_options(asked, order)) == sorted(options_of(asked))


def test_options_are_shuffled_evenly() -> None:
    single = question(kind="single", options=["a", "b", "c"], right=0)
    seen = Counter(tuple(shown_order(single, draws(key))) for key in range(6000))
    assert set(seen) == set(permutations(range(3)))
    # chi-square of 5 degrees: 20.5 comes once in a thousand; the keys are fixed, so it comes always or never
    assert sum((count - 1000) ** 2 / 1000 for count in seen.values()) < 20.5


def test_an_order_question_never_shows_the_right_order_to_anyone() -> None:
    asked = question(kind="order", options=["a", "b", "c"])
    for show in (shown_order, screen_order):
        seen = Counter(tuple(show(asked, draws(key))) for key in range(5000))
        assert set(seen) == set(permutations(range(3))) - {(0, 1, 2)}
        assert sum((count - 1000) ** 2 / 1000 for count in seen.values()) < 18.5


def test_true_and_false_stay_in_place_and_the_screen_shows_options_as_written() -> None:
    for key in range(50):
        assert shown_order(question(kind="true_false", right=True), draws(key)) == [0, 1]
        assert screen_order(question(kind="single", options=["a", "b"], right=1), draws(key)) == [0, 1]


# what is right


@given(questions(), st.integers(0, 2**64))
def test_the_solution_is_right_in_whatever_order_it_is_shown(asked: AnyQuestion, key: int) -> None:
    order = shown_order(asked, draws(key))
    assert graded(asked, told(asked, order), order)
    assert solution(asked, order)["explanation"] == asked.explanation


@given(questions(kinds=CHOSEN), st.integers(0, 2**64), st.data())
def test_choices_are_right_if_they_are_the_solution_and_only_then(
    asked: AnyQuestion, key: int, data: st.DataObject
) -> None:
    order = shown_order(asked, draws(key))
    places = list(range(len(order)))
    some = {
        Single: st.sampled_from(places).map(lambda place: [place]),
        TrueFalse: st.sampled_from(places).map(lambda place: [place]),
        Multiple: st.lists(st.sampled_from(places), min_size=1, unique=True),
        Order: st.permutations(places),
    }
    choices = data.draw(some[type(asked)])
    # by what is written, without the order that was shown
    written = [order[place] for place in choices]
    match asked:
        case Single():
            right = written == [asked.right]
        case Multiple():
            right = set(written) == set(asked.right)
        case TrueFalse():
            right = (choices == [0]) is asked.right
        case _:
            right = written == sorted(written)
    assert graded(asked, Given(choices=choices), order) is right


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["kind"] for sample in SAMPLES])
@pytest.mark.parametrize(
    "answer",
    [
        Given(),
        Given(choices=[]),
        Given(choices=[0, 0]),
        Given(choices=[-1]),
        Given(choices=[4]),
        Given(choices=[0], text="a"),
        Given(number="1", text="1"),
        Given(number="1e2"),
        Given(number="Infinity"),
        Given(number="1,000"),
        Given(number=""),
        Given(number="1" * 19),
        Given(number="3" * 10**6),
        Given(text=""),
        Given(text=" \u200b\u3000"),
        Given(text="x" * 201),
    ],
)
def test_an_answer_that_does_not_fit_is_no_answer(sample: dict[str, Any], answer: Given) -> None:
    asked = question(**sample)
    with pytest.raises(ValueError, match=r"asked for|exactly one|choices|number"):
        graded(asked, answer, shown_order(asked, draws()))


def test_an_answer_of_another_kind_is_no_answer() -> None:
    fitting = {
        "single": "choices",
        "multiple": "choices",
        "true_false": "choices",
        "number": "number",
        "text": "text",
    }
    answers = {"choices": Given(choices=[0]), "number": Given(number="1"), "text": Given(text="1")}
    for asked in samples():
        order = shown_order(asked, draws())
        for form, answer in answers.items():
            if fitting.get(asked.kind) == form:
                graded(asked, answer, order)
            else:
                with pytest.raises(ValueError, match=r"asked for|choices"):
                    graded(asked, answer, order)


def test_a_part_of_the_right_set_is_wrong_and_so_is_more_than_it() -> None:
    asked = question(kind="multiple", options=["a", "b", "c", "d"], right=[0, 2])
    order = [3, 2, 1, 0]  # the right ones are shown in places 1 and 3
    rights = {
        choices: graded(asked, Given(choices=choices), order)
        for choices in [(1, 3), (3, 1), (1,), (3,), (0, 1, 3), (0, 2)]
    }
    assert [choices for choices, right in rights.items() if right] == [(1, 3), (3, 1)]


@given(decimals(), decimals(), decimals())
def test_a_number_is_right_within_the_range_and_at_both_ends(one: str, other: str, typed: str) -> None:
    low, high = sorted([one, other], key=Decimal)
    asked = question(kind="number", right={"min": low, "max": high})
    assert isinstance(asked, Number)
    assert graded(asked, Given(number=typed), []) is (Decimal(low) <= Decimal(typed) <= Decimal(high))
    assert graded(asked, Given(number=low), [])
    assert graded(asked, Given(number=high + "0"), [])


@pytest.mark.parametrize("typed", ["3.5", "3.50", "03.5", "+3.5", " 3.5 ", "３．５", "3。5", "３.5　"])
def test_a_number_is_read_as_people_type_it(typed: str) -> None:
    assert typed_number(typed) == Decimal("3.5")


def test_signs_and_points_are_read_as_phones_write_them() -> None:
    assert [typed_number(text) for text in ("−2", "－2", "-2.", "-2.00")] == [Decimal(-2)] * 4
    assert typed_number(".5") == Decimal("0.5")
    # more digits than a float holds: a tenth of a thousandth beside the end of the range is wrong
    asked = question(kind="number", right={"min": "9007199254740993", "max": "9007199254740993"})
    assert graded(asked, Given(number="9007199254740993"), [])
    assert not graded(asked, Given(number="9007199254740992"), [])
    assert not graded(asked, Given(number="9007199254740993.0001"), [])


@pytest.mark.parametrize(
    "typed", ["李白", " 李白 ", "LI BAI", "li  bai", "Ｌｉ　Ｂａｉ", "Li\u200b Bai", "李\ufeff白"]
)
def test_a_text_is_right_however_it_is_typed(typed: str) -> None:
    asked = question(kind="text", right=["李白", "Li Bai"])
    assert isinstance(asked, Text)
    assert graded(asked, Given(text=typed), [])


@pytest.mark.parametrize("typed", ["李", "李白白", "LiBai", "杜甫", "李白|Li Bai"])
def test_a_text_that_says_something_else_is_wrong(typed: str) -> None:
    assert not graded(question(kind="text", right=["李白", "Li Bai"]), Given(text=typed), [])


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_spaces_around_a_text_and_its_case_do_not_matter(text: str) -> None:
    assert plain(f"\u3000 {text}\n") == plain(text) == plain(text.casefold())
