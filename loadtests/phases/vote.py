"""A ballot, measured as a claim is; and how old the numbers are that phones show."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence

from gameserver.games.game import HOST
from loadtests.meters import percentile
from loadtests.phases.claims import full_speed
from loadtests.phases.phase import Bench
from loadtests.phones import Phones, phones
from loadtests.processes import Broken, free_port
from loadtests.rooms import NO_LIMIT, BenchRoom, in_room

CONTESTANTS = 20
PHONES = 200
BALLOTS_PER_SECOND = 200
SECONDS = 10.0
QUICK_SECONDS = 3.0
LAST_TALLY_SECONDS = 3.0

VOTE = {"title": "Benchmark", "ballots": {}, "results": "always", "limits": NO_LIMIT}


async def vote(bench: Bench) -> dict[str, float]:
    """`vote.*`."""
    figures = await in_room(bench.stores, VOTE, lambda room: _ballots(bench, room), "vote")
    return figures | await in_room(bench.stores, VOTE, lambda room: _ages(bench, room), "vote")


async def _admit(room: BenchRoom) -> None:
    listed = [[f"c{number:04}", number] for number in range(1, CONTESTANTS + 1)]
    (result,) = (await room.tick([[HOST, "staff", 1, "admit", False, listed]])).results
    if result[0] != 1:
        raise Broken(f"the contestants were not admitted: {result}")


async def _ballots(bench: Bench, room: BenchRoom) -> dict[str, float]:
    bench.say("vote: as fast as it goes")
    await _admit(room)
    return await full_speed(bench, room, "vote")


async def _ages(bench: Bench, room: BenchRoom) -> dict[str, float]:
    bench.say(f"vote: {BALLOTS_PER_SECOND} ballots a second on {PHONES} phones")
    await _admit(room)
    port = free_port()
    async with bench.programs.server(port), phones(room, port, PHONES) as crowd:
        ages = await _watched(crowd, QUICK_SECONDS if bench.quick else SECONDS)
    return {"vote.tally_age_p99_ms": 1000 * percentile(ages, 99)}


async def _watched(crowd: Phones, seconds: float) -> Sequence[float]:
    """From each ballot's answer to the first tally that counts it, in s, as one phone hears them.

    Ballots are counted in the order in which they are answered, so the n-th answer is in the first tally of
    at least n ballots.
    """
    waiting: deque[float] = deque()
    ages: list[float] = []
    counted = 0

    def answered(_: bytes) -> None:
        waiting.append(time.perf_counter())

    def told(payload: bytes) -> None:
        nonlocal counted
        now, ballots = time.perf_counter(), json.loads(payload)["ballots"]
        while counted < ballots and waiting:
            ages.append(now - waiting.popleft())
            counted += 1

    crowd.listeners |= {b"voted": answered, b"tally": told}
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        while sent < passed * BALLOTS_PER_SECOND:
            choice = f"c{sent % CONTESTANTS + 1:04}"
            crowd.all[sent % len(crowd.all)].send({"op": "vote", "choices": [choice]})
            sent += 1
        await asyncio.sleep(0.001)
    await crowd.came(b"voted", sent)
    await asyncio.sleep(LAST_TALLY_SECONDS)
    if waiting:
        raise Broken(f"{len(waiting)} of {sent} ballots were in no tally")
    return ages
