from typing import Any

import pytest

from tests.games.rains import rain, scored
from tests.games.test_room_config import prize, problems

DOUBLE_MEAN = {"mode": "double_mean", "total_points": 100, "count": 10, "min": 1, "max": 20}


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"rounds": []}, "rounds", "at least 1"),
        ({"rounds": [{}]}, "rounds.0", "exactly one of start and gap_ms"),
        (
            {"rounds": [{"gap_ms": 0}, {"gap_ms": 0, "start": "2026-09-20T20:00:00Z"}]},
            "rounds.1",
            "exactly one of start and gap_ms",
        ),
        ({"rounds": [{"start": "2026-09-20T20:00:00Z", "times": 2}]}, "rounds.0", "comes once"),
        ({"rounds": [{"gap_ms": -1}]}, "rounds.0.gap_ms", "greater than or equal to 0"),
        ({"rounds": [{"gap_ms": 0, "countdown_ms": 2999}]}, "rounds.0.countdown_ms", "3000"),
        ({"rounds": [{"gap_ms": 0, "countdown_ms": 10_001}]}, "rounds.0.countdown_ms", "10000"),
        ({"rounds": [{"gap_ms": 0, "duration_ms": 4999}]}, "rounds.0.duration_ms", "5000"),
        ({"rounds": [{"gap_ms": 0, "duration_ms": 60_001}]}, "rounds.0.duration_ms", "60000"),
        ({"rounds": [{"gap_ms": 0, "length": 1}]}, "rounds.0.length", "Extra inputs are not permitted"),
        ({"drops_per_member": 4}, "drops_per_member", "greater than or equal to 5"),
        ({"drops_per_member": 2001}, "drops_per_member", "less than or equal to 2000"),
        ({"packet_share": 0}, "packet_share", "greater than or equal to 1"),
        ({"bomb_share": 51}, "bomb_share", "less than or equal to 50"),
        ({"max_grabs_per_round": 0}, "max_grabs_per_round", "greater than or equal to 1"),
        ({"amounts": {"mode": "fixed", "count": 1, "amount": -1}}, "amounts.amount", "greater than"),
        ({"amounts": {"mode": "fixed", "count": -1, "amount": 1}}, "amounts.count", "greater than"),
        ({"amounts": DOUBLE_MEAN | {"total_points": -100}}, "amounts.total_points", "greater"),
        ({"amounts": DOUBLE_MEAN | {"total_points": 9}}, "amounts", "cannot be split"),
        ({"amounts": DOUBLE_MEAN | {"total_points": 201}}, "amounts", "cannot be split"),
        ({"amounts": DOUBLE_MEAN | {"min": 11}}, "amounts", "cannot be split"),
        ({"amounts": DOUBLE_MEAN | {"mean": 3}}, "amounts.mean", "Extra inputs"),
        ({"amounts": {"mode": "list", "tiers": []}}, "amounts.tiers", "at least 1"),
        (
            {"amounts": {"mode": "list", "tiers": [{"amount": 1, "count": 1}, {"amount": -3, "count": 1}]}},
            "amounts.tiers.1.amount",
            "greater than or equal to 1",
        ),
        ({"amounts": {"mode": "gauss"}}, "amounts", "double_mean"),
        ({"amounts": None}, "config", "exactly one of amounts and score_mode"),
        (
            {"score_mode": {"tiers": [{"places": 1, "points": 1}]}},
            "config",
            "exactly one of amounts and score_mode",
        ),
        ({"prizes": [prize(id="packet")]}, "config", "'packet'"),
    ],
)
def test_an_error_names_its_field(fields: dict[str, Any], path: str, text: str) -> None:
    found = problems(**fields)
    assert list(found) == [path]
    assert text in found[path]


def test_score_mode_has_places_and_nothing_else_to_win() -> None:
    assert "rare packets need amounts" in problems(**{**scored(), "prizes": [prize()]})["config"]
    assert (
        "places" in problems(**{**scored(), "prizes": [prize(id="place", kind="points", value=1)]})["config"]
    )
    tiers = {"score_mode": {"tiers": [{"places": 0, "points": 1}]}}
    assert "greater than or equal to 1" in problems(**{**scored(), **tiers})["score_mode.tiers.0.places"]


def test_a_list_holds_no_more_packets_than_the_other_modes() -> None:
    """fixed and double_mean stop at a million packets a round; a list is read and dealt in memory too."""
    tiers = [{"amount": 1, "count": 1_000_000}, {"amount": 2, "count": 1}]
    assert "packets" in str(problems(amounts={"mode": "list", "tiers": tiers}))


def test_the_example_of_the_tests_is_valid() -> None:
    assert rain()["rounds"]
