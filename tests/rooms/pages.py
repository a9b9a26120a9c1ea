"""Pages of a room without sockets: a real room, what it publishes, and sinks that keep what they are sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgpack
import orjson

from gameserver.errors import CloseCode
from gameserver.fairness import Receipts
from gameserver.games.game import EventClass
from gameserver.records.database import connect
from gameserver.rooms.room import Room
from gameserver.rooms.session import Session
from gameserver.store.push import Pushes
from gameserver.wire import Format, Hello
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.ledger import Ledger
from tests.store.lanes import PlayedLane

KEY = b"receipts of the tests"
PATIENCE_SECONDS = 10  # for what must come; a test that passes never waits so long


class Page:
    """Where a session's frames go: decoded by foreign decoders and kept in order."""

    def __init__(self, format_: Format = Format.JSON) -> None:
        self.format = format_
        self.frames: list[tuple[bytes, EventClass, str]] = []
        self.events: list[dict[str, Any]] = []
        self.closed: list[CloseCode] = []
        self._news = asyncio.Event()
        self._read = 0

    def send(self, frame: bytes, event_class: EventClass, name: str) -> None:
        self.frames.append((frame, event_class, name))
        event = orjson.loads(frame) if self.format is Format.JSON else msgpack.unpackb(frame)
        self.events.append(event)
        self._news.set()

    def close(self, code: CloseCode) -> None:
        self.closed.append(code)
        self._news.set()

    async def heard(self, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """The next event that is wanted; those before it are passed over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                while self._read < len(self.events):
                    event = self.events[self._read]
                    self._read += 1
                    if wanted(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def event(self, name: str) -> dict[str, Any]:
        return await self.heard(lambda event: event["ev"] == name)

    async def answer(self, ref: int) -> dict[str, Any]:
        return await self.heard(lambda event: event.get("re") == ref)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["ev"] == name]


class LiveRoom:
    """A room of one process, hearing what its lane publishes."""

    def __init__(self, lane: PlayedLane, room: Room) -> None:
        self.lane = lane
        self.room = room

    async def join(
        self,
        member: str,
        session: str | None = None,
        since: int | None = None,
        format_: Format = Format.JSON,
        name: str | None = None,
    ) -> tuple[Page, Session]:
        """A page that has its welcome."""
        page = Page(format_)
        ticket = await self.lane.ticket(member, name)
        hello = Hello(ref=1, ticket=ticket, room=self.room.record.id, session=session, since=since)
        joined = await self.room.join(hello, page, format_)
        await page.event("welcome")
        return page, joined


def unreachable() -> Ledger:
    """A ledger for rooms that never ask theirs."""
    return EmbeddedLedger(connect("postgresql://nobody@127.0.0.1:1/nothing"))


@asynccontextmanager
async def live(lane: PlayedLane, ledger: Ledger | None = None) -> AsyncIterator[LiveRoom]:
    """The lane's room in this process."""
    room = Room(lane.record, lane.store, Receipts(KEY), ledger or unreachable())
    pushes = Pushes(lane.redis, lambda _, message: room.published(*message), lambda: None)
    listening = asyncio.get_running_loop().create_task(pushes.listen())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await pushes.subscribe(lane.keys.channel)
        await room.lane.sync()
    try:
        yield LiveRoom(lane, room)
    finally:
        await room.idle()
        if room.purses:
            await room.purses.stop()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await pushes.close()
