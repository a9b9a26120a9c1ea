"""The tick: at most one call into Redis at a time per lane; whatever waits meanwhile is the next batch."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from gameserver.errors import Refused
from gameserver.metrics import COMMANDS, REFUSALS, TICK_COMMANDS, TICK_SECONDS
from gameserver.store.lane import MAX_BATCH, LaneStore

log = structlog.get_logger()

Result = Sequence[Any]
"""A result as the prelude shapes it: (1, body, grants), (0, code, retry_ms | False) or a join's (2, ...)."""

DRIFT = 1.01  # how fast a good clock sample ages, per tick


class Target(Protocol):
    """Who asked for a command and gets its result."""

    def answered(self, ref: int, result: Result) -> None:
        """Takes the result of the command `ref`."""


class Asked:
    """A target that is waited for."""

    def __init__(self) -> None:
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def answered(self, ref: int, result: Result) -> None:
        """Takes the tick's result."""
        if not self.result.done():
            self.result.set_result(result)


Waiting = tuple[Sequence[Any], Target, int]
"""A command [member, session, ref, op, deny, ...], who asked, and its ref."""


class Lane:
    """The batch loop of one lane in this process.

    Args:
        room: for metrics and logs.
        store: the lane's Redis.
        days: (from ms, yyyymmdd) of the days around now, or () where no rule asks for the day.
    """

    def __init__(self, room: str, store: LaneStore, days: Callable[[], Sequence[tuple[int, int]]]) -> None:
        self.store = store
        self._room = room
        self._days = days
        self._waiting: list[Waiting] = []
        self._running = False
        self._tally: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._offset = 0.0
        self._best_rtt = float("inf")
        self._commands = COMMANDS.labels(room)

    def now(self) -> int:
        """About the server time (Redis TIME) in ms."""
        return int(time.time() * 1000 + self._offset)

    def submit(self, command: Sequence[Any], target: Target, ref: int) -> None:
        """Queues a command [member, session, ref, op, deny, ...] for the next tick."""
        self._waiting.append((command, target, ref))
        if not self._running:
            self._start()

    async def ask(self, command: Sequence[Any]) -> Result:
        """A command's result."""
        asked = Asked()
        self.submit(command, asked, command[2])
        return await asked.result

    async def sync(self) -> None:
        """An empty tick, after which `now` is right."""
        if not self._running:
            self._start()
        await self.idle()

    async def idle(self) -> None:
        """Returns when nothing waits and no call is in flight."""
        await self._idle.wait()

    def _start(self) -> None:
        self._running = True
        self._idle.clear()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            batch = self._take()
            results = await self._call(batch)
            while self._waiting:
                # Redis works on the next batch while this process tells the results of the one before
                following = self._take()
                calling = asyncio.get_running_loop().create_task(self._call(following))
                await asyncio.sleep(0)
                self._deliver(batch, results)
                batch, results = following, await calling
            self._deliver(batch, results)
        finally:
            self._running = False
            if self._waiting:  # a result that was told has asked for more
                self._start()
            else:
                self._idle.set()

    async def _call(self, batch: list[Waiting]) -> Sequence[Result]:
        sent, began = time.time(), time.perf_counter()
        try:
            ticked = await self.store.tick(self._days(), [command for command, _, _ in batch])
        except Refused as refused:
            REFUSALS.labels(refused.code).inc(len(batch))
            return [(0, refused.code, refused.retry_ms or False)] * len(batch)
        except Exception:
            log.exception("tick failed", room=self._room, commands=len(batch))
            return [(0, "internal", False)] * len(batch)
        took = time.perf_counter() - began
        TICK_SECONDS.observe(took)
        TICK_COMMANDS.observe(len(batch))
        self._commands.inc(len(batch))
        self._sample_clock(ticked.now, sent, took)
        if ticked.tally_in:
            self._wake_in(ticked.tally_in)
        return ticked.results

    def _take(self) -> list[Waiting]:
        batch = self._waiting[:MAX_BATCH]
        del self._waiting[:MAX_BATCH]
        return batch

    def _deliver(self, batch: list[Waiting], results: Sequence[Result]) -> None:
        for (_, target, ref), result in zip(batch, results, strict=True):
            try:
                target.answered(ref, result)
            except Exception:  # one broken reader never spoils its batch
                log.exception("answer failed", room=self._room, ref=ref)

    def _sample_clock(self, server_ms: int, sent: float, took: float) -> None:
        if took <= self._best_rtt:
            self._best_rtt = took
            self._offset = server_ms - (sent + took / 2) * 1000
        else:
            self._best_rtt *= DRIFT

    def _wake_in(self, ms: int) -> None:
        """An empty tick when the tally is due, so that the last change goes out without a next command."""
        if self._tally is None:
            self._tally = asyncio.get_running_loop().call_later(ms / 1000 + 0.001, self._wake)

    def _wake(self) -> None:
        self._tally = None
        if not self._running:
            self._start()
