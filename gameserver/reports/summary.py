"""A room in figures, from the page to the prize."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final

from gameserver.games.game import PrizeId
from gameserver.games.report import Row, share
from gameserver.records.reports import PrizeCounts, counts_by_prize, counts_of
from gameserver.reports.prizes import worth
from gameserver.reports.reading import Reading

SUMMARY: Final[Sequence[str]] = ("figure", "value", "share_of_the_step_before")
REFUSALS: Final[Sequence[str]] = ("code", "commands")


async def summary_rows(reading: Reading) -> AsyncIterator[Row]:
    """Who the room is, the funnel (shares in 100,000ths), and what was played and given."""
    record = reading.record
    counts, figures = await counts_of(reading.database, record.id), await reading.figures()
    by_id = await counts_by_prize(reading.database, record.id)
    prizes = by_id.values()
    yield "room", record.id, None
    yield "title", record.config["title"], None
    yield "game", record.game, None
    yield "state", record.state, None
    yield "rule_version", record.rule_version, None
    yield "rule_hash", record.rule_hash, None
    yield "opened_at", reading.moment(record.opened_at) if record.opened_at else None, None
    yield "closed_at", reading.moment(record.closed_at) if record.closed_at else None, None
    yield "page_views", sum(figures.views.values()), None
    before = sum(figures.views.values())
    for step, value in zip(("joined", "players", "winners", "fulfilled"), counts, strict=True):
        yield step, value, share(value, before)
        before = value
    peak_hour = max(figures.online, key=lambda hour: figures.online[hour], default=None)
    yield "online_peak", figures.online[peak_hour] if peak_hour else 0, None
    yield "online_peak_hour", reading.hour(peak_hour) if peak_hour else None, None
    yield "plays", await reading.plays(), None
    yield "wins", sum(prize.units for prize in prizes), None
    yield "points_granted", sum(prize.points for prize in prizes), None
    yield "points_credited", sum(prize.credited for prize in prizes), None
    yield "worth_of_goods_cents", sum(_worths(reading, by_id)), None
    yield "refused_commands", sum(figures.refused.values()), None


def _worths(reading: Reading, counts: Mapping[PrizeId, PrizeCounts]) -> Iterator[int]:
    for prize in reading.config.prizes:
        if (won := counts.get(PrizeId(prize.id))) is not None:
            yield worth(prize, won) or 0


async def refusal_rows(reading: Reading) -> AsyncIterator[Row]:
    """Commands that the room's gate and rule refused, by code, most of them first."""
    refused = (await reading.figures()).refused
    for code, commands in sorted(refused.items(), key=lambda line: (-line[1], line[0])):
        yield code, commands
