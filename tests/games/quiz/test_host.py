"""The host's steps of a live quiz, and when a question takes an answer (GAMES.md)."""

from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.games.game import HOST
from gameserver.games.quiz.sheet import GRACE_MS
from tests.games.quizzes import LEAD_MS, SECONDS, STEPS, Stage, live, picture, single, stage
from tests.store.lanes import server_ms

T = SECONDS * 1000


ALLOWED = {
    "lobby": {"ask"},
    "question": {"lock"},
    "locked": {"reveal"},
    "reveal": {"ask", "rank", "finish"},
    "ranking": {"ask", "finish"},
    "podium": set(),
}


async def brought_to(show: Stage, state: str) -> None:
    """Takes the shortest way to a state."""
    ways: dict[str, list[str]] = {
        "lobby": [],
        "question": [],
        "locked": ["lock"],
        "reveal": ["lock", "reveal"],
        "ranking": ["lock", "reveal", "rank"],
        "podium": ["lock", "reveal", "finish"],
    }
    if state != "lobby":
        await show.opens(0)
    for step in ways[state]:
        assert await show.does(step) in ALLOWED
    assert (await picture(show.lane, HOST))["state"] == state


@pytest.mark.parametrize("state", ALLOWED)
async def test_a_step_that_does_not_fit_changes_nothing(redis: Redis, state: str) -> None:
    show = await stage(redis)
    await brought_to(show, state)
    lines = await show.lane.lines()
    for step in {"ask", *STEPS} - ALLOWED[state]:
        code = await (show.asks(1) if step == "ask" else show.does(step))
        assert code == ("not_locked" if (state, step) == ("question", "reveal") else "wrong_state")
    assert await show.lane.lines() == lines
    assert await show.asks(99) == "no_such_question"


@pytest.mark.parametrize(
    ("state", "step"), [(state, step) for state in ALLOWED for step in sorted(ALLOWED[state])]
)
async def test_a_step_that_fits_is_taken(redis: Redis, state: str, step: str) -> None:
    show = await stage(redis)
    await brought_to(show, state)
    wanted = {"ask": "question", "lock": "locked", "reveal": "reveal", "rank": "ranking", "finish": "podium"}
    assert await (show.asks(1) if step == "ask" else show.does(step)) == wanted[step]
    assert (await picture(show.lane, HOST))["state"] == wanted[step]


async def test_questions_are_asked_in_any_order_and_each_once(redis: Redis) -> None:
    show = await stage(redis)
    for question in (2, 0, 3):
        await show.plays(question)
    assert await show.asks(0) == "wrong_state"
    assert (await picture(show.lane, HOST))["asked"] == [2, 0, 3]
    assert await show.asks(1) == "question"


async def test_a_second_host_page_sees_the_state_and_goes_on(redis: Redis) -> None:
    show = await stage(redis)
    await show.opens(1)
    second = await show.lane.seat(HOST)
    seen = await picture(show.lane, HOST)
    assert (seen["state"], seen["question"]["question"], seen["asked"]) == ("question", 1, [1])
    assert await show.does("lock", second) == "locked"
    assert await show.does("lock") == "wrong_state"
    assert await show.does("reveal") == "reveal"


async def test_the_same_step_again_answers_the_same_and_does_nothing_twice(redis: Redis) -> None:
    show = await stage(redis)
    command = show.host.asks("ask", 0)
    first, again = await show.lane.ask(command, command)
    assert first == again
    assert [line[6][0] for line in await show.lane.lines()].count("opened") == 1


async def test_the_time_of_a_question_begins_after_the_lead(redis: Redis) -> None:
    show = await stage(redis)
    member, now = await show.lane.seat("ann"), await server_ms(redis)
    assert await show.asks(0) == "question"
    asked = (await picture(show.lane, "ann"))["question"]
    assert 0 <= asked["starts_at"] - LEAD_MS - now < 5000
    assert asked["ends_at"] - asked["starts_at"] == T
    await show.aged(-60_000)
    command = member.asks("answer", 0, 1, 1, 0)
    (kind, code, retry), *_ = await show.lane.ask(command)
    assert (kind, code) == (0, "not_asked")
    assert 55_000 < retry <= 60_000 + LEAD_MS


async def test_time_alone_locks_a_question_after_the_grace(redis: Redis) -> None:
    show = await stage(redis)
    one, two = await show.lane.seats(2)
    await show.opens(0, T + GRACE_MS // 5)
    assert await show.does("reveal") == "not_locked"
    assert await show.answers(one, 0) == "answered"
    await show.aged(GRACE_MS)
    assert await show.answers(two, 0) == "question_closed"
    assert (await picture(show.lane, "m1"))["state"] == "locked"
    assert await show.does("reveal") == "reveal"


async def test_the_host_may_lock_early(redis: Redis) -> None:
    show = await stage(redis)
    one, two = await show.lane.seats(2)
    await show.opens(0, 2000)
    assert await show.answers(one, 0) == "answered"
    assert await show.does("lock") == "locked"
    assert await show.answers(two, 0) == "question_closed"
    ends = (await picture(show.lane, "m1"))["question"]["ends_at"]
    assert ends <= await server_ms(redis)


async def test_only_the_question_that_is_on_is_answered_and_only_once(redis: Redis) -> None:
    show = await stage(redis)
    phone, tablet = await show.lane.seat("ann"), await show.lane.seat("ann")
    assert await show.answers(phone, 0) == "not_asked"
    await show.opens(0)
    assert await show.answers(phone, 1) == "not_asked"
    assert await show.says(phone, 99, choices=[0]) == "not_asked"
    assert await show.answers(phone, 0) == "answered"
    assert await show.answers(tablet, 0, right=False) == "answered_already"
    await show.over()
    await show.does("reveal")
    await show.opens(1)
    assert await show.answers(phone, 0) == "question_closed"
    assert len([line for line in await show.lane.lines() if line[6][0] == "answered"]) == 1


async def test_an_answer_that_does_not_fit_is_told_only_for_the_question_that_is_on(redis: Redis) -> None:
    show = await stage(
        redis, live([single(0), {"kind": "number", "text": "n", "right": {"min": "1", "max": "2"}}])
    )
    (member,) = await show.lane.seats(1)
    misfits: list[dict[str, Any]] = [
        {"choices": []},
        {"choices": [0, 1]},
        {"choices": [4]},
        {"text": "a"},
        {},
    ]
    await show.opens(0)
    for said in misfits:
        assert await show.says(member, 1, **said) == "not_asked"
        assert await show.says(member, 0, **said) == "bad_answer"
    assert await show.says(member, 0, choices=[0], attempt=1) == "bad_answer"
    await show.over()
    await show.does("reveal")
    await show.opens(1)
    assert await show.says(member, 1, number="1.5") == "answered"
