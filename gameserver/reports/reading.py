"""One room as its reports read it."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gameserver.figures import Figures, figures_of
from gameserver.games import game_named, reports_of
from gameserver.games.game import HOST
from gameserver.games.report import Room as ReportedRoom
from gameserver.games.report import Told
from gameserver.records.database import Database
from gameserver.records.figures import saved_figures
from gameserver.records.lanes import get_lanes
from gameserver.records.reports import NO_VISIT, pages_of
from gameserver.records.rooms import Room
from gameserver.rooms.opening import config_of, plan_of
from gameserver.store.figures import FigureStore
from gameserver.store.redis import Redis

ASIDE = frozenset({"joined", "gift", "purse", "purse_closed"})  # kinds of lines that are no game's


class Reading:
    """The record of one room, and what its lane has counted beside it.

    Args:
        database: the record.
        redis: the store.
        record: the room; it has been opened.
        told: hears how many more rows or lines were read.
    """

    def __init__(
        self, database: Database, redis: Redis, record: Room, told: Callable[[int], None] = lambda _: None
    ) -> None:
        self.database = database
        self.redis = redis
        self.record = record
        self.told = told
        _, self.config = config_of(record)
        self._plays_of = reports_of(record.game).plays
        self._zone = ZoneInfo(self.config.timezone)

    def hour(self, at: int) -> str:
        """The start of an hour on the room's clocks, such as "2026-11-11 20:00"."""
        return datetime.fromtimestamp(at / 1000, self._zone).strftime("%Y-%m-%d %H:00")

    def moment(self, at: int) -> str:
        """A time in ms as ISO 8601 with the room's offset, to the millisecond."""
        exact = datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000)
        return exact.astimezone(self._zone).isoformat(timespec="milliseconds")

    def room(self) -> ReportedRoom:
        """The room as its game's own reports take it."""
        config = game_named(self.record.game).config.model_validate(self.record.config)
        return ReportedRoom(config, plan_of(self.record), self.hour, self.moment)

    async def lines(self) -> AsyncIterator[Told]:
        """The room's lines in the order in which they happened."""
        for lane in await get_lanes(self.database, self.record.id):
            async for page, visits in pages_of(self.database, self.record.id, lane.lane):
                for session, _, member, at, _, _, fact, grants, *_ in page:
                    visit = visits.get(session, NO_VISIT)
                    yield Told(member, session, at, fact, grants, visit.channel, visit.network)
                self.told(len(page))

    async def plays_by(self, key: Callable[[Told], str]) -> Counter[str]:
        """Plays of members, by what `key` makes of their lines."""
        plays: Counter[str] = Counter()
        async for line in self.lines():
            if line.member and line.member != HOST and line.fact[0] not in ASIDE:
                plays[key(line)] += self._plays_of(line.fact)
        return plays

    async def plays(self) -> int:
        """All plays of members."""
        return (await self.plays_by(lambda _: ""))[""]

    async def figures(self) -> Figures:
        """What the room has counted beside its record, now or until it ended."""
        saved = await saved_figures(self.database, self.record.id)
        return figures_of(saved, await FigureStore(self.redis).of(self.record.id))
