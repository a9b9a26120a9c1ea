"""A claim, from tap to receipt: the server, the bare echo, and two peers with the same rule, in turn."""

from typing import Any

from gameserver.games import game_named
from gameserver.store.scripts import library_of
from loadtests.phases.phase import Bench
from loadtests.processes import Broken, free_port
from loadtests.rooms import RAIN, BenchRoom, in_room

CONNECTIONS = 1000
HALF = 0.5
WARMUP_SECONDS = 1.5


def _seconds(bench: Bench) -> float:
    return 3.0 if bench.quick else 7.0  # CPU is counted in steps of 10 ms


def _load(bench: Bench, pid: int) -> list[str]:
    seconds = f"--seconds={_seconds(bench)}"
    return [f"--connections={CONNECTIONS}", seconds, f"--warmup={WARMUP_SECONDS}", f"--pid={pid}"]


async def claims(bench: Bench) -> dict[str, float]:
    """`claims.*` and `peers.*`."""
    figures = await _echo(bench)
    figures |= await in_room(bench.stores, RAIN, lambda room: _server(bench, room))
    figures |= await in_room(bench.stores, RAIN, lambda room: _peer(bench, room, "node"))
    return figures | await in_room(bench.stores, RAIN, lambda room: _peer(bench, room, "starlette"))


async def _echo(bench: Bench) -> dict[str, float]:
    bench.say("claims: bare echo")
    port = free_port()
    async with bench.programs.echo(port) as pid:
        measured = await bench.programs.storm(port, "--bare", *_load(bench, pid))
    return {"claims.echo_us": _checked(measured)["server_us"]}


async def _server(bench: Bench, room: BenchRoom) -> dict[str, float]:
    port, id_ = free_port(), room.record.id
    async with bench.programs.server(port) as pid:
        bench.say("claims: server, as fast as it goes")
        full = _checked(await bench.programs.storm(port, id_, *_load(bench, pid)))
        bench.say("claims: server, at half of that")
        rate = f"--rate={full['per_s'] * HALF:.0f}"
        half = _checked(await bench.programs.storm(port, id_, rate, *_load(bench, pid)))
    if half["starved"] > 0.01 * half["answers"]:
        raise Broken(f"{half['starved']} taps found no drop: the rate was not kept")
    return {
        "claims.server_us": full["server_us"],
        "claims.valkey_us": full["valkey_us"],
        "claims.per_s": full["per_s"],
        "claims.p50_ms": half["p50_ms"],
        "claims.p99_ms": half["p99_ms"],
    }


async def _peer(bench: Bench, room: BenchRoom, name: str) -> dict[str, float]:
    bench.say(f"claims: {name}")
    port, game = free_port(), game_named(room.record.game)
    function = library_of(game).function("tick")
    await room.join(CONNECTIONS)
    await room.open_round()
    async with bench.programs.peer(name, port, function, room.store.keys.tag) as pid:
        measured = await bench.programs.storm(port, "--bare", *_load(bench, pid))
    return {f"peers.{name}_us": _checked(measured)["server_us"]}


def _checked(measured: dict[str, Any]) -> dict[str, Any]:
    if measured["lost"]:
        raise Broken(f"connections were lost: {measured['lost']}")
    return measured
