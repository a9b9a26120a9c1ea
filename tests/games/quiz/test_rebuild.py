"""A quiz is a fold of its lines in every state: flushed and rebuilt, it goes on as if nothing had been."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from gameserver.games.game import HOST
from gameserver.records.database import Database
from tests.games.quizzes import Stage, live, picture, solo, soloist
from tests.promises.world import World, check_rebuilt, world
from tests.store.lanes import server_ms

TEAMS = [{"id": "red", "name": "红队"}, {"id": "blue", "name": "蓝队"}]
TIERS = [{"places": 1, "points": 100}, {"places": 1, "points": 20}]
MEMBERS = [f"m{number}" for number in range(5)]


async def begun(show: Stage, question: int) -> None:
    """Asks a question, and returns when its time has begun: moments that were moved could not be rebuilt."""
    assert await show.asks(question) == "question"
    starts = (await picture(show.lane, HOST))["question"]["starts_at"]
    while (left := starts - await server_ms(show.lane.redis)) > 0:
        await asyncio.sleep(left / 1000)


async def flushed(here: World, show: Stage) -> Stage:
    """The same quiz from the record alone."""
    await show.lane.quiet()
    before = await show.lane.dump()
    shown = [await picture(show.lane, member) for member in (*MEMBERS, HOST)]
    await here.settle(show.lane)
    await show.lane.redis.flushall()
    await here.lifecycle.rebuild(show.lane.record.id)
    lane = await here.again(show.lane)
    check_rebuilt(before, await lane.dump())
    assert [await picture(lane, member) for member in (*MEMBERS, HOST)] == shown
    return Stage(lane, show.host)


async def test_a_live_quiz_rebuilt_in_every_state(redis: Redis, engine: Database) -> None:
    fields: dict[str, Any] = {"streak_bonus": 50, "teams": TEAMS, "team_score": "average", "tiers": TIERS}
    async with world(engine, redis) as here:
        lane = await here.open("quiz", live(**fields, wins={"per_member": 1}))
        show = Stage(lane, await lane.seat(HOST))
        seats = await lane.seats(len(MEMBERS))
        for number, seat in enumerate(seats[:4]):
            assert await show.joins(seat, TEAMS[number % 2]["id"]) == TEAMS[number % 2]["id"]
        show = await flushed(here, show)  # lobby
        for question in (0, 2):
            await begun(show, question)
            assert await show.answers(seats[0], question) == "answered"
            show = await flushed(here, show)  # question, half answered
            assert await show.answers(seats[0], question) == "answered_already"
            assert await show.answers(seats[1], question, right=False) == "answered"
            assert await show.answers(seats[2], question, right=question == 2) == "answered"
            assert await show.does("lock") == "locked"
            show = await flushed(here, show)  # locked
            assert await show.does("reveal") == "reveal"
            show = await flushed(here, show)  # reveal
            assert await show.does("rank") == "ranking"
            assert (await show.told("ranked", "m0")).place == 1
            show = await flushed(here, show)  # ranking
        assert await show.does("finish") == "podium"
        show = await flushed(here, show)  # podium, with its prizes
        assert [grant[2] for grant in await show.lane.grants()] == []  # all of it is settled
        assert [(await show.mine(seat))["won"] for seat in seats] == [100, 0, 20, 0, 0]
        assert (await here.ledger.balance("m0")).available == 100


async def test_a_round_rebuilt_in_the_middle(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        config = solo(lives=3, speed_bonus=True, points_per_right=5, points_budget=1000)
        member = await soloist(await here.open("quiz", config))
        await member.begins()
        await member.answers(0, choices=member.right(0))
        await member.answers(1, choices=member.wrong(1))
        await member.lane.quiet()
        before, shown = await member.lane.dump(), await member.snapshot()
        await here.settle(member.lane)
        await redis.flushall()
        await here.lifecycle.rebuild(member.lane.record.id)
        member.lane = await here.again(member.lane)
        check_rebuilt(before, await member.lane.dump())
        assert await member.snapshot() == shown
        result = (await member.answers(2, choices=member.right(2))).result
        assert (result.right, result.points, [each.right for each in result.review]) == (
            2, 10, [True, False, True],
        )  # fmt: skip
