"""What a member costs in Redis: the keys of a room in which everybody has played."""

from collections.abc import Mapping
from typing import Any

from gameserver.games import game_named
from gameserver.games.game import MemberId, Sender, SessionId
from gameserver.games.red_packet_rain.events import Grab
from gameserver.store.lane import MAX_BATCH
from gameserver.store.redis import Redis
from loadtests.phases.phase import Bench
from loadtests.processes import Broken
from loadtests.rooms import GAME, BenchRoom, in_room
from loadtests.seats import FOREVER_MS, member, session

MEMBERS = 5000
QUICK_MEMBERS = 1000
GRABS = 12  # more than the answers that are remembered
APART = 4  # taps spread over the round's drops: what marks them as taken is as long as it gets
AGREES = 0.25


async def gate(bench: Bench) -> dict[str, float]:
    """`store.gate_bytes_per_member`, in the game's example with packets for everybody."""
    members = QUICK_MEMBERS if bench.quick else MEMBERS
    packets = members * GRABS
    amounts = {"mode": "double_mean", "total_points": 20 * packets, "count": packets, "min": 1, "max": 200}
    config = {**game_named(GAME).example(), "amounts": amounts}
    return await in_room(bench.stores, config, lambda room: _gate(bench, room, members))


async def _gate(bench: Bench, room: BenchRoom, members: int) -> dict[str, float]:
    bench.say(f"gate: {members:,} members")
    redis = bench.stores.redis
    await room.open_round()
    streams = (room.store.keys.outbox, room.store.keys.events)
    before, streams_before, all_before = await _memory(redis, room, streams)
    await room.join(members)
    for ref in range(1, GRABS + 1):
        for first in range(1, members + 1, MAX_BATCH):
            numbers = range(first, min(first + MAX_BATCH, members + 1))
            ticked = await room.tick([_grab(room, number, ref) for number in numbers])
            if refused := [result[1] for result in ticked.results if not result[0]]:
                raise Broken(f"a grab was refused: {refused[0]}")
    after, streams_after, all_after = await _memory(redis, room, streams)
    counted, used = after - before + streams_after - streams_before, all_after - all_before
    if abs(used - counted) > AGREES * used:
        raise Broken(f"the keys hold {counted:,} bytes, but Valkey uses {used:,} more than before")
    return {"store.gate_bytes_per_member": (after - before) / members}


async def _memory(redis: Redis, room: BenchRoom, streams: tuple[str, ...]) -> tuple[int, int, int]:
    """Bytes of the room's keys without its streams, of those, and of all that Valkey uses."""
    keys = streamed = 0
    async for key in redis.scan_iter(match=f"{room.store.keys.tag}:*", count=1000):
        size = await redis.memory_usage(key, samples=0) or 0
        if key.decode() in streams:
            streamed += size
        else:
            keys += size
    memory: Mapping[str, Any] = await redis.info("memory")
    return keys, streamed, int(memory["used_memory"])


def _grab(room: BenchRoom, number: int, ref: int) -> list[Any]:
    """A tap of the member's own rain, bombs and empty drops too, at a time when all of them are out."""
    tap = Grab(ref=ref, drop=APART * ref)
    starts_at: int = room.plan.public()["first_starts_at"]
    round_, drop, kind, *_ = room.plan.arguments(
        Sender(MemberId(member(number)), SessionId("")), tap, starts_at
    )
    return [member(number), session(number), ref, "grab", False, round_, drop, kind, 0, FOREVER_MS]
