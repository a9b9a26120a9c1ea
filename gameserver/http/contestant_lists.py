"""The lists of contestants that this process shows, a second old at most."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.games.vote.config import VoteConfig
from gameserver.games.vote.standing import Standing
from gameserver.records.contestants import Contestant, ContestantState, last_change, list_contestants
from gameserver.records.database import Database
from gameserver.records.rooms import Room, RoomState, get_room
from gameserver.rooms.hub import Hub
from gameserver.staff.contestants import standings_of, vote_of

FRESH_SECONDS = 1.0
KEPT_SECONDS = 60.0
ORDERS_KEPT = 32
_NOTHING = Standing(0, 0, 0, "approved", None)
_NO_LANE = frozenset({"not_open", "closed"})  # why there are no numbers, as Hub.room says


class Line(NamedTuple):
    """A contestant of the list; `folded` is its name for searching."""

    contestant: Contestant
    id: str
    number: int
    folded: str
    standing: Standing


class Listing:
    """A room's list as it was at one moment.

    Attributes:
        room: as the record has it.
        config: its config.
        lines: by number.
        has_counts: whether the numbers of `lines` are told by a lane.
    """

    def __init__(
        self,
        room: Room,
        config: VoteConfig,
        contestants: Sequence[Contestant],
        standings: dict[str, Standing] | None,
    ) -> None:
        self.room = room
        self.config = config
        self.has_counts = standings is not None
        of = standings or {}
        self.lines = [
            Line(one, one.id, one.number, one.work.name.casefold(), of.get(one.id, _NOTHING))
            for one in contestants
            if one.id is not None and one.number is not None
        ]
        self._by_id = {line.id: line for line in self.lines}
        self._orders: dict[str, list[Line]] = {"number": self.lines}

    def line(self, id_: str) -> Line | None:
        """The contestant of that id."""
        return self._by_id.get(id_)

    def ordered(self, order: str, seed: int) -> list[Line]:
        """All lines by `number`, `newest`, `votes` or `random`, which is the same for the same seed."""
        key = f"random {seed}" if order == "random" else order
        found = self._orders.get(key)
        if found is None:
            if len(self._orders) > ORDERS_KEPT:
                self._orders = {"number": self.lines}
            found = self._orders[key] = self._sorted(order, seed)
        return found

    def _sorted(self, order: str, seed: int) -> list[Line]:
        match order:
            case "newest":
                return sorted(self.lines, key=lambda line: line.contestant.decided_at or 0, reverse=True)
            case "votes":
                # equal numbers of votes stand by number, as in the ranking of the lane
                return sorted(self.lines, key=lambda line: (-line.standing.counted, line.number))
            case "random":
                salt = seed.to_bytes(8, "big")
                return sorted(self.lines, key=lambda line: _shuffled(salt, line.id))
            case _:
                return self.lines


def _shuffled(salt: bytes, id_: str) -> bytes:
    return hashlib.blake2b(id_.encode(), digest_size=8, salt=salt).digest()


class _Kept(NamedTuple):
    at: float
    change: int
    contestants: Sequence[Contestant]
    listing: Listing


class ContestantLists:
    """See the module.

    Args:
        database: the record: who is in the list.
        hub: this process's rooms: the numbers.
    """

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._kept: dict[RoomId, _Kept] = {}
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
        config = vote_of(found)
        kept = self._kept.get(room)
        change = await last_change(self._database, room)
        if kept and kept.change == change:
            contestants = kept.contestants
        else:
            contestants = await list_contestants(self._database, room, [ContestantState.APPROVED])
        listing = Listing(found, config, contestants, await self._standings(found))
        self._kept = {
            name: one for name, one in self._kept.items() if now - one.at < KEPT_SECONDS
        } | {room: _Kept(now, change, contestants, listing)}  # fmt: skip
        return listing

    async def _standings(self, room: Room) -> dict[str, Standing] | None:
        if room.state is RoomState.DRAFT:
            return None
        try:
            loaded = await self._hub.room(room.id)
        except Refused as refused:
            if refused.code in _NO_LANE:
                return None
            raise
        return await standings_of(loaded.lane.store)
