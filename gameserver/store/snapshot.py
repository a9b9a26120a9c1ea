"""One lane's Redis at one moment, for holding it against the record.

What counts is read in one MULTI, so that stock, purses and outbox belong together. An outbox too long for
one reply is read on by id: what settlement finishes meanwhile is missing here, and on record.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from gameserver.games.game import MemberId, PrizeId
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Sent, sent_of

REBUILDING = "rebuilding"
ENTRIES_A_READ = 200  # stream entries; one holds up to 256 lines
PURSES_A_READ = 500
_HIGHEST_SEQ = 2**63 - 1

_decode = msgspec.msgpack.Decoder(list[int]).decode


class Stock(NamedTuple):
    """A prize's stock as Redis has it: units granted so far, the next unit, the last one."""

    granted: int
    next_unit: int
    last_unit: int


class OpenPurse(NamedTuple):
    """A purse as Redis has it: its number, its last fill, the points left, and the ms at which it ends."""

    number: int
    fill: int
    left: int
    until: int


class Snapshot(NamedTuple):
    """A lane at the moment `now` (server ms); epoch 0 where Redis has no such lane.

    `last` is a position (ms, seq): lines up to it were there, and later ones came after this moment.
    `sent` are the outbox entries that were not finished, or those of them that still were not a moment later.
    """

    epoch: int
    state: str
    now: int
    last: tuple[int, int]
    stock: Mapping[PrizeId, Stock]
    purses: Mapping[MemberId, OpenPurse]
    sent: Sequence[Sent]


async def snapshot(redis: Redis, keys: LaneKeys, members: Sequence[MemberId] = ()) -> Snapshot:
    """The lane now, with the purses of `members` (those that are open)."""
    async with redis.pipeline(transaction=True) as call:
        _ask(call, keys, members)
        time, head, stock, entries, stream, *purses = _sound(await call.execute(raise_on_error=False))
    now = int(time[0]) * 1000 + int(time[1]) // 1000
    last = _position(stream["last-generated-id"]) if stream else (0, 0)
    return Snapshot(
        epoch=int(head[0] or 0),
        state=(head[1] or b"").decode(),
        now=now,
        # ids are server time, and an id of this very ms would have been the last one
        last=max(last, (now - 1, _HIGHEST_SEQ)),
        stock={PrizeId(prize.decode()): Stock(*_decode(packed)[:3]) for prize, packed in stock.items()},
        purses=_open(members, purses[0] if purses else ()),
        sent=[sent_of(id_, fields) for id_, fields in entries] + await _rest(redis, keys, entries, last),
    )


async def open_purses(redis: Redis, keys: LaneKeys) -> AsyncIterator[list[MemberId]]:
    """Members whose purse is open, PURSES_A_READ at a time; who comes or goes meanwhile may be missed."""
    batch: dict[MemberId, None] = {}  # a scan may name a member twice
    async for member, _ in redis.zscan_iter(keys.purses, count=PURSES_A_READ):
        batch[MemberId(member.decode())] = None
        if len(batch) == PURSES_A_READ:
            yield list(batch)
            batch = {}
    if batch:
        yield list(batch)


def _ask(call: Pipeline, keys: LaneKeys, members: Sequence[MemberId]) -> None:
    call.time()
    call.hmget(keys.room, "epoch", "state")
    call.hgetall(keys.stock)
    call.xrange(keys.outbox, count=ENTRIES_A_READ)
    call.xinfo_stream(keys.outbox)
    if members:
        call.hmget(keys.purse, *members)


def _sound(replies: list[Any]) -> list[Any]:
    """The replies; where the stream was never made, it is told as None."""
    if isinstance(replies[4], ResponseError) and "no such key" in str(replies[4]):
        replies[4] = None
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _open(members: Sequence[MemberId], packed: Sequence[bytes | None]) -> dict[MemberId, OpenPurse]:
    found = {}
    for member, octets in zip(members, packed, strict=bool(packed)):
        purse = OpenPurse(*_decode(octets)[:4]) if octets else None
        if purse and purse.until > 0:
            found[member] = purse
    return found


async def _rest(
    redis: Redis, keys: LaneKeys, entries: Sequence[tuple[bytes, Any]], last: tuple[int, int]
) -> list[Sent]:
    sent: list[Sent] = []
    while len(entries) == ENTRIES_A_READ:
        after = f"({entries[-1][0].decode()}"
        page: Any = await redis.xrange(keys.outbox, after, f"{last[0]}-{last[1]}", ENTRIES_A_READ)
        entries = page
        sent += [sent_of(id_, fields) for id_, fields in entries]
    return sent


def _position(id_: bytes) -> tuple[int, int]:
    ms, _, seq = id_.partition(b"-")
    return int(ms), int(seq)
