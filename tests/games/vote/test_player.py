from typing import Any

from gameserver.games import game_named
from gameserver.games.game import Player
from tests.games.votes import voting
from tests.store.lanes import PlayedLane, record_of


def player(snapshot: dict[str, Any] | None = None, **fields: Any) -> Player:
    from redis.asyncio import Redis

    plan = PlayedLane(Redis(), record_of("vote", voting(**fields), 1_790_000_000_000)).plan
    fresh = {
        "today": {}, "left_today": None, "left_total": None, "voted": False, "votes": None,
        "voting_opens_at": None, "closes_at": 0,
    }  # fmt: skip
    return game_named("vote").player(plan.public(), {**fresh, **(snapshot or {})})


def ballots(player: Player, most: int = 100) -> list[list[str]]:
    found: list[list[str]] = []
    while len(found) < most and (wish := player.next(2_000)) is not None:
        assert wish[0] <= 2_000
        found.append(wish[1]["choices"])
    return found


def test_it_votes_as_often_as_it_may() -> None:
    assert len(ballots(player({"left_today": 3, "left_total": 7}))) == 3
    assert len(ballots(player({"left_today": 3, "left_total": 2}))) == 2
    assert ballots(player({"left_today": 0})) == []
    assert len(ballots(player(), 50)) == 50, "nothing limits them"


def test_it_names_whom_it_may_still_name() -> None:
    limited = {"per_contestant_per_day": 2, "choose_min": 2, "choose_max": 2}
    found = ballots(
        player({"votes": {"c0001": 5, "c0002": 1, "c0003": 0}, "today": {"c0001": 1}}, ballots=limited)
    )
    names = [name for ballot in found for name in ballot]
    assert names.count("c0001") <= 1
    assert max(names.count(name) for name in ("c0002", "c0003")) <= 2
    assert all(len(set(ballot)) == 2 for ballot in found)


def test_it_waits_for_the_opening_of_voting() -> None:
    assert (player({"voting_opens_at": 9_000}).next(1_000) or (0,))[0] == 9_000


def test_it_learns_how_many_there_are() -> None:
    one = player(ballots={"choose_min": 5, "choose_max": 5})
    assert one.next(0) is None
    one.heard({"ev": "tally", "contestants": 8})
    assert one.next(0) is not None
