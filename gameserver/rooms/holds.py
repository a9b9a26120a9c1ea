"""Asking the ledger for points to hold: one call at a time, for all who wait meanwhile."""

import asyncio
from collections.abc import Sequence

import structlog

from gameserver.errors import Refused
from gameserver.rooms.tasks import end
from ledger_client.errors import LedgerAway, StaleEpoch
from ledger_client.ledger import Held, HoldAsk, LaneAt, Ledger

log = structlog.get_logger()

MOST = 256  # asks a call
RETRY_MS = 1000

Answer = Held | Refused


class Holds:
    """The asks of one lane in this process.

    Args:
        ledger: where points are.
        lane: such as "r42.0".
        epoch: the lane's.
    """

    def __init__(self, ledger: Ledger, lane: str, epoch: int) -> None:
        self._ledger = ledger
        self._at = LaneAt(lane, epoch)
        self._waiting: list[tuple[HoldAsk, asyncio.Future[Answer]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, ask: HoldAsk) -> Answer:
        """What the ledger holds for it; Refused, not raised, where the ledger cannot be asked."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        return await answer

    async def stop(self) -> None:
        """Gives up a call that is under way: the ledger tells whoever asks again what it has granted."""
        if self._running:
            await end([self._running])

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            answers = await self._call([ask for ask, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        self._running = None

    async def _call(self, asks: list[HoldAsk]) -> Sequence[Answer]:
        try:
            return await self._ledger.hold(self._at, asks)
        except LedgerAway as away:
            refused = Refused("ledger_down", str(away), RETRY_MS)
        except StaleEpoch as stale:
            refused = Refused("lane_lost", str(stale), RETRY_MS)
        except Exception:
            log.exception("hold failed", lane=self._at.id, asks=len(asks))
            refused = Refused("internal")
        return [refused] * len(asks)
