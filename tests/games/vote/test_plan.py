from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import MemberId, Sender, SessionId
from gameserver.games.vote.events import Vote
from gameserver.games.vote.plan import VotePlan
from gameserver.wire import Codec, Format
from tests.games.votes import voting
from tests.store.lanes import PlayedLane, record_of

OPENED_AT = 1_790_000_000_000
NOON = 1_790_000_000_000  # 2026-09-21 22:13:20 in Shanghai
TODAY = 20_260_921
ANN = MemberId("ann")


def plan_of(**fields: Any) -> VotePlan:
    plan = PlayedLane(Redis(), record_of("vote", voting(**fields), OPENED_AT)).plan
    assert isinstance(plan, VotePlan)
    return plan


def arguments(plan: VotePlan, *choices: str, levels: tuple[str, ...] = ()) -> Any:
    sender = Sender(ANN, SessionId("s"), frozenset(levels))
    return plan.arguments(sender, Vote(ref=1, choices=list(choices)), NOON)


def test_the_highest_of_a_members_levels_weighs_a_ballot() -> None:
    weights = [{"level": "silver", "weight": 2}, {"level": "gold", "weight": 5}]
    plan = plan_of(ballots={"weights": weights})
    for levels, weight in (((), 1), (("iron",), 1), (("silver",), 2), (("silver", "gold", "iron"), 5)):
        assert arguments(plan, "c0001", levels=levels) == (weight, "c0001")


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        (["c0001"], "too_few_choices"),
        (["c0001", "c0002", "c0003", "c0004"], "too_many_choices"),
        (["c0001", "c0002", "c0001"], "same_choice"),
    ],
)
def test_a_ballot_names_as_many_as_the_room_asks_for(choices: list[str], code: str) -> None:
    plan = plan_of(ballots={"choose_min": 2, "choose_max": 3})
    with pytest.raises(Refused, match=code):
        arguments(plan, *choices)
    assert arguments(plan, "c0001", "c0002") == (1, "c0001", "c0002")


@pytest.mark.parametrize(
    "choices", [[], "c0001", ["x"], ["c"], ["c0001\n"], ["c" + "0" * 8], ["c0001"] * 21, [1], [None], None]
)
def test_what_is_no_ballot_never_reaches_the_rule(choices: Any) -> None:
    frame = msgspec.json.encode({"op": "vote", "ref": 1, "choices": choices})
    with pytest.raises(Refused, match="bad_field"):
        Codec(game_named("vote")).decode(frame, Format.JSON)


def test_a_snapshot_forgets_the_ballots_of_another_day() -> None:
    plan = plan_of(ballots={"per_day": 5, "total": 9})
    view = [TODAY, 3, 7, [["c0001", 2], ["c0002", 1]], False]
    shown = plan.snapshot(ANN, NOON, view)
    assert shown | {"closes_at": 0} == {
        "today": {"c0001": 2, "c0002": 1}, "left_today": 2, "left_total": 2, "voted": True, "votes": None,
        "voting_opens_at": None, "closes_at": 0,
    }  # fmt: skip
    # an hour and 47 minutes later it is tomorrow in Shanghai
    later = plan.snapshot(ANN, NOON + 6_400_000, view)
    assert (later["today"], later["left_today"], later["left_total"]) == ({}, 5, 2)


def test_a_snapshot_of_one_who_has_not_voted_where_nothing_is_limited() -> None:
    shown = plan_of().snapshot(ANN, NOON, [0, 0, 0, [], [["c0001", 7]]])
    assert (shown["left_today"], shown["left_total"], shown["voted"]) == (None, None, False)
    assert shown["votes"] == {"c0001": 7}


def test_the_end_is_the_rooms() -> None:
    closes = "2026-10-01T00:00:00+08:00"
    plan = plan_of(closes_at=closes, voting_opens_at="2026-09-22T00:00:00+08:00")
    shown = plan.snapshot(ANN, NOON, [0, 0, 0, [], False])
    assert (shown["voting_opens_at"], shown["closes_at"]) == (1_790_006_400_000, 1_790_784_000_000)
    assert plan_of().ends_at() == OPENED_AT + 366 * 86_400_000
