from collections.abc import Mapping
from typing import Any

import pytest

from gameserver.errors import Refused
from gameserver.staff.lifecycle import validated
from tests.games.wheels import THANKS, WHEEL, points, prize, wheel

COINS = points("coins", 1, 5, stock=None, fallback=None)
LAST = "without a fallback"
EVERYONE = {"audience": {"match": "everyone"}, "weights": {"mug": 1}}


def problems(*prizes: Mapping[str, Any], **fields: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        validated(WHEEL, wheel(*prizes, **fields))
    assert refused.value.code == "bad_config"
    assert refused.value.fields
    return dict(refused.value.fields)


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"appearance": "roulette"}, "appearance", "wheel"),
        ({"ten_draw": 1}, "ten_draw", "boolean"),
        ({"prizes": [THANKS]}, "prizes", "at least 2"),
        ({"prizes": [THANKS, *(prize(f"p{n}", 1) for n in range(12))]}, "prizes", "at most 12"),
        ({"prizes": [prize("a", 1, fallback=None), prize("b", 1, fallback=None), THANKS]}, "prizes", LAST),
        ({"prizes": [prize("a", 1, fallback="b"), prize("b", 1, fallback="a")]}, "prizes", LAST),
        ({"prizes": [prize("a", 1, fallback=None), prize("b", 1, fallback="a")]}, "prizes", "kind none"),
        (
            {"prizes": [points("a", 1, 5, fallback=None), prize("b", 1, fallback="a")]},
            "prizes",
            "'a' must be of kind none",
        ),
        (
            {
                "prizes": [{**COINS, "per_member": 3}, prize("b", 1, fallback="coins")],
                "points_budget": 100,
            },
            "prizes",
            "always be there",
        ),
        ({"prizes": [prize("a", 1), {**THANKS, "unlock_after": 1}]}, "prizes", "always be there"),
        (
            {"prizes": [prize("a", 1, fallback="b"), prize("b", 1, unlock_after=2), THANKS]},
            "prizes",
            "'a' falls back to 'b', which is locked for longer",
        ),
        ({"prizes": [prize("a", 0), {**THANKS, "weight": 0}]}, "prizes", "must sum to 1"),
        (
            {"prizes": [*(prize(f"p{n}", 10**9) for n in range(5)), THANKS]},
            "prizes",
            f"must sum to 1 to {2**32 - 1}, not 5000000050",
        ),
        ({"prizes": [prize("a", 1, unlock_after=-1), THANKS]}, "prizes.0.unlock_after", "greater than"),
        ({"prizes": [prize("a", -1), THANKS]}, "prizes.0.weight", "greater than"),
        ({"pools": [{"audience": {}, "weights": {}}]}, "pools.0.weights", "at least 1"),
        ({"pools": [{"audience": {}, "weights": {"mug": 0}}]}, "pools", "pool 1 must sum to 1"),
        ({"pools": [{"audience": {}, "weights": {"cup": 3}}]}, "pools", "pool 1 name 'cup', which is no"),
        ({"pools": [{"audience": {}, "weights": {"mug": "3"}}]}, "pools.0.weights.mug", "integer"),
        ({"pools": [{**EVERYONE, "audience": {"blocklist": []}}]}, "pools.0.audience.blocklist", "Extra"),
        ({"pools": [EVERYONE, EVERYONE]}, "pools", "only the last pool may be for everyone"),
        ({"pity": {"after": 0, "prizes": ["mug"]}}, "pity.after", "greater than"),
        ({"pity": {"after": 5, "prizes": []}}, "pity.prizes", "at least 1"),
        ({"pity": {"after": 5, "prizes": ["cup"]}}, "pity", "'cup' is no prize"),
        ({"pity": {"after": 5, "prizes": ["thanks"]}}, "pity", "of kind none"),
        ({"pity": {"after": 5, "prizes": ["mug", "mug"]}}, "pity", "must differ"),
        ({"pity": {"after": 5, "prizes": ["mug"], "weights": {"mug": 0}}}, "pity", "must sum to 1"),
        ({"pity": {"after": 5, "prizes": ["mug"], "weights": {"thanks": 1}}}, "pity", "must be of its"),
        (
            {"prizes": [prize("a", 0), THANKS], "pity": {"after": 5, "prizes": ["a"]}},
            "pity",
            "its weights must sum to 1",
        ),
        (
            {"prizes": [prize("a", 1, unlock_after=6), THANKS], "pity": {"after": 5, "prizes": ["a"]}},
            "pity",
            "still be locked after 5 plays",
        ),
        ({"ten_draw": True, "wins": {"per_member": 9}}, "ten_draw", "may win 10 prizes at once"),
        ({"ten_draw": True, "wins": {"per_day": 3}}, "ten_draw", "may win 10 prizes at once"),
        ({"ten_draw": True, "wins": {"min_interval_ms": 1}}, "ten_draw", "may win 10 prizes at once"),
    ],
)  # fmt: skip
def test_a_wheel_that_cannot_be_is_told_by_path(fields: dict[str, Any], path: str, text: str) -> None:
    found = problems(**fields)
    assert list(found) == [path]
    assert text in found[path]


@pytest.mark.parametrize(
    "fields",
    [
        {"ten_draw": True, "wins": {"per_member": 10, "per_day": 10}},
        {"prizes": [prize("a", 1, unlock_after=5), THANKS], "pity": {"after": 5, "prizes": ["a"]}},
        {"pity": {"after": 5, "prizes": ["mug"], "weights": {"mug": 3}}},
        {"pools": [{"audience": {"match": "any_of", "tags": ["x"]}, "weights": {"mug": 1}}, EVERYONE]},
        {"prizes": [{**THANKS, "kind": "chance", "value": 1}, prize("b", 1)]},
        {"prizes": [{**THANKS, "kind": "points", "value": 5}, prize("b", 1)], "points_budget": 5},
        {"prizes": [prize("a", 0), *(prize(f"p{n}", 10**9) for n in range(4)), THANKS]},
    ],
)
def test_a_wheel_that_can_be(fields: dict[str, Any]) -> None:
    assert validated(WHEEL, wheel(**fields))
