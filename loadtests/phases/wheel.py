"""A spin, from tap to receipt, measured as a claim is."""

from gameserver.games import game_named
from loadtests.phases.claims import full_speed
from loadtests.phases.phase import Bench
from loadtests.rooms import NO_LIMIT, BenchRoom, in_room

_POINTS = {"kind": "points", "stock": 5_000_000, "fallback": "none"}
WHEEL = {
    "title": "Benchmark",
    "prizes": [
        {"id": "five", "name": "5", "value": 5, "weight": 60, **_POINTS},
        {"id": "one", "name": "1", "value": 1, "weight": 40, **_POINTS},
        {"id": "mug", "name": "mug", "kind": "physical", "stock": 100_000, "weight": 1, "fallback": "one"},
        {"id": "none", "name": "none", "kind": "none", "weight": 0},
    ],
    "limits": NO_LIMIT,
}
"""Every spin wins, and no limit is met: every answer is a full one."""


async def wheel(bench: Bench) -> dict[str, float]:
    """`wheel.*`."""
    return await in_room(bench.stores, WHEEL, lambda room: _spins(bench, room), "lottery_wheel")


async def _spins(bench: Bench, room: BenchRoom) -> dict[str, float]:
    bench.say(f"wheel: {game_named(room.record.game).name}, as fast as it goes")
    return await full_speed(bench, room, "wheel")
