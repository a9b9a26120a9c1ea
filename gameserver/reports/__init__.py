"""Reports of a room, by name: those that every room has, then those of its game."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple

from gameserver.errors import Refused
from gameserver.games import reports_of
from gameserver.games.report import GameReport, Row
from gameserver.reports.lists import LINES, WINNERS, game_rows, line_rows, winner_rows
from gameserver.reports.prizes import PRIZES, prize_rows
from gameserver.reports.reading import Reading
from gameserver.reports.spread import (
    CHANNELS,
    HOURS,
    NETWORKS,
    channel_rows,
    hour_rows,
    network_rows,
)
from gameserver.reports.summary import REFUSALS, SUMMARY, refusal_rows, summary_rows


class Report(NamedTuple):
    """A table; its rows come one by one, and are as many as the room's record has."""

    columns: Sequence[str]
    rows: Callable[[Reading], AsyncIterator[Row]]


_OF_EVERY_ROOM = {
    "summary": Report(SUMMARY, summary_rows),
    "prizes": Report(PRIZES, prize_rows),
    "hours": Report(HOURS, hour_rows),
    "channels": Report(CHANNELS, channel_rows),
    "networks": Report(NETWORKS, network_rows),
    "refusals": Report(REFUSALS, refusal_rows),
    "winners": Report(WINNERS, winner_rows),
    "lines": Report(LINES, line_rows),
}


def reports_of_game(game: str) -> dict[str, Report]:
    """The reports that a room of the game has, by name."""
    return {**_OF_EVERY_ROOM, **{name: _report(table) for name, table in reports_of(game).tables.items()}}


def report_named(game: str, name: str) -> Report:
    """One of them. Raises Refused("not_found") with the names there are."""
    known = reports_of_game(game)
    if name not in known:
        raise Refused("not_found", f"there is no report {name!r} of {game}; there are: {', '.join(known)}")
    return known[name]


def _report(table: type[GameReport]) -> Report:
    return Report(table.columns, partial(game_rows, table=table))
