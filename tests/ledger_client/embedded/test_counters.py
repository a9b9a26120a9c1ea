import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.ledger import Outcome, Status
from ledger_client.terms import Caps, Terms
from tests.ledger_client.entries import earn, lane, new_room


def reversal(of: Entry) -> Entry:
    id_ = derived_id(f"{of.id}|back")
    return Entry(id_, Kind.REVERSE, of.member, of.campaign, of.room, of.amount, of.occurred_at, 1, of.id)


async def test_a_year_that_was_taken_back_whole_counts_anew(engine: AsyncEngine) -> None:
    """Its row is there, and empty."""
    ledger, room = EmbeddedLedger(engine), new_room()
    await ledger.fund(f"c-{room}", 1000)
    await ledger.agree(f"c-{room}", Terms(caps=Caps(day=12)))

    async def apply(entry: Entry) -> Outcome:
        (outcome,) = await ledger.apply(lane(room), [entry])
        return outcome

    for n in (1, 2, 3):
        one = earn(room, n, 20)
        outcome = await apply(one)
        assert (outcome.status, outcome.credited, outcome.reason) == (Status.APPLIED, 12, "daily_cap")
        assert (await apply(reversal(one))).credited == 12
    # many at once onto the empty row: the cap holds
    outcomes = await asyncio.gather(
        *(ledger.apply(lane(f"{room}x{n}"), [earn(room, 10 + n, 5)]) for n in range(6))
    )
    assert sorted(outcome.credited for (outcome,) in outcomes) == [0, 0, 0, 2, 5, 5]
    assert await ledger.drift() == []
