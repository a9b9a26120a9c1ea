"""Configs, answers and hosts of quizzes for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.game import Command, MemberId, Sender, SessionId
from tests.store.lanes import PlayedLane, Seat, opened

NO_LIMITS = {"per_second": 1000, "burst": 1000}
OF_THE_ROOM: tuple[str, ...] = ("points_budget", "prizes", "wins", "chances", "audience", "opens_at")
TRUE = {"kind": "true_false", "text": "true?", "right": True}


def single(number: int, right: int = 0, options: int = 4) -> dict[str, Any]:
    """A question whose options all look alike but for their place."""
    return {
        "kind": "single",
        "text": f"question {number}",
        "options": [f"{number}-{option}" for option in range(options)],
        "right": right,
        "explanation": f"because of {number}",
    }


def solo(questions: Sequence[Mapping[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """Rounds of all the questions; `fields` of the mode, and of the room where it has such."""
    questions = questions or [single(number) for number in range(3)]
    room = {name: fields.pop(name) for name in OF_THE_ROOM if name in fields}
    mode = {"kind": "solo", "draw": [{"count": len(questions)}], "seconds_per_question": 20, **fields}
    return {"title": "solo", "mode": mode, "questions": questions, "limits": NO_LIMITS, **room}


def live(questions: Sequence[Mapping[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """A live quiz that begins at once and scores by speed."""
    questions = questions or [single(number) for number in range(4)]
    room = {name: fields.pop(name) for name in OF_THE_ROOM if name in fields}
    mode = {"kind": "live", "seconds_per_question": 20, "lead_ms": 500, **fields}
    return {"title": "live", "mode": mode, "questions": questions, "limits": NO_LIMITS, **room}


async def quiz(redis: Redis, config: Mapping[str, Any], **how: Any) -> PlayedLane:
    """A lane of a quiz."""
    return await opened(redis, config, game="quiz", **how)


def command(lane: PlayedLane, seat: Seat, wish: Command, rtt_ms: int = 0) -> list[Any]:
    """The command as a session would submit it, with the seat's next ref."""
    seat.ref += 1
    op = str(wish.__struct_config__.tag)
    sender = Sender(MemberId(seat.member), SessionId(seat.session), rtt_ms=rtt_ms)
    try:
        arguments = lane.plan.arguments(sender, wish, 0)
    except Refused as refused:
        return [seat.member, seat.session, seat.ref, op, refused.code, refused.retry_ms or False]
    return [seat.member, seat.session, seat.ref, op, False, *arguments]
