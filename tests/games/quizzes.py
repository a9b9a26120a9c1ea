"""Configs, answers and hosts of quizzes for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgpack
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.game import HOST, Command, Granted, MemberId, Sender, SessionId
from gameserver.games.quiz.events import Answer, Ask, Begin, Finish, JoinTeam, Lock, Rank, Reveal
from tests.store.lanes import PlayedLane, Seat, opened, server_ms, unpacked

OF_THE_ROOM: tuple[str, ...] = ("points_budget", "prizes", "wins", "chances", "audience", "closes_at")
SECONDS = 20
LEAD_MS = 500
STEPS: Mapping[str, Command] = {
    "lock": Lock(ref=1),
    "reveal": Reveal(ref=1),
    "rank": Rank(ref=1),
    "finish": Finish(ref=1),
}


def single(number: int, right: int = 0, options: int = 4, **fields: Any) -> dict[str, Any]:
    """A question whose options are "<number>-<place>"."""
    return {
        "kind": "single",
        "text": f"question {number}",
        "options": [f"{number}-{option}" for option in range(options)],
        "right": right,
        "explanation": f"because of {number}",
        **fields,
    }


def _room(
    title: str, mode: Mapping[str, Any], questions: Sequence[Mapping[str, Any]], fields: dict[str, Any]
) -> dict[str, Any]:
    room = {name: fields.pop(name) for name in OF_THE_ROOM if name in fields}
    limits = {"per_second": 1000, "burst": 1000}
    return {"title": title, "mode": {**mode, **fields}, "questions": questions, "limits": limits, **room}


def solo(questions: Sequence[Mapping[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """Rounds of all the questions; `fields` of the mode, or of the room."""
    questions = questions or [single(number) for number in range(3)]
    mode = {"kind": "solo", "draw": [{"count": len(questions)}], "seconds_per_question": SECONDS}
    return _room("solo", mode, questions, fields)


def live(questions: Sequence[Mapping[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    """A live quiz with the shortest lead; `fields` of the mode, or of the room."""
    questions = questions or [single(number) for number in range(4)]
    mode = {"kind": "live", "seconds_per_question": SECONDS, "lead_ms": LEAD_MS}
    return _room("live", mode, questions, fields)


async def quiz(redis: Redis, config: Mapping[str, Any], **how: Any) -> PlayedLane:
    """A lane of a quiz."""
    return await opened(redis, config, game="quiz", **how)


def asking(lane: PlayedLane, seat: Seat, wish: Command, rtt_ms: int = 0) -> list[Any]:
    """The command as a session would submit it, with the seat's next ref."""
    seat.ref += 1
    op = str(wish.__struct_config__.tag)
    sender = Sender(MemberId(seat.member), SessionId(seat.session), rtt_ms=rtt_ms)
    try:
        arguments = lane.plan.arguments(sender, wish, 0)
    except Refused as refused:
        return [seat.member, seat.session, seat.ref, op, refused.code, refused.retry_ms or False]
    return [seat.member, seat.session, seat.ref, op, False, *arguments]


def solved(lane: PlayedLane, member: str, question: int, attempt: int = 0) -> list[int]:
    """The right choices as this member sees them."""
    sheet = lane.plan._sheet  # type: ignore[attr-defined]
    right: list[int] = sheet.right(question, sheet.order(MemberId(member), attempt, question)).choices
    return right


def mistaken(lane: PlayedLane, member: str, question: int, attempt: int = 0) -> list[int]:
    """A wrong choice of a question with one right option."""
    return [(solved(lane, member, question, attempt)[0] + 1) % 2]


class Soloist:
    """A member who plays rounds alone and hears what a page hears."""

    def __init__(self, lane: PlayedLane, seat: Seat) -> None:
        self.lane = lane
        self.seat = seat

    async def does(self, wish: Command, rtt_ms: int = 0) -> Any:
        """The answering event, or the code of the refusal."""
        command = asking(self.lane, self.seat, wish, rtt_ms)
        result = (await self.lane.ask(command))[0]
        if result[0] == 0:
            return result[1]
        member = MemberId(self.seat.member)
        granted = [(*grant[:3], "f" * 32) for grant in result[2]]
        return self.lane.plan.answer(member, command[2], result[1], granted)  # type: ignore[arg-type]

    async def begins(self, attempt: int = 1) -> Any:
        return await self.does(Begin(ref=1, attempt=attempt))

    async def answers(self, place: int, attempt: int = 1, rtt_ms: int = 0, **said: Any) -> Any:
        return await self.does(Answer(ref=1, question=place, attempt=attempt, **said), rtt_ms)

    def right(self, place: int, attempt: int = 1) -> list[int]:
        """The right choices of the round's question, and of a single one's first wrong one."""
        return solved(self.lane, self.seat.member, self.drawn(attempt)[place], attempt)

    def wrong(self, place: int, attempt: int = 1) -> list[int]:
        return mistaken(self.lane, self.seat.member, self.drawn(attempt)[place], attempt)

    def drawn(self, attempt: int = 1) -> Sequence[int]:
        drawn: Sequence[int] = self.lane.plan._drawn(self.seat.member, attempt)  # type: ignore[attr-defined]
        return drawn

    async def plays(self, rights: Sequence[bool], attempt: int = 1) -> Any:
        """A whole round: which answers are right; the last event."""
        told = await self.begins(attempt)
        for place, right in enumerate(rights):
            choices = self.right(place, attempt) if right else self.wrong(place, attempt)
            told = await self.answers(place, attempt, choices=choices)
        return told

    async def snapshot(self) -> Mapping[str, Any]:
        return await picture(self.lane, self.seat.member)

    async def aged(self, ms: int) -> None:
        """The question that is on was asked so much earlier."""
        key, member = self.lane.keys.members, self.seat.member
        octets = await self.lane.redis.hget(key, member)
        assert octets is not None
        kept = await self.lane.member(member)
        assert kept is not None
        play = unpacked(kept.game)
        play[3][1] -= ms
        await self.lane.redis.hset(key, member, octets[: -len(kept.game)] + msgpack.packb(play))


async def soloist(lane: PlayedLane, member: str = "ann") -> Soloist:
    """A member who has just come in."""
    return Soloist(lane, await lane.seat(member))


async def picture(lane: PlayedLane, member: str) -> Mapping[str, Any]:
    """The game's part of the member's snapshot."""
    ((view, _),) = await lane.store.views([MemberId(member)])
    return lane.plan.snapshot(MemberId(member), await server_ms(lane.redis), view)


class Stage:
    """A live quiz with its host."""

    def __init__(self, lane: PlayedLane, host: Seat) -> None:
        self.lane = lane
        self.host = host

    async def does(self, op: str, seat: Seat | None = None) -> Any:
        """What the host's step comes to: the state, or the code of the refusal."""
        return await self._told(seat or self.host, STEPS[op])

    async def opens(self, question: int, ago_ms: int = 0) -> None:
        """Asks a question whose time began so long ago."""
        assert await self.asks(question) == "question"
        await self.aged(LEAD_MS + ago_ms)

    async def asks(self, question: int, seat: Seat | None = None) -> Any:
        return await self._told(seat or self.host, Ask(ref=1, question=question))

    async def _told(self, seat: Seat, wish: Command) -> Any:
        _, *told = (await self.lane.ask(asking(self.lane, seat, wish)))[0]
        return told[0] if isinstance(told[0], str) else told[0][0]

    async def aged(self, ms: int) -> None:
        """All that was asked was asked so much earlier."""
        game = unpacked(await self.lane.redis.get(self.lane.keys.game) or b"")
        for moment in ("starts", "ends", "first"):
            game[moment] -= ms
        await self.lane.redis.set(self.lane.keys.game, msgpack.packb(game))

    async def over(self) -> None:
        """The time of the question and its grace are over."""
        await self.aged(SECONDS * 1000 + 1000)

    async def answers(self, seat: Seat, question: int, right: bool = True, rtt_ms: int = 0) -> Any:
        """ "answered", or the code of the refusal."""
        choose = solved if right else mistaken
        return await self.says(seat, question, rtt_ms, choices=choose(self.lane, seat.member, question))

    async def says(self, seat: Seat, question: int, rtt_ms: int = 0, **said: Any) -> Any:
        wish = Answer(ref=1, question=question, **said)
        result = (await self.lane.ask(asking(self.lane, seat, wish, rtt_ms)))[0]
        return result[1] if result[0] == 0 else "answered"

    async def joins(self, seat: Seat, team: str) -> Any:
        """The team, or the code of the refusal."""
        command = asking(self.lane, seat, JoinTeam(ref=1, team=team))
        result = (await self.lane.ask(command))[0]
        if result[0] == 0:
            return result[1]
        return self.lane.plan.answer(MemberId(seat.member), 1, result[1], ()).team  # type: ignore[attr-defined]

    async def plays(self, question: int, *answers: tuple[Seat, bool]) -> None:
        """A question from the start to the reveal, each answering at once."""
        await self.opens(question)
        for seat, right in answers:
            assert await self.answers(seat, question, right) == "answered"
        await self.over()
        assert await self.does("reveal") == "reveal"

    async def mine(self, seat: Seat) -> Mapping[str, Any]:
        mine: Mapping[str, Any] = (await picture(self.lane, seat.member))["mine"]
        return mine

    async def told(self, name: str, member: str) -> Any:
        """The last room event of that name as the member is told it."""
        entries = await self.lane.redis.xrevrange(self.lane.keys.events)
        bodies = [unpacked(fields[b"e"]) for _, fields in entries]
        v, _, _, body = next(event for event in bodies if event[2] == name)
        ((view, given),) = await self.lane.store.views([MemberId(member)])
        granted = {ref: _granted(grant) for *grant, _, ref in given}
        return self.lane.plan.personal(name, v, body, MemberId(member), view, granted)


def _granted(grant: Sequence[Any]) -> Any:

    prize, unit, amount, _ = grant
    return Granted(prize, unit, amount, "f" * 32)


async def stage(redis: Redis, config: Mapping[str, Any] | None = None, **how: Any) -> Stage:
    """A live quiz in its lobby."""
    lane = await quiz(redis, config or live(), **how)
    return Stage(lane, await lane.seat(HOST))
