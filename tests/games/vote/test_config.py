from typing import Any

import pytest

from gameserver.errors import Refused
from gameserver.staff.lifecycle import validated
from tests.games.test_room_config import prize
from tests.games.votes import voting

EARLY, LATE = "2026-09-20T20:00:00+08:00", "2026-09-21T20:00:00+08:00"


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"ballots": {"per_day": 0}}, "ballots.per_day", "greater than or equal to 1"),
        ({"ballots": {"total": 0}}, "ballots.total", "greater than or equal to 1"),
        ({"ballots": {"choose_min": 0}}, "ballots.choose_min", "greater than or equal to 1"),
        ({"ballots": {"choose_max": 21}}, "ballots.choose_max", "less than or equal to 20"),
        ({"ballots": {"choose_min": 3, "choose_max": 2}}, "ballots", "must not be more than choose_max"),
        ({"ballots": {"weights": [{"level": "g", "weight": 0}]}}, "ballots.weights.0.weight", "greater than"),
        (
            {"ballots": {"weights": [{"level": "g", "weight": 1}] * 2}},
            "ballots",
            "levels of weights must differ",
        ),
        ({"results": "sometimes"}, "results", "Input should be"),
        ({"signup": {"opens_at": LATE, "closes_at": EARLY}}, "signup", "later than opens_at"),
        ({"signup": {"media_max": 10}}, "signup.media_max", "less than or equal to 9"),
        ({"voting_opens_at": LATE, "closes_at": EARLY}, "config", "later than voting_opens_at"),
        ({"voting_opens_at": "2026-09-20T20:00:00"}, "voting_opens_at", "timezone"),
        ({"groups": ["a", "a"]}, "groups", "groups must differ"),
        ({"groups": [""]}, "groups", "1 to 40 printable characters"),
        ({"groups": ["a\nb"]}, "groups", "1 to 40 printable characters"),
        ({"review": {"votes_per_minute": 0}}, "review.votes_per_minute", "greater than or equal to 1"),
        ({"prizes": [prize()]}, "config", "a vote gives no prizes"),
        ({"comments": True}, "comments", "Extra inputs"),
    ],
)
def test_a_config_that_does_not_fit_is_told_by_path(fields: dict[str, Any], path: str, text: str) -> None:
    with pytest.raises(Refused) as refused:
        validated("vote", voting(**fields))
    assert refused.value.code == "bad_config"
    assert text in (refused.value.fields or {})[path]
