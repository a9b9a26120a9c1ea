import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Kind
from ledger_client.ledger import BrokenLink
from ledger_client.terms import Caps, Terms
from tests.ledger_client.moves import Moves

LANE = "select source from ledger.entry where id = :id"
# of the seven entries below, by their number: what is done to it, and which is named for it
EDITS = [
    (3, "update ledger.entry set amount = 4 where id = :id", 3),
    (3, "update ledger.entry set member = 'thief' where id = :id", 3),
    (3, "update ledger.entry set occurred_at = 0 where id = :id", 3),
    (4, "update ledger.entry set credited = 4 where id = :id", 4),
    (4, "update ledger.entry set reason = null where id = :id", 4),
    (5, "update ledger.entry set status = 'applied', reason = null where id = :id", 5),
    (6, "update ledger.entry set about = null where id = :id", 6),
    (6, "update ledger.entry set until = until + 1 where id = :id", 6),
    (7, "update ledger.entry set credited = 9 where id = :id", 7),
    (3, "delete from ledger.entry where id = :id", 3),
    (7, "delete from ledger.entry where id = :id", 7),
    (3, f"update ledger.entry set seq = 8 - seq where source = ({LANE})", 1),
]  # fmt: skip


@pytest.mark.parametrize(("number", "statement", "named"), EDITS)
async def test_an_entry_that_was_changed_afterwards_is_named(
    ledger: EmbeddedLedger, engine: AsyncEngine, number: int, statement: str, named: int
) -> None:
    moves, other = Moves(ledger), Moves(ledger)
    for one in (moves, other):
        await one.under(Terms(caps=Caps(day=20)))
    await other.move(Kind.EARN, 1)
    ids = [await moves.move(Kind.EARN, points) for points in (10, 2, 5, 30)]
    rejected = moves.entry(Kind.EARN, 1)
    await moves.outcome(rejected)
    hold = moves.entry(Kind.HOLD, 8, about=rejected.id, until=rejected.occurred_at + 1)
    await moves.outcome(hold)
    release = moves.entry(Kind.RELEASE, 3, about=rejected.id)
    await moves.outcome(release)
    ids += [rejected.id, hold.id, release.id]
    assert await ledger.audit() == []
    async with engine.begin() as connection:
        await connection.execute(text(statement), {"id": ids[number - 1]})
    deleted = "delete" in statement
    (broken,) = await ledger.audit()
    assert (broken.lane, broken.seq) == (moves.lane.id, named)
    if number == named:
        next_ = str(ids[number]) if number < len(ids) else ""
        assert broken == BrokenLink(moves.lane.id, named, next_ if deleted else str(ids[number - 1]))
