"""Solo rounds, GAMES.md: time, lives, score, points and prizes, and what a page that comes back sees."""

from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.games.quiz.events import Answer
from gameserver.games.quiz.sheet import GRACE_MS
from gameserver.games.quiz.solo import PAUSE_MS, _read, _written
from tests.games.quizzes import SECONDS, Soloist, asking, quiz, single, solo, soloist
from tests.store.lanes import PlayedLane, server_ms

T = SECONDS * 1000
CUP = {"id": "cup", "name": "杯子", "kind": "physical", "stock": 1, "fallback": "pen"}
PEN = {"id": "pen", "name": "笔", "kind": "physical", "stock": 1, "fallback": "thanks"}
THANKS = {"id": "thanks", "name": "谢谢", "kind": "none"}
EVERY_KIND: list[dict[str, Any]] = [
    single(0),
    {"kind": "multiple", "text": "m", "options": ["a", "b", "c"], "right": [0, 2]},
    {"kind": "true_false", "text": "t", "right": False},
    {"kind": "order", "text": "o", "options": ["1", "2", "3"]},
    {"kind": "number", "text": "n", "right": {"min": "3.5", "max": "4"}},
    {"kind": "text", "text": "w", "right": ["李白", "Li Bai"]},
]


async def playing(redis: Redis, room: str = "r1", **fields: Any) -> Soloist:
    return await soloist(await quiz(redis, solo(**fields), room=room))


async def test_a_whole_round(redis: Redis) -> None:
    member = await playing(redis, points_per_right=10, points_budget=1000, pass_score=200)
    begun = await member.begins()
    assert (begun.attempt, begun.question.question, begun.question.of) == (1, 0, 3)
    assert begun.question.ends_at - begun.question.starts_at == T
    first = await member.answers(0, choices=member.right(0))
    assert (first.right, first.gained, first.score, first.result) == (True, 100, 100, None)
    assert first.next.question == 1
    second = await member.answers(1, choices=member.wrong(1))
    assert (second.right, second.gained, second.score) == (False, 0, 100)
    assert second.solution.choices == member.right(1)
    last = await member.answers(2, choices=member.right(2))
    result = last.result
    assert (last.next, result.score, result.right, result.of, result.passed) == (None, 200, 2, 3, True)
    assert (result.points, result.points_unit, result.points_receipt) == (20, 1, "f" * 32)
    assert [each.right for each in result.review] == [True, False, True]
    assert [each.mine.choices for each in result.review] == [
        member.right(0),
        member.wrong(1),
        member.right(2),
    ]
    assert await member.lane.grants() == [["score", 1, 20, 1, "ann"]]
    seen = await member.snapshot()
    assert (seen["attempts"], seen["current"], seen["best"], seen["points"]) == (1, None, 200, 20)
    kept = msgspec.to_builtins(result)
    assert seen["last"] == {key: kept[key] for key in kept if not key.startswith("points_")}


async def test_every_kind_of_question(redis: Redis) -> None:
    member = await playing(redis, questions=EVERY_KIND)
    said = {
        "number": {"number": "3.50"},
        "text": {"text": " li  BAI "},
    }
    told = await member.begins()
    for place in range(len(EVERY_KIND)):
        kind = EVERY_KIND[member.drawn()[place]]["kind"]
        told = await member.answers(place, **said.get(kind, {"choices": member.right(place)}))
        assert told.right, kind
    assert told.result.right == 6
    mine = {each.question.kind: each.mine for each in told.result.review}
    assert (mine["number"].number, mine["text"].text) == ("3.50", " li  BAI ")


@pytest.mark.parametrize(
    "said", [{"choices": [3, 0]}, {"choices": []}, {"number": "-3.5"}, {"text": "c12"}, {"text": "李白"}]
)
def test_what_was_said_is_kept_for_the_review(said: dict[str, Any]) -> None:
    written = _written(Answer(ref=1, question=0, **said))
    mine = _read(written)
    assert msgspec.to_builtins(mine) == (said if said != {"choices": []} else None)


async def test_a_late_answer_is_wrong_however_right_it_is(redis: Redis) -> None:
    member = await playing(redis)
    await member.begins()
    await member.aged(T + GRACE_MS + 1)
    late = await member.answers(0, choices=member.right(0))
    assert (late.right, late.gained) == (False, 0)
    await member.aged(T + PAUSE_MS + GRACE_MS - 100)
    assert (await member.answers(1, choices=member.right(1))).right
    last = await member.answers(2, choices=[])
    assert [each.right for each in last.result.review] == [False, True, False]
    assert last.result.review[2].mine is None


async def test_a_refresh_goes_on_with_the_same_question_and_deadline(redis: Redis) -> None:
    member = await playing(redis)
    begun = await member.begins()
    assert (await member.snapshot())["current"]["question"] == msgspec.to_builtins(begun.question)
    asked = (await member.answers(0, choices=member.right(0))).next
    await member.aged(7000)
    again = Soloist(member.lane, await member.lane.seat("ann"))
    current = (await again.snapshot())["current"]
    assert (current["attempt"], current["score"], current["lives"]) == (1, 100, None)
    assert current["question"]["ends_at"] == asked.ends_at - 7000
    assert current["question"]["options"] == asked.options
    assert (await again.answers(1, choices=again.right(1))).score == 200


async def test_each_question_has_its_own_time_after_the_pause_to_read(redis: Redis) -> None:
    member = await playing(redis)
    begun, now = await member.begins(), await server_ms(redis)
    assert 0 <= now - begun.question.starts_at < 5000
    checked, now = await member.answers(0, choices=member.right(0)), await server_ms(redis)
    assert 0 <= now + PAUSE_MS - checked.next.starts_at < 5000
    unread = await playing(redis, "r2", feedback="end", questions=[single(0), single(1)])
    await unread.begins()
    checked, now = await unread.answers(0, choices=[0]), await server_ms(redis)
    assert 0 <= now - checked.next.starts_at < 5000


async def test_speed_adds_up_to_half_a_right_answer(redis: Redis) -> None:
    member = await playing(redis, speed_bonus=True)
    await member.begins()
    for place, age, rtt in ((0, 5000, 0), (1, PAUSE_MS + 5000, 400), (2, 0, 0)):
        await member.aged(age)
        told = await member.answers(place, choices=member.right(place), rtt_ms=rtt)
        line = (await member.lane.lines())[-1]
        took = line[6][4]
        assert told.gained == 100 + 50 * (T - took) // T
        if place == 2:
            assert took == 0  # in the pause: as quick as can be
        else:
            assert 5000 - rtt // 2 <= took < 10_000 - rtt // 2


async def test_half_of_the_round_trip_is_the_networks_and_no_more_than_a_quarter_second(redis: Redis) -> None:
    member = await playing(redis, speed_bonus=True)
    await member.begins()
    starts = (await member.snapshot())["current"]["question"]["starts_at"] - 5000
    await member.aged(5000)
    await member.answers(0, choices=member.right(0), rtt_ms=60_000)
    line = (await member.lane.lines())[-1]
    assert line[6][4] == line[3] - starts - 250


async def test_only_the_next_round_can_begin_and_only_when_none_is_on(redis: Redis) -> None:
    member = await playing(redis)
    assert await member.begins(2) == "attempt_stale"
    assert await member.answers(0, choices=[0]) == "no_attempt"
    await member.begins(1)
    assert await member.begins(1) == await member.begins(2) == "attempt_stale"
    assert await member.answers(0, attempt=2, choices=[0]) == "no_attempt"
    await member.answers(0, choices=[0])
    assert await member.answers(0, choices=[0]) == "answered_already"
    assert await member.answers(2, choices=[0]) == await member.answers(99, choices=[0]) == "not_asked"
    for place in (1, 2):
        await member.answers(place, choices=[0])
    assert await member.answers(2, choices=[0]) == "no_attempt"
    assert (await member.begins(2)).attempt == 2


async def test_an_answer_that_does_not_fit_is_told_only_for_the_question_that_is_on(redis: Redis) -> None:
    """Else a refusal would tell the kind of a question that was not asked yet."""
    member = await playing(redis, questions=EVERY_KIND)
    misfits: list[dict[str, Any]] = [{"choices": [9]}, {"number": "x"}, {"choices": [0], "text": "a"}, {}]
    for said in misfits:
        assert await member.answers(0, **said) == "no_attempt"
    await member.begins()
    for said in misfits:
        assert await member.answers(0, **said) == "bad_answer"
        for place in range(1, 6):
            assert await member.answers(place, **said) == "not_asked"


@pytest.mark.parametrize(("lives", "rights", "asked"), [(1, [True, False], 2), (3, [False] * 3, 3)])
async def test_a_round_ends_with_the_last_life(
    redis: Redis, lives: int, rights: list[bool], asked: int
) -> None:
    member = await playing(redis, questions=[single(number) for number in range(5)], lives=lives)
    told = await member.plays(rights)
    assert told.lives == 0
    assert (told.result.right, told.result.of, len(told.result.review)) == (sum(rights), 5, asked)
    assert (await member.snapshot())["current"] is None


async def test_with_feedback_at_the_end_right_and_wrong_look_alike_until_then(redis: Redis) -> None:
    lane = await quiz(redis, solo(feedback="end", pass_score=100))
    told = {}
    for name in ("right", "wrong"):
        member = await soloist(lane, name)
        begun = await member.begins()
        assert begun.score == 0
        choices = member.right(0) if name == "right" else member.wrong(0)
        checked = msgspec.to_builtins(await member.answers(0, choices=choices))
        now = await member.snapshot()
        told[name] = {**checked, "next": None, "re": None}, now["current"]["score"]
        last = [await member.answers(place, choices=member.wrong(place)) for place in (1, 2)][-1]
        assert last.result.passed is (name == "right")
        assert (last.right, last.solution, last.score) == (None, None, last.result.score)
        assert [each.solution.choices for each in last.result.review] == [
            member.right(place) for place in range(3)
        ]
    assert told["right"] == told["wrong"]
    assert told["right"][0]["right"] is None


async def test_points_end_with_the_budget_exactly(redis: Redis) -> None:
    lane = await quiz(redis, solo(points_per_right=10, points_budget=79))
    paid = []
    for number in range(5):
        member = await soloist(lane, f"m{number}")
        paid.append((await member.plays([True] * 3)).result.points)
    assert paid == [30, 30, 10, 0, 0]
    assert lane.plan.budget() == 70
    assert sum(grant[2] for grant in await lane.grants()) == 70


async def test_who_passes_wins_the_prize_or_what_it_falls_back_to(redis: Redis) -> None:
    lane = await quiz(redis, solo(pass_score=200, pass_prize="cup", prizes=[CUP, PEN, THANKS]))
    failed = await (await soloist(lane, "failed")).plays([True, False, False])
    assert (failed.result.passed, failed.result.prize) == (False, None)
    won = []
    for number in range(3):
        result = (await (await soloist(lane, f"m{number}")).plays([True, True, False])).result
        won.append((result.prize, result.unit))
    assert won == [("cup", 1), ("pen", 1), ("thanks", None)]


async def test_a_round_that_wins_more_rounds_says_how_many_there_are_now(redis: Redis) -> None:
    more = {"id": "more", "name": "再来", "kind": "chance", "value": 2}
    member = await playing(redis, pass_prize="more", prizes=[more], chances={"free_total": 1})
    await member.begins()
    told = []
    for place in range(3):
        answer = Answer(ref=1, question=place, attempt=1, choices=member.right(place))
        told.append((await member.lane.ask(asking(member.lane, member.seat, answer)))[0][3:])
    # cost, free, points left, purse, fill, most, gifts
    assert told == [[], [], [[0, 0, 0, 0, 0, False, 2]]]


async def test_caps_on_wins_hold_over_prize_and_points_together(redis: Redis) -> None:
    cups = {**CUP, "stock": 5, "fallback": None}
    fields: dict[str, Any] = {
        "pass_prize": "cup",
        "prizes": [cups],
        "points_per_right": 1,
        "points_budget": 99,
    }
    member = await playing(redis, wins={"per_member": 3}, **fields)
    both = (await member.plays([True] * 3)).result
    one = (await member.plays([True] * 3, attempt=2)).result
    assert (both.prize, both.points, one.prize, one.points) == ("cup", 3, "cup", 0)
    assert await member.begins(3) == "win_limit"
    assert len(await member.lane.grants()) == 3


async def test_a_chance_is_used_by_beginning_and_by_nothing_else(redis: Redis) -> None:
    member = await playing(redis, chances={"free_total": 2})
    await member.plays([True] * 3)
    kept = await member.lane.member("ann")
    assert kept is not None
    assert kept.chances == 1
    assert await member.begins(1) == "attempt_stale"
    await member.plays([False] * 3, attempt=2)
    assert await member.begins(3) == "no_chance_left"


async def test_rounds_are_drawn_anew_for_each_attempt_and_member_alike_on_every_node(
    redis: Redis,
) -> None:
    bank = [single(number) for number in range(200)]
    lane = await quiz(redis, solo(bank, draw=[{"count": 5}]))
    ann, bob = await soloist(lane, "ann"), await soloist(lane, "bob")
    rounds = [ann.drawn(1), ann.drawn(2), bob.drawn(1)]
    assert len(set(map(tuple, rounds))) == 3
    another_node = PlayedLane(redis, lane.record)
    assert Soloist(another_node, ann.seat).drawn(1) == rounds[0]
    orders = {tuple((await member.begins()).question.options) for member in (ann, bob)}
    assert len(orders) == 2


async def test_the_tally_counts_rounds_that_are_over(redis: Redis) -> None:
    lane = await quiz(redis, solo())
    for number in range(2):
        await (await soloist(lane, f"m{number}")).plays([True] * 3)
    body = [2, "solo", False, 2, []]
    tally = lane.plan.event("tally", 1, body)
    assert msgspec.to_builtins(tally).items() >= {"joined": 2, "state": "solo", "answered": 2}.items()
