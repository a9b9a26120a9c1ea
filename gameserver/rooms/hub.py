"""The rooms of this process: loaded from the record, listening to their lanes, with their clocks running."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from gameserver.errors import CloseCode, Refused
from gameserver.fairness import Receipts
from gameserver.games import game_named
from gameserver.games.game import RoomId
from gameserver.records.database import Database, passes
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import Room as RoomRecord
from gameserver.records.rooms import RoomState, get_room, list_rooms
from gameserver.rooms.clock import run_clock
from gameserver.rooms.opening import window_of
from gameserver.rooms.room import Room
from gameserver.rooms.tasks import end
from gameserver.store.keys import ROOMS_CHANNEL
from gameserver.store.lane import LaneStore
from gameserver.store.push import Pushes
from gameserver.store.redis import Redis
from ledger_client.ledger import Ledger

log = structlog.get_logger()

LISTEN_SECONDS = 5.0
LIVE = (RoomState.OPEN, RoomState.PAUSED)


class Hub:
    """All rooms that this process serves.

    Args:
        database: the record.
        redis: the store.
        receipts: signs grants.
        ledger: holds points for plays that cost some.
        ended: called when a room's time is over, in every process.
    """

    def __init__(
        self,
        database: Database,
        redis: Redis,
        receipts: Receipts,
        ledger: Ledger,
        ended: Callable[[RoomId], Awaitable[None]],
    ) -> None:
        self._database = database
        self._redis = redis
        self._receipts = receipts
        self._ledger = ledger
        self._ended = ended
        self._rooms: dict[RoomId, Room] = {}
        self._by_channel: dict[str, Room] = {}
        self._loading: dict[RoomId, asyncio.Lock] = {}
        self._clocks: dict[RoomId, asyncio.Task[None]] = {}
        self._sweeps: dict[RoomId, asyncio.Task[None]] = {}
        self._pushes = Pushes(redis, self._heard, self._missed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens, and loads every open room so that its clock runs even with nobody in it."""
        self._spawn(self._pushes.listen())
        with contextlib.suppress(TimeoutError):  # without Redis the process still says that it is not ready
            await asyncio.wait_for(self._pushes.ready.wait(), LISTEN_SECONDS)
        await self._load_live()

    async def _load_live(self) -> None:
        for record in await list_rooms(self._database, LIVE):
            try:
                await self.room(record.id)
            except Refused as refused:
                log.warning("room not loaded", room=record.id, code=refused.code)

    async def stop(self) -> None:
        """Stops clocks and listening; the rooms' sockets are closed by the caller."""
        await end((*self._clocks.values(), *self._sweeps.values(), *self._tasks))
        await asyncio.gather(*(room.purses.stop() for room in self.loaded() if room.purses))
        await self._pushes.close()

    async def idle(self) -> None:
        """Returns when every command that waited has been answered."""
        await asyncio.gather(*(room.idle() for room in self.loaded()))

    def loaded(self) -> list[Room]:
        """The rooms in this process."""
        return list(self._rooms.values())

    async def room(self, id_: RoomId) -> Room:
        """A room that has been opened.

        Raises Refused: not_found, not_open, lane_lost, store_down, or record_down.
        """
        if room := self._rooms.get(id_):
            return room
        async with self._loading.setdefault(id_, asyncio.Lock()):
            if room := self._rooms.get(id_):
                return room
            try:
                return await self._load(await get_room(self._database, id_))
            except Exception as error:
                if not passes(error):
                    raise
                raise Refused("record_down", str(error), retry_ms=1000) from error

    async def _load(self, record: RoomRecord) -> Room:
        if record.state is RoomState.DRAFT:
            raise Refused("not_open")
        lanes = await get_lanes(self._database, record.id)
        store = LaneStore(self._redis, game_named(record.game), record.id, lanes[0].epoch)
        if not await store.exists():
            raise Refused("closed" if record.state is RoomState.CLOSED else "lane_lost", retry_ms=2000)
        room = Room(record, store, self._receipts, self._ledger, capped=await store.capped())
        await self._pushes.subscribe(store.keys.channel)
        self._rooms[record.id] = room
        self._by_channel[store.keys.channel] = room
        if record.state in LIVE:
            self._clocks[record.id] = asyncio.get_running_loop().create_task(self._clock(room))
            if room.purses:
                sweep = asyncio.get_running_loop().create_task(room.purses.sweep())
                self._sweeps[record.id] = sweep
        return room

    async def _clock(self, room: Room) -> None:
        _, closes = window_of(room.record, room.plan)
        await room.lane.sync()
        try:
            await run_clock(room, closes, lambda: self._ended(room.record.id))
        except Exception:
            log.exception("clock stopped", room=room.record.id)

    def _heard(self, channel: str, message: Any) -> None:
        if channel == ROOMS_CHANNEL:
            self._spawn(self._refresh(RoomId(message)))
        elif room := self._by_channel.get(channel):
            room.published(*message)

    async def _refresh(self, id_: RoomId) -> None:
        """Staff changed a room: load what opened, drop what has another epoch now."""
        room = self._rooms.get(id_)
        if room is not None:
            lanes = await get_lanes(self._database, id_)
            if lanes[0].epoch == room.lane.store.epoch:
                return
            await self._drop(room)
        try:
            await self.room(id_)
        except Refused as refused:
            log.info("room not loaded", room=id_, code=refused.code)

    async def _drop(self, room: Room) -> None:
        id_ = room.record.id
        if clock := self._clocks.pop(id_, None):
            clock.cancel()
        if sweep := self._sweeps.pop(id_, None):
            sweep.cancel()
        self._rooms.pop(id_, None)
        self._by_channel.pop(room.lane.store.keys.channel, None)
        room.close_sessions(CloseCode.NOT_READY)
        if room.purses:
            await room.purses.stop()
        await self._pushes.unsubscribe(room.lane.store.keys.channel)

    def _missed(self) -> None:
        """Messages may be lost: pages come back by `since`, which says honestly what they missed."""
        for room in self._rooms.values():
            room.close_sessions(CloseCode.RESTART)
        self._spawn(self._load_live())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
