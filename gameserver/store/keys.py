"""Every Redis key and channel, built here and nowhere else.

The lane's hash tag comes first, so that one lane is one cluster slot. The prelude builds the same names
from the tag it is given (store/lua/prelude/).
"""

from gameserver.games.game import MemberId, RoomId


class LaneKeys:
    """The keys of one lane of a room, such as `{r42.0}:out`."""

    def __init__(self, room: RoomId, lane: int = 0) -> None:
        tag = f"{{{room}.{lane}}}"
        self.tag = tag
        self.room = f"{tag}:room"  # hash: epoch, state, window, version, counters
        self.rule = f"{tag}:rule"  # msgpack: what the rule reads
        self.members = f"{tag}:m"  # hash: member -> gate and game state
        self.purse = f"{tag}:purse"  # hash: member -> points held for paid plays (prelude/purse.lua)
        self.purses = f"{tag}:purses"  # zset: members whose purse is open, by the ms at which it ends
        self.stock = f"{tag}:stock"  # hash: prize -> granted, next unit, last unit, day, granted on it
        self.gifts = f"{tag}:gifts"  # hash: member who has not joined yet -> extra plays
        self.refused = f"{tag}:refused"  # hash: code -> commands that it refused; since -> ms
        self.game = f"{tag}:game"  # msgpack: the game's state of the room
        self.events = f"{tag}:ev"  # stream: room events that `since` can recover
        self.outbox = f"{tag}:out"  # stream: what must outlive Redis
        self.channel = f"{tag}:push"  # pub/sub: events and settled, to every node

    @property
    def name(self) -> str:
        """What the ledger and the record call the lane, such as `r42.0`."""
        return self.tag[1:-1]

    def ranking(self, name: str) -> str:
        """zset: a ranking of the game, member -> score."""
        return f"{self.tag}:rank:{name}"

    def ticket(self, ticket: str) -> str:
        """string: who may say hello with this ticket."""
        return f"{self.tag}:tk:{ticket}"


class RoomKeys:
    """The keys of a room's counts, such as `{r42}:views`: they outlive its lanes."""

    def __init__(self, room: RoomId) -> None:
        tag = f"{{{room}}}"
        self.views = f"{tag}:views"  # hash: channel -> pages asked for; since -> ms
        self.nodes = f"{tag}:nodes"  # hash: process -> members online there, and until when that counts
        self.online = f"{tag}:online"  # zset: an hour's start in ms -> the most members online at once


def uploaded(member: MemberId, what: str) -> str:
    """integer: pictures or bytes that a member has uploaded of late; it expires."""
    return f"uploaded:{what}:{member}"


SETTLE_GROUP = "settle"
ROOMS_CHANNEL = "rooms"  # pub/sub: ids of rooms whose state staff changed
