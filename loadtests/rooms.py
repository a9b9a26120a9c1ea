"""Rooms to measure in, made as staff make them, and members put into them tick by tick."""

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from gameserver.app import Stores
from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import Plan
from gameserver.records.rooms import Room
from gameserver.rooms.opening import plan_of
from gameserver.store.lane import MAX_BATCH, Guest, LaneStore, Ticked
from gameserver.store.redis import Redis
from loadtests.seats import EPOCH, FOREVER_MS, PACKET, member, session

GAME = "red_packet_rain"
AMOUNT = 88
COUNTDOWN_MS = 3000
ROUND_MS = 30_000

NO_LIMIT = {"per_second": 1000, "burst": 1000}

RAIN: Mapping[str, Any] = {
    "title": "Benchmark",
    "rounds": [{"gap_ms": 0, "countdown_ms": COUNTDOWN_MS, "duration_ms": ROUND_MS}],
    "drops_per_member": 2000,
    "packet_share": 100,
    "bomb_share": 0,
    "max_grabs_per_round": 2000,
    "amounts": {"mode": "fixed", "count": 1_000_000, "amount": AMOUNT},
    "limits": NO_LIMIT,
}
"""One long round in which every drop wins and no limit is met: every answer is a full claim."""

QUIET: Mapping[str, Any] = {**RAIN, "rounds": [{"gap_ms": 3_600_000}]}
"""Joined to, with nothing on for an hour."""


class BenchRoom:
    """An open room and its lane.

    Args:
        stores: of this process.
        record: the room as opened.
    """

    def __init__(self, stores: Stores, record: Room) -> None:
        self._stores = stores
        self.record = record
        self.plan: Plan = plan_of(record)
        self.store = LaneStore(stores.redis, game_named(record.game), record.id, EPOCH)

    async def tick(self, commands: Sequence[Sequence[Any]]) -> Ticked:
        return await self.store.tick((), commands)

    async def join(self, members: int, told: Callable[[int], None] = lambda joined: None) -> None:
        """Members 1 to `members`, in order, each with one session (see seats.py)."""
        game = game_named(self.record.game)
        for first in range(1, members + 1, MAX_BATCH):
            numbers = range(first, min(first + MAX_BATCH, members + 1))
            tickets = [secrets.token_hex(16) for _ in numbers]
            pipeline = self._stores.redis.pipeline(transaction=False)
            placing = LaneStore(pipeline, game, self.record.id, EPOCH)
            for number, ticket in zip(numbers, tickets, strict=True):
                await placing.put_ticket(ticket, Guest(member(number), f"Member {number}", [], []))
            await pipeline.execute()
            ticked = await self.tick([["", "", 0, "join", False, ticket, False, False] for ticket in tickets])
            for number, result in zip(numbers, ticked.results, strict=True):
                assert result[1] == session(number), "the room was not empty"
            told(numbers[-1])

    async def open_round(self) -> None:
        """Begins the first round now, where no server runs the room's clock."""
        due = self.plan.due(0)
        assert due is not None
        await self.tick([["", "clock", due.ref, due.op, False, *due.arguments]])

    def grab(self, number: int, ref: int, drop: int) -> list[Any]:
        """The command of a tap on a full packet that is out all the time."""
        who, where = member(number), session(number)
        return [who, where, ref, "grab", False, 0, drop, PACKET, 0, FOREVER_MS]

    async def close(self) -> None:
        """Ends the room and forgets its lane, outbox and all: nothing is settled of it any more."""
        with contextlib.suppress(Refused):  # its time was over: the server has closed it
            await self._stores.lifecycle.close(self.record.id)
        await self.store.clear()
        await self._stores.redis.unlink(self.store.keys.outbox)


async def make_room(stores: Stores, config: Mapping[str, Any], game: str = GAME) -> BenchRoom:
    """A room with a campaign of its own, opened."""
    draft = await stores.lifecycle.create(game, config)
    return BenchRoom(stores, await stores.lifecycle.open(draft.id))


async def in_room(
    stores: Stores,
    config: Mapping[str, Any],
    work: Callable[[BenchRoom], Awaitable[dict[str, float]]],
    game: str = GAME,
) -> dict[str, float]:
    """Figures measured in a room that exists only meanwhile."""
    room = await make_room(stores, config, game)
    try:
        return await work(room)
    finally:
        await room.close()


async def valkey_version(redis: Redis) -> str:
    server: Mapping[str, Any] = await redis.info("server")
    return str(server.get("valkey_version") or server["redis_version"])
