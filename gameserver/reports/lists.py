"""A room line by line: who won what and has it, and the facts."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from gameserver.games.report import GameReport, Row
from gameserver.records.reports import winners_of
from gameserver.reports.reading import Reading

WINNERS: Final[Sequence[str]] = (
    "prize", "name", "kind", "unit", "member", "won_at", "amount", "state", "credited", "refused", "claim_by",
    "carrier", "tracking", "shipped_at", "ended_at", "reason",
)  # fmt: skip
LINES: Final[Sequence[str]] = ("at", "member", "session", "channel", "network", "kind", "fact")
_encode = msgspec.json.Encoder().encode


async def winner_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row a grant, by prize and unit. Addresses are not here: `gameserver prizes export` has them."""
    listed = {prize.id: prize for prize in reading.config.prizes}

    def when(at: int | None) -> str | None:
        return None if at is None else reading.moment(at)

    async for won in winners_of(reading.database, reading.record.id):
        prize = listed.get(won.prize)
        yield (
            won.prize, prize.name if prize else None, prize.kind if prize else "points", won.unit, won.member,
            when(won.won_at), won.amount, won.state, won.credited if won.amount else None, won.refused,
            when(won.claim_by), won.carrier, won.tracking, when(won.shipped_at), when(won.ended_at),
            won.reason,
        )  # fmt: skip
        reading.told(1)


async def line_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row for each line of the record, whoever it is of; a fact's places are the game's."""
    async for line in reading.lines():
        kind, *places = line.fact
        yield (
            reading.moment(line.at), line.member or None, line.session, line.channel or None,
            line.network or None, kind, _encode(places).decode(),
        )  # fmt: skip


async def game_rows(reading: Reading, table: type[GameReport]) -> AsyncIterator[Row]:
    """A table of the game's own."""
    report = table(reading.room())
    async for line in reading.lines():
        for row in report.take(line):
            yield row
    for row in report.rest():
        yield row
