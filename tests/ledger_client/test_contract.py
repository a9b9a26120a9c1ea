"""What every ledger does, whoever keeps the books: the embedded one, and the same over HTTP."""

import secrets
import time
from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.calendar import midnight
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Kind, purse_id, release_id, spend_id
from ledger_client.errors import StaleEpoch, UnknownLetter
from ledger_client.http.client import HttpLedger
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens
from ledger_client.ledger import (
    Balance,
    Held,
    HoldState,
    Ledger,
    Liability,
    Purse,
    Ranked,
    Reminder,
    Status,
    Totals,
)
from ledger_client.terms import Caps, Expiry, Reversal, Terms
from tests.ledger_client.case import AT, DAY_MS, MINUTE_MS, Case
from tests.ledger_client.http.serving import WRITER, serving

APPLIED, ALREADY, REJECTED = Status.APPLIED, Status.ALREADY, Status.REJECTED
# longer than an index can hold, and nothing that could be compressed
LONG = secrets.token_hex(5000)


@pytest.fixture(scope="module")
async def url(migrated: AsyncEngine) -> AsyncIterator[str]:
    async with serving(ledger_api(EmbeddedLedger(migrated), Tokens([WRITER]))) as address:
        yield address


@pytest.fixture(params=["embedded", "http"])
async def case(request: pytest.FixtureRequest, engine: AsyncEngine, url: str) -> AsyncIterator[Case]:
    """Books that are empty before, and sound after whatever a test did."""
    away = HttpLedger(url, WRITER)
    ledger: Ledger = EmbeddedLedger(engine) if request.param == "embedded" else away
    yield Case(ledger)
    assert await ledger.drift() == []
    assert await ledger.audit() == []
    await away.close()


# batches


async def test_an_earn_is_credited_and_told(case: Case) -> None:
    entry = await case.earned(10)
    assert await case.ledger.balance(case.member) == Balance(10, 0)
    (line,) = await case.ledger.statement(case.member)
    assert line.applied_at > AT
    assert replace(line, applied_at=0) == line.__class__(
        entry.id, Kind.EARN, case.campaign, case.room, 10, 10, 10, None, 10, entry.occurred_at, 0
    )


async def test_an_unknown_member_has_nothing(case: Case) -> None:
    assert await case.ledger.balance("nobody") == Balance(0, 0)
    assert await case.ledger.balance_at("nobody", AT) == 0
    assert await case.ledger.statement("nobody") == []
    assert [line async for line in case.ledger.statement_lines("nobody")] == []


async def test_an_entry_brought_again_changes_nothing_and_is_told_what_it_was(case: Case) -> None:
    entry = await case.earned(10)
    second = case.entry(Kind.EARN, 5)
    outcomes = await case.apply(second, entry, second)
    assert [(outcome.status, outcome.credited) for outcome in outcomes] == [
        (APPLIED, 5), (ALREADY, 10), (ALREADY, 5)
    ]  # fmt: skip
    await case.owns(15)


async def test_a_batch_of_nothing_is_nothing(case: Case) -> None:
    assert await case.ledger.apply(case.lane, []) == []
    assert await case.ledger.hold(case.lane, []) == []


async def test_the_same_id_with_another_payload_is_put_aside(case: Case) -> None:
    entry = await case.earned(10)
    other = replace(entry, amount=99)
    assert (await case.becomes(other))[:2] == (Status.MISMATCH, "id_payload_mismatch")
    (letter,) = await case.ledger.letters()
    assert (letter.reason, letter.source, letter.entry_id) == ("id_payload_mismatch", case.lane.id, entry.id)
    await case.owns(10)


@pytest.mark.parametrize(
    "poison", [{"room": "nul \0"}, {"amount": 0}, {"amount": -5}, {"rule_version": 2**40},
               {"member": LONG}, {"occurred_at": -(2**62)}, {"occurred_at": 2**62}]
)  # fmt: skip
async def test_an_entry_that_cannot_be_stored_is_put_aside_alone(
    case: Case, poison: dict[str, object]
) -> None:
    await case.ledger.agree(case.campaign, Terms(caps=Caps(day=1000), expiry=Expiry.FIXED))
    await case.ledger.fund(case.campaign, 1000)
    batch = [case.entry(Kind.EARN, 1) for _ in range(5)]
    batch[2] = replace(batch[2], **poison)
    outcomes = await case.apply(*batch)
    assert [outcome.status for outcome in outcomes] == [APPLIED, APPLIED, Status.DEAD, APPLIED, APPLIED]
    (letter,) = await case.ledger.letters()
    assert letter.reason == "unstorable"
    await case.owns(4)


async def test_an_older_epoch_is_refused_and_leaves_no_trace(case: Case) -> None:
    await case.ledger.fund(case.campaign, 100)
    newer = replace(case.lane, epoch=3)
    await case.ledger.apply(newer, [case.entry(Kind.EARN, 1)])
    with pytest.raises(StaleEpoch):
        await case.ledger.apply(case.lane, [case.entry(Kind.EARN, 1)])
    with pytest.raises(StaleEpoch):
        await case.ledger.hold(case.lane, [case.ask(0, 1)])
    await case.owns(1)


async def test_of_an_entry_no_movement_is_half_done(case: Case) -> None:
    """In order, each on what the ones before it left."""
    await case.ledger.fund(case.campaign, 10)
    outcomes = await case.apply(
        case.entry(Kind.EARN, 8), case.entry(Kind.REDEEM, 9), case.entry(Kind.EARN, 3),
        case.entry(Kind.REDEEM, 8), case.entry(Kind.EARN, 2),
    )  # fmt: skip
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [
        (APPLIED, None), (REJECTED, "not_enough_points"), (REJECTED, "budget_exhausted"), (APPLIED, None),
        (APPLIED, None),
    ]  # fmt: skip
    await case.owns(2)


# budgets, caps, terms


async def test_the_budget_only_rises_and_what_it_refused_stays_refused(case: Case) -> None:
    assert await case.ledger.fund(case.campaign, 10) == 10
    too_much = case.entry(Kind.EARN, 11)
    assert await case.becomes(too_much) == (REJECTED, "budget_exhausted", 0)
    assert await case.ledger.fund(case.campaign, 5) == 10
    assert await case.ledger.fund(case.campaign, 30) == 30
    assert await case.becomes(too_much) == (REJECTED, "budget_exhausted", 0)
    assert await case.becomes(case.entry(Kind.EARN, 11)) == (APPLIED, None, 11)


async def test_terms_are_the_defaults_until_agreed(case: Case) -> None:
    assert await case.ledger.terms(case.campaign) == Terms()
    terms = Terms("Europe/Berlin", Caps(5, 6, 7), Expiry.MONTHLY, 3, Reversal.DEBT, 9, (14, 2))
    await case.ledger.agree(case.campaign, terms)
    assert await case.ledger.terms(case.campaign) == terms
    await case.ledger.agree(case.campaign, Terms())
    assert await case.ledger.terms(case.campaign) == Terms()


@pytest.mark.parametrize(
    ("caps", "reason", "later"),
    [(Caps(day=12), "daily_cap", DAY_MS), (Caps(month=12), "monthly_cap", 31 * DAY_MS),
     (Caps(year=12), "yearly_cap", 366 * DAY_MS)],
)  # fmt: skip
async def test_a_cap_cuts_what_is_credited_and_says_so(
    case: Case, caps: Caps, reason: str, later: int
) -> None:
    await case.ledger.agree(case.campaign, Terms(caps=caps))
    await case.ledger.fund(case.campaign, 1000)
    assert await case.becomes(case.entry(Kind.EARN, 20)) == (APPLIED, reason, 12)
    assert await case.becomes(case.entry(Kind.EARN, 1)) == (REJECTED, reason, 0)
    assert await case.becomes(case.entry(Kind.EARN, 5, member=case.other)) == (APPLIED, None, 5)
    assert await case.becomes(case.entry(Kind.EARN, 5, occurred_at=AT + later)) == (APPLIED, None, 5)
    cut = (await case.ledger.statement(case.member))[-1]
    assert (cut.amount, cut.moved, cut.asked, cut.reason) == (12, 12, 20, reason)


# purses


async def test_a_purse_is_opened_topped_up_spent_from_and_released(case: Case) -> None:
    await case.earned(100)
    until = AT + 30 * MINUTE_MS
    opened = Held(case.purse, 0, 30, 30, 0, until, HoldState.OPEN)
    assert await case.ledger.hold(case.lane, [case.ask(0, 30, 5)]) == [opened]
    assert await case.ledger.hold(case.lane, [case.ask(0, 30, 5)]) == [opened]
    await case.owns(70, 30)
    (topped,) = await case.ledger.hold(case.lane, [case.ask(1, 1000, 40, until=until + 1)])
    assert (topped.granted, topped.amount, topped.until) == (40, 70, until + 1)
    assert await case.ledger.purses(case.lane.id) == [Purse(case.purse, case.member, 70, 0, until + 1)]

    spend = case.entry(Kind.SPEND, 20, id=spend_id(case.room, "s1", 1), about=case.purse)
    assert await case.becomes(spend) == (APPLIED, None, 20)
    await case.owns(30, 50)
    release = case.entry(Kind.RELEASE, 50, id=release_id(case.purse), about=case.purse)
    assert await case.becomes(release) == (APPLIED, None, 50)
    assert await case.becomes(case.entry(Kind.RELEASE, 0, about=case.purse)) == (APPLIED, "hold_closed", 0)
    await case.owns(80)
    assert await case.ledger.purses(case.lane.id) == []
    (closed,) = await case.ledger.hold(case.lane, [case.ask(2, 10)])
    assert (closed.granted, closed.state) == (0, HoldState.CLOSED)
    lines = await case.ledger.statement(case.member)
    changes = [line.amount for line in lines if line.moved]
    assert changes == [0, -20, 0, 0, 100]


async def test_a_member_without_one_step_gets_no_purse(case: Case) -> None:
    await case.earned(9)
    (none,) = await case.ledger.hold(case.lane, [case.ask(0, 100, 10)])
    assert (none.granted, none.amount, none.state) == (0, 0, HoldState.NONE)
    assert await case.ledger.purses(case.lane.id) == []
    await case.owns(9)


async def test_asks_of_one_call_share_what_the_member_has(case: Case) -> None:
    await case.earned(10)
    second = purse_id(case.lane.id, case.member, 2)
    asks = [case.ask(0, 8), case.ask(0, 8, id=second), case.ask(0, 8, member=case.other, id=UUID(int=9))]
    held = await case.ledger.hold(case.lane, asks)
    assert [(one.id, one.granted) for one in held] == [(case.purse, 8), (second, 2), (UUID(int=9), 0)]


async def test_a_purse_is_released_by_itself_some_time_after_its_end(case: Case) -> None:
    await case.earned(10)
    await case.ledger.hold(case.lane, [case.ask(0, 4)])
    ends = AT + 30 * MINUTE_MS
    assert (await case.ledger.upkeep(ends + 10 * MINUTE_MS - 1)).purses_released == 0
    assert (await case.ledger.upkeep(ends + 10 * MINUTE_MS)).purses_released == 1
    assert (await case.ledger.upkeep(ends + 10 * MINUTE_MS)).purses_released == 0
    await case.owns(10)


# suspense


async def test_a_spend_that_no_purse_can_pay_waits_in_suspense(case: Case) -> None:
    await case.earned(10)
    spend = case.entry(Kind.SPEND, 6, about=case.purse)
    assert await case.becomes(spend) == (Status.SUSPENSE, "hold_unknown", 6)
    (waiting,) = await case.ledger.suspended()
    assert (waiting.entry_id, waiting.member, waiting.amount, waiting.reason) == (
        spend.id, case.member, 6, "hold_unknown"
    )  # fmt: skip
    await case.owns(10)
    assert await case.becomes(case.entry(Kind.COLLECT, 6, about=UUID(int=1))) == (
        REJECTED, "suspense_unknown", 0
    )  # fmt: skip
    assert await case.becomes(case.entry(Kind.COLLECT, 6, about=spend.id)) == (APPLIED, None, 6)
    assert await case.ledger.suspended() == []
    await case.owns(4)


async def test_a_spend_in_suspense_may_be_forgiven_once(case: Case) -> None:
    await case.earned(10)
    await case.ledger.hold(case.lane, [case.ask(0, 4)])
    spend = case.entry(Kind.SPEND, 6, about=case.purse)
    assert await case.becomes(spend) == (Status.SUSPENSE, "hold_too_small", 6)
    assert await case.becomes(case.entry(Kind.WRITE_OFF, 6, about=spend.id)) == (APPLIED, None, 6)
    assert (await case.becomes(case.entry(Kind.WRITE_OFF, 6, about=spend.id)))[0] is REJECTED
    assert await case.ledger.suspended() == []
    await case.owns(6, 4)


# redemption, expiry, reminders


async def test_the_mall_takes_what_is_free_and_no_more(case: Case) -> None:
    await case.earned(10)
    await case.ledger.hold(case.lane, [case.ask(0, 4)])
    assert await case.becomes(case.entry(Kind.REDEEM, 7)) == (REJECTED, "not_enough_points", 0)
    assert await case.becomes(case.entry(Kind.REDEEM, 6)) == (APPLIED, None, 6)
    await case.owns(0, 4)


async def test_lots_expire_by_their_terms_and_their_members_are_reminded(case: Case) -> None:
    await case.ledger.agree(case.campaign, Terms(expiry=Expiry.MONTHLY, months=0, remind_days=(7, 1)))
    await case.earned(10)
    await case.becomes(case.entry(Kind.REDEEM, 4))
    ends = midnight("Asia/Shanghai", date(2026, 10, 1))
    assert (await case.ledger.upkeep(ends - 8 * DAY_MS)).reminders == []
    week = Reminder(case.member, case.campaign, 6, ends, 7)
    assert (await case.ledger.upkeep(ends - 7 * DAY_MS)).reminders == [week]
    assert (await case.ledger.upkeep(ends - 6 * DAY_MS)).reminders == []
    assert await case.ledger.reminders(case.member, ends - 6 * DAY_MS) == [week]
    await case.ledger.upkeep(ends - 1)
    assert await case.ledger.reminders(case.other, ends - 6 * DAY_MS) == []

    for lots, points in ((1, 6), (0, 0)):
        done = await case.ledger.upkeep(ends)
        assert (done.lots_expired, done.points_expired) == (lots, points)
    await case.owns(0)
    assert await case.ledger.reminders(case.member, ends) == []
    assert (await case.ledger.statement(case.member))[0].kind is Kind.EXPIRE


async def test_the_balance_says_what_expires_soon(case: Case) -> None:
    await case.ledger.agree(case.campaign, Terms(expiry=Expiry.FIXED, months=1))
    now = time.time_ns() // 1_000_000
    await case.earned(10, occurred_at=now - 25 * DAY_MS)
    balance = await case.ledger.balance(case.member)
    assert (balance.available, balance.expiring) == (10, 10)
    assert balance.expires_at is not None
    assert now < balance.expires_at < now + 30 * DAY_MS


# freezes, reversals, transfers


async def test_frozen_points_are_held_until_thawed(case: Case) -> None:
    entry = await case.earned(10)
    assert await case.becomes(case.entry(Kind.FREEZE, 10, about=entry.id)) == (APPLIED, None, 10)
    await case.owns(0, 10)
    assert (await case.becomes(case.entry(Kind.REDEEM, 1)))[:2] == (REJECTED, "not_enough_points")
    assert await case.becomes(case.entry(Kind.THAW, 10, about=entry.id)) == (APPLIED, None, 10)
    assert await case.becomes(case.entry(Kind.THAW, 10, about=entry.id)) == (REJECTED, "freeze_unknown", 0)
    await case.owns(10)


async def test_an_entry_is_reversed_once(case: Case) -> None:
    entry = await case.earned(10)
    assert await case.becomes(case.entry(Kind.REVERSE, 9, reverses=entry.id)) == (
        REJECTED, "amount_differs", 0
    )  # fmt: skip
    assert await case.becomes(case.entry(Kind.REVERSE, 10, reverses=entry.id)) == (APPLIED, None, 10)
    assert await case.becomes(case.entry(Kind.REVERSE, 10, reverses=entry.id)) == (
        REJECTED, "already_reversed", 0
    )  # fmt: skip
    await case.owns(0)
    assert await case.becomes(case.entry(Kind.REVERSE, 10, reverses=UUID(int=5))) == (
        REJECTED, "reverses_unknown", 0
    )  # fmt: skip


async def test_a_redemption_is_given_back(case: Case) -> None:
    await case.earned(10)
    redeemed = case.entry(Kind.REDEEM, 7)
    await case.apply(redeemed)
    assert await case.becomes(case.entry(Kind.REVERSE, 7, reverses=redeemed.id)) == (APPLIED, None, 7)
    await case.owns(10)


async def test_spent_points_are_not_taken_back_unless_debt_is_the_policy(case: Case) -> None:
    entry = await case.earned(10)
    await case.becomes(case.entry(Kind.REDEEM, 6))
    assert await case.becomes(case.entry(Kind.REVERSE, 10, reverses=entry.id)) == (
        REJECTED, "already_spent", 0
    )  # fmt: skip
    await case.ledger.agree(case.campaign, Terms(reversal=Reversal.DEBT))
    assert await case.becomes(case.entry(Kind.REVERSE, 10, reverses=entry.id)) == (APPLIED, None, 10)
    await case.owns(-6)
    await case.earned(10)
    await case.owns(4)


async def test_points_are_transferred_where_the_terms_allow_it_up_to_a_cap(case: Case) -> None:
    await case.earned(20)
    gift = {"to": case.other}
    assert (await case.becomes(case.entry(Kind.TRANSFER, 5, **gift)))[1] == "transfer_not_allowed"
    await case.ledger.agree(case.campaign, Terms(transfer_per_day=8))
    assert await case.becomes(case.entry(Kind.TRANSFER, 5, **gift)) == (APPLIED, None, 5)
    assert await case.becomes(case.entry(Kind.TRANSFER, 4, **gift)) == (REJECTED, "transfer_cap", 0)
    assert await case.becomes(case.entry(Kind.TRANSFER, 1, to=case.member)) == (REJECTED, "same_member", 0)
    await case.owns(15)
    await case.owns(5, member=case.other)
    (received,) = await case.ledger.statement(case.other)
    assert (received.kind, received.amount, received.balance) == (Kind.TRANSFER, 5, 5)


# reading


async def test_a_statement_has_a_running_balance_and_can_be_read_whole(case: Case) -> None:
    await case.earned(10)
    await case.apply(*(case.entry(Kind.REDEEM, 1) for _ in range(3)), case.entry(Kind.EARN, 5))
    newest = await case.ledger.statement(case.member, 2)
    assert [(line.amount, line.balance) for line in newest] == [(5, 12), (-1, 7)]
    streamed = [line async for line in case.ledger.statement_lines(case.member)]
    assert [(line.amount, line.balance) for line in streamed] == [
        (10, 10),
        (-1, 9),
        (-1, 8),
        (-1, 7),
        (5, 12),
    ]
    assert streamed[::-1] == await case.ledger.statement(case.member)


async def test_what_a_member_owned_is_known_for_any_time(case: Case) -> None:
    await case.earned(10)
    (first,) = await case.ledger.statement(case.member)
    await case.ledger.hold(case.lane, [case.ask(0, 4)])
    assert await case.ledger.balance_at(case.member, first.applied_at - 1) == 0
    assert await case.ledger.balance_at(case.member, first.applied_at) == 10
    await case.becomes(case.entry(Kind.REDEEM, 3))
    assert await case.ledger.balance_at(case.member, first.applied_at + DAY_MS) == 7


async def test_liability_is_by_campaign_and_month_of_expiry(case: Case) -> None:
    await case.ledger.agree(case.campaign, Terms(expiry=Expiry.FIXED, months=2))
    await case.earned(10)
    await case.earned(3, occurred_at=AT + 31 * DAY_MS)
    never = replace(case.entry(Kind.EARN, 4), campaign=f"{case.campaign}-never")
    await case.ledger.fund(never.campaign, 4)
    await case.apply(never)
    assert sorted(await case.ledger.liability(), key=lambda line: line.month) == [
        Liability(never.campaign, "", 4), Liability(case.campaign, "2026-11", 10),
        Liability(case.campaign, "2026-12", 3),
    ]  # fmt: skip


async def test_the_top_lists_rank_earners_and_spenders(case: Case) -> None:
    await case.earned(10)
    await case.earned(20, member=case.other)
    await case.becomes(case.entry(Kind.REDEEM, 3))
    window = (AT, AT + DAY_MS)
    first, second = Ranked(case.other, 20), Ranked(case.member, 10)
    assert await case.ledger.top(Kind.EARN, case.campaign, *window) == [first, second]
    assert await case.ledger.top(Kind.EARN, "", *window, limit=1) == [first]
    assert await case.ledger.top(Kind.SPEND, case.campaign, *window) == [Ranked(case.member, 3)]
    assert await case.ledger.top(Kind.EARN, case.campaign, AT + DAY_MS, AT + 2 * DAY_MS) == []


async def test_the_totals_of_a_lane_count_what_came_from_it(case: Case) -> None:
    assert await case.ledger.totals(case.lane.id) == Totals()
    await case.earned(10)
    await case.becomes(case.entry(Kind.REDEEM, 30))
    await case.becomes(case.entry(Kind.SPEND, 5, about=case.purse))
    totals = await case.ledger.totals(case.lane.id)
    assert (totals.applied, totals.rejected, totals.suspense) == (1, 1, 1)
    redeemed = await case.ledger.totals(case.lane.id, Kind.REDEEM)
    assert redeemed == Totals(applied=0, rejected=1, suspense=0, credited=0)


# dead letters


async def test_what_depends_on_a_dead_entry_is_parked_behind_it(case: Case) -> None:
    await case.earned(10)
    dead = case.entry(Kind.HOLD, 5, about=case.purse, until=AT + DAY_MS, rule_version=2**40)
    spend = case.entry(Kind.SPEND, 5, about=dead.id)
    outcomes = await case.apply(dead, replace(spend, about=dead.id))
    assert [outcome.status for outcome in outcomes] == [Status.DEAD, Status.PARKED]
    letters = {letter.entry_id: letter for letter in await case.ledger.letters()}
    assert set(letters) == {dead.id, spend.id}
    assert letters[spend.id].reason == "parked"
    (again, *_) = await case.ledger.retry(letters[dead.id].id)
    assert (again.id, again.status) == (dead.id, Status.DEAD)
    kept = {letter.entry_id: letter for letter in await case.ledger.letters()}
    assert kept[dead.id].attempts > letters[dead.id].attempts


async def test_a_letter_that_is_resolved_is_gone(case: Case) -> None:
    entry = await case.earned(10)
    await case.becomes(replace(entry, amount=11))
    (letter,) = await case.ledger.letters()
    await case.ledger.resolve(letter.id)
    assert await case.ledger.letters() == []
    with pytest.raises(UnknownLetter):
        await case.ledger.resolve(letter.id)


@pytest.mark.parametrize("letter", ["00" * 32, "no hex at all", "../letters", "abc"])
async def test_an_unknown_letter_is_said_to_be_unknown(case: Case, letter: str) -> None:
    with pytest.raises(UnknownLetter):
        await case.ledger.retry(letter)
    with pytest.raises(UnknownLetter):
        await case.ledger.resolve(letter)


# names


@pytest.mark.parametrize(
    "name", ["a/b", "..", ".", "50%?#&=+", "小明 🧧", "=1+1", "a\\b", "x/balance", "a\u2028b"]
)
async def test_a_name_may_be_anything(case: Case, name: str) -> None:
    await case.earned(10, member=name, room=name)
    await case.owns(10, member=name)
    (line,) = [line async for line in case.ledger.statement_lines(name)]
    assert line.room == name
    await case.ledger.agree(name, Terms(months=7))
    assert (await case.ledger.terms(name)).months == 7
    assert await case.ledger.purses(name) == []
