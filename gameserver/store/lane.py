"""One lane's Redis: every call that touches a room's state goes through here."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gameserver.errors import Refused
from gameserver.games.game import HOST, Game, MemberId, PrizeId, RoomId
from gameserver.store.keys import LaneKeys
from gameserver.store.redis import reached
from gameserver.store.scripts import library_of
from gameserver.store.snapshot import REBUILDING

MAX_BATCH = 256
TICKET_SECONDS = 30
PURSES_A_CALL = 500

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Guest(msgspec.Struct, array_like=True, frozen=True):
    """Who may say hello with a ticket; member "" is a spectator, HOST whoever holds the room's host token.

    `channel` is browser, wechat or embed; `network` a keyed hash of the address's network.
    """

    member: str
    name: str
    levels: list[str]
    tags: list[str]
    channel: str = ""
    network: str = ""


class Ticked(NamedTuple):
    """One tick's reply: server ms at its start, ms until a tally is due (0: none), a result per command."""

    now: int
    tally_in: int
    results: Sequence[Sequence[Any]]


class LaneStore:
    """The functions of one lane. Raises Refused("lane_lost") where Redis has not the state expected."""

    def __init__(self, redis: Redis, game: Game, room: RoomId, epoch: int, lane: int = 0) -> None:
        self.keys = LaneKeys(room, lane)
        self.epoch = epoch
        self._redis = redis
        self._library = library_of(game)
        self._tick = self._library.function("tick")

    async def _call(self, function: str, argument: bytes | str) -> Any:
        async with reached():
            reply = await self._run(function, argument)
        answer = _decode(reply)
        if answer and answer[0] == -1:
            raise Refused(answer[1], retry_ms=1000)
        return answer

    async def _run(self, function: str, argument: bytes | str) -> Any:
        try:
            return await self._redis.fcall(function, 1, self.keys.tag, argument)
        except ResponseError as error:
            if "Function not found" not in str(error):
                raise
            # a Redis that restarted empty, or a first call: load, then try once more
            await self._library.load(self._redis)
            return await self._redis.fcall(function, 1, self.keys.tag, argument)

    async def tick(self, days: Sequence[tuple[int, int]], commands: Sequence[Sequence[Any]]) -> Ticked:
        """Runs up to MAX_BATCH commands [member, session, ref, op, deny, ...] in one call.

        Args:
            days: (from ms, yyyymmdd) in order of time, for the room's day rules.
            commands: see store/lua/prelude/: deciding.lua, `run` and `join`; purse.lua, `fill_purse` and
                `close_purse`.
        """
        flat: list[Any] = []  # one array for all: Redis makes no table per command of it
        for command in commands:
            flat.append(len(command))
            flat += command
        members = {command[0] for command in commands}
        return Ticked(*await self._call(self._tick, _encode((self.epoch, days, members, flat))))

    async def open(
        self,
        state: str,
        opens: int,
        closes: int,
        rule: Mapping[str, Any],
        leases: Iterable[tuple[PrizeId, int, int]],
    ) -> None:
        """Creates the lane's state; `leases` are (prize, first unit, last unit)."""
        argument = _encode((self.epoch, state, opens, closes, rule, list(leases)))
        await self._call(self._library.function("open"), argument)

    async def set_state(self, state: str, *, rebuilt: bool = False) -> None:
        """Opens, pauses or closes the lane and tells everybody.

        A lane that is being rebuilt ignores it, unless its rebuild says that it is done.
        """
        await self._call(self._library.function("set_state"), _encode((self.epoch, state, rebuilt)))

    async def views(self, members: Sequence[MemberId]) -> Sequence[tuple[Any, Any]]:
        """(the rule's view, what the clock granted: see GIVEN in the prelude) of each member."""
        views: Sequence[tuple[Any, Any]] = await self._call(self._library.function("views"), _encode(members))
        return views

    async def clock(self) -> int:
        """The highest ref of the room's clock that was executed; 0 before the first."""
        ref, _ = await self._call(self._library.function("clock"), b"")
        return int(ref)

    async def ordered(self) -> int:
        """The number of the last of staff's orders that was executed; 0 before the first."""
        _, number = await self._call(self._library.function("clock"), b"")
        return int(number)

    async def explain(
        self, days: Sequence[tuple[int, int]], member: MemberId, plays: int, deny: str | None
    ) -> tuple[str | None, int | None, Sequence[Any] | None]:
        """What would decide if the member began so many plays now; changes nothing.

        Returns the code that would refuse (None: nothing does), the ms until that changes (None: it does
        not by itself), and where plays are counted what the prelude's `play_told` tells.
        """
        argument = _encode((self.epoch, days, member, plays, deny or False))
        code, retry_ms, told = await self._call(self._library.function("explain"), argument)
        return code or None, retry_ms or None, told or None

    async def ranking(self, name: str, count: int, skip: int = 0) -> list[tuple[str, int]]:
        """(member, score) of a ranking of the game, highest first."""
        async with reached():
            key = self.keys.ranking(name)
            lines: Any = await self._redis.zrange(key, skip, skip + count - 1, desc=True, withscores=True)
        return [(member.decode(), int(score)) for member, score in lines]

    async def standings(
        self, rankings: Sequence[str], notes: str
    ) -> tuple[list[dict[str, int]], dict[str, str]]:
        """Whole rankings of the game, highest first, and a hash of texts that it keeps; all of one moment.

        Raises Refused: lane_lost (also while the lane is being rebuilt), store_down.
        """
        async with reached():
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.hmget(self.keys.room, "epoch", "state")
            for name in rankings:
                pipeline.zrange(self.keys.ranking(name), 0, -1, desc=True, withscores=True)
            pipeline.hgetall(f"{self.keys.tag}:{notes}")
            (epoch, state), *scores, texts = await pipeline.execute()
        if epoch is None or int(epoch) != self.epoch or state == REBUILDING.encode():
            raise Refused("lane_lost", retry_ms=1000)
        whole = [{member.decode(): int(score) for member, score in lines} for lines in scores]
        return whole, {field.decode(): text.decode() for field, text in texts.items()}

    async def close_purses(self, most: int = PURSES_A_CALL) -> int:
        """Closes up to `most` purses whose time is over, in a closed room any; returns how many are left."""
        (left,) = await self._call(self._library.function("close_purses"), _encode((self.epoch, most)))
        return int(left)

    async def fold(self, lines: Sequence[tuple[Any, Sequence[Any]]]) -> None:
        """Applies recorded lines, each with what `Plan.revive` gave for it, to a lane being rebuilt."""
        await self._call(self._library.function("fold"), _encode(lines))

    async def exists(self) -> bool:
        """Whether Redis has this lane in this epoch."""
        async with reached():
            epoch = await self._redis.hget(self.keys.room, "epoch")
        return epoch is not None and int(epoch) == self.epoch

    async def capped(self) -> bool:
        """Whether the lane counts a member's points by day, month and year."""
        async with reached():
            return bool(await self._redis.hget(self.keys.room, "capped") == b"1")

    async def clear(self) -> None:
        """Removes everything but the outbox, which settlement drains, and what no record can bring back.

        From then on, until `open`, the head says only that the lane is being rebuilt: it is not lost.
        """
        async with self._redis.pipeline(transaction=True) as call:
            call.delete(self.keys.room)
            call.hset(self.keys.room, "state", REBUILDING)
            await call.execute()
        keep = {key.encode() for key in (self.keys.room, self.keys.outbox, self.keys.refused)}
        async for batch in _batches(self._redis.scan_iter(match=_literal(self.keys.tag) + ":*", count=1000)):
            if doomed := [key for key in batch if key not in keep]:
                await self._redis.unlink(*doomed)

    async def put_ticket(self, ticket: str, guest: Guest) -> None:
        """Lets a ticket be used once within TICKET_SECONDS."""
        async with reached():
            await self._redis.set(self.keys.ticket(ticket), _encode(guest), ex=TICKET_SECONDS)

    async def joined(self) -> int:
        """Members who have joined so far."""
        async with reached():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hlen(self.keys.members)
            pipeline.hexists(self.keys.members, HOST)
            members, hosted = await pipeline.execute()
        return max(0, int(members) - 1 - int(hosted))  # the clock has a record too, and so have the hosts


def _literal(tag: str) -> str:
    """A tag for MATCH: no bracket of ours is a pattern, but a room id might hold one."""
    return "".join(f"\\{c}" if c in "*?[]^\\" else c for c in tag)


async def _batches(keys: AsyncIterator[bytes], size: int = 500) -> AsyncIterator[list[bytes]]:
    batch: list[bytes] = []
    async for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch
