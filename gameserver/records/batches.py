"""One batch of lines into the record: facts, grants and the lane's position, all or nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from gameserver.line import PlacedLine
from gameserver.records.database import Database
from gameserver.records.facts import insert_facts
from gameserver.records.grants import Grant, grants_of_line, insert_grants
from gameserver.records.lanes import Lane, advance, lock_lane
from gameserver.records.tables import dead_letter
from ledger_client.embedded.dead_letters import Letter, bury

LINE_MISMATCH = "line_mismatch"
UNIT_CONFLICT = "unit_conflict"
UNRECORDABLE = "unrecordable"


class Recorded(NamedTuple):
    """The batch's grants that stand in the record, and what had to be put aside."""

    grants: list[Grant]
    letters: list[Letter]


async def record(
    database: Database, lane: Lane, lines: Sequence[PlacedLine], letters: Sequence[Letter] = ()
) -> Recorded:
    """Writes a batch; the same batch again changes nothing and returns the same grants.

    A line whose (session, ref) is on record with other bytes is put aside whole; a grant whose unit (or
    whose place in its line) belongs to another is put aside alone. `letters` are kept with them.

    Raises StaleEpoch when the lane has a newer epoch.
    """
    kept = list(letters)
    async with database.begin() as connection:
        held = await lock_lane(connection, lane)
        lines, repeated = _distinct(lines)
        kept += [Letter(lane.name, line.body, LINE_MISMATCH) for line in repeated]
        others = await insert_facts(connection, lane, lines) if lines else set()
        kept += [Letter(lane.name, lines[n].body, LINE_MISMATCH) for n in sorted(others)]
        owed = [
            (line, grant)
            for n, line in enumerate(lines)
            if n not in others
            for grant in grants_of_line(lane.room, line.line)
        ]
        lost = await insert_grants(connection, lane.room, [grant for _, grant in owed]) if owed else set()
        kept += [_conflict(lane, *owed[n]) for n in sorted(lost)]
        await bury(connection, dead_letter, kept)
        if lines:
            await advance(connection, held, max(line.position[:2] for line in lines))
    return Recorded([grant for n, (_, grant) in enumerate(owed) if n not in lost], kept)


def _distinct(lines: Sequence[PlacedLine]) -> tuple[list[PlacedLine], list[PlacedLine]]:
    """The first line of each (session, ref), and later ones of the same name with other bytes."""
    first: dict[tuple[str, int], PlacedLine] = {}
    repeated = [
        placed
        for placed in lines
        if first.setdefault((placed.line.session, placed.line.ref), placed).body != placed.body
    ]
    return list(first.values()), repeated


def _conflict(lane: Lane, placed: PlacedLine, grant: Grant) -> Letter:
    return Letter(lane.name, placed.body, f"{UNIT_CONFLICT}: {grant.prize}/{grant.unit} of line {grant.line}")
