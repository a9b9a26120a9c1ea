"""Memory of connections that have joined and do nothing."""

import asyncio

from loadtests.meters import resident_kb
from loadtests.phases.phase import Bench
from loadtests.processes import Broken, free_port
from loadtests.rooms import QUIET, BenchRoom, in_room

CONNECTIONS = 15_000
SETTLE_SECONDS = 2.0


async def idle(bench: Bench) -> dict[str, float]:
    """`idle.*`, of a server process of its own: what an earlier crowd left behind would hide some of it."""
    return await in_room(bench.stores, QUIET, lambda room: _idle(bench, room))


async def _idle(bench: Bench, room: BenchRoom) -> dict[str, float]:
    port, id_ = free_port(), room.record.id
    bench.say(f"idle: {CONNECTIONS:,} connections")
    async with (
        bench.programs.server(port) as pid,
        bench.programs.held_storm(port, id_, "--connections=1", "--hold") as first,
    ):
        await bench.programs.ready(first)  # the room is loaded, and all code that joining needs
        before = resident_kb(pid)
        async with bench.programs.held_storm(port, id_, f"--connections={CONNECTIONS}", "--hold") as crowd:
            await bench.programs.ready(crowd)
            await asyncio.sleep(SETTLE_SECONDS)
            after = resident_kb(pid)
            counted = await bench.programs.released(crowd)
    if counted["lost"]:
        raise Broken(f"connections were lost: {counted['lost']}")
    return {
        "idle.connections": counted["connections"],
        "idle.kb_per_connection": (after - before) / CONNECTIONS,
    }
