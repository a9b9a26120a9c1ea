"""Record, ledger, store and staff around a lane that is played without sockets."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from gameserver.games import game_named
from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters
from gameserver.records.grants import Grant, grants_of
from gameserver.records.lanes import get_lanes, open_lane
from gameserver.records.rooms import get_room
from gameserver.settlement import Settlement
from gameserver.staff.lifecycle import Lifecycle
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.terms import Terms
from tests.store.lanes import PlayedLane, member_in, server_ms, unpacked

# a new epoch counts its versions anew, and says so: `since` of an older one is not recovered
_OF_THE_EPOCH = {b"epoch", b"v", b"floor", b"tallied"}
_OUTSIDE_THE_FOLD = ("ev", "out", "refused")


class World:
    """Everything of one server but its sockets."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis = redis
        self.ledger = EmbeddedLedger(database)
        self.settlement = Settlement(database, redis, self.ledger)
        self.lifecycle = Lifecycle(database, redis, self.ledger, self.settlement.drain)

    async def open(
        self, game: str, config: Mapping[str, Any], ago: int = 0, terms: Terms | None = None
    ) -> PlayedLane:
        """A funded room that was opened `ago` ms before now, under `terms` of its campaign."""
        draft = await self.lifecycle.create(game, config)
        if terms:
            await self.ledger.agree(draft.campaign, terms)
        opened_at = await server_ms(self.redis) - ago
        checked = game_named(game).config.model_validate(draft.config)
        plan = game_named(game).plan(draft.id, checked, draft.seed, opened_at)
        await open_lane(
            self.database, draft.id, opened_at=opened_at, stock=plan.stock(), points=plan.budget()
        )
        return PlayedLane(self.redis, await self.lifecycle.open(draft.id))

    async def again(self, lane: PlayedLane) -> PlayedLane:
        """The lane under the epoch that it has now."""
        record = await get_room(self.database, lane.record.id)
        (now,) = await get_lanes(self.database, lane.record.id)
        return PlayedLane(self.redis, record, now.epoch)

    async def settle(self, lane: PlayedLane) -> None:
        """All that the outbox holds, into the record and the ledger."""
        (now,) = await get_lanes(self.database, lane.record.id)
        await self.settlement.drain(now)

    async def grants(self, lane: PlayedLane) -> list[Grant]:
        return [grant async for grant in grants_of(self.database, lane.record.id)]

    async def check_books(self, lane: PlayedLane, lines: list[Any]) -> list[Grant]:
        """Grants of the outbox = grants on record = points in the ledger, and nothing put aside."""
        granted = await self.grants(lane)
        sent = [
            (line[0], line[1], number, grant[4], *grant[:4])
            for line in lines
            for number, grant in enumerate(line[7])
        ]
        assert sorted(sent) == sorted(
            (x.session, x.ref, x.line, x.member, x.prize, x.unit, x.amount, x.epoch) for x in granted
        )
        earned: Counter[str] = Counter()
        for grant in granted:
            earned[grant.member] += grant.amount
        for member, points in earned.items():
            assert (await self.ledger.balance(member)).available == points
        assert await dead_letters(self.database) == []
        assert await self.ledger.drift() == []
        assert await self.redis.xlen(lane.keys.outbox) == 0
        return granted


@asynccontextmanager
async def world(database: Database, redis: Redis) -> AsyncIterator[World]:
    made = World(database, redis)
    try:
        yield made
    finally:
        await made.settlement.close()


def lasting(dump: Mapping[str, Any]) -> dict[str, Any]:
    """What a rebuild must restore of a lane's keys: all but versions and refused answers."""
    kept: dict[str, Any] = {}
    for name, value in dump.items():
        match name:
            case "room":
                kept[name] = {field: x for field, x in value.items() if field not in _OF_THE_EPOCH}
            case "m":
                kept[name] = {member: _executed(octets) for member, octets in value.items()}
            case "stock":
                kept[name] = {prize: unpacked(octets) for prize, octets in value.items()}
            case "rule" | "game":
                kept[name] = unpacked(value)
            case _ if name not in _OUTSIDE_THE_FOLD:
                kept[name] = value
    return kept


def _executed(octets: bytes) -> Any:
    """A member's record without refusals: they were answers of the moment (store/lua/prelude/)."""
    member = member_in(octets)
    return member._replace(sessions=[session.id for session in member.sessions])  # type: ignore[arg-type]


def executed_answers(dump: Mapping[str, Any]) -> dict[tuple[str, str], list[Any]]:
    """The answers of executed commands, by (member, session)."""
    return {
        (member.decode(), session.id): [answer for answer in session.answers if answer[1][0] == 1]
        for member, octets in dump["m"].items()
        for session in member_in(octets).sessions
    }


def check_rebuilt(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Key by key and field by field."""
    wanted, found = lasting(before), lasting(after)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name] == value, name
    known = executed_answers(after)
    for page, answers in executed_answers(before).items():
        # refusals are gone, so the memory may reach further back, never less
        assert known[page][len(known[page]) - len(answers) :] == answers, page
