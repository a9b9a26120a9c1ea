"""Phones that a phase of the benchmark conducts: they join, send what they are told, and say what came."""

import asyncio
import contextlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from gameserver.games.game import HOST
from gameserver.store.lane import Guest
from loadtests.crowd import NAME_AT
from loadtests.processes import Broken
from loadtests.rooms import BenchRoom

CHUNK = 200  # phones that come in at once
PATIENCE_SECONDS = 60.0

_encode = msgspec.json.Encoder().encode

Heard = Callable[[bytes, bytes], None]
"""Takes an event's name and its whole payload."""


class Phone(WSListener):
    """One page. `heard` gets every event but the welcome."""

    __slots__ = ("_heard", "_hello", "_ref", "_transport", "lost", "welcome")

    def __init__(self, hello: bytes, heard: Heard) -> None:
        self._hello = hello
        self._heard = heard
        self._ref = 1
        self._transport: WSTransport | None = None
        self.welcome: bytes | None = None
        self.lost = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.send(WSMsgType.TEXT, self._hello)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        name = payload[NAME_AT : payload.index(b'"', NAME_AT)]
        if name == b"welcome":
            self.welcome = payload
        else:
            self._heard(name, payload)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.lost = True

    def send(self, command: Mapping[str, Any]) -> None:
        """A command with the next ref."""
        self._ref += 1
        assert self._transport is not None
        self._transport.send(WSMsgType.TEXT, _encode({**command, "ref": self._ref}))

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.disconnect(False)


class Phones:
    """All phones of a room, and what they have heard.

    Attributes:
        counts: events that came, by name, since `forget`.
        last: the moment (s of `perf_counter`) at which the last one of a name came.
        listeners: called with each event of a name.
    """

    def __init__(self, room: BenchRoom, port: int) -> None:
        self._room = room
        self._url = f"ws://127.0.0.1:{port}/ws"
        self.all: list[Phone] = []
        self.counts: Counter[bytes] = Counter()
        self.last: dict[bytes, float] = {}
        self.listeners: dict[bytes, Callable[[bytes], None]] = {}
        self.refused: Counter[str] = Counter()

    async def join(self, count: int, *, host: bool = False) -> list[Phone]:
        """More phones, or the host's page."""
        joined: list[Phone] = []
        for first in range(0, count, CHUNK):
            some = [await self._phone(host=host) for _ in range(min(CHUNK, count - first))]
            await asyncio.gather(*(ws_connect(partial(_the, phone), self._url) for phone in some))
            await until(partial(_in_or_lost, some))
            if any(phone.lost for phone in some):
                raise Broken("a phone could not join")
            joined += some
        self.all += joined
        return joined

    async def _phone(self, *, host: bool) -> Phone:
        ticket, number = secrets.token_hex(16), secrets.token_hex(5)
        guest = Guest(HOST, "", [], []) if host else Guest(f"m{number}", f"Phone {number}", [], [])
        await self._room.store.put_ticket(ticket, guest)
        hello = {"op": "hello", "ref": 1, "room": self._room.record.id, "ticket": ticket}
        return Phone(json.dumps(hello).encode(), self._heard)

    def _heard(self, name: bytes, payload: bytes) -> None:
        self.counts[name] += 1
        self.last[name] = time.perf_counter()
        if name == b"refused":
            self.refused[json.loads(payload)["code"]] += 1
        if listener := self.listeners.get(name):
            listener(payload)

    def forget(self) -> None:
        """Counts anew."""
        self.counts.clear()
        self.last.clear()

    async def came(self, name: bytes, count: int) -> None:
        """Returns when that many of an event have come. Raises Broken when they do not, or one is refused."""
        await until(lambda: self.counts[name] >= count or bool(self.refused))
        if self.refused or self.counts[name] < count:
            lost = sum(phone.lost for phone in self.all)
            raise Broken(
                f"{self.counts[name]} of {count} {name.decode()} came; "
                f"refused: {dict(self.refused)}; lost: {lost}"
            )


def _in_or_lost(some: Sequence[Phone]) -> bool:
    return all(phone.welcome or phone.lost for phone in some)


def _the(phone: Phone) -> Phone:
    return phone


async def until(reached: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when it is so, or when it took too long."""
    ends = time.monotonic() + seconds
    while not reached() and time.monotonic() < ends:
        await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def phones(room: BenchRoom, port: int, count: int) -> AsyncIterator[Phones]:
    """That many phones in a room, on a server that listens at `port`; gone at the end."""
    made = Phones(room, port)
    try:
        await made.join(count)
        yield made
    finally:
        for phone in made.all:
            phone.leave()
