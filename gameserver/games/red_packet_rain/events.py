"""What members of a rain send and are told."""

from typing import Annotated

import msgspec

from gameserver.games.game import Command, Event


class Grab(Command, tag="grab"):
    """A tap on a drop."""

    drop: Annotated[int, msgspec.Meta(ge=0, le=1999)]


class Grabbed(Event, tag="grabbed", kw_only=True):
    """What the drop held.

    `kind`: packet (points), prize (a rare packet), empty, or bomb. `amount` in points; in score mode
    `amount` is 0 and only `score` moves. `sum` and `score` are the member's in this round, after the tap.
    """

    drop: int
    kind: str
    sum: int
    score: int
    amount: int = 0
    prize: str | None = None
    unit: int | None = None
    receipt: str | None = None


class RoundOpened(Event, tag="round_opened", kw_only=True):
    """The countdown of a round has begun; personal, because of the key of one's own rain (32 hex digits)."""

    round: int
    countdown_at: int
    starts_at: int
    ends_at: int
    key: str


class Next(msgspec.Struct):
    """When the next round comes."""

    round: int
    countdown_at: int
    starts_at: int
    ends_at: int


class Leader(msgspec.Struct):
    """A line of the ranking; `name` is masked, `sum` is points or, in score mode, score."""

    name: str
    sum: int


class RoundClosed(Event, tag="round_closed", kw_only=True):
    """The result of a round; personal.

    `place` from 1, 0 for one who got nothing. `best` is the best packet. `won` is what score mode paid.
    `left` is how many packets nobody caught.
    """

    round: int
    sum: int
    score: int
    packets: int
    best: int
    place: int
    players: int
    left: int
    won: int = 0
    prize: str | None = None
    unit: int | None = None
    receipt: str | None = None
    top: list[Leader]
    next: Next | None = None


class Tally(Event, tag="tally", kw_only=True):
    """The room at a glance; conflated. `left`: packets left in the round; `joined`: members so far."""

    round: int
    left: int
    joined: int
    players: int
    top: list[Leader]
