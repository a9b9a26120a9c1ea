"""The member's side of the socket: the reference client with a foreign decoder, and a bare peer."""

import asyncio
import base64
import json
import os
import socket
import struct
import time
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gameserver.games.red_packet_rain.rain import EARLY_MS, Rain

PATIENCE_S = 60  # no promise, only the end of a test that hangs
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

REACTION_MS = 50
MARGIN_MS = 1000

Event = dict[str, Any]


def wanted(event: Event, fields: dict[str, Any]) -> bool:
    return all(name in event and event[name] == value for name, value in fields.items())


class Page:
    """One socket of a member."""

    def __init__(self, connection: ClientConnection, *, packed: bool) -> None:
        self.connection = connection
        self.packed = packed
        self.welcome: Event = {}
        self.frames: list[str | bytes] = []
        self.heard: list[Event] = []
        self.round: Event | None = None
        self._ref = 0
        self.tapped: set[int] = set()

    # out

    async def send(self, op: str, **fields: Any) -> int:
        """A command with the next ref, or with the one given; returns the ref."""
        if "ref" not in fields:
            self._ref += 1
            fields["ref"] = self._ref
        command = {"op": op, **fields}
        await self.connection.send(msgpack.packb(command) if self.packed else json.dumps(command))
        return int(fields["ref"])

    async def hello(self, room: str, ticket: str, **fields: Any) -> Event:
        """Says hello and takes the answer, a welcome or a refusal."""
        await self.send("hello", ref=1, room=room, ticket=ticket, **fields)
        self.welcome = await self.next(re=1)
        if self.welcome["ev"] == "welcome":
            picture = self.snapshot["game"]
            self.round, self.tapped = picture.get("round"), set(picture.get("taken", ()))
        return self.welcome

    async def ask(self, op: str, **fields: Any) -> Event:
        """A command and its answer."""
        return await self.next(re=await self.send(op, **fields))

    # in

    async def next(self, **fields: Any) -> Event:
        """The next event with these fields; those that came before it stay to be asked for."""
        for place, event in enumerate(self.heard):
            if wanted(event, fields):
                return self.heard.pop(place)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = await self._receive()
                if wanted(event, fields):
                    return event
                self.heard.append(event)

    async def _receive(self) -> Event:
        frame = await self.connection.recv()
        self.frames.append(frame)
        event: Event = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
        if event["ev"] == "round_opened":
            self.round, self.tapped = event, set()
        return event

    async def drained(self) -> None:
        """Takes everything that the server sent before it read this page's `time`."""
        await self.ask("time", ref=2**53 - 1)

    async def closed(self) -> int | None:
        """The code with which the server closes; what it says before is kept."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    self.heard.append(await self._receive())
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None

    async def vanish(self) -> None:
        """The phone has left the network: no goodbye, and what was on its way is lost."""
        self.connection.transport.abort()
        await self.connection.wait_closed()

    # what a page knows

    @property
    def session(self) -> str:
        return str(self.welcome["session"])

    @property
    def snapshot(self) -> Event:
        return dict(self.welcome["snapshot"])

    def drops(self, count: int) -> list[int]:
        """Drops that can be tapped now and for a while, no one twice."""
        assert self.round is not None
        public, start = self.welcome["room"]["play"], self.round["starts_at"]
        duration = self.round["ends_at"] - start
        rain = Rain(bytes.fromhex(self.round["key"]), b"", duration, public["drops"], public["bombs"], 0)
        now = time.time() * 1000 - start
        chosen: list[int] = []
        for drop in range(public["drops"] - 1, -1, -1):  # the newest stay longest
            spawn, end, _ = rain.drop(drop)
            if spawn + EARLY_MS + REACTION_MS < now < end - MARGIN_MS and drop not in self.tapped:
                chosen.append(drop)
            if len(chosen) == count:
                self.tapped.update(chosen)
                return chosen
        raise AssertionError(f"only {len(chosen)} drops can be tapped now")

    async def grab(self, **fields: Any) -> Event:
        """One tap and its answer."""
        return await self.ask("grab", **{"drop": self.drops(1)[0], **fields})


async def dial(url: str, *, packed: bool = False, **options: Any) -> Page:
    return Page(await connect(url, proxy=None, **options), packed=packed)


class Peer:
    """A socket without manners: it sends any frame, and reads, or answers pings, only when told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, *, receive_buffer: int | None = None) -> "Peer":
        host, _, port = url.removeprefix("http://").partition(":")
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
        # the stream's own limit: what it may take from the kernel before somebody reads
        peer = cls(*await asyncio.open_connection(sock=plain, limit=4096))
        key = base64.b64encode(os.urandom(16)).decode()
        peer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = await peer._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        return peer

    def write(self, octets: bytes) -> None:
        """In one piece."""
        self._writer.write(octets)

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        async with asyncio.timeout(PATIENCE_S):
            first, second = await self._reader.readexactly(2)
            size = second & 127
            if size >= 126:
                width = 2 if size == 126 else 8
                size = int.from_bytes(await self._reader.readexactly(width), "big")
            return first & 15, await self._reader.readexactly(size)

    async def until(self, opcode: int) -> bytes:
        """The payload of the next frame of this kind."""
        while True:
            kind, payload = await self.frame()
            if kind == opcode:
                return payload

    async def event(self, **fields: Any) -> Event:
        """The next event with these fields."""
        while True:
            kind, payload = await self.frame()
            assert kind in (TEXT, BINARY), (kind, payload)
            event: Event = json.loads(payload) if kind == TEXT else msgpack.unpackb(payload)
            if wanted(event, fields):
                return event

    async def closed(self) -> int | None:
        """The code of the close frame; None where the connection ended without one."""
        try:
            return int.from_bytes((await self.until(CLOSE))[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def vanish(self) -> None:
        """No goodbye."""
        self._writer.transport.abort()


def framed(payload: bytes | str, opcode: int = TEXT, *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame as a client sends it."""
    octets = payload.encode() if isinstance(payload, str) else payload
    first, mask = opcode | (128 if fin else 0), 128 if masked else 0
    if len(octets) < 126:
        head = struct.pack("!BB", first, mask | len(octets))
    elif len(octets) < 2**16:
        head = struct.pack("!BBH", first, mask | 126, len(octets))
    else:
        head = struct.pack("!BBQ", first, mask | 127, len(octets))
    if not masked:
        return head + octets
    key = os.urandom(4)
    stream = key * (len(octets) // 4 + 1)
    return head + key + bytes(a ^ b for a, b in zip(octets, stream, strict=False))


def hello(room: str, ticket: str, **fields: Any) -> str:
    """A first frame."""
    return json.dumps({"op": "hello", "ref": 1, "room": room, "ticket": ticket, **fields})
