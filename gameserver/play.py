"""A member in the terminal: for a quick look at a room, with the reference WebSocket client."""

import asyncio
import itertools
import json
import time
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gameserver.errors import Refused
from gameserver.games import game_named
from gameserver.games.game import Player

out = Console(highlight=False)

IDLE_SECONDS = 0.1
TAP_SECONDS = 0.05  # no finger is faster
SHOWN = 300  # characters of an event


async def play(address: str, room: str, name: str, seconds: float) -> None:
    """Joins a room of a server in demo mode and plays for a while.

    Raises Refused with the server's own code and words where it refuses.
    """
    async with httpx.AsyncClient(base_url=address, timeout=10) as http:
        try:
            login = _body(await http.post("/api/demo/login", json={"name": name}))
            headers = {"authorization": f"Bearer {login['token']}"}
            ticket = _body(await http.post("/api/tickets", json={"room": room}, headers=headers))
        except httpx.TransportError as error:
            raise Refused(
                "not_found", f"no server answers at {address} ({error or type(error).__name__})"
            ) from None
        async with connect(address.replace("http", "ws", 1) + "/ws") as socket:
            await socket.send(
                json.dumps({"op": "hello", "ref": 1, "room": ticket["room"], "ticket": ticket["ticket"]})
            )
            welcome = json.loads(await socket.recv())
            _show(welcome)
            await _play(socket, welcome, seconds)
        points = _body(await http.get("/api/me/points", headers=headers))
        out.print(f"points: {points['available']} in the ledger, {points['pending']} on the way")


def _body(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    if answer.is_error:
        raise Refused(body["code"], body["message"])
    return body


async def _play(socket: ClientConnection, welcome: dict[str, Any], seconds: float) -> None:
    ends = time.monotonic() + seconds
    room = welcome["room"]
    player = game_named(room["game"]).player(room["play"], welcome["snapshot"]["game"])
    tapping = asyncio.create_task(_tap(socket, welcome, player))
    try:
        while (left := ends - time.monotonic()) > 0:
            event = json.loads(await asyncio.wait_for(socket.recv(), left))
            player.heard(event)
            _show(event)
    except TimeoutError:
        pass
    except ConnectionClosed as closed:
        out.print(f"closed by the server: {closed}")
    finally:
        tapping.cancel()


async def _tap(socket: ClientConnection, welcome: dict[str, Any], player: Player) -> None:
    """Sends what the game's player wants to, when it wants to."""
    offset = welcome["now"] - time.time() * 1000
    for ref in itertools.count(1):
        while (wanted := player.next(int(time.time() * 1000 + offset))) is None:
            await asyncio.sleep(IDLE_SECONDS)
        at, command = wanted
        await asyncio.sleep(max(TAP_SECONDS, (at - time.time() * 1000 - offset) / 1000))
        await socket.send(json.dumps({"ref": ref, **command}))


def _show(event: dict[str, Any]) -> None:
    kind = event["ev"]
    text = json.dumps({name: value for name, value in event.items() if name != "ev"}, ensure_ascii=False)
    out.print(f"[bold]{kind:<13}[/bold]", escape(text[:SHOWN]), soft_wrap=True)
