"""A room's own clock: the commands that come with time, not from members.

Every process runs it for every open room; the refs are the same everywhere, so that only the first one has
effect and the others get its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gameserver.errors import Refused
from gameserver.games.game import Due
from gameserver.rooms.room import Room

log = structlog.get_logger()

RETRY_SECONDS = 1.0
LONGEST_SLEEP = 30.0  # the process's own clock may be set while it sleeps
_AGAIN = frozenset({"store_down", "lane_lost", "internal"})


async def run_clock(room: Room, closes: int, ended: Callable[[], Awaitable[None]]) -> None:
    """Submits what falls due until the room has ended; what a downtime missed comes first.

    Args:
        room: an opened room.
        closes: server ms after which no command is taken.
        ended: called then, once.
    """
    done = await _done(room)
    after = -1
    while (due := room.plan.due(after)) is not None and due.ref <= done:
        after = due.at
    while (due := room.plan.due(after)) is not None and due.at <= closes:
        await _sleep_until(room, due.at)
        if not await _submit(room, due):
            await asyncio.sleep(RETRY_SECONDS)
            continue
        after = due.at
    await _sleep_until(room, closes)
    await ended()


async def _done(room: Room) -> int:
    while True:
        try:
            return await room.lane.store.clock()
        except Refused as refused:
            log.info("clock waits", room=room.record.id, code=refused.code)
            await asyncio.sleep(RETRY_SECONDS)


async def _sleep_until(room: Room, at: int) -> None:
    while (left := (at - room.now()) / 1000) > 0:
        await asyncio.sleep(min(left, LONGEST_SLEEP))


async def _submit(room: Room, due: Due) -> bool:
    """Whether the rule has decided; a refusal is a decision too (another process was first)."""
    result = await room.lane.ask(["", "clock", due.ref, due.op, False, *due.arguments])
    return not (result[0] == 0 and result[1] in _AGAIN)
