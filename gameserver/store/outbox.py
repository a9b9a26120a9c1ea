"""A lane's outbox: the stream that carries what must outlive Redis, read by settlement."""

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gameserver.store.keys import SETTLE_GROUP, LaneKeys

# one name for all workers: whoever takes a lane over finds what the one before left unfinished
CONSUMER = "worker"
FIELD = b"l"
READ = 16  # stream entries a read; one holds up to 256 lines
BATCH_LINES = 1000
BATCH_SECONDS = 0.025
PENDING_SECONDS = 5.0

CutUnit = tuple[str, int, int, int, str]
"""(prize, unit, points credited, points granted, why not all)."""
SettledUnits = Sequence[tuple[str, str, Sequence[int], Sequence[tuple[str, int]], Sequence[CutUnit]]]
"""(member, session, refs, [(prize, unit)], [what was cut]) of each session whose grants were settled."""

_encode = msgspec.msgpack.encode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class Sent(NamedTuple):
    """One stream entry: its id, its bytes, and the lines in them; None where they are no array."""

    id: str
    raw: bytes
    lines: Sequence[bytes | msgspec.Raw] | None


class Outbox:
    """The outbox of one lane.

    Args:
        redis: a client that does not decode.
        keys: the lane's.
    """

    def __init__(self, redis: Redis, keys: LaneKeys) -> None:
        self._redis = redis
        self._stream = keys.outbox
        self._channel = keys.channel

    async def ensure(self) -> None:
        """Makes the stream and its group where they are missing."""
        try:
            await self._redis.xgroup_create(self._stream, SETTLE_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def pending(self, after: str) -> list[Sent]:
        """What was read but not finished, in order, later than the id `after` ("0": from the first)."""
        return await self._read(after, None)

    async def fresh(self, wait_ms: int | None) -> list[Sent]:
        """What was not read yet; waits up to `wait_ms` (None: not at all) for the first."""
        return await self._read(">", wait_ms)

    async def _read(self, after: str, wait_ms: int | None) -> list[Sent]:
        streams: Any = await self._redis.xreadgroup(
            SETTLE_GROUP, CONSUMER, {self._stream: after}, count=READ, block=wait_ms
        )
        return [sent_of(id_, fields) for _, entries in streams or () for id_, fields in entries]

    async def finish(self, ids: Sequence[str], settled: SettledUnits) -> None:
        """Acknowledges and deletes entries and tells the members' pages, all or nothing."""
        async with self._redis.pipeline(transaction=True) as call:
            call.xack(self._stream, SETTLE_GROUP, *ids)
            call.xdel(self._stream, *ids)
            if settled:
                call.publish(self._channel, _encode(("settled", settled)))
            await call.execute()

    async def put_back(self, line: bytes) -> None:
        """Brings a line again, after all that is there."""
        await self._redis.xadd(self._stream, {FIELD: _encode([msgspec.Raw(line)])})

    async def waiting(self) -> int:
        """Stream entries that are not finished."""
        return int(await self._redis.xlen(self._stream))


class Batches:
    """The outbox as batches of BATCH_LINES lines or of BATCH_SECONDS, whichever comes first.

    Args:
        outbox: of a lane that nobody else reads.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._held: deque[Sent] = deque()
        self._after: str | None = None  # how far pending entries were read; None: all of them
        self._pending_at = -math.inf

    async def next(self, wait_ms: int | None, *, idle: bool = True) -> list[Sent]:
        """The next batch; [] when nothing came within `wait_ms` (None: when nothing is there).

        `idle`: every batch before is finished, so whatever is still pending was never handed out.
        """
        if idle and not self._held and time.monotonic() - self._pending_at > PENDING_SECONDS:
            # what the worker before left unfinished, or a reply that was lost on its way
            self._after = "0"
        batch: list[Sent] = []
        lines, until = 0, 0.0
        while True:
            while self._held:
                batch.append(self._held.popleft())
                lines += len(batch[-1].lines or ())
                if lines >= BATCH_LINES:
                    return batch
            if batch and wait_ms is not None:
                wait_ms = int((until - time.monotonic()) * 1000)
                if wait_ms <= 0:
                    return batch
            self._held.extend(await self._more(wait_ms))
            if not self._held:
                return batch
            until = until or time.monotonic() + BATCH_SECONDS

    async def _more(self, wait_ms: int | None) -> list[Sent]:
        if self._after is not None:
            if left := await self._outbox.pending(self._after):
                self._after = left[-1].id
                return left
            self._after, self._pending_at = None, time.monotonic()
        return await self._outbox.fresh(wait_ms)


def sent_of(id_: bytes, fields: Mapping[bytes, bytes]) -> Sent:
    """A stream entry as redis-py returns it."""
    if not fields:
        # deleted, but still pending: nothing is left to do but to acknowledge it
        return Sent(id_.decode(), b"", ())
    raw = fields.get(FIELD)
    if raw is None:
        return Sent(id_.decode(), _encode(fields), None)
    try:
        return Sent(id_.decode(), raw, _split(raw))
    except msgspec.MsgspecError:
        return Sent(id_.decode(), raw, None)
