"""picows inside uvicorn: frames in, frames out. The only code that knows frames."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from http import HTTPStatus
from logging import LoggerAdapter, getLogger
from typing import Any

import structlog
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined] # compiled, and not in its stub

from gameserver.anti_cheat.frame_rate import FrameRate
from gameserver.errors import CloseCode, Refused
from gameserver.games.game import EventClass, RoomId
from gameserver.metrics import CLOSES, CONNECTIONS, DROPPED, FRAME_ERRORS
from gameserver.rooms.hub import Hub
from gameserver.rooms.room import Room
from gameserver.rooms.session import Session
from gameserver.wire import MAX_FRAME_BYTES, Format, decode_hello, encode, ref_of, refusal

log = structlog.get_logger()

HELLO_SECONDS = 5.0
PING_SECONDS = 25.0
PONG_SECONDS = 8.0
SWEEP_SECONDS = 1.0
MAX_QUEUED_BYTES = 1024 * 1024  # a reader this far behind is closed; it comes back and resumes
READ_BUFFER_BYTES = 2048
DRAIN_BATCH = 200  # sockets closed at once on shutdown, so that their pages do not return as one herd
DRAIN_PAUSE = 0.05

_BRACE = ord("{")
_TEXT, _BINARY, _CLOSE, _PONG = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CLOSE, WSMsgType.PONG
_HELLO_CODES = {
    "bad_ticket": CloseCode.BAD_TICKET,
    "not_found": CloseCode.UNKNOWN_ROOM,
    "closed": CloseCode.ROOM_CLOSED,
    "bad_frame": CloseCode.BAD_HELLO,
    "bad_field": CloseCode.BAD_HELLO,
    "hello_required": CloseCode.BAD_HELLO,
}


class Sockets:
    """All open sockets of this process, and what they share.

    Args:
        hub: where rooms come from.
        origins: exact origins that may open a socket; empty: the page's own host only.
        frames_per_second: what one connection may send.
    """

    def __init__(self, hub: Hub, origins: frozenset[str], frames_per_second: int) -> None:
        self.hub = hub
        self.frames_per_second = frames_per_second
        self._origins = origins
        self._open: set[Socket] = set()
        self._draining = False

    def protocol(self) -> Callable[..., WSProtocol]:
        """The class that uvicorn takes as its WebSocket protocol."""
        sockets = self

        class Upgraded(_Upgraded):
            def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
                super().__init__(sockets)

        return Upgraded

    def accept(self, request: WSUpgradeRequest) -> "Socket | WSUpgradeResponseWithListener | None":
        """A listener for an upgrade request; a foreign origin is refused with 403, another path with 404."""
        if request.path.split(b"?", 1)[0] != b"/ws":
            return None
        origin = request.headers.get("Origin")
        if origin is not None and not self._admits(origin, request.headers.get("Host", "")):
            response = WSUpgradeResponse.create_error_response(HTTPStatus.FORBIDDEN, b"forbidden_origin")
            return WSUpgradeResponseWithListener(response, None)
        return Socket(self)

    def _admits(self, origin: str, host: str) -> bool:
        return origin in self._origins or origin.partition("://")[2] == host

    def opened(self, socket: "Socket") -> None:
        """Counts a socket in."""
        self._open.add(socket)
        CONNECTIONS.set(len(self._open))
        if self._draining:
            socket.close(CloseCode.RESTART)

    def gone(self, socket: "Socket") -> None:
        """Counts a socket out."""
        self._open.discard(socket)
        CONNECTIONS.set(len(self._open))

    async def sweep(self) -> None:
        """One timer for all sockets: pings the idle, closes those that say no hello or answer no ping."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for socket in list(self._open):
                socket.check(now)

    async def drain(self) -> None:
        """Answers what is in flight, then closes all sockets in batches with a reconnectable code."""
        self._draining = True
        await self.hub.idle()
        while self._open:
            for socket in list(self._open)[:DRAIN_BATCH]:
                socket.close(CloseCode.RESTART)
                self._open.discard(socket)
            await asyncio.sleep(DRAIN_PAUSE)


class Socket(WSListener):
    """One connection: the hello, then commands of its session.

    Slow readers: events of class must are queued up to MAX_QUEUED_BYTES, then the socket is closed; of
    conflated events only the newest of a name is kept while the reader is slow; cosmetic ones are dropped.
    """

    __slots__ = (
        "_born",
        "_closing",
        "_held",
        "_joining",
        "_pinged",
        "_rate",
        "_room",
        "_session",
        "_slow",
        "_sockets",
        "_transport",
        "seen",
    )  # fmt: skip

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._rate = FrameRate(sockets.frames_per_second, 2 * sockets.frames_per_second)
        self._transport: WSTransport | None = None
        self._room: Room | None = None
        self._session: Session | None = None
        self._joining: asyncio.Task[None] | None = None
        self._held: dict[str, bytes] | None = None
        self._slow = False
        self._closing = False
        self._born = self.seen = time.monotonic()
        self._pinged = 0.0  # when, in monotonic seconds; 0: no answer is awaited

    # frames in

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Picows: the upgrade is done."""
        transport.request.headers = None  # type: ignore[assignment] # two kilobytes that nobody reads again
        self._transport = transport
        self._sockets.opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Picows: a frame. The buffer behind it is reused, so what is kept is copied."""
        kind = frame.msg_type
        now = time.monotonic()
        self.seen = now
        if kind == _TEXT:
            format_ = Format.JSON
        elif kind == _BINARY:
            format_ = Format.MSGPACK
        elif kind == _CLOSE:
            self._peer_closed(transport, frame)
            return
        elif kind == _PONG:
            self._ponged(now)
            return
        else:
            self._abort(WSCloseCode.UNSUPPORTED_DATA)
            return
        if not frame.fin:
            self._abort(WSCloseCode.UNSUPPORTED_DATA)  # no command of ours needs two frames
            return
        if not self._rate.admits(now):
            self.close(CloseCode.TOO_MANY_FRAMES)
            return
        if self._session is None:
            self._before_hello(frame.get_payload_as_bytes(), format_)
            return
        self._command(frame.get_payload_as_memoryview(), format_)

    def _ponged(self, now: float) -> None:
        if self._pinged and self._session is not None:
            self._session.measured(round((now - self._pinged) * 1000))
        self._pinged = 0.0

    def _ping(self, now: float) -> None:
        assert self._transport is not None
        self._pinged = now
        self._transport.send_ping()

    def _command(self, frame: memoryview, format_: Format) -> None:
        session, room = self._session, self._room
        assert session is not None
        assert room is not None
        try:
            command = room.codec.decode(frame, format_)
        except Refused as refused:
            FRAME_ERRORS.labels(refused.code).inc()
            session.refuse(refused, ref_of(frame, format_))
            return
        try:
            session.handle(command)
        except Refused as refused:
            session.refuse(refused, command.ref)
        except Exception:
            log.exception("command failed", room=room.record.id, op=type(command).__name__)
            self._abort(WSCloseCode.INTERNAL_ERROR)

    def _before_hello(self, frame: bytes, format_: Format) -> None:
        if self._joining is not None:
            self._refuse(Refused("hello_repeated"), ref_of(frame, format_), format_)
            return
        self._joining = asyncio.get_running_loop().create_task(self._join(frame, format_))

    async def _join(self, frame: bytes, format_: Format) -> None:
        try:
            hello = decode_hello(frame, format_)
            room = await self._sockets.hub.room(RoomId(hello.room))
            session = await room.join(hello, self, hello.format or format_)
        except Refused as refused:
            self._refuse(refused, ref_of(frame, format_), format_)
            self.close(_HELLO_CODES.get(refused.code, CloseCode.NOT_READY))
            return
        except Exception:
            log.exception("hello failed")
            self._abort(WSCloseCode.INTERNAL_ERROR)
            return
        self._joining = None
        if self._closing:
            room.leave(session)
        else:
            self._room, self._session = room, session
            if room.host_commands:  # its round trip is known before the host asks anything
                self._ping(time.monotonic())

    def _refuse(self, refused: Refused, re: int | None, format_: Format) -> None:
        FRAME_ERRORS.labels(refused.code).inc()
        self.send(encode(refusal(refused, re), format_), EventClass.MUST, "")

    # frames out

    def send(self, frame: bytes, event_class: EventClass, name: str) -> None:
        """Sends an encoded event by its class's rule."""
        transport = self._transport
        if transport is None or self._closing:
            return
        if self._slow and not self._take_slowly(frame, event_class, name):
            return
        # JSON of ours begins with a brace, and no MessagePack map does
        transport.send(_TEXT if frame[0] == _BRACE else _BINARY, frame)

    def _take_slowly(self, frame: bytes, event_class: EventClass, name: str) -> bool:
        """Whether the frame is queued now all the same."""
        assert self._transport is not None
        if event_class is EventClass.MUST:
            if self._transport.underlying_transport.get_write_buffer_size() < MAX_QUEUED_BYTES:
                return True
            self._cut(CloseCode.TOO_SLOW)
        elif event_class is EventClass.CONFLATED:
            self._held = self._held or {}
            self._held[name] = frame
        else:
            DROPPED.labels(event_class.name).inc()
        return False

    def pause_writing(self) -> None:
        """Picows: the reader does not keep up."""
        self._slow = True

    def resume_writing(self) -> None:
        """Picows: the reader has caught up; the newest of what was held goes out."""
        self._slow = False
        held, self._held = self._held, None
        for name, frame in (held or {}).items():
            self.send(frame, EventClass.CONFLATED, name)

    # the end

    def check(self, now: float) -> None:
        """The sweep's look at this socket; `now` in monotonic seconds."""
        transport = self._transport
        if transport is None or self._closing:
            return
        if self._session is None and now - self._born > HELLO_SECONDS:
            self.close(CloseCode.HELLO_TIMEOUT)
        elif self._pinged and now - self.seen > PING_SECONDS + PONG_SECONDS:
            self._cut(CloseCode.NO_PONG)
        elif not self._pinged and now - self.seen > PING_SECONDS:
            self._ping(now)

    def close(self, code: CloseCode) -> None:
        """Sends the close frame after all that is queued, then closes."""
        self._end(code, graceful=True)

    def _cut(self, code: CloseCode) -> None:
        """Closes a socket that does not read: what is queued is given up."""
        self._end(code, graceful=False)

    def _abort(self, code: WSCloseCode) -> None:
        self._end(code, graceful=True)

    def _end(self, code: CloseCode | WSCloseCode, *, graceful: bool) -> None:
        if self._closing or self._transport is None:
            return
        self._closing = True
        CLOSES.labels(str(int(code))).inc()  # type: ignore[arg-type] # the stub has an Enum, it is an IntEnum
        self._transport.send_close(code)  # type: ignore[arg-type] # any int will do
        self._transport.disconnect(graceful)

    def _peer_closed(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self._closing:
            self._closing = True
            code = frame.get_close_code()
            with contextlib.suppress(Exception):  # an odd code is still a goodbye
                transport.send_close(code)
        transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Picows: the socket has gone."""
        self._closing = True
        self._transport = None
        self._sockets.gone(self)
        if self._session is not None and self._room is not None:
            self._room.leave(self._session)
        self._session = self._room = None


class _Upgraded(WSProtocol):  # type: ignore[misc] # picows ships its classes compiled
    """The connection after uvicorn has read its upgrade request.

    It is not in uvicorn's own list of connections: on shutdown `Sockets.drain` closes it, in batches.
    """

    def __init__(self, sockets: Sockets) -> None:
        super().__init__(
            None,  # host: client side only
            None,  # path: client side only
            False,  # server side
            sockets.accept,
            _LOG,
            True,  # disconnect on exception: a bug in a callback closes with 1011
            HELLO_SECONDS,  # for the handshake
            False,  # no auto ping: one sweep instead of a task and a timer for each socket
            PING_SECONDS,
            PONG_SECONDS,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,  # auto pong
            MAX_FRAME_BYTES,
            None,  # extra headers: client side only
            READ_BUFFER_BYTES,
        )

    def data_received(self, data: bytes) -> None:
        """Uvicorn hands over the request it has read; the rest comes through the buffered protocol."""
        while data:
            room = self.get_buffer(len(data))
            part = data[: len(room)]
            room[: len(part)] = part
            self.buffer_updated(len(part))
            data = data[len(part) :]


# an adapter, because picows makes a logger of its own (1.5 KB) for each connection of a plain one
_LOG: LoggerAdapter[Any] = LoggerAdapter(getLogger("picows"), {})
