"""The lists of contestants that this process shows, a second old at most."""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from gameserver.errors import Refused
from gameserver.games.contests import ContestConfig, Standing
from gameserver.games.game import RoomId
from gameserver.line import Position
from gameserver.records.contestants import Contestant, ContestantState, last_change, list_contestants
from gameserver.records.database import Database
from gameserver.records.facts import last_position
from gameserver.records.rooms import Room, RoomState, get_room
from gameserver.rooms.hub import Hub
from gameserver.staff.contestants import contest_of, recorded_standings, standings_of

FRESH_SECONDS = 1.0
KEPT_SECONDS = 60.0
FINALS_KEPT = 64  # closed rooms whose numbers were read from the record
SHUFFLES = 64  # random orders of one list: whoever asks for many makes no more work than that
_NOTHING = Standing(0, 0, 0, "approved", None)
_NO_LANE = frozenset({"closed", "lane_lost"})  # Redis has it no longer, or not at the moment


class Line(NamedTuple):
    """A contestant of the list; `folded` is its name for searching."""

    contestant: Contestant
    id: str
    number: int
    folded: str


class Roster:
    """Who is in a room's list, until that changes.

    Args:
        change: of the record (`last_change`).
        contestants: by number.
    """

    def __init__(self, change: int, contestants: Sequence[Contestant]) -> None:
        self.change = change
        self.lines = [
            Line(one, one.id, one.number, one.work.name.casefold())
            for one in contestants
            if one.id is not None and one.number is not None
        ]
        self.by_id = {line.id: line for line in self.lines}
        self._shuffled: dict[int, list[Line]] = {}

    @cached_property
    def newest(self) -> list[Line]:
        """The last that came first."""
        return sorted(self.lines, key=lambda line: line.contestant.decided_at or 0, reverse=True)

    def shuffled(self, seed: int) -> list[Line]:
        """An order of chance, the same for the same seed."""
        number = seed % SHUFFLES
        if number not in self._shuffled:
            salt = number.to_bytes(8, "big")
            self._shuffled[number] = sorted(self.lines, key=lambda line: _shuffled(salt, line.id))
        return self._shuffled[number]


class Listing:
    """A room's list as it was at one moment.

    Attributes:
        room: as the record has it.
        config: its config.
        has_counts: whether there are numbers of the contestants.
    """

    def __init__(
        self, room: Room, config: ContestConfig, roster: Roster, standings: Mapping[str, Standing] | None
    ) -> None:
        self.room = room
        self.config = config
        self.has_counts = standings is not None
        self._roster = roster
        self._standings = standings or {}

    def line(self, id_: str) -> Line | None:
        """The contestant of that id."""
        return self._roster.by_id.get(id_)

    def standing(self, line: Line) -> Standing:
        """A contestant's numbers."""
        return self._standings.get(line.id, _NOTHING)

    def ordered(self, order: str, seed: int) -> list[Line]:
        """All lines by `number`, `newest`, `votes` or `random`."""
        match order:
            case "newest":
                return self._roster.newest
            case "votes":
                return self._by_votes
            case "random":
                return self._roster.shuffled(seed)
            case _:
                return self._roster.lines

    @cached_property
    def _by_votes(self) -> list[Line]:
        """Equal numbers of votes stand by number, as in the ranking of the lane."""
        return sorted(self._roster.lines, key=lambda line: (-self.standing(line).counted, line.number))


def _shuffled(salt: bytes, id_: str) -> bytes:
    return hashlib.blake2b(id_.encode(), digest_size=8, salt=salt).digest()


class _Kept(NamedTuple):
    at: float
    roster: Roster
    listing: Listing


class _Final(NamedTuple):
    last: Position | None
    standings: Mapping[str, Standing]


class ContestantLists:
    """See the module.

    Args:
        database: the record: who is in the list, and the numbers of a closed room that Redis has no longer.
        hub: this process's rooms: the numbers.
    """

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._kept: dict[RoomId, _Kept] = {}
        self._final: dict[RoomId, _Final] = {}
        self._locks: dict[RoomId, asyncio.Lock] = {}

    async def of(self, room: RoomId) -> Listing:
        """A room's list. Raises Refused: not_found, lane_lost, store_down, record_down."""
        if listing := self._fresh(room):
            return listing
        lock = self._locks.setdefault(room, asyncio.Lock())
        try:
            async with lock:  # one of those who wait reads it for all
                return self._fresh(room) or await self._read(room)
        finally:
            if not lock.locked():
                self._locks.pop(room, None)

    def _fresh(self, room: RoomId) -> Listing | None:
        kept = self._kept.get(room)
        return kept.listing if kept and time.monotonic() - kept.at < FRESH_SECONDS else None

    async def _read(self, room: RoomId) -> Listing:
        now = time.monotonic()
        found = await get_room(self._database, room)
        config = contest_of(found)
        roster = await self._roster(room)
        listing = Listing(found, config, roster, await self._standings(found))
        self._kept = {name: one for name, one in self._kept.items() if now - one.at < KEPT_SECONDS}
        self._kept[room] = _Kept(now, roster, listing)
        return listing

    async def _roster(self, room: RoomId) -> Roster:
        kept, change = self._kept.get(room), await last_change(self._database, room)
        if kept and kept.roster.change == change:
            return kept.roster
        approved = await list_contestants(self._database, room, [ContestantState.APPROVED])
        return Roster(change, approved)

    async def _standings(self, room: Room) -> Mapping[str, Standing] | None:
        if room.state is RoomState.DRAFT:
            return None
        try:
            loaded = await self._hub.room(room.id)
            return await standings_of(loaded.lane.store)
        except Refused as refused:
            if room.state is not RoomState.CLOSED or refused.code not in _NO_LANE:
                raise
        return await self._final_standings(room.id)

    async def _final_standings(self, room: RoomId) -> Mapping[str, Standing]:
        """Of a closed room whose lane is gone; its record is read once, as nothing is added to it."""
        last, final = await last_position(self._database, room), self._final.get(room)
        if final is None or final.last != last:
            final = _Final(last, await recorded_standings(self._database, room))
        kept = [(name, one) for name, one in self._final.items() if name != room]
        self._final = dict([*kept[1 - FINALS_KEPT :], (room, final)])
        return final.standings
