"""Vote, GAMES.md: ballots and their limits, weights, windows, results, review."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from tests.games.votes import (
    DAY,
    admitted,
    ballot,
    contestant,
    counts,
    order,
    states,
    voted,
    voting,
    voting_lane,
)
from tests.store.lanes import PlayedLane, opened, unpacked

# what tests/test_every_game.py plays: forty members vote until nobody may
SCARCE: Mapping[str, Any] = voting(ballots={"total": 5, "per_contestant_per_day": 3, "choose_max": 2})


async def prepare(lane: PlayedLane) -> None:
    """What a lane needs before anybody can play: tests/test_every_game.py calls it."""
    await admitted(lane, 5)


async def told(lane: PlayedLane, name: str) -> list[Any]:
    """The bodies of the room events of that name."""
    events = [unpacked(fields[b"e"]) for _, fields in await lane.redis.xrange(lane.keys.events)]
    return [event[3] for event in events if event[2] == name]


# ballots


async def test_a_ballot_counts_its_weight_for_each_choice(redis: Redis) -> None:
    lane = await voting_lane(redis)
    ann, ben = await lane.seat("ann"), await lane.seat("ben")
    assert await voted(lane, ann, "c0002") == [["c0002"], 1, False, False, [1]]
    assert await voted(lane, ben, "c0003", "c0002", weight=4) == [["c0003", "c0002"], 4, False, False, [4, 5]]
    assert await counts(lane) == {"c0002": 5, "c0003": 4, "c0001": 0, "c0004": 0, "c0005": 0}
    facts = [line[6] for line in await lane.lines() if line[6][0] == "vote"]
    assert facts == [["vote", 1, ["c0002"], [], []], ["vote", 4, ["c0003", "c0002"], [], []]]


async def test_equal_numbers_stand_in_the_order_of_the_contestants_numbers(redis: Redis) -> None:
    lane = await voting_lane(redis, 12)
    seat = await lane.seat("ann")
    for id_ in ("c0011", "c0002", "c0011", "c0009", "c0002"):
        await voted(lane, seat, id_)
    assert list(await counts(lane))[:5] == ["c0002", "c0011", "c0009", "c0001", "c0003"]


async def test_who_is_no_contestant_gets_no_vote_and_the_ballot_counts_for_nobody(redis: Redis) -> None:
    lane = await voting_lane(redis)
    seat = await lane.seat("ann")
    for unknown in ("c0006", "c1", "c00001", "c0000", "c99999", "w0001", "c\0\0\0\1", ""):
        assert await voted(lane, seat, "c0001", unknown) == "contestant_unknown"
    assert set((await counts(lane)).values()) == {0}


async def test_ballots_a_day_are_counted_by_the_day_and_come_back_with_the_next(redis: Redis) -> None:
    lane = await voting_lane(redis, ballots={"per_day": 2, "total": 3})
    seat = await lane.seat("ann")
    assert (await voted(lane, seat, "c0001"))[2:4] == [1, 2]
    assert (await voted(lane, seat, "c0001"))[2:4] == [0, 1]
    now = int((await lane.tick()).now)
    midnight = [*DAY, (now + 60_000, 20_261_123)]
    code, retry = (await lane.ask(ballot(seat, "c0001"), days=midnight))[0][1:]
    assert code == "ballot_limit"
    assert 0 < retry <= 60_000
    assert (await voted(lane, seat, "c0002", days=[(0, 20_261_123)]))[2:4] == [1, 0]
    # one ballot of the day is left, but none in all: the next day does not help
    assert (await lane.ask(ballot(seat, "c0001"), days=[(0, 20_261_123), (now + 60_000, 1)]))[0][1:] == [
        "ballot_limit",
        False,
    ]
    assert await counts(lane) == {"c0001": 2, "c0002": 1, "c0003": 0, "c0004": 0, "c0005": 0}


async def test_one_contestant_is_named_a_day_no_more_often_than_allowed(redis: Redis) -> None:
    lane = await voting_lane(redis, ballots={"per_contestant_per_day": 2, "choose_max": 2})
    seat = await lane.seat("ann")
    assert (await voted(lane, seat, "c0001", "c0002"))[0] == ["c0001", "c0002"]
    assert (await voted(lane, seat, "c0001"))[0] == ["c0001"]
    assert await voted(lane, seat, "c0003", "c0001") == "contestant_limit"
    assert (await voted(lane, seat, "c0003", "c0002"))[0] == ["c0003", "c0002"]
    assert await voted(lane, seat, "c0002") == "contestant_limit"
    assert (await voted(lane, seat, "c0002", days=[(0, 20_261_123)]))[0] == ["c0002"]
    assert list((await counts(lane)).values()) == [3, 2, 1, 0, 0]


async def test_voting_opens_apart_from_the_room(redis: Redis) -> None:
    lane = await opened(redis, voting(voting_opens_at="2099-01-01T00:00:00+08:00"), game="vote")
    await admitted(lane, 2)
    seat = await lane.seat("ann")
    kind, code, retry = (await lane.ask(ballot(seat, "c0001")))[0]
    assert (kind, code) == (0, "not_voting_yet")
    assert retry > 1000 * 86_400_000


async def test_a_ballot_is_a_play_where_plays_are_limited(redis: Redis) -> None:
    lane = await voting_lane(redis, chances={"free_total": 1})
    seat = await lane.seat("ann")
    assert (await voted(lane, seat, "c0001"))[0] == ["c0001"]
    assert await voted(lane, seat, "c0001") == "no_chance_left"


# what is shown


async def test_results_for_all_are_in_the_tally_first_ten_first(redis: Redis) -> None:
    lane = await voting_lane(redis, 12)
    seat = await lane.seat("ann")
    await voted(lane, seat, "c0012", "c0007")
    await voted(lane, seat, "c0012")
    view = (await lane.join("ben")).view
    assert view[4][:3] == [["c0012", 2], ["c0007", 1], ["c0001", 0]]
    assert len(view[4]) == 12


async def test_results_after_voting_are_shown_to_who_has_voted(redis: Redis) -> None:
    lane = await voting_lane(redis, results="after_voting")
    seat = await lane.seat("ann")
    assert (await lane.join("ann")).view[4] is False
    assert (await voted(lane, seat, "c0001"))[4] == [1]
    assert (await lane.join("ann")).view[4][0] == ["c0001", 1]
    assert (await lane.join("ben")).view[4] is False


async def test_results_at_the_end_are_shown_to_nobody_before_and_to_all_after(redis: Redis) -> None:
    lane = await voting_lane(redis, results="at_end")
    seat = await lane.seat("ann")
    assert (await voted(lane, seat, "c0001"))[4] is False
    assert (await lane.join("ann")).view[4] is False
    await lane.store.set_state("closed")
    assert (await lane.join("ben")).view[4][0] == ["c0001", 1]


async def test_a_page_that_comes_back_sees_whom_it_named_today(redis: Redis) -> None:
    lane = await voting_lane(redis, ballots={"per_day": 5, "choose_max": 2})
    seat = await lane.seat("ann")
    await voted(lane, seat, "c0001", "c0004")
    await voted(lane, seat, "c0004")
    assert (await lane.join("ann")).view[:4] == [DAY[0][1], 2, 2, [["c0001", 1], ["c0004", 2]]]


# contestants


async def test_the_list_changes_by_orders_and_everybody_is_told(redis: Redis) -> None:
    lane = await voting_lane(redis, 2)
    await admitted(lane, 1, first=3)
    assert (await order(lane, "withdraw", "c0002", "left"))[0] == 1
    assert await told(lane, "contestants_changed") == [[2], [3], [2]]
    assert await states(lane) == {"c0001": "a", "c0002": "wleft", "c0003": "a"}


async def test_who_is_withdrawn_gets_no_more_votes_and_keeps_those_that_were_given(redis: Redis) -> None:
    lane = await voting_lane(redis, 3)
    seat = await lane.seat("ann")
    await voted(lane, seat, "c0002")
    await order(lane, "withdraw", "c0002", "left")
    assert await voted(lane, seat, "c0002") == "contestant_unknown"
    assert [line[0] for line in (await lane.join("ben")).view[4]] == ["c0001", "c0003"]
    await admitted(lane, 1, first=2)
    assert (await voted(lane, seat, "c0002"))[4] == [2]
    assert [line[0] for line in (await lane.join("ben")).view[4]] == ["c0002", "c0001", "c0003"]


async def test_an_order_that_does_not_fit_the_state_changes_nothing(redis: Redis) -> None:
    lane = await voting_lane(redis, 2)
    before, lines = await states(lane), len(await lane.lines())
    for op, *arguments in (
        ["admit", [["c0003", 3], ["c0001", 1]]],
        ["withdraw", "c0009", "x"],
        ["review", "c0009", "x"],
        ["clear_review", "c0001", "x"],
        ["remove_kept", "c0001", "x"],
    ):
        assert (await order(lane, op, *arguments))[:2] == [0, "contestant_state"], op
    assert (await states(lane), len(await lane.lines())) == (before, lines)


# review


async def test_growth_beyond_the_bound_puts_under_review_and_later_votes_are_kept_apart(redis: Redis) -> None:
    lane = await voting_lane(redis, review={"votes_per_minute": 5})
    seats = await lane.seats(9)
    for seat in seats[:5]:
        await voted(lane, seat, "c0001", "c0002" if seat is seats[0] else "c0003")
    assert await states(lane) == {contestant(n): "a" for n in range(1, 6)}
    await voted(lane, seats[5], "c0001")  # the sixth: it counts, and then comes the review
    assert (await states(lane))["c0001"] == "rgrowth"
    assert await told(lane, "contestants_changed") == [[5], [5]]
    for seat in seats[6:]:
        assert (await voted(lane, seat, "c0001"))[4] == [6]
    assert (await counts(lane))["c0001"] == 6
    assert await counts(lane, "kept") == {"c0001": 3}
    assert [line[6][2:] for line in await lane.lines() if line[6][0] == "vote"][5:7] == [
        [["c0001"], [], ["c0001"]],
        [[], ["c0001"], []],
    ]


async def test_a_heavy_ballot_is_as_many_votes(redis: Redis) -> None:
    lane = await voting_lane(redis, review={"votes_per_minute": 5})
    seat = await lane.seat("ann")
    await voted(lane, seat, "c0001", weight=5)
    assert (await states(lane))["c0001"] == "a"
    await voted(lane, seat, "c0001", weight=1)
    assert (await states(lane))["c0001"] == "rgrowth"


async def reviewed(redis: Redis) -> PlayedLane:
    """Two contestants with 3 counted votes; the second is under review with 4 kept ones."""
    lane = await voting_lane(redis, 2)
    seat = await lane.seat("ann")
    for _ in range(3):
        await voted(lane, seat, "c0001", "c0002")
    assert (await order(lane, "review", "c0002", "reported"))[0] == 1
    for _ in range(4):
        await voted(lane, seat, "c0002")
    assert await states(lane) == {"c0001": "a", "c0002": "rreported"}
    return lane


async def test_kept_votes_count_all_at_once_when_staff_say_so(redis: Redis) -> None:
    lane = await reviewed(redis)
    assert (await order(lane, "clear_review", "c0002", "people"))[0] == 1
    assert await counts(lane) == {"c0002": 7, "c0001": 3}
    assert await counts(lane, "kept") == {"c0002": 0}
    assert await counts(lane, "removed") == {}
    assert (await states(lane))["c0002"] == "apeople"
    assert (await lane.lines())[-1][6] == ["kept_counted", "c0002", 4, "people"]


async def test_or_are_removed_all_at_once_and_stay_in_sight(redis: Redis) -> None:
    lane = await reviewed(redis)
    assert (await order(lane, "remove_kept", "c0002", "a script"))[0] == 1
    assert await counts(lane) == {"c0001": 3, "c0002": 3}
    assert await counts(lane, "kept") == {"c0002": 0}
    assert await counts(lane, "removed") == {"c0002": 4}
    assert (await states(lane))["c0002"] == "aa script"
    # and what comes afterwards counts again
    seat = await lane.seat("ben")
    assert (await voted(lane, seat, "c0002"))[4] == [4]
