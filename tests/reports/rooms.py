"""Reports of lanes that are played without sockets."""

from typing import Any

from gameserver.records.rooms import get_room
from gameserver.reports import report_named
from gameserver.reports.reading import Reading
from gameserver.store.lane import Guest
from tests.promises.world import World
from tests.store.lanes import PlayedLane, Seat


async def visitor(lane: PlayedLane, member: str, channel: str = "browser", network: str = "n1") -> Seat:
    """A page of a member that came this way."""
    ticket = f"{member}-{channel}-{network}-{await lane.redis.incr('tickets-of-tests')}"
    await lane.store.put_ticket(ticket, Guest(member, member, [], [], channel, network))
    (result,) = await lane.ask(["", "", 0, "join", False, ticket, False, False])
    return Seat(member, result[1])


async def table(here: World, lane: PlayedLane, name: str) -> list[dict[str, Any]]:
    """A report of the room as it stands, each row by its columns."""
    record = await get_room(here.database, lane.record.id)
    reading = Reading(here.database, here.redis, record)
    report = report_named(record.game, name)
    rows = []
    async for row in report.rows(reading):
        assert len(row) == len(report.columns), (name, row)
        assert all(cell is None or isinstance(cell, int | str) for cell in row), row
        rows.append(dict(zip(report.columns, row, strict=True)))
    return rows


async def by(here: World, lane: PlayedLane, name: str, key: str) -> dict[Any, dict[str, Any]]:
    """The same by one column."""
    rows = await table(here, lane, name)
    found = {row.pop(key): row for row in rows}
    assert len(found) == len(rows)
    return found
