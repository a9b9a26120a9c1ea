import asyncio
from collections.abc import Sequence

import pytest

from gameserver.errors import Refused
from gameserver.records.database import Database
from gameserver.rooms.holds import Holds
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import Held, HoldAsk, HoldState, LaneAt
from tests.rooms.pages import unreachable


def wanting(member: str) -> HoldAsk:
    return HoldAsk(purse_id("r1.0", member, 1), 0, member, "c1", "r1", 50, 5, 4_000_000_000_000, 1)


class Counted(EmbeddedLedger):
    """The ledger, and how many asks each call had."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: list[int] = []

    async def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        self.calls.append(len(asks))
        return await super().hold(lane, asks)


@pytest.fixture
async def ledger(engine: Database) -> Counted:
    ledger = Counted(engine)
    await ledger.fund("c1", 1000)
    earned = [
        Entry(derived_id(f"earn {n}"), Kind.EARN, f"m{n}", "c1", "", 10 * n + 1, 1_790_000_000_000, 1)
        for n in range(5)
    ]
    await ledger.apply(LaneAt("events", 0), earned)
    return ledger


async def test_who_waits_while_a_call_is_under_way_goes_together_in_the_next(ledger: Counted) -> None:
    holds = Holds(ledger, "r1.0", 1)
    first = asyncio.create_task(holds.ask(wanting("m0")))
    while not ledger.calls:
        await asyncio.sleep(0)
    others = await asyncio.gather(*(holds.ask(wanting(f"m{n}")) for n in range(1, 5)))
    assert ledger.calls == [1, 4]
    assert [held.granted for held in others if isinstance(held, Held)] == [10, 20, 30, 40]
    none = await first
    assert isinstance(none, Held)
    assert (none.granted, none.state) == (0, HoldState.NONE)


async def test_a_call_after_all_were_answered_is_a_new_one(ledger: Counted) -> None:
    holds = Holds(ledger, "r1.0", 1)
    for _ in range(2):
        held = await holds.ask(wanting("m4"))
        assert isinstance(held, Held)
        assert held.granted == 40
    assert ledger.calls == [1, 1]


async def test_a_lane_that_another_epoch_has_is_refused(ledger: Counted) -> None:
    await ledger.apply(
        LaneAt("r1.0", 2), [Entry(derived_id("x"), Kind.EARN, "m1", "c1", "r1", 1, 1_790_000_000_000, 1)]
    )
    refused = await Holds(ledger, "r1.0", 1).ask(wanting("m1"))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_ms) == ("lane_lost", 1000)


async def test_a_ledger_that_is_away_is_told_to_all_who_wait() -> None:
    holds = Holds(unreachable(), "r1.0", 1)
    answers = await asyncio.gather(*(holds.ask(wanting(f"m{n}")) for n in range(3)))
    assert [answer.code for answer in answers if isinstance(answer, Refused)] == ["ledger_down"] * 3
