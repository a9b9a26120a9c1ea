"""A room by hour, by channel and by network."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from gameserver.games.report import Row
from gameserver.records.reports import HourCounts, SessionCounts, counts_by_hour, counts_by_prize, sessions_of
from gameserver.reports.reading import Reading

HOURS: Final[Sequence[str]] = ("hour", "joined", "online_peak", "players", "plays", "wins", "points")
CHANNELS: Final[Sequence[str]] = (
    "channel", "page_views", "sessions", "members", "players", "plays", "winners", "wins", "points",
)  # fmt: skip
NETWORKS: Final[Sequence[str]] = (
    "network", "sessions", "members", "players", "plays", "winners", "wins", "points",
)  # fmt: skip
_NOTHING = HourCounts(0, 0, 0, 0)


async def hour_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row for each hour of the room's timezone in which anything happened; members join once."""
    counts = await counts_by_hour(reading.database, reading.record.id, reading.config.timezone)
    plays = await reading.plays_by(lambda line: reading.hour(line.at))
    online: dict[str, int] = {}
    for start, most in (await reading.figures()).online.items():
        hour = reading.hour(start)  # where clocks are half an hour off, two starts are one hour's
        online[hour] = max(most, online.get(hour, 0))
    for hour in sorted({*counts, *plays, *online}):
        joined, players, wins, points = counts.get(hour, _NOTHING)
        yield hour, joined, online.get(hour), players, plays[hour], wins, points


async def channel_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row a channel; a member who came by two of them is in both.

    What the room itself grants at its end (places) has no channel: it is a row of its own, without a name.
    """
    views = (await reading.figures()).views
    plays = await reading.plays_by(lambda line: line.channel)
    groups = await _grouped(reading, lambda session: session.visit.channel)
    won = (await counts_by_prize(reading.database, reading.record.id)).values()
    wins = sum(prize.units for prize in won) - sum(group.wins for group in groups.values())
    points = sum(prize.points for prize in won) - sum(group.points for group in groups.values())
    if wins:
        group = groups.setdefault("", Group())
        group.wins += wins
        group.points += points
    for channel in sorted({*groups, *views, *plays}):
        yield channel, views.get(channel, 0), *groups.get(channel, Group()).cells(plays[channel])


async def network_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row for each /24 (IPv6: /48), which has a name here and no address; most members first."""
    plays = await reading.plays_by(lambda line: line.network)
    groups = await _grouped(reading, lambda session: session.visit.network)
    for network, group in sorted(groups.items(), key=lambda line: (-line[1].members, line[0])):
        yield network, *group.cells(plays[network])


class Group:
    """Counts of those who came one way."""

    def __init__(self) -> None:
        self.sessions = self.members = self.players = self.winners = self.wins = self.points = 0

    def cells(self, plays: int) -> Sequence[int]:
        """From `sessions` to `points`, as the columns have them."""
        return (
            self.sessions, self.members, self.players, plays, self.winners, self.wins, self.points
        )  # fmt: skip


async def _grouped(reading: Reading, key: Callable[[SessionCounts], str]) -> dict[str, Group]:
    """Sessions come by member, so what a member is counted in is known before the next member comes."""
    groups: dict[str, Group] = {}
    member, seen = "", set[tuple[str, str]]()
    async for session in sessions_of(reading.database, reading.record.id):
        if session.member != member:
            member, seen = session.member, set()
        name = key(session)
        group = groups.setdefault(name, Group())
        group.sessions += 1
        group.wins += session.grants
        group.points += session.points
        group.members += _is_first(seen, ("member", name))
        group.players += session.played and _is_first(seen, ("player", name))
        group.winners += session.grants > 0 and _is_first(seen, ("winner", name))
        reading.told(1)
    return groups


def _is_first(seen: set[tuple[str, str]], key: tuple[str, str]) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True
