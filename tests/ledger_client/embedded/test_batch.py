import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.embedded.audit import audit
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry
from ledger_client.errors import StaleEpoch
from ledger_client.ledger import Balance, Outcome
from tests.ledger_client.entries import earn, lane, new_room


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


async def letters(engine: AsyncEngine, room: str) -> list[tuple[str, int]]:
    query = text("select reason, attempts from ledger.dead_letter where source = :lane order by at")
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query, {"lane": lane(room).id})]


async def left_of(engine: AsyncEngine, room: str) -> int:
    query = text("select posted from ledger.account where id = :id")
    async with engine.connect() as connection:
        return int((await connection.execute(query, {"id": f"campaign:c-{room}"})).scalar_one())


class Model:
    """The same rules over plain dicts."""

    def __init__(self, budget: int) -> None:
        self.left = budget
        self.known: dict[object, tuple[Entry, str]] = {}
        self.balances: dict[str, int] = {}

    def apply(self, entry: Entry) -> str:
        if entry.id in self.known:
            first, status = self.known[entry.id]
            return "mismatch" if first != entry else {"applied": "already"}.get(status, status)
        status = "applied" if entry.amount <= self.left else "rejected"
        self.known[entry.id] = (entry, status)
        if status == "applied":
            self.left -= entry.amount
            self.balances[entry.member] = self.balances.get(entry.member, 0) + entry.amount
        return status


# (number of the command, amount, member): few numbers, so that ids come again, alike and otherwise
drawn_entry = st.tuples(st.integers(1, 12), st.integers(1, 3), st.sampled_from(["m1", "m2", "m3"]))


@settings(max_examples=40)
@given(budget=st.integers(0, 30), batches=st.lists(st.lists(drawn_entry, max_size=12), max_size=5))
async def test_batches_do_what_a_plain_dict_does(
    ledger: EmbeddedLedger, engine: AsyncEngine, budget: int, batches: list[list[tuple[int, int, str]]]
) -> None:
    room, model = new_room(), Model(budget)
    await ledger.fund(f"c-{room}", budget)
    for batch in batches:
        entries = [earn(room, n, amount, member) for n, amount, member in batch]
        outcomes = await ledger.apply(lane(room), entries)
        assert [outcome.id for outcome in outcomes] == [entry.id for entry in entries]
        assert statuses(outcomes) == [model.apply(entry) for entry in entries]
    for member in ("m1", "m2", "m3"):
        expected = model.balances.get(f"{room}-{member}", 0)
        assert await ledger.balance(f"{room}-{member}") == Balance(expected, 0)
    if budget:
        assert await left_of(engine, room) == model.left
    assert await ledger.drift() == []
    assert await audit(engine) == []


async def test_another_payload_under_a_known_id_is_put_aside_and_changes_nothing(
    ledger: EmbeddedLedger, engine: AsyncEngine
) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 100)
    entry = earn(room, 1, 10)
    assert statuses(await ledger.apply(lane(room), [entry])) == ["applied"]
    other = replace(entry, amount=99)
    for _ in range(2):
        (outcome,) = await ledger.apply(lane(room), [other])
        assert (outcome.status, outcome.reason) == ("mismatch", "id_payload_mismatch")
    assert await letters(engine, room) == [("id_payload_mismatch", 2)]
    assert (await ledger.balance(entry.member)).available == 10


async def test_what_does_not_fit_the_budget_is_rejected_for_good(
    ledger: EmbeddedLedger, engine: AsyncEngine
) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 10)
    batch = [earn(room, 1, 6), earn(room, 2, 5), earn(room, 3, 4)]
    outcomes = await ledger.apply(lane(room), batch)
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [
        ("applied", None),
        ("rejected", "budget_exhausted"),
        ("applied", None),
    ]
    await ledger.fund(f"c-{room}", 1000)
    assert statuses(await ledger.apply(lane(room), batch)) == ["already", "rejected", "already"]
    assert await left_of(engine, room) == 990


async def test_a_campaign_without_funds_pays_nothing(ledger: EmbeddedLedger) -> None:
    room = new_room()
    assert statuses(await ledger.apply(lane(room), [earn(room, 1, 1)])) == ["rejected"]


@pytest.mark.parametrize(
    "poison", [{"member": "nul \0"}, {"amount": 2**63}, {"amount": 0}, {"rule_version": 2**40}]
)
async def test_one_entry_that_cannot_be_stored_is_put_aside_alone(
    ledger: EmbeddedLedger, engine: AsyncEngine, poison: dict[str, object]
) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 2**63 - 1)
    batch = [earn(room, n, 1) for n in range(1, 12)]
    batch[4] = replace(batch[4], **poison)
    expected = ["applied"] * 4 + ["dead"] + ["applied"] * 6
    assert statuses(await ledger.apply(lane(room), batch)) == expected
    again = ["dead" if status == "dead" else "already" for status in expected]
    assert statuses(await ledger.apply(lane(room), batch)) == again
    assert await letters(engine, room) == [("unstorable", 2)]
    assert await ledger.balance(batch[0].member) == Balance(10, 0)
    assert await audit(engine) == []


async def test_an_older_epoch_is_refused_and_leaves_no_trace(ledger: EmbeddedLedger) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 100)
    await ledger.apply(lane(room, epoch=3), [earn(room, 1, 1)])
    with pytest.raises(StaleEpoch):
        await ledger.apply(lane(room, epoch=2), [earn(room, 2, 1)])
    assert statuses(await ledger.apply(lane(room, epoch=4), [earn(room, 2, 1)])) == ["applied"]


async def test_one_batch_claimed_by_many_workers_is_applied_once(
    ledger: EmbeddedLedger, engine: AsyncEngine
) -> None:
    room = new_room()
    await ledger.fund(f"c-{room}", 1000)
    batch = [earn(room, n, 2, f"m{n % 7}") for n in range(1, 101)]
    lanes = [lane(room), lane(room), replace(lane(room), id=f"{room}.1")]
    answers = await asyncio.gather(*(ledger.apply(at, batch) for at in lanes))
    assert sorted(statuses(outcomes)[0] for outcomes in answers) == ["already", "already", "applied"]
    assert await left_of(engine, room) == 800
    assert await ledger.drift() == []


async def test_lanes_that_meet_in_the_same_members_do_not_block_each_other(ledger: EmbeddedLedger) -> None:
    room = new_room()
    campaigns = [f"{room}-{n}" for n in range(4)]
    for campaign in campaigns:
        await ledger.fund(campaign, 1000)
    batches = [
        [earn(room, n, 1, f"m{n * (7 + number) % 50}", campaign, number) for n in range(1, 201)]
        for number, campaign in enumerate(campaigns)
    ]
    lanes = [replace(lane(room), id=f"{room}.{number}") for number in range(4)]
    answers = await asyncio.gather(*map(ledger.apply, lanes, batches))
    assert {status for outcomes in answers for status in statuses(outcomes)} == {"applied"}
    assert await ledger.drift() == []
