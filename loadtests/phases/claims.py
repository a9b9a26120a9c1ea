"""A claim, from tap to receipt: the server, the bare echo, and two peers with the same rule, in turn."""

from typing import Any

from gameserver.games import game_named
from gameserver.store.scripts import library_of
from loadtests.phases.phase import Bench
from loadtests.processes import Broken, free_port
from loadtests.rooms import RAIN, BenchRoom, in_room

CONNECTIONS = 500  # the rain lets about 75 drops a second fall for each: more than any server takes
HALF = 0.5
STARVED_SHARE = 0.01
WARMUP_SECONDS = 1.5


def _seconds(bench: Bench) -> float:
    return 3.0 if bench.quick else 7.0  # CPU is counted in steps of 10 ms


def _load(bench: Bench, pid: int) -> list[str]:
    seconds = f"--seconds={_seconds(bench)}"
    return [f"--connections={CONNECTIONS}", seconds, f"--warmup={WARMUP_SECONDS}", f"--pid={pid}"]


async def claims(bench: Bench) -> dict[str, float]:
    """`claims.*` and `peers.*`."""
    figures = await _echo(bench)
    figures |= await in_room(bench.stores, RAIN, lambda room: _full(bench, room))
    rate = figures["claims.per_s"] * HALF
    figures |= await in_room(bench.stores, RAIN, lambda room: _half(bench, room, rate))
    figures |= await in_room(bench.stores, RAIN, lambda room: _peer(bench, room, "node"))
    return figures | await in_room(bench.stores, RAIN, lambda room: _peer(bench, room, "starlette"))


async def _echo(bench: Bench) -> dict[str, float]:
    bench.say("claims: bare echo")
    port = free_port()
    async with bench.programs.echo(port) as pid:
        measured = await bench.programs.storm(port, "--bare", *_load(bench, pid))
    return {"claims.echo_us": _checked(measured)["server_us"]}


async def _full(bench: Bench, room: BenchRoom) -> dict[str, float]:
    bench.say("claims: server, as fast as it goes")
    return await full_speed(bench, room, "claims")


async def full_speed(bench: Bench, room: BenchRoom, name: str) -> dict[str, float]:
    """What the commands of a game cost as fast as they go: `<name>.server_us`, `.valkey_us` and `.per_s`."""
    port = free_port()
    async with bench.programs.server(port) as pid:
        measured = _checked(await bench.programs.storm(port, room.record.id, *_load(bench, pid)))
    return {f"{name}.{figure}": measured[figure] for figure in ("server_us", "valkey_us", "per_s")}


async def _half(bench: Bench, room: BenchRoom, rate: float) -> dict[str, float]:
    bench.say(f"claims: server, {rate:,.0f} a second")
    port = free_port()
    async with bench.programs.server(port) as pid:
        paced = [room.record.id, f"--rate={rate:.0f}", *_load(bench, pid)]
        measured = _checked(await bench.programs.storm(port, *paced))
    if measured["starved"] > STARVED_SHARE * measured["answers"]:
        raise Broken(f"{measured['starved']} taps found no drop: the rate was not kept")
    return {"claims.p50_ms": measured["p50_ms"], "claims.p99_ms": measured["p99_ms"]}


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
