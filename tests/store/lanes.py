"""A lane on the real Valkey, played without sockets or a record."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgpack
from redis.asyncio import Redis

from gameserver.fairness import commitment
from gameserver.games import game_named
from gameserver.games.game import CampaignId, Due, Plan, RoomId
from gameserver.records.rooms import Room as RoomRecord
from gameserver.records.rooms import RoomState
from gameserver.rooms.opening import plan_of, rule_of, window_of
from gameserver.staff.lifecycle import validated
from gameserver.store.keys import LaneKeys
from gameserver.store.lane import Guest, LaneStore, Ticked
from ledger_client.terms import Terms

SEED = bytes(range(32))
NO_CAPS = Terms()
Result = Sequence[Any]


def unpacked(octets: bytes) -> Any:
    """MessagePack whose strings may be any bytes, as Lua's are."""
    return msgpack.unpackb(octets, unicode_errors="surrogateescape", strict_map_key=False)


async def server_ms(redis: Redis) -> int:
    seconds, micros = await redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


def record_of(
    game: str, config: Mapping[str, Any], opened_at: int, room: str = "r1", seed: bytes = SEED
) -> RoomRecord:
    """An open room as PostgreSQL would have it."""
    checked = validated(game, config)
    plan = game_named(game).plan(RoomId(room), checked, seed, opened_at)
    return RoomRecord(
        id=RoomId(room),
        campaign=CampaignId("c1"),
        game=game,
        config=checked.model_dump(mode="json"),
        state=RoomState.OPEN,
        points=plan.budget(),
        rule_version=1,
        rule_hash="",
        commitment=commitment(seed),
        seed=seed,
        created_at=opened_at,
        opened_at=opened_at,
        closed_at=None,
    )


class Session(NamedTuple):
    """A session as the prelude remembers it."""

    id: str
    ref: int
    answers: list[tuple[int, Any]]


class Member(NamedTuple):
    """A member's record (store/lua/prelude/lane.lua, HEADER)."""

    joined: float
    rate: float
    won_at: float
    wins: int
    chances: int
    day: int
    day_chances: int
    name: str
    owned: dict[str, int]
    given: Any
    sessions: list[Session]
    game: bytes
    earned: list[int]
    gifts: list[int]


def member_in(octets: bytes) -> Member:
    """A record, read independently of the prelude."""
    header = struct.Struct("<dHH")
    rate, rare, open_ = header.unpack_from(octets)
    after = header.size + open_
    name, owned, given, joined, wins, won_at, chances, day, day_chances, *rare_ones = unpacked(
        octets[after : after + rare]
    )
    sessions = list(sessions_in(octets[header.size : after]))
    earned, gifts = [*rare_ones, [], []][:2]  # each is there only where it has been needed
    return Member(
        joined, rate, won_at, wins, chances, day, day_chances, name, dict(owned), given, sessions,
        octets[after + rare :], earned or [], gifts,
    )  # fmt: skip


def sessions_in(octets: bytes) -> Iterator[Session]:
    at = 0
    while at < len(octets):
        id_ = octets[at + 1 : at + 1 + octets[at]].decode()
        at += 1 + octets[at]
        ref, count, size = struct.unpack_from("<dBH", octets, at)
        at += struct.calcsize("<dBH")
        answers = list(answers_in(octets[at : at + size]))
        assert len(answers) == count
        at += size
        yield Session(id_, int(ref), answers)


def answers_in(octets: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(octets):
        size = int.from_bytes(octets[at : at + 2], "big")
        unpacker = msgpack.Unpacker(unicode_errors="surrogateescape")
        unpacker.feed(octets[at + 2 : at + 2 + size])
        yield unpacker.unpack(), unpacker.unpack()
        at += 2 + size


class Seat:
    """A session of a member, and the refs it has used."""

    def __init__(self, member: str, session: str) -> None:
        self.member = member
        self.session = session
        self.ref = 0

    def asks(self, op: str, *arguments: Any, deny: str | bool = False, ref: int | None = None) -> list[Any]:
        """A command with the next ref, or with the ref given."""
        if ref is None:
            self.ref = ref = self.ref + 1
        return [self.member, self.session, ref, op, deny, *arguments]


class Joined(NamedTuple):
    """The prelude's reply to a join."""

    kind: int
    session: str
    guest: list[Any]
    v: int
    state: str
    recovered: bool
    missed: list[Any]
    joined: int
    view: Any
    given: Any
    remembered: list[Any]
    play: Any = None


class PlayedLane:
    """A lane that was opened, and what a process would know of it."""

    def __init__(self, redis: Redis, record: RoomRecord, epoch: int = 1) -> None:
        self.redis = redis
        self.record = record
        self.plan: Plan = plan_of(record)
        self.store = LaneStore(redis, game_named(record.game), record.id, epoch)
        self.keys: LaneKeys = self.store.keys
        self._tickets = 0

    async def open(
        self, state: str = "open", window: tuple[int, int] | None = None, terms: Terms = NO_CAPS
    ) -> None:
        opens, closes = window or window_of(self.record, self.plan)
        leases = [(prize, 1, units) for prize, units in self.plan.stock().items()]
        await self.store.open(state, opens, closes, rule_of(self.record, self.plan, terms), leases)

    async def ticket(self, member: str, name: str | None = None) -> str:
        self._tickets += 1
        ticket = f"t{self._tickets}"
        await self.store.put_ticket(ticket, Guest(member, name or member, [], []))
        return ticket

    async def join(
        self,
        member: str,
        session: str | None = None,
        since: int | None = None,
        name: str | None = None,
        days: Sequence[tuple[int, int]] = (),
    ) -> Joined:
        ticket = await self.ticket(member, name)
        command = ["", "", 0, "join", False, ticket, session or False, False if since is None else since]
        (result,) = (await self.tick(command, days=days)).results
        return Joined(*result)

    async def seat(self, member: str, name: str | None = None) -> Seat:
        return Seat(member, (await self.join(member, name=name)).session)

    async def seats(self, count: int) -> list[Seat]:
        """`count` members m0, m1, ... with one session each."""
        seats: list[Seat] = []
        for first in range(0, count, 256):
            members = [f"m{n}" for n in range(first, min(first + 256, count))]
            tickets = [await self.ticket(member) for member in members]
            joins = [["", "", 0, "join", False, ticket, False, False] for ticket in tickets]
            results = (await self.tick(*joins)).results
            seats += [Seat(member, result[1]) for member, result in zip(members, results, strict=True)]
        return seats

    async def tick(self, *commands: Sequence[Any], days: Sequence[tuple[int, int]] = ()) -> Ticked:
        return await self.store.tick(days, commands)

    async def quiet(self) -> None:
        """No tally is owed: what is asked now leaves no trace but its own."""
        while (await self.tick()).tally_in:
            pass

    async def ask(self, *commands: Sequence[Any], days: Sequence[tuple[int, int]] = ()) -> Sequence[Result]:
        """The results of the commands in one tick."""
        return (await self.tick(*commands, days=days)).results

    def dues(self, until: int | None = None) -> list[Due]:
        """Everything of the room's clock, up to a server time."""
        found, after = [], 0
        while (due := self.plan.due(after)) is not None and (until is None or due.at <= until):
            found.append(due)
            after = due.at
        return found

    async def clock(self, due: Due) -> Result:
        """Submits a command of the clock, whether or not it is due."""
        return (await self.ask(clock_command(due)))[0]

    async def lines(self) -> list[Any]:
        """All lines of the outbox in order."""
        entries = await self.redis.xrange(self.keys.outbox)
        return [line for _, fields in entries for line in unpacked(fields[b"l"])]

    async def grants(self) -> list[Any]:
        """[prize, unit, amount, epoch, member] of all lines."""
        return [grant for line in await self.lines() for grant in line[7]]

    async def member(self, member: str) -> "Member | None":
        octets = await self.redis.hget(self.keys.members, member)
        return None if octets is None else member_in(octets)

    async def stock(self) -> dict[str, list[int]]:
        """{prize: [granted, next unit, last unit]}."""
        stock = await self.redis.hgetall(self.keys.stock)
        return {prize.decode(): unpacked(octets) for prize, octets in stock.items()}

    async def purses(self) -> dict[str, tuple[int, int]]:
        """{member: (number, points left)} of the purses that are open."""
        packed = await self.redis.hgetall(self.keys.purse)
        found = {member.decode(): unpacked(octets) for member, octets in packed.items()}
        return {member: (purse[0], purse[2]) for member, purse in found.items() if purse[3]}

    async def head(self, field: str) -> str:
        value = await self.redis.hget(self.keys.room, field)
        assert value is not None
        return str(value.decode())

    async def dump(self) -> dict[str, Any]:
        """Every key of the lane as raw bytes, by its name without the tag."""
        dump: dict[str, Any] = {}
        async for key in self.redis.scan_iter(match=self.keys.tag + ":*"):
            name = key.decode().removeprefix(self.keys.tag + ":")
            match (await self.redis.type(key)).decode():
                case "hash":
                    dump[name] = await self.redis.hgetall(key)
                case "zset":
                    dump[name] = dict(await self.redis.zrange(key, 0, -1, withscores=True))
                case "stream":
                    dump[name] = await self.redis.xrange(key)
                case _:
                    dump[name] = await self.redis.get(key)
        return dump


def clock_command(due: Due) -> list[Any]:
    return ["", "clock", due.ref, due.op, False, *due.arguments]


async def opened(
    redis: Redis,
    config: Mapping[str, Any],
    *,
    game: str = "red_packet_rain",
    room: str = "r1",
    ago: int = 0,
    state: str = "open",
    window: tuple[int, int] | None = None,
    terms: Terms = NO_CAPS,
) -> PlayedLane:
    """A lane that was opened `ago` ms before now."""
    lane = PlayedLane(redis, record_of(game, config, await server_ms(redis) - ago, room))
    await lane.open(state, window, terms)
    return lane
