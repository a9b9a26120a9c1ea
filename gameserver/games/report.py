"""What a game tells reports about its own facts. A game may have it, as `report.py` in its folder:

`plays(fact)`: how many plays a line of a member stands for (0: part of a play that was counted before), and
`REPORTS`: the game's own tables by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from gameserver.games.game import MemberId, Plan, Raw, SessionId

Row = Sequence[object]
"""Cells: numbers, texts, or None. Times are texts already."""

PER = 100_000
"""Shares are whole numbers in this many."""


class Told(NamedTuple):
    """A line of the room's record: `at` in ms, `fact` and `grants` as rules.lua wrote them.

    `channel` and `network` are those of the session; both are "" for the room's clock and for staff.
    """

    member: MemberId
    session: SessionId
    at: int
    fact: Raw
    grants: Sequence[Raw]
    channel: str
    network: str


class Room(NamedTuple):
    """The room of a report: `hour` and `moment` write a time in ms in its timezone."""

    config: Any
    plan: Plan
    hour: Callable[[int], str]
    moment: Callable[[int], str]


class GameReport(Protocol):
    """One table, made while the room's lines go by in their order."""

    columns: ClassVar[Sequence[str]]

    def __init__(self, room: Room) -> None: ...

    def take(self, line: Told) -> Iterable[Row]:
        """The rows that are whole with this line."""

    def rest(self) -> Iterable[Row]:
        """The rows that the end of the record completes."""


class GameReports(NamedTuple):
    """See the module."""

    plays: Callable[[Raw], int]
    tables: Mapping[str, type[GameReport]]


def each_line(_: Raw) -> int:
    """Every line is a play: for games that do not say otherwise."""
    return 1


def share(part: int, whole: int) -> int | None:
    """`part` of `whole` in PER, rounded; None of nothing."""
    return (part * PER + whole // 2) // whole if whole else None
