"""Load on one room from one process: `python -m loadtests.storm ROOM --connections 1000 --seconds 10`.

It joins members with tickets that it places itself, so it needs the address of the room's Redis, then
plays what the game's own player would play: as fast as answers come, or with --rate at a steady rate,
where latency counts from the moment a tap was due. It prints JSON, and fails where not nearly all answers
are wins: a load of refusals measures nothing.
"""

import asyncio
import gc
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

import httpx
import typer
import uvloop
from picows import ws_connect
from rich.console import Console

from gameserver.engines import addresses, var_folder
from gameserver.games import game_named
from gameserver.games.game import RoomId
from gameserver.store.lane import Guest, LaneStore
from gameserver.store.redis import Redis, connect
from loadtests.crowd import Connection, Crowd, paced
from loadtests.meters import cpu_seconds, percentile, store_cpu_seconds
from loadtests.seats import EPOCH

CHUNK = 200  # connections opened at once
A_SOURCE = 10_000  # connections from one loopback address: the system lends about 28,000 ports to each
JOIN_SECONDS = 120.0
ROUND_SECONDS = 120.0
ACCEPTED_SHARE = 0.98
PLAYING_SHARE = 0.95

err = Console(stderr=True, highlight=False)


class Plan(NamedTuple):
    """What to do; see `main`."""

    room: str
    server: str
    redis_url: str
    connections: int
    seconds: float
    warmup: float
    rate: float
    bare: bool
    hold: bool
    pid: int


class Failed(Exception):  # noqa: N818 - ends the program with one line
    """Why nothing was measured."""


async def storm(plan: Plan) -> dict[str, Any]:
    """Runs a plan and returns what is printed."""
    gc.disable()  # nothing here is a cycle, and thousands of connections take long to look through
    crowd = Crowd(closed=not plan.rate and not plan.hold)
    redis = connect(plan.redis_url) if plan.redis_url else None
    try:
        if plan.bare:
            await _connect(plan, crowd, [None] * plan.connections)
        else:
            assert redis is not None
            await _join(plan, crowd, redis)
        return await (_hold(crowd) if plan.hold else _measure(plan, crowd, redis))
    finally:
        crowd.ending = True
        for connection in crowd.connections:
            connection.leave()
        if redis is not None:
            await redis.aclose()


# joining


async def _join(plan: Plan, crowd: Crowd, redis: Redis) -> None:
    async with httpx.AsyncClient(base_url=plan.server, timeout=10) as http:
        answer = (await http.get(f"/api/rooms/{plan.room}")).json()
    if "id" not in answer:
        raise Failed(f"{answer.get('code')}: {answer.get('message')}")
    room, game = RoomId(answer["id"]), game_named(answer["game"])
    storm_id = secrets.token_hex(2)
    for first in range(0, plan.connections, CHUNK):
        numbers = range(first, min(first + CHUNK, plan.connections))
        tickets = [secrets.token_hex(16) for _ in numbers]
        pipeline = redis.pipeline(transaction=False)
        store = LaneStore(pipeline, game, room, EPOCH)
        for number, ticket in zip(numbers, tickets, strict=True):
            await store.put_ticket(ticket, Guest(f"m{storm_id}{number:06x}", f"Storm {number}", [], []))
        await pipeline.execute()
        await _connect(plan, crowd, [_hello(room, ticket) for ticket in tickets])


def _hello(room: RoomId, ticket: str) -> bytes:
    return json.dumps({"op": "hello", "ref": 1, "room": room, "ticket": ticket}).encode()


async def _connect(plan: Plan, crowd: Crowd, hellos: Sequence[bytes | None]) -> None:
    url = plan.server.replace("http", "ws", 1) + "/ws"
    for first in range(0, len(hellos), CHUNK):
        opened = [Connection(crowd, hello) for hello in hellos[first : first + CHUNK]]
        source = _source(len(crowd.connections))
        crowd.connections += opened
        await asyncio.gather(
            *(
                ws_connect(partial(_the, one), url, websocket_handshake_timeout=JOIN_SECONDS, **source)
                for one in opened
            )
        )
        await _until(lambda: crowd.joined == len(crowd.connections) or bool(crowd.lost), JOIN_SECONDS)
        if crowd.joined < len(crowd.connections):
            why = dict(crowd.refusals) or dict(crowd.lost) or "no welcome came"
            raise Failed(f"only {crowd.joined} of {len(crowd.connections)} could join: {why}")


def _the(connection: Connection) -> Connection:
    return connection


def _source(number: int) -> dict[str, Any]:
    """The default address for the first, then 127.0.0.2 and so on."""
    return {"local_addr": (f"127.0.0.{1 + number // A_SOURCE}", 0)} if number >= A_SOURCE else {}


async def _until(reached: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not reached() and time.monotonic() < ends:
        await asyncio.sleep(0.01)


# measuring


class _Mark(NamedTuple):
    """A moment, and all counters at it."""

    at: float
    answers: int
    refused: dict[str, int]
    server: float
    store: float
    own: float


async def _mark(plan: Plan, crowd: Crowd, redis: Redis | None) -> _Mark:
    return _Mark(
        at=time.perf_counter(),
        answers=crowd.answers,
        refused=dict(crowd.refusals),
        server=cpu_seconds(plan.pid) if plan.pid else 0.0,
        store=await store_cpu_seconds(redis) if redis is not None else 0.0,
        own=time.process_time(),
    )


async def _measure(plan: Plan, crowd: Crowd, redis: Redis | None) -> dict[str, Any]:
    stopped = False
    pacing = None
    if plan.rate:
        pacing = asyncio.get_running_loop().create_task(paced(crowd, plan.rate, lambda: stopped))
    for connection in crowd.connections:
        connection.play()
    enough = PLAYING_SHARE * len(crowd.connections)
    await _until(lambda: crowd.playing >= enough, ROUND_SECONDS)
    if crowd.playing < enough:
        raise Failed(f"only {crowd.playing} of {plan.connections} were answered: is a round on?")
    await asyncio.sleep(plan.warmup)
    crowd.measuring = True
    before = await _mark(plan, crowd, redis)
    await asyncio.sleep(plan.seconds)
    after = await _mark(plan, crowd, redis)
    crowd.measuring = False
    stopped = True
    starved = await pacing if pacing else 0
    return _figures(plan, crowd, before, after, starved)


def _figures(plan: Plan, crowd: Crowd, before: _Mark, after: _Mark, starved: int) -> dict[str, Any]:
    answers = after.answers - before.answers
    refused = {
        code: count - before.refused.get(code, 0)
        for code, count in after.refused.items()
        if count > before.refused.get(code, 0)
    }
    each = 1_000_000 / max(1, answers)
    return {
        "connections": len(crowd.connections),
        "seconds": round(after.at - before.at, 3),
        "answers": answers,
        "refused": refused,
        "accepted": bool(answers) and sum(refused.values()) <= (1 - ACCEPTED_SHARE) * answers,
        "lost": dict(crowd.lost),
        "starved": starved,
        "per_s": round(answers / (after.at - before.at)),
        "p50_ms": round(percentile(crowd.latencies, 50) * 1000, 2),
        "p99_ms": round(percentile(crowd.latencies, 99) * 1000, 2),
        "server_us": round((after.server - before.server) * each, 2) if plan.pid else None,
        "valkey_us": round((after.store - before.store) * each, 2) if after.store else None,
        "generator_us": round((after.own - before.own) * each, 2),
    }


async def _hold(crowd: Crowd) -> dict[str, Any]:
    """Says that all are joined, holds them until the input ends, then says what came."""
    crowd.events.clear()
    print(json.dumps({"ready": len(crowd.connections)}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    return {
        "connections": len(crowd.connections),
        "events": {name.decode(): count for name, count in crowd.events.items()},
        "lost": dict(crowd.lost),
    }


def main(
    room: Annotated[str, typer.Argument(help="A room's id or a game's name; nothing with --bare.")] = "",
    connections: Annotated[int, typer.Option(help="Members, each with one socket.")] = 1000,
    seconds: Annotated[float, typer.Option(help="How long to measure.")] = 10.0,
    warmup: Annotated[float, typer.Option(help="Seconds of play before that.")] = 2.0,
    rate: Annotated[float, typer.Option(help="Taps a second in all; 0: as fast as answers come.")] = 0.0,
    server: Annotated[str, typer.Option(help="The server's address; default: PORT on this machine.")] = "",
    redis_url: Annotated[str, typer.Option(envvar="REDIS_URL", help="Default: that of `make run`.")] = "",
    port: Annotated[int, typer.Option(envvar="PORT", help="Whose stores are meant.")] = 8000,
    bare: Annotated[bool, typer.Option("--bare", help="No hello: a peer of the benchmark.")] = False,
    hold: Annotated[bool, typer.Option("--hold", help="Only join and listen, until the input ends.")] = False,
    pid: Annotated[int, typer.Option(help="A server process on this machine whose CPU is shared out.")] = 0,
) -> None:
    """Joins many members to one room and plays."""
    if not room and not bare:
        raise typer.BadParameter("which room?")
    plan = Plan(
        room=room, server=(server or f"http://127.0.0.1:{port}").rstrip("/"),
        redis_url="" if bare else redis_url or addresses(var_folder(port)).redis_url,
        connections=connections, seconds=seconds, warmup=warmup, rate=rate, bare=bare, hold=hold, pid=pid,
    )  # fmt: skip
    try:
        figures = uvloop.run(storm(plan))
    except (Failed, OSError, httpx.TransportError) as error:
        err.print(f"[red]error[/red]: {error}")
        raise typer.Exit(1) from None
    print(json.dumps(figures), flush=True)
    if not hold and not figures["accepted"]:
        err.print("[red]error[/red]: too many answers were refusals, or none came: this is no measurement")
        raise typer.Exit(1)
    # thousands of sockets are closed faster by the system than by the loop
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    typer.run(main)
