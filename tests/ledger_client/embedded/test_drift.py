import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.audit import audit
from ledger_client.embedded.ledger import EmbeddedLedger
from tests.ledger_client.entries import earn, lane, new_room


async def damage(ledger: EmbeddedLedger, engine: AsyncEngine, statement: str) -> str:
    """Six entries, and one thing changed behind its back."""
    room = new_room()
    await ledger.fund(f"c-{room}", 15)
    await ledger.apply(lane(room), [earn(room, n, n, f"m{n}") for n in range(1, 7)])
    async with engine.begin() as connection:
        await connection.execute(text(statement), {"id": earn(room, 3, 3).id, "room": room})
    return room


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("update ledger.posting set amount = 4 where entry_id = :id and amount > 0", {"entry", "account"}),
        ("delete from ledger.posting where entry_id = :id", {"entry", "account"}),
        ("delete from ledger.entry where id = :id", {"entry"}),
        (
            "update ledger.account set posted = posted + 1 where id = 'member:' || :room || '-m3'",
            {"account", "member"},
        ),
        ("update ledger.lot set remaining = 2 where id = :id", {"member"}),
        ("delete from ledger.lot where id = :id", {"member"}),
    ],
)
async def test_books_that_disagree_are_found(
    ledger: EmbeddedLedger, engine: AsyncEngine, statement: str, kinds: set[str]
) -> None:
    await damage(ledger, engine, statement)
    found = await ledger.drift()
    assert {drift.what.partition(":")[0] for drift in found} == kinds
    assert all(drift.expected != drift.found for drift in found)


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("update ledger.entry set amount = 4 where id = :id", 3),
        ("update ledger.entry set member = 'thief' where id = :id", 3),
        ("update ledger.entry set status = 'applied', reason = null where status = 'rejected'", 6),
        ("delete from ledger.entry where id = :id", 3),
        ("delete from ledger.entry where seq = 6 and room = :room", 6),
        ("update ledger.entry set seq = 7 - seq where room = :room", 1),
    ],
)
async def test_an_entry_that_was_changed_afterwards_is_named(
    ledger: EmbeddedLedger, engine: AsyncEngine, statement: str, seq: int
) -> None:
    assert await audit(engine) == []
    room = await damage(ledger, engine, statement)
    (broken,) = await audit(engine)
    assert (broken.lane, broken.seq) == (lane(room).id, seq)
