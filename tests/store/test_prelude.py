"""What the prelude promises for every game, seen through red-packet rain's `grab`."""

import asyncio
from itertools import pairwise
from typing import Any

import msgpack
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from tests.games.rains import BOMB, EMPTY, PACKET, grab, rain, raining
from tests.store.lanes import PlayedLane, Seat, opened, server_ms, unpacked

DAY_1, DAY_2 = 20260301, 20260302


async def raw_tick(lane: PlayedLane, *commands: Any) -> bytes:
    """A tick's reply as the bytes that Redis gave."""
    replies: list[bytes] = []
    asked = lane.redis.fcall

    async def keeping(*arguments: Any) -> bytes:
        reply: bytes = await asked(*arguments)
        replies.append(reply)
        return reply

    lane.redis.fcall = keeping  # type: ignore[method-assign] # the real call, its reply kept
    try:
        await lane.tick(*commands)
    finally:
        lane.redis.fcall = asked  # type: ignore[method-assign]
    return replies[-1]


def answers_in(reply: bytes) -> list[bytes]:
    """The bytes of each result; before them come the time and the tally's wait."""
    _, _, results = unpacked(reply)
    whole = [msgpack.packb(result, unicode_errors="surrogateescape") for result in results]
    assert reply.endswith(b"".join(whole))
    return whole


async def listening(lane: PlayedLane) -> PubSub:
    """Subscribed to what the lane publishes, from now on."""
    pubsub = lane.redis.pubsub()
    await pubsub.subscribe(lane.keys.channel)
    confirmed = await pubsub.get_message(timeout=10)
    assert confirmed is not None
    assert confirmed["type"] == "subscribe"
    return pubsub


# refs


async def test_the_same_ref_gives_the_same_bytes_and_changes_nothing(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    taps = [grab(seat, 1), grab(seat, 2, BOMB), grab(seat, 2), grab(seat, 3, EMPTY)]
    first = answers_in(await raw_tick(lane, *taps))
    before = await lane.dump()
    assert answers_in(await raw_tick(lane, *taps)) == first
    assert answers_in(await raw_tick(lane, *reversed(taps))) == list(reversed(first))
    # other arguments under the same ref are not looked at
    assert answers_in(await raw_tick(lane, grab(seat, 9, ref=1))) == first[:1]
    assert await lane.dump() == before
    assert [result[:2] for result in map(unpacked, first)][2] == [0, "drop_taken"]


async def test_a_batch_executed_twice_answers_the_same_and_changes_nothing(redis: Redis) -> None:
    lane = await raining(redis)
    seats = [await lane.seat(member) for member in "abcde"]
    batch = [grab(seat, drop, drop % 3) for drop in range(8) for seat in seats]
    first = answers_in(await raw_tick(lane, *batch))
    before = await lane.dump()
    assert answers_in(await raw_tick(lane, *batch)) == first
    assert await lane.dump() == before
    assert len(await lane.lines()) == 1 + len(seats) + len(batch)


async def test_eight_answers_are_remembered_and_older_refs_are_refused(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    given = await lane.ask(*(grab(seat, drop) for drop in range(10)))
    before = await lane.dump()
    repeated = await lane.ask(*(grab(seat, 99, ref=ref) for ref in range(1, 11)))
    assert repeated[:2] == [[0, "ref_too_old", False]] * 2
    assert repeated[2:] == given[2:]
    assert await lane.dump() == before


async def test_a_ref_may_leap_and_those_between_are_never_executed(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    results = await lane.ask(grab(seat, 1, ref=5), grab(seat, 2, ref=3), grab(seat, 3, ref=2**53 - 1))
    assert [result[0] for result in results] == [1, 0, 1]
    assert results[1][1] == "ref_too_old"
    assert (await lane.ask(grab(seat, 9, ref=2**53 - 1)))[0] == results[2]
    assert len(await lane.grants()) == 2


async def test_refs_are_counted_by_session(redis: Redis) -> None:
    lane = await raining(redis)
    phone, tablet = await lane.seat("a"), await lane.seat("a")
    assert phone.session != tablet.session
    results = await lane.ask(grab(phone, 1), grab(tablet, 2), grab(tablet, 1))
    assert [result[1] for result in results] == [[1, 1, 5, 1], [2, 1, 10, 2], "drop_taken"]


async def test_a_session_must_be_the_members_own_and_known(redis: Redis) -> None:
    lane = await raining(redis)
    seat, other = await lane.seat("a"), await lane.seat("b")
    before = await lane.dump()
    strangers = [Seat("b", seat.session), Seat("a", "s1-99"), Seat("nobody", seat.session), Seat("", "")]
    results = await lane.ask(*(grab(stranger, 1) for stranger in strangers))
    assert results == [[0, "session_unknown", False]] * 4
    assert await lane.dump() == before
    assert (await lane.ask(grab(other, 1)))[0][0] == 1


async def test_a_member_keeps_four_sessions(redis: Redis) -> None:
    lane = await raining(redis)
    seats = [await lane.seat("a") for _ in range(5)]
    results = await lane.ask(*(grab(seat, drop) for drop, seat in enumerate(seats)))
    assert [result[0] for result in results] == [0, 1, 1, 1, 1]
    assert results[0] == [0, "session_unknown", False]
    assert [session.id for session in (await lane.member("a")).sessions] == [
        seat.session for seat in seats[1:]
    ]


# the window and the order of refusals


async def test_outside_the_window(redis: Redis) -> None:
    now = await server_ms(redis)
    cases = [
        ((now + 60_000, now + 120_000), "open", "not_open"),
        ((now - 60_000, now - 1), "open", "closed"),
        ((now - 60_000, now + 60_000), "paused", "paused"),
        ((now - 60_000, now + 60_000), "closed", "closed"),
    ]
    for number, (window, state, code) in enumerate(cases):
        lane = await raining(redis, room=f"r{number}", window=window, state=state)
        ((kind, refused, retry),) = await lane.ask(grab(await lane.seat("a"), 1))
        assert (kind, refused) == (0, code)
        if code == "not_open":
            assert 0 < retry <= 60_000
        else:
            assert retry is False
        assert await lane.grants() == []


async def test_a_paused_room_goes_on_where_it_was(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    await lane.store.set_state("paused")
    refused = (await lane.ask(grab(seat, 1)))[0]
    await lane.store.set_state("open")
    assert (await lane.ask(grab(seat, 1, ref=1)))[0] == refused == [0, "paused", False]
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1
    await lane.store.set_state("closed")
    assert (await lane.ask(grab(seat, 2)))[0][1] == "closed"


async def test_refusals_come_in_the_order_that_is_published(redis: Redis) -> None:
    """blocked > outside the window > outside the audience > limits > the rule's own."""
    lane = await raining(redis, rain(limits={"per_second": 1, "burst": 1}))
    seat = await lane.seat("a")
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1

    async def code(deny: str | bool) -> str:
        # the drop is taken and the rate is used up, so every later reason holds too
        return str((await lane.ask(grab(seat, 1, deny=deny)))[0][1])

    assert await code(False) == "rate_limited"
    assert await code("not_in_audience") == "not_in_audience"
    assert await code("blocked") == "blocked"
    for state in ("paused", "closed"):
        await lane.store.set_state(state)
        assert await code(False) == state
        assert await code("not_in_audience") == state
        assert await code("blocked") == "blocked"


async def test_without_a_chance_left_the_rate_is_not_the_reason(redis: Redis) -> None:
    """GAMES.md: no chance left > limits."""
    lane = await raining(redis, rain(limits={"per_second": 1, "burst": 1}, chances={"free_total": 1}))
    seat = await lane.seat("a")
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1
    await lane.clock(lane.dues()[1])
    await lane.clock(lane.dues()[2])
    assert (await lane.ask(grab(seat, 1, round_=1)))[0][1] == "no_chance_left"


async def test_a_refusal_that_needs_no_rule_is_remembered_with_its_retry(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    denied = seat.asks("grab", 1234, deny="no_round")
    assert await lane.ask(denied, denied) == [[0, "no_round", 1234]] * 2
    assert await lane.ask(grab(seat, 1, ref=1)) == [[0, "no_round", 1234]]


# limits


async def test_the_rate_is_steady_with_a_burst(redis: Redis) -> None:
    lane = await raining(redis, rain(limits={"per_second": 2, "burst": 3}))
    seat, other = await lane.seat("a"), await lane.seat("b")
    results = await lane.ask(*(grab(seat, drop) for drop in range(5)), grab(other, 1))
    assert [result[0] for result in results] == [1, 1, 1, 0, 0, 1]
    assert results[3] == results[4] == [0, "rate_limited", 500]


async def test_refusals_and_repeated_refs_cost_no_rate(redis: Redis) -> None:
    lane = await raining(redis, rain(limits={"per_second": 1, "burst": 2}))
    seat = await lane.seat("a")
    await lane.ask(grab(seat, 1), *(grab(seat, 1) for _ in range(6)), grab(seat, 1, ref=1))
    assert (await lane.ask(grab(seat, 2)))[0][0] == 1
    assert (await lane.ask(grab(seat, 3)))[0][1] == "rate_limited"


async def test_chances_in_all(redis: Redis) -> None:
    """A round is one chance, taken by the first tap that counts."""
    lane = await raining(redis, rain(chances={"free_total": 2}))
    seat = await lane.seat("a")
    opens = lane.dues()
    codes = []
    for round_ in range(3):
        if round_:
            await lane.clock(opens[2 * round_ - 1])
            await lane.clock(opens[2 * round_])
        results = await lane.ask(*(grab(seat, drop, EMPTY, round_=round_) for drop in range(3)))
        codes.append([result[1] if result[0] == 0 else "" for result in results])
    assert codes == [[""] * 3, [""] * 3, ["no_chance_left"] * 3]


async def test_chances_a_day_come_back_with_the_day(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_per_day": 1}))
    seat, now = await lane.seat("a"), await server_ms(redis)
    opens = lane.dues()
    first, later = [(now - 1000, DAY_1), (now + 60_000, DAY_2)], [(now - 2000, DAY_1), (now - 1000, DAY_2)]
    assert (await lane.ask(grab(seat, 1, BOMB), days=first))[0][0] == 1
    assert (await lane.ask(grab(seat, 2, BOMB), days=first))[0][0] == 1  # the same round, the same chance
    await lane.clock(opens[1])
    await lane.clock(opens[2])
    kind, code, retry = (await lane.ask(grab(seat, 1, BOMB, round_=1), days=first))[0]
    assert (kind, code) == (0, "no_chance_left")
    # "the answer names the deciding step and when it resets" (GAMES.md): the next day's start
    assert 0 < retry <= 60_000
    assert (await lane.ask(grab(seat, 1, BOMB, round_=1), days=later))[0][0] == 1
    assert [line[4] for line in (await lane.lines())[-3:]][-1] == DAY_2


async def test_wins_of_a_member(redis: Redis) -> None:
    lane = await raining(redis, rain(wins={"per_member": 2}))
    seat, other = await lane.seat("a"), await lane.seat("b")
    results = await lane.ask(
        *(grab(seat, drop) for drop in range(3)), grab(seat, 3, BOMB), grab(seat, 4, EMPTY), grab(other, 1)
    )
    assert [result[0] for result in results] == [1, 1, 0, 1, 1, 1]
    assert results[2][1] == "win_limit"
    await lane.clock(lane.dues()[1])
    await lane.clock(lane.dues()[2])
    assert (await lane.ask(grab(seat, 1, round_=1)))[0][1] == "win_limit"


async def test_an_interval_between_wins(redis: Redis) -> None:
    lane = await raining(redis, rain(wins={"min_interval_ms": 60_000}))
    seat = await lane.seat("a")
    results = await lane.ask(grab(seat, 1), grab(seat, 2), grab(seat, 3, EMPTY))
    assert [result[0] for result in results] == [1, 0, 1]
    kind, code, retry = results[1]
    assert (kind, code, retry) == (0, "win_limit", 60_000)


async def test_wins_of_the_room_a_day(redis: Redis) -> None:
    lane = await raining(redis, rain(wins={"per_day": 3}))
    seats, now = await lane.seats(3), await server_ms(redis)
    first, later = [(now - 1000, DAY_1), (now + 60_000, DAY_2)], [(now - 2000, DAY_1), (now - 1000, DAY_2)]
    results = await lane.ask(*(grab(seat, drop) for seat in seats for drop in range(2)), days=first)
    assert [result[0] for result in results] == [1, 1, 1, 0, 0, 0]
    assert {result[1] for result in results[3:]} == {"win_limit"}
    results = await lane.ask(*(grab(seat, drop) for seat in seats for drop in (5, 6)), days=later)
    assert [result[0] for result in results] == [1, 1, 1, 0, 0, 0]
    # the day's cap resets with the day
    assert (await lane.ask(grab(seats[0], 9), days=[(now - 1000, DAY_2), (now + 60_000, 20260303)]))[0][2]


# a rule that fails


async def test_a_rule_that_raises_spoils_only_its_own_command(redis: Redis) -> None:
    lane = await raining(redis)
    seat, other = await lane.seat("a"), await lane.seat("b")
    first = grab(seat, 1)
    broken = [seat.asks("grab", 0, 2, PACKET), seat.asks("nonsense"), seat.asks("grab", 0, None, 1, 0, 2**50)]
    results = await lane.ask(first, *broken, grab(other, 1), grab(seat, 3))
    assert [result[0] for result in results] == [1, 0, 0, 0, 1, 1]
    assert {result[1] for result in results[1:4]} == {"internal"}
    assert [grant[4] for grant in await lane.grants()] == ["a", "b", "a"]


async def test_the_ref_of_a_rule_that_raised_answers_the_same_too(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    failing = seat.asks("nonsense")
    assert await lane.ask(failing, failing, grab(seat, 1, ref=1)) == [[0, "internal", False]] * 3
    assert (await lane.ask(grab(seat, 1)))[0][0] == 1


# tickets and sessions


async def test_a_ticket_is_good_once(redis: Redis) -> None:
    lane = await raining(redis)
    ticket = await lane.ticket("a")
    join = ["", "", 0, "join", False, ticket, False, False]
    first, second = await lane.ask(join, join)
    assert first[0] == 2
    assert second == [0, "bad_ticket", False]
    assert await lane.ask(["", "", 0, "join", False, "never", False, False]) == [[0, "bad_ticket", False]]


async def test_a_ticket_expires(redis: Redis) -> None:
    lane = await raining(redis)
    ticket = await lane.ticket("a")
    assert 25_000 < await redis.pttl(lane.keys.ticket(ticket)) <= 30_000
    await redis.pexpireat(lane.keys.ticket(ticket), 1)
    assert await lane.ask(["", "", 0, "join", False, ticket, False, False]) == [[0, "bad_ticket", False]]
    assert await lane.member("a") is None


async def test_a_ticket_is_for_its_room_only(redis: Redis) -> None:
    lane, other = await raining(redis), await raining(redis, room="r2")
    ticket = await lane.ticket("a")
    assert (await other.ask(["", "", 0, "join", False, ticket, False, False]))[0][1] == "bad_ticket"
    assert (await lane.ask(["", "", 0, "join", False, ticket, False, False]))[0][0] == 2


async def test_a_session_outlives_its_connection(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    results = await lane.ask(grab(seat, 1), grab(seat, 1))
    again = await lane.join("a", session=seat.session)
    assert again.session == seat.session
    assert again.remembered == [[1, results[0]], [2, results[1]]]
    assert (await lane.join("a", session="s1-77")).session not in (seat.session, "s1-77")
    assert (await lane.join("b", session=seat.session)).session != seat.session
    assert (await lane.join("a")).joined == 2


async def test_a_spectator_leaves_no_trace(redis: Redis) -> None:
    lane = await raining(redis)
    await lane.seat("a")
    before = await lane.dump()
    watching = await lane.join("", since=0)
    assert (watching.session, watching.joined, watching.remembered) == ("", 1, [])
    assert await lane.dump() == before


async def test_a_name_is_the_newest_one(redis: Redis) -> None:
    lane = await raining(redis)
    await lane.seat("a", "旧")
    await lane.seat("a", "新")
    assert (await lane.member("a")).name == "新"


# events


async def test_versions_rise_with_every_event(redis: Redis) -> None:
    lane = await opened(redis, rain())
    pubsub = await listening(lane)
    for due in lane.dues():
        await lane.clock(due)
    await lane.store.set_state("paused")
    versions: list[int] = []
    while len(versions) < 8:
        message = await pubsub.get_message(timeout=10)
        assert message is not None, "an event is missing"
        kind, events = unpacked(message["data"])
        assert kind == "events"
        versions += [event[0] for event in events]
    assert versions == list(range(1, len(versions) + 1))
    assert int(await lane.head("v")) == versions[-1]
    await pubsub.aclose()


async def test_what_was_missed_is_recovered_whole(redis: Redis) -> None:
    lane = await opened(redis, rain())
    start = await lane.join("a")
    for due in lane.dues():
        await lane.clock(due)
    back = await lane.join("a", start.session, since=start.v)
    assert back.recovered
    names = ["round_opened", "round_closed"] * 3
    assert [(event[2], event[3][0]) for event in back.missed] == [
        (name, number // 2) for number, name in enumerate(names)
    ]
    assert all(
        before[0] < after[0] <= back.v for before, after in zip(back.missed, back.missed[1:], strict=False)
    )
    halfway = back.missed[2][0]
    assert (await lane.join("a", start.session, since=halfway)).missed == back.missed[3:]
    now = await lane.join("a", start.session, since=back.v)
    assert (now.recovered, now.missed) == (True, [])


async def test_recovery_is_never_a_partial_one(redis: Redis) -> None:
    lane = await opened(redis, rain())
    start = await lane.join("a")
    v = int(await lane.head("v"))
    for number in range(257):
        await lane.store.set_state("paused" if number % 2 else "open")
    whole = await lane.join("a", start.session, since=v + 1)
    assert whole.recovered
    assert [event[0] for event in whole.missed] == list(range(v + 2, v + 258))
    for since in (0, v, whole.v + 100, whole.v + 1000):  # tallies may raise it meanwhile
        lost = await lane.join("a", start.session, since=since)
        assert (lost.recovered, lost.missed) == (False, [])
    assert (await lane.join("a", start.session)).recovered is False
    assert await redis.xlen(lane.keys.events) == 256


async def test_versions_of_another_epoch_are_never_recovered(redis: Redis) -> None:
    lane = await raining(redis)
    before = await lane.join("a")
    await lane.store.clear()
    raised = PlayedLane(redis, lane.record, epoch=2)
    await raised.open()
    again = await raised.join("a", before.session, since=before.v)
    assert again.v > before.v
    assert again.recovered is False


# the tally


async def test_the_tally_comes_at_most_four_times_a_second_and_is_never_lost(redis: Redis) -> None:
    lane = await raining(redis, rain(amounts={"mode": "fixed", "count": 2000, "amount": 5}))
    seat = await lane.seat("a")
    pubsub = await listening(lane)
    at = [int(await lane.head("tallied"))]
    drop, owed = 0, 1
    async with asyncio.timeout(10):
        while len(at) < 4 or owed:
            # a tap a tick until there have been three more tallies, then only empty ticks while one is owed
            owed = (await lane.tick(*([grab(seat, drop := drop + 1)] if len(at) < 4 else []))).tally_in
            assert 0 <= owed <= 250
            if (tallied := int(await lane.head("tallied"))) != at[-1]:
                at.append(tallied)
    assert all(later - earlier >= 250 for earlier, later in pairwise(at))
    assert len(at) < drop
    told = []
    for _ in at[1:]:
        message = await pubsub.get_message(timeout=10)
        assert message is not None, "a tally is missing"
        told += unpacked(message["data"])[1]
    assert [event[1:3] for event in told] == [[2, "tally"]] * (len(at) - 1)
    assert told[-1][3][1] == 2000 - drop
    assert await lane.head("dirty") == "0"
    assert [event for event in await redis.xrange(lane.keys.events) if b"tally" in event[1][b"e"]] == []
    await pubsub.aclose()


async def test_refusals_and_repeated_refs_owe_no_tally(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    await lane.ask(grab(seat, 1))
    while (await lane.tick()).tally_in:
        pass
    v = await lane.head("v")
    ticked = await lane.tick(grab(seat, 1), grab(seat, 1, ref=1))
    assert ticked.tally_in == 0
    assert await lane.head("v") == v


# the lane


async def test_another_epoch_or_no_lane_is_lost_and_nothing_is_executed(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    before = await lane.dump()
    for epoch, record in ((2, lane.record), (1, replace(lane.record, id=RoomId("r404")))):
        other = PlayedLane(redis, record, epoch)
        with pytest.raises(Refused) as refused:
            await other.tick(grab(seat, 1))
        assert (refused.value.code, refused.value.retry_ms) == ("lane_lost", 1000)
    assert await lane.dump() == before


async def test_a_lane_that_is_being_rebuilt_takes_no_command(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a")
    await redis.hset(lane.keys.room, "state", "rebuilding")
    with pytest.raises(Refused, match="lane_lost"):
        await lane.ask(grab(seat, 1))


async def test_lines_are_folded_only_into_a_lane_that_is_being_rebuilt(redis: Redis) -> None:
    lane = await raining(redis)
    with pytest.raises(Refused, match="lane_lost"):
        await lane.store.fold([])


async def test_every_line_says_who_when_and_what(redis: Redis) -> None:
    lane = await raining(redis)
    seat = await lane.seat("a", "名字")
    ticked = await lane.tick(grab(seat, 7))
    opened_line, joined, tap = await lane.lines()
    assert opened_line[:3] == ["clock", 1, ""]
    assert opened_line[6] == ["round_opened", 0]
    assert joined[:3] == [seat.session, 0, "a"]
    assert joined[6:] == [["joined", "名字", "", ""], []]
    assert tap[:5] == [seat.session, 1, "a", ticked.now, 0]
    assert tap[5] == ticked.results[0][1] == [7, PACKET, 5, 1]
    assert tap[7] == [["packet", 1, 5, 1, "a"]]
    assert ticked.results[0][2] == [["packet", 1, 5, 1]]


async def test_a_thousand_members_in_one_batch(redis: Redis) -> None:
    """More arguments than Lua's stack would take at once."""
    lane = await raining(redis, rain(amounts={"mode": "fixed", "count": 2000, "amount": 1}))
    seats = await lane.seats(1000)
    results = await lane.ask(*(grab(seat, 1) for seat in seats))
    assert {result[0] for result in results} == {1}
    assert len({grant[1] for grant in await lane.grants()}) == 1000
    assert (await lane.join("m0")).joined == 1000
