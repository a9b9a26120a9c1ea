import asyncio
from typing import Any
from uuid import uuid4

from gameserver.earning import Decision, Earning, OutsideEvent, Rule, Rules
from gameserver.errors import Refused
from gameserver.games.game import CampaignId, MemberId
from gameserver.records.campaigns import create_campaign, get_campaign, set_rules
from gameserver.records.database import Database
from gameserver.records.events import (
    EventStatus,
    KnownEvent,
    Settled,
    Standing,
    Told,
    find_events,
    keep_events,
    pending_events,
    pending_with,
    settle_events,
)

APPLIED, PENDING, REJECTED = EventStatus.APPLIED, EventStatus.PENDING, EventStatus.REJECTED
NOW = 1_790_000_000_000


async def campaign(database: Database, events_budget: int = 100) -> CampaignId:
    made = await create_campaign(database, "spring", 1000, events_budget)
    await set_rules(database, made.id, Rules(Earning({"sign_in": Rule(fixed=5)})))
    return made.id


def told(id_: str, of: CampaignId, **fields: Any) -> Told:
    event = OutsideEvent("pos", id_, "sign_in", MemberId("m1"), of, NOW, **fields)
    return Told(event, repr(event).encode())


def five_points(one: Told, by: Standing) -> KnownEvent:
    enough = by.left >= 5
    return KnownEvent(
        one.event, one.hash, "till", Decision(5, 5, 100, by.rules.version, ()), uuid4(),
        PENDING if enough else REJECTED, None if enough else "budget_exhausted",
    )  # fmt: skip


async def keep(database: Database, *events: Told) -> list[KnownEvent]:
    kept = await keep_events(database, events, five_points)
    assert all(isinstance(one, KnownEvent) for one in kept), kept
    return [one for one in kept if isinstance(one, KnownEvent)]


async def taken(database: Database, of: CampaignId) -> int:
    return (await get_campaign(database, of)).events_taken


async def test_an_event_reads_back_as_it_was_kept(engine: Database) -> None:
    of = await campaign(engine)
    (kept,) = await keep(engine, told("1", of, birthday="02-29", level="金"))
    assert await find_events(engine, [("pos", "1"), ("pos", "2")]) == {("pos", "1"): kept}
    assert await pending_events(engine, 0, 10) == [kept]


async def test_budgets_are_taken_in_the_order_of_the_batch(engine: Database) -> None:
    of, other = await campaign(engine, 12), await campaign(engine, 5)
    batch = [told(str(n), of if n % 2 else other) for n in range(6)]
    kept = await keep(engine, *batch)
    assert [one.status for one in kept] == [PENDING, PENDING, REJECTED, PENDING, REJECTED, REJECTED]
    assert (await taken(engine, of), await taken(engine, other)) == (10, 5)


async def test_one_id_for_two_campaigns_at_once_is_one_event(engine: Database) -> None:
    """Their campaigns' locks do not meet: only the key of the table keeps them apart."""
    campaigns = [await campaign(engine) for _ in range(4)]
    answers = await asyncio.gather(*(keep_events(engine, [told("1", of)], five_points) for of in campaigns))
    refused = [one.code for (one,) in answers if isinstance(one, Refused)]
    assert refused == ["source_id_reused"] * 3
    assert sum([await taken(engine, of) for of in campaigns]) == 5


async def test_what_is_refused_leaves_no_trace_and_spoils_no_other(engine: Database) -> None:
    of = await campaign(engine)

    def judge(one: Told, by: Standing) -> KnownEvent:
        if one.event.source_id == "bad":
            raise Refused("bad_request")
        return five_points(one, by)

    events = [told("1", of), told("bad", of), told("2", CampaignId("c404"))]
    first, bad, nowhere = await keep_events(engine, events, judge)
    assert isinstance(first, KnownEvent)
    assert [one.code for one in (bad, nowhere) if isinstance(one, Refused)] == ["bad_request", "not_found"]
    assert set(await find_events(engine, [one.key for one in events])) == {("pos", "1")}
    assert await taken(engine, of) == 5


async def test_an_event_is_settled_once_and_gives_back_what_was_not_credited_once(engine: Database) -> None:
    of = await campaign(engine)
    kept = await keep(engine, told("1", of), told("2", of))
    verdicts = {kept[0].key: Settled(APPLIED, "daily_cap", 2), kept[1].key: Settled(REJECTED, "daily_cap")}
    results = await asyncio.gather(*(settle_events(engine, kept, verdicts) for _ in range(5)))
    for result in results:
        stood = {one.key[1]: (one.status, one.reason, one.credited) for one in result}
        assert stood == {"1": (APPLIED, "daily_cap", 2), "2": (REJECTED, "daily_cap", 0)}
    other = {one.key: Settled(APPLIED, None, 5) for one in kept}
    assert {one.credited for one in await settle_events(engine, kept, other)} == {2, 0}
    assert await taken(engine, of) == 2


async def test_what_was_put_aside_is_asked_for_again_later(engine: Database) -> None:
    of = await campaign(engine)
    kept = await keep(engine, told("1", of), told("2", of))
    await settle_events(engine, kept[:1], {kept[0].key: Settled(PENDING, "unstorable", retry_at=NOW)})
    assert [one.key[1] for one in await pending_events(engine, NOW - 1, 10)] == ["2"]
    assert [one.key[1] for one in await pending_events(engine, NOW, 10)] == ["1", "2"]
    assert await taken(engine, of) == 10  # it is still promised


async def test_a_thread_is_an_event_and_what_refers_to_it_in_order(engine: Database) -> None:
    of = await campaign(engine)
    for id_, refers_to in (("1", None), ("other", None), ("b", "1"), ("a", "1"), ("c", "other")):
        await keep(engine, told(id_, of, refers_to=refers_to))
    thread = await pending_with(engine, [("pos", "1")])
    assert [one.key[1] for one in thread] == ["1", "b", "a"]
    assert await pending_with(engine, [("app", "1")]) == []
