"""What members of a vote send and are told."""

from typing import Annotated

import msgspec

from gameserver.games.game import Command, Event
from gameserver.games.vote.config import MAX_CHOICES

# such as c0007; whether there is one the rule knows, and a pattern would be a tenth of a ballot's time
ContestantId = Annotated[str, msgspec.Meta(min_length=5, max_length=5)]


class Vote(Command, tag="vote"):
    """A ballot."""

    choices: Annotated[list[ContestantId], msgspec.Meta(min_length=1, max_length=MAX_CHOICES)]


class Voted(Event, tag="voted", kw_only=True):
    """The ballot was taken.

    `weight`: votes that each choice got. `left_today` and `left_total`: ballots the member has left, None
    where there is no such limit. `votes`: what the chosen ones have now, where the member may see it.
    """

    choices: list[str]
    weight: int
    left_today: int | None = None
    left_total: int | None = None
    votes: dict[str, int] | None = None


class ContestantsChanged(Event, tag="contestants_changed", kw_only=True):
    """The list or the state of a contestant has changed: `contestants` are in it now."""

    contestants: int


class Standing(msgspec.Struct):
    """A line of the ranking."""

    id: str
    votes: int


class Tally(Event, tag="tally", kw_only=True):
    """The room at a glance; conflated.

    `votes` are those that count; `top` are the first ten, and it is empty where results are not for all.
    """

    joined: int
    ballots: int
    votes: int
    top: list[Standing]
    under_review: list[str]
    contestants: int
