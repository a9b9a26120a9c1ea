"""Members as Locust plays them: log in, take a ticket, say hello, and tap as the game's own player does.

    locust -f loadtests/locustfile.py --headless -u 20 -r 10 -t 20s --host http://127.0.0.1:8000

Needs a server in demo mode (`make run`). ROOM names a room or a game; the first is red_packet_rain.
For behaviour and for watching in the browser; `python -m loadtests.storm` is for saturation.
"""

import json
import os
import time
from collections import deque
from typing import Any

from locust import HttpUser, constant, task
from locust.exception import StopUser
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gameserver.games import game_named
from gameserver.games.game import Player

ROOM = os.environ.get("ROOM", "red_packet_rain")
SEAT_SECONDS = 60.0  # then the member comes back, with a new ticket
IDLE_MS = 500


class Member(HttpUser):
    """A member with one socket."""

    wait_time = constant(1)

    def on_start(self) -> None:
        with self.client.post(
            "/api/demo/login", json={"name": f"Locust {id(self) % 10_000}"}, catch_response=True
        ) as answer:
            if not answer.ok:
                answer.failure(f"no login: {answer.text[:200]}")
                raise StopUser
            self.token = answer.json()["token"]

    @task
    def play(self) -> None:
        """One connection, from its ticket to its end."""
        headers = {"authorization": f"Bearer {self.token}"}
        with self.client.post(
            "/api/tickets", json={"room": ROOM}, headers=headers, catch_response=True
        ) as answer:
            if not answer.ok:
                answer.failure(f"no ticket: {answer.text[:200]}")
                return
            ticket = answer.json()
        began = time.perf_counter()
        assert self.host is not None
        try:
            with connect(self.host.replace("http", "ws", 1).rstrip("/") + "/ws") as socket:
                seat = Seat(self, socket, ticket)
                self.told("hello", began)
                seat.play(time.monotonic() + SEAT_SECONDS)
        except (ConnectionClosed, OSError, TimeoutError) as error:
            self.told("connection", began, error)

    def told(self, name: str, began: float, error: Exception | None = None, size: int = 0) -> None:
        """A line of Locust's table; `began` in seconds of `perf_counter`."""
        self.environment.events.request.fire(
            request_type="WS",
            name=name,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=size,
            exception=error,
            context={},
        )


class Seat:
    """A joined connection."""

    def __init__(self, member: Member, socket: ClientConnection, ticket: dict[str, Any]) -> None:
        self._member = member
        self._socket = socket
        self._sent: deque[float] = deque()
        self._ref = 0
        socket.send(json.dumps({"op": "hello", "ref": 1, "room": ticket["room"], "ticket": ticket["ticket"]}))
        welcome = json.loads(socket.recv(10))
        if welcome["ev"] != "welcome":
            raise OSError(f"refused: {welcome.get('code')}")
        room = welcome["room"]
        self._offset = welcome["now"] - time.time() * 1000
        self._player: Player = game_named(room["game"]).player(room["play"], welcome["snapshot"]["game"])

    def play(self, until: float) -> None:
        """Taps and listens until `until` (seconds of `monotonic`)."""
        while time.monotonic() < until:
            wanted = self._player.next(self._now())
            if wanted is None:
                self._listen(self._now() + IDLE_MS)
                continue
            at, command = wanted
            self._listen(at)
            self._ref += 1
            self._sent.append(time.perf_counter())
            self._socket.send(json.dumps({"ref": self._ref, **command}))

    def _now(self) -> int:
        return int(time.time() * 1000 + self._offset)

    def _listen(self, until_ms: int) -> None:
        """Takes what comes until that server time."""
        while (left := until_ms - self._now()) > 0:
            try:
                frame = self._socket.recv(left / 1000)
            except TimeoutError:
                return
            self._take(frame)

    def _take(self, frame: str | bytes) -> None:
        event = json.loads(frame)
        if event.get("re") is None:
            self._player.heard(event)
        elif self._sent:
            # a refusal is an answer like others: the player taps on when the cap is reached
            name = f"refused: {event['code']}" if event["ev"] == "refused" else event["ev"]
            self._member.told(name, self._sent.popleft(), size=len(frame))
