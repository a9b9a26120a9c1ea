import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from gameserver.earning import Band, Earning, OutsideEvent, Rate, Rule, Rules
from gameserver.errors import Refused
from gameserver.events import Events, shown
from gameserver.games.game import CampaignId, MemberId
from gameserver.records.callers import Caller
from gameserver.records.campaigns import Campaign, get_campaign, get_rules
from gameserver.records.database import Database
from gameserver.records.events import EventStatus, KnownEvent, find_events, pending_events
from gameserver.staff import campaigns
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.errors import LedgerAway
from ledger_client.ledger import LaneAt, Outcome
from ledger_client.terms import Caps, Reversal, Terms

APPLIED, PENDING, REJECTED = EventStatus.APPLIED, EventStatus.PENDING, EventStatus.REJECTED
NOON = round(datetime(2026, 6, 15, 12, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
POS = Caller(
    "pos", "s" * 64, frozenset({"pos", "app"}),
    frozenset({"purchase", "sign_in", "unknown", "return", "freeze", "thaw"}), 0, None,
)  # fmt: skip
EARNING = Earning(
    {"purchase": Rule(rate=Rate(100, (Band(100_00, 150),))), "sign_in": Rule(fixed=5)},
    levels={"gold": 200},
)


class AwayLedger(EmbeddedLedger):
    """A ledger whose connection is lost: before it has applied a batch, or after."""

    away: bool = False
    lost_answers: int = 0

    async def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        if self.away:
            raise LedgerAway("gone")
        outcomes = await super().apply(lane, entries)
        if self.lost_answers:
            self.lost_answers -= 1
            raise LedgerAway("the answer was lost")
        return outcomes


class Shop:
    """A campaign with rules, and a caller that tells of its events."""

    def __init__(self, database: Database, ledger: AwayLedger, campaign: Campaign) -> None:
        self.database = database
        self.ledger = ledger
        self.campaign = campaign.id
        self.events = Events(database, ledger)

    def event(
        self, id_: str, kind: str = "purchase", cents: int | None = None, **fields: Any
    ) -> OutsideEvent:
        member = MemberId(fields.pop("member", "m1"))
        told = OutsideEvent(
            "pos", id_, kind, member, self.campaign, fields.pop("occurred_at", NOON), cents, **fields
        )
        return told

    async def take(self, *events: OutsideEvent) -> list[KnownEvent | Refused]:
        return await self.events.take(POS, events)

    async def told(self, *events: OutsideEvent) -> KnownEvent:
        """The answer to the last of events that are all taken."""
        answers = await self.take(*events)
        assert all(isinstance(answer, KnownEvent) for answer in answers), answers
        (*_, last) = answers
        assert isinstance(last, KnownEvent)
        return last

    async def refused(self, event: OutsideEvent, code: str) -> Refused:
        (answer,) = await self.take(event)
        assert isinstance(answer, Refused), answer
        assert answer.code == code
        return answer

    async def available(self, member: str = "m1") -> int:
        return (await self.ledger.balance(member)).available

    async def taken(self) -> int:
        return (await get_campaign(self.database, self.campaign)).events_taken

    async def sound(self) -> None:
        """The books agree with themselves, and the campaign's account with what its events were given."""
        assert await self.ledger.drift() == []
        assert await self.ledger.audit() == []


@pytest.fixture
async def shop(engine: Database) -> AsyncIterator[Shop]:
    shop = await open_shop(engine)
    yield shop
    await shop.sound()


async def open_shop(database: Database, terms: Terms | None = None, budget: int = 10_000) -> Shop:
    ledger = AwayLedger(database)
    made = await campaigns.create(database, ledger, "spring", budget + 500, budget)
    await campaigns.set_rules(database, ledger, made.id, Rules(EARNING, terms or Terms()))
    return Shop(database, ledger, made)


async def test_a_purchase_earns_by_the_rules_and_is_in_the_ledger(shop: Shop) -> None:
    told = await shop.told(shop.event("1", cents=200_00, level="gold"))
    assert (told.status, told.decision.points, told.credited, told.reason) == (APPLIED, 600, 600, None)
    assert (told.decision.rule_version, shown(told)) == (1, None)
    assert told.entry_id == derived_id("event|pos|1")
    assert await shop.available() == await shop.taken() == 600
    (line,) = await shop.ledger.statement("m1")
    assert (line.entry_id, line.kind, line.campaign, line.occurred_at) == (
        told.entry_id, Kind.EARN, shop.campaign, NOON,
    )  # fmt: skip


async def test_an_event_told_again_is_answered_alike_and_changes_nothing(shop: Shop) -> None:
    event = shop.event("1", cents=50_00)
    first = await shop.told(event)
    await campaigns.set_rules(
        shop.database, shop.ledger, shop.campaign, Rules(Earning({"purchase": Rule(fixed=1)}))
    )
    assert await shop.told(event) == first  # also after the rules have changed
    assert await shop.told(event, event) == first
    assert await shop.available() == await shop.taken() == 50
    newer = await shop.told(shop.event("2", cents=50_00))
    assert (newer.decision.points, newer.decision.rule_version) == (1, 2)


async def test_another_event_under_the_same_id_is_refused(shop: Shop) -> None:
    first = await shop.told(shop.event("1", cents=50_00))
    for other in (
        shop.event("1", cents=50_01), shop.event("1", cents=50_00, member="m2"),
        shop.event("1", "sign_in"), shop.event("1", cents=50_00, occurred_at=NOON + 1),
        shop.event("1", cents=50_00, level="gold"),
    ):  # fmt: skip
        await shop.refused(other, "source_id_reused")
    assert (await find_events(shop.database, [("pos", "1")]))["pos", "1"] == first
    # the same id of another source is another event
    elsewhere = msgspec.structs.replace(shop.event("1", cents=70_00), source="app")
    assert (await shop.told(elsewhere)).credited == 70
    assert await shop.available() == 120


async def test_twenty_tellings_at_once_are_one_event(shop: Shop) -> None:
    event = shop.event("1", cents=50_00)
    answers = await asyncio.gather(*(shop.told(event) for _ in range(20)))
    assert {answer.credited for answer in answers} == {50}
    assert await shop.available() == await shop.taken() == 50


async def test_a_batch_is_answered_in_order_and_one_bad_event_spoils_no_other(shop: Shop) -> None:
    answers = await shop.take(
        shop.event("1", cents=10_00), shop.event("2", "unknown"), shop.event("3"),
        shop.event("4", "sign_in"), shop.event("1", cents=11_00), shop.event("1", cents=10_00),
        shop.event("5", "return", refers_to="1"),
    )  # fmt: skip
    said = [
        answer.code if isinstance(answer, Refused) else (answer.status.value, answer.reason, answer.credited)
        for answer in answers
    ]
    assert said == [
        ("applied", None, 10), ("rejected", "no_rule", 0), "bad_request",
        ("applied", None, 5), "source_id_reused", ("applied", None, 10),
        ("applied", None, 10),
    ]  # fmt: skip
    assert await shop.available() == await shop.taken() == 5


async def test_what_is_worth_nothing_is_kept_and_owes_nothing(shop: Shop) -> None:
    told = await shop.told(shop.event("1", cents=99))
    assert (told.status, told.decision.points, told.credited) == (APPLIED, 0, 0)
    back = await shop.told(shop.event("2", "return", refers_to="1"))
    assert (back.status, back.credited) == (APPLIED, 0)
    assert await shop.ledger.statement("m1") == []


async def test_what_a_caller_may_not_tell_is_refused_and_not_kept(shop: Shop) -> None:
    await shop.refused(msgspec.structs.replace(shop.event("1", cents=1), source="mall"), "not_allowed")
    await shop.refused(shop.event("1", "invitation"), "not_allowed")
    fields = (await shop.refused(shop.event("1", cents=1, occurred_at=2**45), "bad_request")).fields
    assert fields == {"occurred_at": "lies in the future"}
    await shop.refused(msgspec.structs.replace(shop.event("1", cents=1), campaign="c404"), "not_found")
    bare = await campaigns.create(shop.database, shop.ledger, "bare", 10, 10)
    await shop.refused(msgspec.structs.replace(shop.event("1", cents=1), campaign=bare.id), "not_found")
    assert (await shop.told(shop.event("1", cents=1_00))).credited == 1


async def test_the_ledgers_cap_cuts_and_the_cut_is_shown(engine: Database) -> None:
    shop = await open_shop(engine, Terms(caps=Caps(day=12)))
    first = await shop.told(shop.event("1", cents=20_00))
    assert (first.status, first.credited, first.reason) == (APPLIED, 12, "daily_cap")
    assert shown(first) == (20, 12, "daily_cap")
    second = await shop.told(shop.event("2", "sign_in"))
    assert (second.status, second.credited, second.reason) == (REJECTED, 0, "daily_cap")
    assert shown(second) == (5, 0, "daily_cap")
    # what was cut is free for others again
    assert await shop.available() == await shop.taken() == 12
    # a return takes back what was credited, and the day has room again
    back = await shop.told(shop.event("3", "return", refers_to="1"))
    assert (back.status, back.credited, shown(back)) == (APPLIED, 12, None)
    assert await shop.available() == await shop.taken() == 0
    assert (await shop.told(shop.event("4", "sign_in"))).credited == 5
    await shop.sound()


async def test_events_never_exceed_their_budget_however_many_come_at_once(engine: Database) -> None:
    shop = await open_shop(engine, budget=100)
    events = [shop.event(str(n), cents=30_00, member=f"m{n}") for n in range(8)]
    answers = await asyncio.gather(*(shop.told(event) for event in events))
    assert sorted((answer.status.value, answer.reason) for answer in answers) == [
        *[("applied", None)] * 3, *[("rejected", "budget_exhausted")] * 5,
    ]  # fmt: skip
    assert await shop.taken() == 90
    assert (await shop.told(shop.event("small", cents=10_00))).credited == 10
    # in one batch too; and what was refused for want of budget stays refused
    await campaigns.fund(engine, shop.ledger, shop.campaign, 620, 120)
    batch = await shop.take(*(shop.event(f"b{n}", cents=15_00) for n in range(2)), events[7])
    assert [answer.reason for answer in batch if isinstance(answer, KnownEvent)] == [
        None, "budget_exhausted", answers[7].reason,
    ]  # fmt: skip
    assert await shop.taken() == 115
    await shop.sound()


async def test_the_points_of_rooms_are_out_of_reach(engine: Database) -> None:
    """The ledger's account holds 600 points, and only 100 are for events."""
    shop = await open_shop(engine, budget=100)
    assert (await shop.told(shop.event("1", cents=99_00))).credited == 99
    assert (await shop.told(shop.event("2", cents=2_00))).reason == "budget_exhausted"


# what refers to an earlier event


async def test_a_return_takes_the_points_back_once(shop: Shop) -> None:
    earned = await shop.told(shop.event("1", cents=50_00))
    back = await shop.told(shop.event("2", "return", refers_to="1"))
    assert (back.status, back.decision.points, back.credited) == (APPLIED, 50, 50)
    assert await shop.available() == await shop.taken() == 0
    newest = (await shop.ledger.statement("m1"))[0]
    assert (newest.entry_id, newest.amount) == (back.entry_id, -50)
    again = await shop.told(shop.event("3", "return", refers_to="1"))
    assert (again.status, again.reason) == (REJECTED, "already_reversed")
    assert (await shop.told(shop.event("1", cents=50_00))) == earned
    assert await shop.taken() == 0


async def spend(shop: Shop, points: int) -> None:
    entry = Entry(derived_id(f"mall|{points}"), Kind.REDEEM, "m1", shop.campaign, "", points, NOON, 0)
    await shop.ledger.apply(LaneAt("mall", 1), [entry])


@pytest.mark.parametrize("policy", list(Reversal))
async def test_a_return_of_points_already_spent_follows_the_campaigns_policy(
    engine: Database, policy: Reversal
) -> None:
    shop = await open_shop(engine, Terms(reversal=policy))
    await shop.told(shop.event("1", cents=50_00))
    await spend(shop, 40)
    back = await shop.told(shop.event("2", "return", refers_to="1"))
    if policy is Reversal.REFUSE:
        assert (back.status, back.reason) == (REJECTED, "already_spent")
        assert (await shop.available(), await shop.taken()) == (10, 50)
    else:
        assert (back.status, back.credited) == (APPLIED, 50)
        assert (await shop.available(), await shop.taken()) == (-40, 0)
    await shop.sound()


async def test_points_under_review_are_frozen_thawed_or_taken_back(shop: Shop) -> None:
    for n in ("1", "2"):
        await shop.told(shop.event(n, cents=50_00))
        frozen = await shop.told(shop.event(f"freeze {n}", "freeze", refers_to=n))
        assert (frozen.status, frozen.credited) == (APPLIED, 50)
    balance = await shop.ledger.balance("m1")
    assert (balance.available, balance.held) == (0, 100)
    assert (await shop.told(shop.event("thaw 1", "thaw", refers_to="1"))).credited == 50
    assert await shop.available() == 50
    # a return needs no thaw before
    assert (await shop.told(shop.event("return 2", "return", refers_to="2"))).credited == 50
    balance = await shop.ledger.balance("m1")
    assert (balance.available, balance.held, await shop.taken()) == (50, 0, 50)
    late = await shop.told(shop.event("thaw 2", "thaw", refers_to="2"))
    assert (late.status, late.reason) == (REJECTED, "freeze_unknown")


async def test_only_what_was_credited_is_frozen(engine: Database) -> None:
    shop = await open_shop(engine, Terms(caps=Caps(day=12)))
    before = shop.event("0", cents=12_00, occurred_at=NOON - 86_400_000)
    frozen = await shop.told(before, shop.event("1", cents=20_00), shop.event("2", "freeze", refers_to="1"))
    assert frozen.credited == 12
    assert await shop.available() == 12


async def test_what_refers_to_nothing_is_refused_and_may_come_again(shop: Shop) -> None:
    back = shop.event("2", "return", refers_to="1")
    await shop.refused(back, "not_found")
    await shop.told(shop.event("1", cents=50_00))
    assert (await shop.told(back)).credited == 50
    await shop.refused(shop.event("3", "return", refers_to="2"), "not_found")  # of a return
    assert (await shop.refused(shop.event("4", "return"), "bad_request")).fields == {
        "refers_to": "is missing"
    }
    refused = await shop.refused(shop.event("5", cents=1_00, refers_to="1"), "bad_request")
    assert set(refused.fields or {}) == {"refers_to"}
    wrong = await shop.refused(shop.event("6", "return", refers_to="1", member="m2"), "bad_request")
    assert set(wrong.fields or {}) == {"member"}


# the ledger is away


async def test_an_event_waits_while_the_ledger_is_away_and_is_applied_once(shop: Shop) -> None:
    shop.ledger.away = True
    event = shop.event("1", cents=50_00)
    told = await shop.told(event)
    assert (told.status, told.decision.points, told.credited) == (PENDING, 50, 0)
    assert await shop.told(event) == told
    with pytest.raises(LedgerAway):
        await shop.events.retry_pending()
    assert (await shop.available(), await shop.taken()) == (0, 50)  # promised already
    shop.ledger.away = False
    assert await shop.events.retry_pending() == 1
    assert await shop.events.retry_pending() == 0
    settled = await shop.told(event)
    assert (settled.status, settled.credited, settled.entry_id) == (APPLIED, 50, told.entry_id)
    assert await shop.available() == await shop.taken() == 50


async def test_an_answer_that_was_lost_is_asked_for_again_with_one_effect(engine: Database) -> None:
    shop = await open_shop(engine, Terms(caps=Caps(day=30)))
    shop.ledger.lost_answers = 1
    told = await shop.told(shop.event("1", cents=50_00))
    assert (told.status, await shop.available()) == (PENDING, 30)
    assert await shop.events.retry_pending() == 1
    settled = (await find_events(engine, [told.key]))[told.key]
    assert (settled.status, settled.credited, shown(settled)) == (APPLIED, 30, (50, 30, "daily_cap"))
    assert await shop.available() == await shop.taken() == 30
    await shop.sound()


async def test_what_waits_is_applied_in_the_order_in_which_it_was_told(shop: Shop) -> None:
    """A thaw before its freeze would leave the points frozen for good."""
    shop.ledger.away = True
    await shop.told(shop.event("1", cents=50_00))
    await shop.told(shop.event("2", "freeze", refers_to="1"))
    shop.ledger.away = False
    thawed = await shop.told(shop.event("3", "thaw", refers_to="1"))
    assert (thawed.status, thawed.credited) == (APPLIED, 50)
    assert await pending_events(shop.database, 2**50, 10) == []
    balance = await shop.ledger.balance("m1")
    assert (balance.available, balance.held) == (50, 0)


async def test_all_nodes_may_retry_at_once(shop: Shop) -> None:
    shop.ledger.away = True
    for n in range(30):
        await shop.told(shop.event(str(n), "sign_in", member=f"m{n % 3}"))
    await shop.told(shop.event("back", "return", refers_to="0", member="m0"))
    shop.ledger.away = False
    assert await shop.events.retry_pending(limit=4) == 4 + 1  # a purchase brings its return along
    await asyncio.gather(*(shop.events.retry_pending() for _ in range(4)))
    assert await pending_events(shop.database, 2**50, 10) == []
    assert sum([await shop.available(f"m{n}") for n in range(3)]) == await shop.taken() == 29 * 5


CURSE = (
    """create function ledger.curse() returns trigger language plpgsql as $$
    begin raise exception 'cursed' using errcode = '23514'; end $$""",
    """create trigger curse before insert on ledger.entry for each row when (new.member = 'cursed')
    execute function ledger.curse()""",
)
LIFT = ("drop trigger curse on ledger.entry", "drop function ledger.curse()")


async def run(database: Database, script: Sequence[str]) -> None:
    async with database.begin() as connection:
        for statement in script:
            await connection.exec_driver_sql(statement)


async def test_what_the_ledger_put_aside_waits_for_people_and_is_settled_then(shop: Shop) -> None:
    event = shop.event("1", "sign_in", member="cursed")
    await run(shop.database, CURSE)
    try:
        told = await shop.told(shop.event("2", "sign_in"), event)
        assert (told.status, told.reason) == (PENDING, "unstorable")
        assert await shop.available() == 5  # its sibling is not held up
    finally:
        await run(shop.database, LIFT)
    assert await shop.events.retry_pending() == 0  # not every second
    assert [known.key for known in await pending_events(shop.database, 2**50, 10)] == [told.key]
    (letter,) = await shop.ledger.letters()
    await shop.ledger.retry(letter.id)
    settled = await shop.told(event)
    assert (settled.status, settled.credited, settled.reason) == (APPLIED, 5, None)
    assert await shop.available("cursed") == 5
    assert await shop.taken() == 10


async def test_rules_have_versions_and_the_old_ones_stay(shop: Shop) -> None:
    same = await campaigns.set_rules(shop.database, shop.ledger, shop.campaign, Rules(EARNING))
    assert same.version == 1
    strict = Rules(EARNING, Terms(timezone="Europe/Berlin", caps=Caps(year=9)))
    assert (await campaigns.set_rules(shop.database, shop.ledger, shop.campaign, strict)).version == 2
    assert (await get_rules(shop.database, shop.campaign)).rules == strict
    assert (await get_rules(shop.database, shop.campaign, 1)).rules == Rules(EARNING)
    assert await shop.ledger.terms(shop.campaign) == strict.terms
    for wanted in (get_rules(shop.database, shop.campaign, 3), get_rules(shop.database, CampaignId("c0"))):
        with pytest.raises(Refused):
            await wanted
