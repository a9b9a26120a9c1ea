"""What a settlement worker holds after a million entries: as much as after the first half."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from gameserver.games.game import MemberId, PrizeId, SessionId
from gameserver.line import Fact, Line, OutboxGrant
from gameserver.store.lane import MAX_BATCH
from gameserver.store.outbox import FIELD
from gameserver.verify import EVERY_SECONDS
from loadtests.meters import resident_kb
from loadtests.phases.phase import Bench
from loadtests.processes import Broken
from loadtests.rooms import AMOUNT, RAIN, BenchRoom, in_room
from loadtests.seats import EPOCH, member, session

ENTRIES = 1_000_000
WARM = 500_000
SETTLED_IN_SECONDS = EVERY_SECONDS + 5  # the first round of verification is no growth
QUICK_SHARE = 10
MEMBERS = 20_000
AHEAD = 20  # stream entries that wait at most: what a worker holds must not depend on a backlog of the bench
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 60.0

_encode = msgspec.msgpack.encode


async def memory(bench: Bench) -> dict[str, float]:
    """`settlement.rss_*`: of the worker's process."""
    return await in_room(bench.stores, RAIN, lambda room: _fed(bench, room))


async def _fed(bench: Bench, room: BenchRoom) -> dict[str, float]:
    entries, warm = (n // (QUICK_SHARE if bench.quick else 1) for n in (ENTRIES, WARM))
    async with bench.programs.settling() as pid:
        bench.say(f"memory: {warm:,} entries")
        began = time.monotonic()
        await _feed(bench, room, 0, warm)
        await asyncio.sleep(max(0.0, began + SETTLED_IN_SECONDS - time.monotonic()))
        before = resident_kb(pid)
        bench.say(f"memory: {entries:,} entries")
        await _feed(bench, room, warm, entries)
        after = resident_kb(pid)
    return {"settlement.rss_mb_after_500k": before / 1024, "settlement.rss_mb_after_1m": after / 1024}


async def _feed(bench: Bench, room: BenchRoom, first: int, after: int) -> None:
    """Puts wins number `first` to `after` into the outbox; returns when they are settled."""
    redis, stream = bench.stores.redis, room.store.keys.outbox
    for number in range(first, after, MAX_BATCH):
        lines = [_win(n) for n in range(number, min(number + MAX_BATCH, after))]
        await redis.xadd(stream, {FIELD: _encode(lines)})
        if number // MAX_BATCH % AHEAD == 0:
            await _until(lambda left: left < AHEAD, room, bench)
    await _until(lambda left: left == 0, room, bench)


async def _until(enough: Callable[[int], bool], room: BenchRoom, bench: Bench) -> None:
    seen, ends = -1, 0.0
    while not enough(left := await bench.stores.redis.xlen(room.store.keys.outbox)):
        if left != seen:
            seen, ends = left, time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > ends:
            raise Broken(f"{left:,} ticks are left in the outbox, and nobody takes them")
        await asyncio.sleep(LOOK_SECONDS)


def _win(number: int) -> Line:
    """The line of a tap that won, as the prelude writes it."""
    who = number % MEMBERS + 1
    at = time.time_ns() // 1_000_000
    grant = OutboxGrant(PrizeId("packet"), number + 1, AMOUNT, EPOCH, MemberId(member(who)))
    ref = number // MEMBERS + 1
    return Line(
        SessionId(session(who)), ref, MemberId(member(who)), at, 0, msgspec.Raw(_encode([ref])), Fact("grab"),
        [grant],
    )  # fmt: skip
