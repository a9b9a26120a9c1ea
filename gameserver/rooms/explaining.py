"""Why a member cannot play: the same gate as a command's, asked without playing."""

from typing import NamedTuple

from gameserver.games.game import MemberId
from gameserver.rooms.purse import Play
from gameserver.rooms.room import Room
from gameserver.store.lane import Guest


class Explained(NamedTuple):
    """`code` refuses (None: nothing does) for `retry_ms` (None: until somebody changes it).

    `play` tells of the plays that are left where the room counts them.
    """

    code: str | None
    retry_ms: int | None
    play: Play | None


async def explained(room: Room, guest: Guest, plays: int = 1) -> Explained:
    """What would decide if the guest began so many plays now. Raises Refused: lane_lost, store_down."""
    days = room.days() if room.config.by_day else ()
    code, retry_ms, told = await room.lane.store.explain(
        days, MemberId(guest.member), plays, room.denied(guest)
    )
    return Explained(code, retry_ms, Play(*told) if told else None)
