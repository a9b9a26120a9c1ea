"""Many connections of one generator: they join, tap and count, and decode as little as they can."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from gameserver.games import game_named
from gameserver.games.game import Player

MAX_IN_FLIGHT = 8  # what a session may leave unanswered
PACE_SECONDS = 0.001
LOOK_SECONDS = 0.05
NAME_AT = len('{"ev":"')  # every event begins so
ANSWERS_AT = b',"re":'  # and an answer goes on so
_TALLY, _WELCOME, _REFUSED = b"tally", b"welcome", b"refused"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Numbered:
    """Plays what has no rain: drop after drop, at once."""

    def __init__(self) -> None:
        self._drop = -1

    def heard(self, event: Mapping[str, Any]) -> None:
        """Nothing that comes changes what is played."""

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        self._drop += 1
        return now, {"op": "grab", "drop": self._drop % 2000}


@cache
def _answer_named(name: bytes) -> Mapping[str, Any]:
    """An answer as players are told it here: that it came, and nothing of what is in it."""
    return {"ev": name.decode()}


class Crowd:
    """What all connections of a generator share.

    Args:
        closed: whether a connection taps again as soon as it was answered and something is out.

    Attributes:
        events: how many came, by name; answers too.
        refusals: refused answers, by code.
        playing: connections that have had an answer to a tap.
        latencies: seconds from the moment a tap was meant to be sent to its answer, while `measuring`.
        lost: why connections closed that were not to.
    """

    def __init__(self, *, closed: bool) -> None:
        self.closed = closed
        self.connections: list[Connection] = []
        self.events: Counter[bytes] = Counter()
        self.refusals: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.answers = 0
        self.joined = 0
        self.playing = 0
        self.measuring = False
        self.ending = False
        self._offset = float("-inf")

    def now(self) -> int:
        """About the server time in ms."""
        return int(time.time() * 1000 + self._offset)

    def clock(self, server_ms: int) -> None:
        """Takes a sample of the server's clock: of all, the one that was least delayed is right."""
        self._offset = max(self._offset, server_ms - time.time() * 1000)

    def hear_refusal(self, payload: bytes) -> None:
        self.refusals[_decode(payload)["code"]] += 1


class Connection(WSListener):
    """One member.

    Args:
        crowd: what counts.
        hello: the first frame; None where nothing is joined and drops are only numbered.
    """

    __slots__ = ("_crowd", "_hello", "_player", "_playing", "_ref", "_sent", "_transport", "_wanted")

    def __init__(self, crowd: Crowd, hello: bytes | None) -> None:
        self._crowd = crowd
        self._hello = hello
        self._player: Player | None = None
        self._sent: deque[float] = deque()
        self._wanted: tuple[int, Mapping[str, Any]] | None = None
        self._ref = 0
        self._playing = False
        self._transport: WSTransport | None = None

    # picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self._hello is not None:
            transport.send(WSMsgType.TEXT, self._hello)
            return
        self._crowd.clock(int(time.time() * 1000))
        self._player = Numbered()
        self._crowd.joined += 1

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            if frame.msg_type == WSMsgType.CLOSE:
                self._crowd.lost[str(frame.get_close_code())] += 1
                transport.disconnect()
            return
        crowd = self._crowd
        payload = frame.get_payload_as_bytes()
        end = payload.index(b'"', NAME_AT)
        name = payload[NAME_AT:end]
        crowd.events[name] += 1
        if name == _WELCOME:
            self._welcomed(_decode(payload))
        elif payload.startswith(ANSWERS_AT, end + 1):
            if self._player is not None:
                self._player.heard(_answer_named(name))
            self._answered(payload if name == _REFUSED else None)
        elif name != _TALLY and self._player is not None:
            self._player.heard(_decode(payload))
            self.play()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self._crowd.ending:
            self._crowd.lost["disconnected"] += 1

    # playing

    def _welcomed(self, welcome: dict[str, Any]) -> None:
        crowd = self._crowd
        crowd.clock(welcome["now"])
        crowd.joined += 1
        room = welcome["room"]
        self._player = game_named(room["game"]).player(room["play"], welcome["snapshot"]["game"])
        self._hello = None
        self.play()

    def _answered(self, refusal: bytes | None) -> None:
        crowd = self._crowd
        if refusal is not None:
            crowd.hear_refusal(refusal)
            if not self._sent:
                return  # not of a tap: the hello was refused, and the socket will be closed
        crowd.answers += 1
        if not self._playing:
            self._playing = True
            crowd.playing += 1
        meant = self._sent.popleft()
        if crowd.measuring:
            crowd.latencies.append(time.perf_counter() - meant)
        self.play()

    def play(self) -> None:
        """In a closed loop: the next tap, now or when its drop is out."""
        crowd = self._crowd
        if not crowd.closed or self._sent or self._player is None or crowd.ending:
            return
        now = crowd.now()
        wanted = self._wanted or self._player.next(now)
        self._wanted = None
        if wanted is None:
            return  # until an event brings something to play
        at, command = wanted
        if at <= now:
            self._send(command, time.perf_counter())
        else:
            self._wanted = wanted
            asyncio.get_running_loop().call_later((at - now) / 1000, self.play)

    def tap(self, now: int, meant: float) -> bool:
        """In an open loop: whether something was out and a tap is on its way.

        `now` in server ms; `meant` is when it was to be sent, in seconds of `perf_counter`.
        """
        if self._player is None or len(self._sent) == MAX_IN_FLIGHT:
            return False
        wanted = self._wanted
        if wanted is None or wanted[0] < now - 1000:
            wanted = self._wanted = self._player.next(now)
        if wanted is None or wanted[0] > now:
            return False
        self._wanted = None
        self._send(wanted[1], meant)
        return True

    def _send(self, command: Mapping[str, Any], meant: float) -> None:
        self._ref += 1
        self._sent.append(meant)
        assert self._transport is not None
        self._transport.send(WSMsgType.TEXT, _encode({**command, "ref": self._ref}))

    def leave(self) -> None:
        """Ends the connection without a word."""
        if self._transport is not None:
            self._transport.disconnect(False)


async def paced(crowd: Crowd, rate: float, stopped: Callable[[], bool]) -> int:
    """Taps at a steady rate over all connections in turn; returns how many found nothing while measured.

    What comes late because the generator or the server is behind still counts from when it was due.
    """
    connections = crowd.connections
    while not stopped() and not any(one.tap(crowd.now(), time.perf_counter()) for one in connections):
        await asyncio.sleep(LOOK_SECONDS)  # no round is on yet
    began, sent, starved, turn = time.perf_counter(), 0, 0, 0
    while not stopped():
        due = int((time.perf_counter() - began) * rate)
        now = crowd.now()
        while sent < due:
            meant = began + sent / rate
            for _ in range(len(connections)):
                turn = turn + 1 if turn + 1 < len(connections) else 0
                if connections[turn].tap(now, meant):
                    break
            else:
                starved += crowd.measuring
            sent += 1
        await asyncio.sleep(PACE_SECONDS)
    return starved
