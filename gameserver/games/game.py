"""The contract of a game: what a folder under `gameserver/games/` gives to the room.

A game is `GAME: Game` in its package's `__init__`, and a `rules.lua` beside it. The Python side is
pure: it plans from config and seed, computes what needs cryptography, and shapes events. The decision
itself is `rules.lua`, which runs in Redis inside the prelude (store/lua/prelude/).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, ClassVar, NamedTuple, NewType, Protocol

import msgspec

from gameserver.games.room_config import RoomConfig

RoomId = NewType("RoomId", str)
CampaignId = NewType("CampaignId", str)
MemberId = NewType("MemberId", str)
SessionId = NewType("SessionId", str)
PrizeId = NewType("PrizeId", str)

HOST = MemberId("!host")
"""The member in whose name a room's host and its staff act; no member's id begins with "!"."""

MAX_REF = 2**53 - 1
Ref = Annotated[int, msgspec.Meta(ge=1, le=MAX_REF)]

Raw = Sequence[Any]
"""An array as MessagePack brought it from rules.lua; only the game's own code reads its places."""


class Command(msgspec.Struct, tag_field="op", forbid_unknown_fields=True, kw_only=True):
    """What a member asks; `ref` rises within the session."""

    ref: Ref


class Sender(NamedTuple):
    """Who sends a command; `rtt_ms` is the least round trip that the server measured on this socket."""

    member: MemberId
    session: SessionId
    levels: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    rtt_ms: int = 0


class Charge(msgspec.Struct, kw_only=True):
    """What a play cost in a room that counts plays: 0 points while they are free.

    `left` points are in the member's purse for this room; `free` plays are left (None: any number), and
    after them `extra` ones that the member was given.
    """

    cost: int
    left: int
    free: int | None
    extra: int


class Event(msgspec.Struct, tag_field="ev", omit_defaults=True, kw_only=True):
    """What happened; `re` is the ref it answers, absent on pushed events; `v` is the room's version.

    `charge` comes with the answer that began a play or won some, where plays are counted; the room puts it
    there.
    """

    re: int | None = None
    v: int | None = None
    charge: Charge | None = None


class EventClass(IntEnum):
    """How an event may be lost: never, by a newer one of its name, or first."""

    MUST = 1
    CONFLATED = 2
    COSMETIC = 3


class Granted(NamedTuple):
    """A grant as a member is told it: `amount` in points (0 for goods), `receipt` as lower-case hex."""

    prize: PrizeId
    unit: int
    amount: int
    receipt: str


@dataclass(frozen=True, slots=True)
class Due:
    """A command of the room's own clock.

    Args:
        at: server time in ms at which it is due.
        op: name of the rule's command.
        ref: rises with time within the room, the same on every node, so that only one has effect.
        arguments: what rules.lua gets.
    """

    at: int
    op: str
    ref: int
    arguments: tuple[Any, ...]


class Plan(Protocol):
    """One room's game from (room, config, seed, opening time): pure and immutable."""

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads as `rule.game`."""

    def stock(self) -> Mapping[PrizeId, int]:
        """Units loaded per prize at opening."""

    def budget(self) -> int:
        """Points that the room can grant at most."""

    def ends_at(self) -> int:
        """Server time in ms after which nothing can happen any more."""

    def public(self) -> Mapping[str, Any]:
        """The game's part of the public config."""

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """What rules.lua needs to decide; `now` is about the server time in ms.

        Raises Refused where no rule is needed to refuse.
        """

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """The event that answers an executed command."""

    def due(self, after: int) -> Due | None:
        """The next command of the room's clock later than `after` (ms)."""

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """What a replayed fact needs beside itself on rebuild (such as a round's table), usually ()."""

    def event(self, name: str, v: int, body: Raw) -> Event:
        """A room event for everyone."""

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """A room event as one member is told it; only for names in `Game.personal`.

        `view` is the rule's view of the member; `granted` is what the room's clock granted them, by the ref
        of its command.
        """

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """The game's full picture for one member at server time `now`."""


class Player(Protocol):
    """A member who plays by program, knowing only what a page knows."""

    def heard(self, event: Mapping[str, Any]) -> None:
        """Takes an event as it came over the wire."""

    def next(self, now: int) -> tuple[int, Mapping[str, Any]] | None:
        """The next command without its ref, and the server ms from which it may be sent."""


@dataclass(frozen=True)
class Demo:
    """A room that shows what the game can do, and always has something to play.

    Args:
        config: its title is no other demo's.
        hosted: whether somebody has to conduct it.
        contestants: (name, group, text) of those who are entered before it opens.
    """

    config: Mapping[str, Any]
    hosted: bool = False
    contestants: Sequence[tuple[str, str, str]] = ()


class Game(Protocol):
    """One kind of play.

    `commands` are the members', `host_commands` those of a page that holds the room's host token.
    `secret` names the fields of the config that nobody may read before the room is closed.
    """

    name: ClassVar[str]
    config: ClassVar[type[RoomConfig]]
    commands: ClassVar[tuple[type[Command], ...]]
    host_commands: ClassVar[tuple[type[Command], ...]]
    secret: ClassVar[tuple[str, ...]]
    events: ClassVar[tuple[type[Event], ...]]
    personal: ClassVar[frozenset[str]]
    refusals: ClassVar[Mapping[str, str]]

    def plan(self, room: RoomId, config: Any, seed: bytes, opened_at: int) -> Plan:
        """Plans a room; `config` is an instance of `self.config`, `opened_at` is in ms."""

    def player(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> Player:
        """A player from the welcome: `room.play` and `snapshot.game`."""

    def example(self) -> Mapping[str, Any]:
        """A valid config: the template of `room schema` and of the demo."""

    def demos(self) -> Sequence[Demo]:
        """Rooms of the demo, the first of them the one to show first."""


def blob(octets: bytes) -> msgspec.Raw:
    """Bytes for rules.lua, as MessagePack str 32: Redis' own MessagePack knows no bin type, Lua no text."""
    return msgspec.Raw(b"\xdb" + len(octets).to_bytes(4, "big") + octets)


def masked(name: str) -> str:
    """A name as others may see it: the first character, and the last of three or more."""
    if len(name) < 3:
        return name[:1] + "*"
    return name[0] + "*" * min(len(name) - 2, 4) + name[-1]


def names(kinds: Iterable[type[msgspec.Struct]]) -> tuple[str, ...]:
    """The wire names (`op` or `ev`) of the structs."""
    return tuple(str(kind.__struct_config__.tag) for kind in kinds)
