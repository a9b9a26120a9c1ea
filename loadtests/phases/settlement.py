"""Settlement: how fast a worker brings an outbox into the ledger, and how soon at a steady rate."""

import asyncio
import time
from typing import Any

import msgspec
from sqlalchemy import text

from gameserver.store.lane import MAX_BATCH
from loadtests.meters import percentile
from loadtests.phases.phase import Bench
from loadtests.processes import Broken
from loadtests.rooms import RAIN, BenchRoom, in_room
from loadtests.seats import member

MEMBERS = 1000
ENTRIES = 100_000
QUICK_ENTRIES = 20_000
RATE = 3000
PACED_SECONDS = 10.0
QUICK_PACED_SECONDS = 3.0
WARMUP_SECONDS = 2.0
PATIENCE_SECONDS = 60.0

_IN_LEDGER = text(
    "select count(*) from ledger.entry where room = :room and kind = 'earn' and status = 'applied'"
)


class Settled:
    """What the lane's channel tells: which grants are in the ledger, and when it was told.

    Attributes:
        batches: (seconds of `perf_counter`, entries) of each message.
        at: Unix ms at which each (member, ref) was told.
    """

    def __init__(self, room: BenchRoom, bench: Bench) -> None:
        self._channel = room.store.keys.channel
        self._pubsub = bench.stores.redis.pubsub(ignore_subscribe_messages=True)
        self.batches: list[tuple[float, int]] = []
        self.at: dict[tuple[str, int], float] = {}
        self.entries = 0

    async def __aenter__(self) -> "Settled":
        await self._pubsub.subscribe(self._channel)
        self._task = asyncio.get_running_loop().create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped

    async def _listen(self) -> None:
        async for message in self._pubsub.listen():
            kind, lines = msgspec.msgpack.decode(message["data"])
            if kind == "settled":
                self._take(lines, time.time() * 1000)

    def _take(self, lines: list[Any], at: float) -> None:
        told = 0
        for who, _, refs, units, _ in lines:
            told += len(units)
            for ref in refs:
                self.at[who, ref] = at
        self.entries += told
        self.batches.append((time.perf_counter(), told))

    async def until(self, entries: int) -> None:
        """Returns when so many are settled. Raises Broken when nothing comes any more."""
        seen, ends = -1, 0.0
        while self.entries < entries:
            if self.entries != seen:
                seen, ends = self.entries, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > ends:
                raise Broken(f"{self.entries:,} of {entries:,} entries were settled, and then none")
            await asyncio.sleep(0.02)


async def settlement(bench: Bench) -> dict[str, float]:
    """`settlement.*`; no server runs beside the worker."""
    figures = await in_room(bench.stores, RAIN, lambda room: _throughput(bench, room))
    return figures | await in_room(bench.stores, RAIN, lambda room: _lag(bench, room))


async def _throughput(bench: Bench, room: BenchRoom) -> dict[str, float]:
    entries = QUICK_ENTRIES if bench.quick else ENTRIES
    bench.say("settlement: filling an outbox")
    await _prepare(room)
    for first in range(0, entries, MAX_BATCH):
        await _win(room, range(first, min(first + MAX_BATCH, entries)))
    bench.say(f"settlement: {entries:,} entries")
    async with Settled(room, bench) as settled, bench.programs.settling():
        await settled.until(entries)
    (began, head), (ended, _) = settled.batches[0], settled.batches[-1]
    if ended == began:
        raise Broken("all entries came in one message: there is nothing to time")
    await _in_ledger(bench, room, entries)
    return {"settlement.entries_per_s": (entries - head) / (ended - began)}


async def _lag(bench: Bench, room: BenchRoom) -> dict[str, float]:
    seconds = QUICK_PACED_SECONDS if bench.quick else PACED_SECONDS
    await _prepare(room)
    async with Settled(room, bench) as settled, bench.programs.settling():
        bench.say("settlement: waiting for the worker")
        await _win(room, range(1))
        await settled.until(1)
        bench.say(f"settlement: lag at {RATE:,} entries a second")
        won = await _paced(room, seconds + WARMUP_SECONDS)
        await settled.until(len(won))
    steady = sorted(won.items(), key=lambda item: item[1])[int(WARMUP_SECONDS * RATE) :]
    await _in_ledger(bench, room, len(won))
    return {"settlement.lag_p99_ms": percentile((settled.at[who] - at for who, at in steady), 99)}


async def _prepare(room: BenchRoom) -> None:
    await room.join(MEMBERS)
    await room.open_round()


def _tap(number: int) -> tuple[int, int]:
    """The member and the ref of the n-th tap of all."""
    return number % MEMBERS + 1, number // MEMBERS + 1


async def _win(room: BenchRoom, numbers: range) -> int:
    """Taps in one tick; the server's time of it in ms. Raises Broken where one does not win."""
    taps = [_tap(number) for number in numbers]
    ticked = await room.tick([room.grab(who, ref, ref - 1) for who, ref in taps])
    if lost := [result for result in ticked.results if result[0] != 1]:
        raise Broken(f"a tap did not win: {lost[0]}")
    return ticked.now


async def _paced(room: BenchRoom, seconds: float) -> dict[tuple[str, int], int]:
    """Wins at RATE for so long; the server's time of each by (member, ref)."""
    won: dict[tuple[str, int], int] = {(member(1), 1): 0}  # the first tap waited for the worker to start
    began, done, total = time.perf_counter(), 1, int(seconds * RATE)
    while done < total:
        due = min(int((time.perf_counter() - began) * RATE), total, done + MAX_BATCH)
        if due > done:
            numbers = range(done, due)
            at = await _win(room, numbers)
            won |= {(member(who), ref): at for who, ref in map(_tap, numbers)}
            done = due
        await asyncio.sleep(0.01)
    return won


async def _in_ledger(bench: Bench, room: BenchRoom, entries: int) -> None:
    async with bench.stores.database.connect() as connection:
        found = (await connection.execute(_IN_LEDGER, {"room": room.record.id})).scalar_one()
    if found != entries:
        raise Broken(f"the ledger has {found:,} of {entries:,} entries")
