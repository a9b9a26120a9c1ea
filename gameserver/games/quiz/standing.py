"""What the rule shows of a live quiz and of a member in it, and how it is told."""

from collections.abc import Sequence
from typing import NamedTuple

from gameserver.games.game import Raw, masked
from gameserver.games.quiz.events import MineRevealed, Podium, Ranked
from gameserver.games.quiz.sheet import RIGHT, WRONG


class Shared(NamedTuple):
    """What all see alike (rules.lua, shared)."""

    state: str
    question: int
    round: int
    starts: int
    ends: int
    answered: int
    counts: Sequence[int] | bool
    asked: Sequence[int]
    top: Raw | bool
    players: int
    teams: Raw


class View(NamedTuple):
    """What the rule shows of a member (rules.lua, live.view)."""

    answered: bool
    team: int
    score: int
    place: int
    before: int
    told: int
    entry: Raw | bool
    row: int
    alive: bool
    won: int
    room: Raw


def mine_of(seen: View) -> MineRevealed:
    """What the last answer that was told came to."""
    grade, gain, row = seen.entry if isinstance(seen.entry, Sequence) else (WRONG, 0, 0)
    return MineRevealed(
        answered=bool(seen.entry), right=grade == RIGHT, gained=gain, streak=row, score=seen.score,
        alive=bool(seen.alive),
    )  # fmt: skip


def moved(seen: View) -> int:
    """Places gained since the question before; 0 for one who was in no ranking then."""
    return seen.before - seen.place if seen.before and seen.place else 0


def ranked(top: Raw) -> list[Ranked]:
    """The first of the ranking, from [name, score, moved]."""
    return [
        Ranked(name=masked(name), score=score, place=place, moved=moved)
        for place, (name, score, moved) in enumerate(top, 1)
    ]


def podium(top: Raw) -> list[Podium]:
    """The same at the end."""
    return [
        Podium(name=masked(name), score=score, place=place) for place, (name, score, _) in enumerate(top, 1)
    ]
