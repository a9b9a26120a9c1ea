"""Who is there: members online and pages asked for, told to the store by every process."""

import asyncio
import secrets
from collections import Counter

import structlog

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.records.rooms import RoomState
from gameserver.rooms.hub import Hub
from gameserver.rooms.room import Room
from gameserver.store.figures import ALIVE_MS, FigureStore

log = structlog.get_logger()

EVERY_S = 1.0
AGAIN_MS = ALIVE_MS // 2  # a count that stays the same is told again
MOST_NAMES = 1000  # of rooms whose pages were asked for; a stranger may make names up


class Attendance:
    """Counts for all rooms of this process.

    Args:
        hub: the rooms.
        figures: where counts go.
    """

    def __init__(self, hub: Hub, figures: FigureStore) -> None:
        self._hub = hub
        self._figures = figures
        self._node = secrets.token_hex(8)
        self._told: dict[RoomId, tuple[int, int]] = {}
        self._views: dict[str, Counter[str]] = {}

    def viewed(self, room: str, channel: str) -> None:
        """Counts a page that was asked for; `room` is a room's id or a game's name."""
        if room in self._views or len(self._views) < MOST_NAMES:
            self._views.setdefault(room, Counter())[channel] += 1

    async def run(self) -> None:
        """Tells the store every second; what it misses while it is away is told when it is back."""
        away = False
        while True:
            try:
                await self.tell()
                away = False
            except Refused as refused:
                if not away:
                    log.warning("counts wait", code=refused.code)
                away = True
            await asyncio.sleep(EVERY_S)

    async def tell(self) -> None:
        """Tells what has changed. Raises Refused("store_down")."""
        rooms = {room.record.id: room for room in self._hub.loaded()}
        for id_, room in rooms.items():
            await self._tell_online(id_, room)
        for id_ in self._told.keys() - rooms.keys():
            del self._told[id_]
        for name in list(self._views):
            views = self._views.pop(name)  # what comes in while these are told is told later
            if (room_id := _room_named(name, rooms)) is not None:
                await self._tell_views(name, rooms[room_id], views)

    async def _tell_views(self, name: str, room: Room, views: Counter[str]) -> None:
        try:
            await self._figures.viewed(room.record.id, views, room.now())
        except Refused:
            self._views.setdefault(name, Counter()).update(views)
            raise

    async def _tell_online(self, id_: RoomId, room: Room) -> None:
        now, online = room.now(), room.online
        before, at = self._told.get(id_, (0, 0))
        if online == before and (not online or now - at < AGAIN_MS):
            return
        await self._figures.online(id_, self._node, online, now)
        self._told[id_] = online, now


def _room_named(name: str, rooms: dict[RoomId, Room]) -> RoomId | None:
    """The room of that id, or the newest open one of the game of that name; None for any other name."""
    if RoomId(name) in rooms:
        return RoomId(name)
    of_game = [room.record for room in rooms.values() if room.game.name == name]
    of_game = [record for record in of_game if record.state is not RoomState.CLOSED]
    newest = max(of_game, key=lambda record: record.created_at, default=None)
    return newest.id if newest else None
