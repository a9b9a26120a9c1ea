"""One event to everybody: the server, and bare picows with the same bytes at the same pace."""

import asyncio
import json

from websockets.asyncio.client import connect

from loadtests.meters import cpu_seconds
from loadtests.phases.phase import Bench
from loadtests.processes import Broken, free_port
from loadtests.rooms import QUIET, BenchRoom, in_room

CONNECTIONS = 2000
QUICK_CONNECTIONS = 500
EVENTS = 300
EVERY_MS = 30
SETTLE_SECONDS = 1.0
EVENT = "room_changed"
STATES = ("paused", "open")


async def fanout(bench: Bench) -> dict[str, float]:
    """`fanout.*`."""
    figures = await in_room(bench.stores, QUIET, lambda room: _server(bench, room))
    return figures | await _raw(bench)


def _crowd(bench: Bench) -> int:
    return QUICK_CONNECTIONS if bench.quick else CONNECTIONS


async def _server(bench: Bench, room: BenchRoom) -> dict[str, float]:
    port = free_port()
    bench.say("fan-out: server")
    flags = [room.record.id, f"--connections={_crowd(bench)}", "--hold"]
    async with bench.programs.server(port) as pid, bench.programs.held_storm(port, *flags) as crowd:
        await bench.programs.ready(crowd)
        await asyncio.sleep(SETTLE_SECONDS)
        before = cpu_seconds(pid)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(EVENTS):
            await asyncio.sleep(began + number * EVERY_MS / 1000 - loop.time())
            await room.store.set_state(STATES[number % 2])
        await asyncio.sleep(SETTLE_SECONDS)
        used = cpu_seconds(pid) - before
        return {"fanout.us_per_recipient": _each(bench, used, await bench.programs.released(crowd))}


async def _raw(bench: Bench) -> dict[str, float]:
    port = free_port()
    bench.say("fan-out: bare picows")
    flags = ["--bare", f"--connections={_crowd(bench)}", "--hold"]
    payload = json.dumps({"ev": EVENT, "v": 1000, "state": STATES[0]}, separators=(",", ":"))
    wish = {"op": "broadcast", "ref": 1, "times": EVENTS, "every_ms": EVERY_MS, "payload": payload}
    async with bench.programs.echo(port) as pid, bench.programs.held_storm(port, *flags) as crowd:
        await bench.programs.ready(crowd)
        await asyncio.sleep(SETTLE_SECONDS)
        async with connect(f"ws://127.0.0.1:{port}/ws") as control:
            before = cpu_seconds(pid)
            await control.send(json.dumps(wish))
            await control.recv()
            await asyncio.sleep(SETTLE_SECONDS)
            used = cpu_seconds(pid) - before
        return {"fanout.raw_us": _each(bench, used, await bench.programs.released(crowd))}


def _each(bench: Bench, used: float, counted: dict[str, dict[str, int]]) -> float:
    came, due = counted["events"].get(EVENT, 0), EVENTS * _crowd(bench)
    if came != due:
        raise Broken(f"{came} of {due} events came; lost connections: {counted['lost']}")
    return used * 1_000_000 / due
