import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Kind
from ledger_client.terms import Reversal, Terms
from tests.ledger_client.moves import Moves

DAMAGES = [
    ("update ledger.posting set amount = 4 where entry_id = :id and amount > 0", {"entry", "account"}),
    ("delete from ledger.posting where entry_id = :id", {"entry", "account"}),
    ("delete from ledger.entry where id = :id", {"entry"}),
    ("update ledger.entry set credited = 2 where id = :id", {"entry"}),
    ("update ledger.entry set credited = 1 where status = 'rejected'", {"entry"}),
    ("update ledger.account set posted = posted + 1 where id = 'member:' || :member", {"account", "member"}),
    ("update ledger.account set held = held - 1 where id = 'member:' || :member", {"member"}),
    ("update ledger.lot set remaining = remaining + 2 where id = :id", {"member"}),
    ("delete from ledger.lot where member = :member and remaining > 0", {"member"}),
    ("update ledger.hold set used = used + 1 where kind = 'purse' and state = 'open'", {"purse"}),
    ("update ledger.hold set state = 'closed' where kind = 'purse'", {"purse"}),
    ("update ledger.hold set state = 'open' where kind = 'purse'", {"purse"}),
    ("delete from ledger.hold where kind = 'purse'", {"purse"}),
    ("update ledger.hold set amount = amount + 1 where kind = 'freeze'", {"member"}),
    ("update ledger.hold set state = 'closed' where kind = 'freeze'", {"member"}),
]


@pytest.mark.parametrize(("statement", "things"), DAMAGES)
async def test_books_that_disagree_are_found(
    ledger: EmbeddedLedger, engine: AsyncEngine, statement: str, things: set[str]
) -> None:
    moves = Moves(ledger)
    await moves.under(Terms(reversal=Reversal.DEBT), budget=100)
    earned = await moves.move(Kind.EARN, 3)
    await moves.move(Kind.EARN, 30)
    await moves.move(Kind.SPEND, 4, about=await moves.purse(10))
    await moves.release(await moves.purse(5, number=2))
    await moves.move(Kind.FREEZE, 7, about=earned)
    mistaken = await moves.move(Kind.EARN, 8, "n")
    await moves.move(Kind.REDEEM, 6, "n")
    await moves.move(Kind.REVERSE, 8, "n", reverses=mistaken)
    await moves.outcome(moves.entry(Kind.EARN, 1000))
    assert await ledger.drift() == []
    async with engine.begin() as connection:
        values = {"id": earned, "member": moves.member("m")}
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        await connection.execute(text(statement), used)
    found = await ledger.drift()
    assert {drift.what.partition(":")[0] for drift in found} == things
    assert all(drift.expected != drift.found for drift in found)
