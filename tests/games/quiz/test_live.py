"""A live quiz, GAMES.md: the host's steps, scores, streaks, survival, teams, the ranking and the podium."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.games.game import HOST, MemberId
from gameserver.games.quiz.events import Answer
from tests.games.quizzes import (
    SECONDS,
    Stage,
    asking,
    live,
    mistaken,
    picture,
    quiz,
    single,
    solved,
    stage,
)  # fmt: skip
from tests.store.lanes import Seat, server_ms, unpacked

T = SECONDS * 1000
TEAMS = [{"id": "red", "name": "红队"}, {"id": "blue", "name": "蓝队"}]


async def answered(show: Stage) -> list[list[Any]]:
    """(question, grade, chosen, gain, took, row) of each answer taken."""
    return [line[6][1:] for line in await show.lane.lines() if line[6][0] == "answered"]


# scores


async def test_speed_gives_from_all_to_half(redis: Redis) -> None:
    show = await stage(redis)
    seats = await show.lane.seats(6)
    await show.opens(0)
    starts = (await picture(show.lane, "m0"))["question"]["starts_at"]
    for number, seat in enumerate(seats):
        assert await show.answers(seat, 0, rtt_ms=100 * number) == "answered"
        await show.aged(4000)
        starts -= 4000
    for number, (_, grade, _, gain, took, row) in enumerate(await answered(show)):
        assert (grade, row) == (1, 1)
        assert 4000 * number - 50 * number <= took < 4000 * number + 4000
        # round((1 - (t/T)/2) x 1000), halves up
        assert gain == (2 * 1000 * T - 1000 * took + T) // (2 * T)


@pytest.mark.parametrize(("rtt", "off"), [(0, 0), (300, 150), (500, 250), (9999, 250)])
async def test_half_of_the_round_trip_is_the_networks(redis: Redis, rtt: int, off: int) -> None:
    show = await stage(redis)
    (seat,) = await show.lane.seats(1)
    await show.opens(0, 3000)
    starts = (await picture(show.lane, "m0"))["question"]["starts_at"]
    await show.answers(seat, 0, rtt_ms=rtt)
    (line,) = [line for line in await show.lane.lines() if line[6][0] == "answered"]
    assert line[6][5] == line[3] - starts - off


async def test_flat_scores_are_alike_and_less_time_is_ahead(redis: Redis) -> None:
    show = await stage(redis, live(scoring="flat"))
    slow, quick, wrong, absent = [await show.lane.seat(name) for name in ("a", "b", "c", "d")]
    await show.opens(0)
    assert await show.answers(quick, 0) == "answered"
    await show.aged(5000)
    assert await show.answers(wrong, 0, right=False) == "answered"
    assert await show.answers(slow, 0) == "answered"
    await show.over()
    await show.does("reveal")
    standings = {seat.member: await show.mine(seat) for seat in (quick, slow, wrong, absent)}
    assert [(each["score"], each["place"]) for each in standings.values()] == [
        (1000, 1), (1000, 2), (0, 3), (0, 0),
    ]  # fmt: skip


async def test_right_answers_in_a_row_add_more_up_to_the_limit(redis: Redis) -> None:
    questions = [single(number) for number in range(8)]
    show = await stage(redis, live(questions, scoring="flat", streak_bonus=100, streak_max=3))
    steady, wrong, absent = await show.lane.seats(3)
    for question in range(6):
        answers = [(steady, True), (wrong, question != 2)]
        if question != 3:
            answers.append((absent, True))
        await show.plays(question, *answers)
    by_member: dict[str, list[int]] = {"m0": [], "m1": [], "m2": []}
    for line in await show.lane.lines():
        if line[6][0] == "answered":
            by_member[line[2]].append(line[6][4])
    assert by_member["m0"] == [1000, 1100, 1200, 1300, 1300, 1300]
    assert by_member["m1"] == [1000, 1100, 0, 1000, 1100, 1200]
    assert by_member["m2"] == [1000, 1100, 1200, 1000, 1100]
    # what one does not answer adds nothing, and what was told is added once
    for seat in (steady, wrong, absent):
        assert (await show.mine(seat))["score"] == sum(by_member[seat.member])
    assert (await show.mine(steady))["streak"] == 6
    await show.opens(6)
    assert await show.answers(steady, 6, right=False) == "answered"
    assert (await show.mine(steady))["streak"] == 6  # nothing is told before the lock
    await show.over()
    await show.does("reveal")
    assert (await show.mine(steady))["streak"] == 0


async def test_in_survival_only_who_was_right_every_time_plays_on(redis: Redis) -> None:
    show = await stage(redis, live(survival=True))
    right, wrong, absent = await show.lane.seats(3)
    await show.plays(0, (right, True), (wrong, False))
    late = await show.lane.seat("late")
    assert [(await show.mine(seat))["alive"] for seat in (right, wrong, absent, late)] == [True] + 3 * [False]
    await show.opens(1)
    for seat in (wrong, absent, late):
        assert await show.answers(seat, 1) == "out_of_game"
    assert await show.answers(right, 1, right=False) == "answered"
    assert (await show.mine(right))["alive"] is True
    await show.over()
    await show.does("reveal")
    assert (await show.mine(right))["alive"] is False


async def test_who_comes_late_plays_unless_the_rules_say_no(redis: Redis) -> None:
    for late_join, wanted in ((True, "answered"), (False, "late_join")):
        lane = await quiz(redis, live(late_join=late_join, teams=TEAMS), room=f"r{late_join}".lower())
        show = Stage(lane, await lane.seat(HOST))
        early = await lane.seat("early")
        assert await show.joins(early, "red") == "red"
        await show.asks(0)
        joined = await lane.member("early")
        assert joined is not None
        starts = (await picture(lane, "early"))["question"]["starts_at"]
        await show.aged(starts - round(joined.joined))
        while await server_ms(redis) <= joined.joined:
            pass  # the next millisecond
        late = await lane.seat("late")
        assert await show.joins(late, "red") == ("red" if late_join else "late_join")
        assert await show.answers(early, 0) == "answered"
        assert await show.answers(late, 0) in {wanted, "team_needed"}
        await show.over()
        await show.does("reveal")
        await show.opens(1)
        assert await show.answers(late, 1) in {wanted, "team_needed"}


# teams


@pytest.mark.parametrize("how", ["sum", "average"])
async def test_teams_gain_what_their_members_gain_once_it_is_told(redis: Redis, how: str) -> None:
    show = await stage(redis, live(scoring="flat", teams=TEAMS, team_score=how))
    red, red2, blue, none = await show.lane.seats(4)
    assert await show.joins(red, "green") == "team_unknown"
    assert [await show.joins(red, "red"), await show.joins(red2, "red"), await show.joins(blue, "blue")] == [
        "red", "red", "blue",
    ]  # fmt: skip
    assert await show.joins(red, "blue") == await show.joins(red, "red") == "team_chosen"
    assert (await show.mine(red))["team"] == "red"
    await show.opens(0)
    assert await show.answers(none, 0) == "team_needed"
    for seat, right in ((red, True), (red2, False), (blue, True)):
        assert await show.answers(seat, 0, right) == "answered"

    async def scores() -> dict[str, tuple[int, int]]:
        teams = (await picture(show.lane, "m0"))["teams"]
        return {team["id"]: (team["score"], team["members"]) for team in teams}

    assert await scores() == {"red": (0, 2), "blue": (0, 1)}
    await show.over()
    await show.does("reveal")
    assert await scores() == {"red": (1000 if how == "sum" else 500, 2), "blue": (1000, 1)}
    await show.does("finish")
    assert await show.joins(none, "red") == "wrong_state"


# what is told


async def test_right_and_wrong_answers_of_one_tick_are_answered_alike(redis: Redis) -> None:
    show = await stage(redis, live(streak_bonus=100, survival=True))
    seats = await show.lane.seats(2)
    await show.plays(0, *((seat, True) for seat in seats))
    await show.opens(1)
    commands = [
        asking(show.lane, seat, Answer(ref=1, question=1, choices=choose(show.lane, seat.member, 1)))
        for seat, choose in zip(seats, (solved, mistaken), strict=True)
    ]
    right, wrong = await show.lane.ask(*commands)
    assert right == wrong
    views = [view for view, _ in await show.lane.store.views([MemberId("m0"), MemberId("m1")])]
    assert len({str(view[:3] + view[5:]) for view in views}) == 1  # all but the places of before


async def test_the_reveal_tells_each_their_own(redis: Redis) -> None:
    show = await stage(redis, live(scoring="flat", streak_bonus=50))
    right, wrong, absent = await show.lane.seats(3)
    await show.plays(0, (right, True), (wrong, True))
    await show.plays(1, (right, True), (wrong, False))
    mine = {seat.member: (await show.told("revealed", seat.member)) for seat in (right, wrong, absent)}
    assert msgspec.to_builtins(mine["m0"].mine) == {
        "answered": True, "right": True, "gained": 1050, "streak": 2, "score": 2050, "alive": True,
    }  # fmt: skip
    assert (mine["m1"].mine.right, mine["m1"].mine.gained, mine["m1"].mine.score) == (False, 0, 1000)
    assert (mine["m2"].mine.answered, mine["m2"].mine.score) == (False, 0)
    for member, told in mine.items():
        options = (await picture(show.lane, member))["question"]["options"]
        assert [options[place] for place in told.solution.choices] == ["1-0"]
        counts = dict(zip(options, told.counts, strict=True))
        assert counts["1-0"] == 1
        assert sum(counts.values()) == told.answered == 2
    watching = await show.told("revealed", "")
    assert (watching.mine, watching.solution.choices, watching.counts[0]) == (None, [0], 1)


async def test_a_reveal_that_comes_late_still_tells_of_its_own_question(redis: Redis) -> None:
    """The host is quick: the next question is on, and answered, when the page hears of the one before."""
    show = await stage(redis, live(scoring="flat"))
    one, two = await show.lane.seats(2)
    await show.plays(0, (one, True), (two, False))
    await show.opens(1)
    assert await show.answers(one, 1, right=False) == "answered"
    assert await show.answers(two, 1) == "answered"
    first, second = await show.told("revealed", "m0"), await show.told("revealed", "m1")
    assert (first.question, first.mine.right, first.mine.gained) == (0, True, 1000)
    assert (second.mine.right, second.mine.gained, second.mine.score) == (False, 0, 0)


async def test_the_ranking_tells_how_far_each_has_moved(redis: Redis) -> None:
    show = await stage(redis)
    seats = await show.lane.seats(12)
    three, last = seats[:3], seats[11]

    async def answered_by(question: int, rights: list[Seat], ago_ms: int) -> None:
        await show.opens(question, ago_ms)
        for seat in seats:
            assert await show.answers(seat, question, seat in rights) == "answered"
        await show.does("lock")
        await show.does("reveal")
        await show.does("rank")

    await answered_by(0, three, 15_000)
    assert (await show.told("ranked", "m0")).moved == 0
    await answered_by(1, [*three, last], 15_000)
    assert (await show.told("ranked", "m11")).place == 4
    before = {seat.member: (await show.mine(seat))["place"] for seat in seats}
    await answered_by(2, [last], 0)  # as quick as the three were slow
    best = await show.told("ranked", "m11")
    assert (best.place, best.moved, best.players) == (1, 3, 12)
    assert (best.top[0].name, best.top[0].moved, best.top[0].place) == ("m*1", 3, 1)
    assert [line.place for line in best.top] == list(range(1, 11))
    assert all(one.score >= other.score for one, other in pairwise(best.top))
    for seat in seats[:11]:
        told = await show.told("ranked", seat.member)
        assert told.moved == before[seat.member] - told.place


async def test_hidden_places_are_told_at_the_podium(redis: Redis) -> None:
    show = await stage(redis, live(hide_ranking=True, tiers=[{"places": 1, "points": 9}]))
    (seat,) = await show.lane.seats(1)
    await show.plays(0, (seat, True))
    await show.does("rank")
    ranked = await show.told("ranked", "m0")
    assert (ranked.top, ranked.place, ranked.moved, ranked.players) == ([], 0, 0, 1)
    seen = await picture(show.lane, "m0")
    assert (seen["mine"]["place"], seen["top"]) == (0, [])
    await show.does("finish")
    finished = await show.told("finished", "m0")
    assert (finished.place, len(finished.top), finished.won) == (1, 1, 9)
    assert (await show.mine(seat))["place"] == 1


async def test_counts_follow_the_options_chosen_whatever_order_each_saw(redis: Redis) -> None:
    several = {"kind": "multiple", "text": "m", "options": ["a", "b", "c"], "right": [0, 2]}
    show = await stage(redis, live([several]))
    seats = await show.lane.seats(20)
    await show.opens(0)
    wanted = {"a": 0, "b": 0, "c": 0}
    for number, seat in enumerate(seats):
        options = (await picture(show.lane, seat.member))["question"]["options"]
        chosen = options[: 1 + number % 3]
        for option in chosen:
            wanted[option] += 1
        assert await show.says(seat, 0, choices=[options.index(option) for option in chosen]) == "answered"
    await show.over()
    await show.does("reveal")
    assert (await show.told("revealed", "")).counts == list(wanted.values())
    told = {seat.member: await show.told("revealed", seat.member) for seat in seats}
    assert {member for member, reveal in told.items() if reveal.mine.right} == {
        line[2] for line in await show.lane.lines() if line[6][0] == "answered" and line[6][3] == 0b101
    }


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ({"kind": "number", "text": "n", "right": {"min": "3", "max": "4"}}, {"number": "3.50"}),
        ({"kind": "text", "text": "w", "right": ["李白"]}, {"text": "李 白".replace(" ", "")}),
        ({"kind": "true_false", "text": "t", "right": False}, {"choices": [1]}),
    ],
)
async def test_other_kinds_of_questions_live(redis: Redis, question: dict[str, Any], right: Any) -> None:
    show = await stage(redis, live([question]))
    (seat,) = await show.lane.seats(1)
    await show.opens(0)
    assert await show.says(seat, 0, **right) == "answered"
    await show.over()
    await show.does("reveal")
    told = await show.told("revealed", "m0")
    assert told.mine.right
    assert told.counts == ([0, 1] if question["kind"] == "true_false" else [])


# the podium


async def test_places_are_paid_at_the_end_and_caps_on_wins_hold(redis: Redis) -> None:
    tiers = [{"places": 1, "points": 100}, {"places": 2, "points": 30}]
    show = await stage(redis, live(tiers=tiers, wins={"per_day": 2}))
    seats = await show.lane.seats(4)
    for number in range(3):
        await show.plays(number, *((other, True) for other in seats[number:3]))
    assert await show.does("finish") == "podium"
    ranked = sorted([await show.mine(seat) for seat in seats[:3]], key=lambda mine: mine["place"])
    assert [mine["place"] for mine in ranked] == [1, 2, 3]
    grants = [grant for grant in await show.lane.grants() if grant[0] == "place"]
    assert [grant[1:3] for grant in grants] == [[1, 100], [2, 30]]
    winner = grants[0][4]
    finished = await show.told("finished", winner)
    assert (finished.place, finished.won, finished.prize, finished.unit) == (1, 100, "place", 1)
    assert [(line.place, line.score) for line in finished.top] == [
        (mine["place"], mine["score"]) for mine in ranked
    ]
    nobody = await show.told("finished", "m3")
    assert (nobody.place, nobody.won) == (0, None)
    assert (await picture(show.lane, winner))["mine"]["won"] == 100
    assert await show.does("finish") == "wrong_state"


async def test_to_take_part_is_one_play_however_many_questions(redis: Redis) -> None:
    show = await stage(redis, live(chances={"free_total": 1}))
    (seat,) = await show.lane.seats(1)
    for question in range(3):
        await show.plays(question, (seat, True))
    member = await show.lane.member("m0")
    assert member is not None
    assert member.chances == 1


async def test_who_has_no_chance_cannot_take_part(redis: Redis) -> None:
    show = await stage(redis, live(chances={"free_total": 0}))
    (seat,) = await show.lane.seats(1)
    await show.opens(0)
    assert await show.answers(seat, 0) == "no_chance_left"


async def test_hosts_take_no_answers_and_nobody_else_leads(redis: Redis) -> None:
    show = await stage(redis)
    (seat,) = await show.lane.seats(1)
    result = (await show.lane.ask(seat.asks("ask", 0)))[0]
    assert result[:2] == [0, "internal"]  # no session lets it come so far (rooms/session.py)
    assert (await picture(show.lane, "m0"))["state"] == "lobby"


async def test_a_member_of_a_live_quiz_costs_few_bytes(redis: Redis) -> None:
    show = await stage(redis)
    seats: list[Seat] = await show.lane.seats(50)
    for question in range(4):
        await show.plays(question, *((seat, True) for seat in seats))
    member = await show.lane.member("m0")
    assert member is not None
    assert len(member.game) == 20
    octets = await redis.hget(show.lane.keys.members, "m0")
    assert octets is not None
    assert len(octets) < 250
    assert unpacked(await redis.get(show.lane.keys.game) or b"")["state"] == "reveal"
