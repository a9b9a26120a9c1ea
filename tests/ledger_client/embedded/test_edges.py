"""Caps and expiry where days, months and years end; many writers of one account at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import HoldAsk, LaneAt, Outcome, Status
from ledger_client.terms import Caps, Expiry, Reversal, Terms

APPLIED, REJECTED = Status.APPLIED, Status.REJECTED
WRITERS, CONNECTIONS = 100, 30
NOON = 1_790_000_000_000
SHANGHAI, BERLIN, NEW_YORK, SAO_PAULO = (
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Sao_Paulo",
)  # fmt: skip

# the last moment of one period and the first of the next
MIDNIGHTS = [
    (SHANGHAI, "2026-11-21T23:59:59.999+08:00", "2026-11-22T00:00:00+08:00"),
    (SHANGHAI, "2028-02-28T23:59:59.999+08:00", "2028-02-29T00:00:00+08:00"),
    # after a day of 23 hours, after one of 25, into both
    (BERLIN, "2026-03-29T23:59:59.999+02:00", "2026-03-30T00:00:00+02:00"),
    (BERLIN, "2026-10-25T23:59:59.999+01:00", "2026-10-26T00:00:00+01:00"),
    (BERLIN, "2026-10-24T23:59:59.999+02:00", "2026-10-25T00:00:00+02:00"),
    (NEW_YORK, "2026-03-08T23:59:59.999-04:00", "2026-03-09T00:00:00-04:00"),
    (NEW_YORK, "2026-11-01T23:59:59.999-05:00", "2026-11-02T00:00:00-05:00"),
    # midnight does not exist; the hour before it comes twice
    (SAO_PAULO, "2018-11-03T23:59:59.999-03:00", "2018-11-04T01:00:00-02:00"),
    (SAO_PAULO, "2018-02-17T23:59:59.999-03:00", "2018-02-18T00:00:00-03:00"),
]
MONTH_ENDS = [
    (SHANGHAI, "2026-11-30T23:59:59.999+08:00", "2026-12-01T00:00:00+08:00"),
    (SHANGHAI, "2027-02-28T23:59:59.999+08:00", "2027-03-01T00:00:00+08:00"),
    (SHANGHAI, "2028-02-29T23:59:59.999+08:00", "2028-03-01T00:00:00+08:00"),
    (BERLIN, "2026-10-31T23:59:59.999+01:00", "2026-11-01T00:00:00+01:00"),
    (NEW_YORK, "2026-10-31T23:59:59.999-04:00", "2026-11-01T00:00:00-04:00"),
]
YEAR_ENDS = [
    (SHANGHAI, "2026-12-31T23:59:59.999+08:00", "2027-01-01T00:00:00+08:00"),
    (NEW_YORK, "2026-12-31T23:59:59.999-05:00", "2027-01-01T00:00:00-05:00"),
    (SAO_PAULO, "2018-12-31T23:59:59.999-02:00", "2019-01-01T00:00:00-02:00"),
]


_DEADLOCKS = text("select deadlocks from pg_stat_database where datname = current_database()")
_STILL_THERE = text("select count(*) from pg_stat_activity where application_name = 'crowd'")


def ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def line(n: int | str, kind: Kind, amount: int, at: int = NOON, member: str = "m1") -> Entry:
    return Entry(derived_id(f"{kind}|{n}"), kind, member, "c1", "r1", amount, at, 1)


def lane(n: int | str = 0) -> LaneAt:
    return LaneAt(f"lane {n}", 1)


@pytest.fixture
async def bank(ledger: EmbeddedLedger) -> AsyncIterator[EmbeddedLedger]:
    """A ledger with a rich campaign; its books agree in the end."""
    await ledger.fund("c1", 1_000_000)
    yield ledger
    assert await ledger.drift() == []
    assert await ledger.audit() == []


async def told(bank: EmbeddedLedger, *entries: Entry) -> list[tuple[Status, int, str | None]]:
    return [(one.status, one.credited, one.reason) for one in await bank.apply(lane(), entries)]


# caps


@pytest.mark.parametrize(
    ("caps", "reason", "zone", "last", "first"),
    [(Caps(day=10), "daily_cap", *edge) for edge in MIDNIGHTS + MONTH_ENDS + YEAR_ENDS]
    + [(Caps(month=10), "monthly_cap", *edge) for edge in MONTH_ENDS + YEAR_ENDS]
    + [(Caps(year=10), "yearly_cap", *edge) for edge in YEAR_ENDS],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_cap_holds_to_the_last_moment_of_its_period_and_no_longer(
    bank: EmbeddedLedger, caps: Caps, reason: str, zone: str, last: str, first: str, at_once: bool
) -> None:
    await bank.agree("c1", Terms(timezone=zone, caps=caps))
    entries = [
        line(1, Kind.EARN, 7, ms(last) - 3_600_000),
        line(2, Kind.EARN, 7, ms(last)),
        line(3, Kind.EARN, 7, ms(last)),
        line(4, Kind.EARN, 7, ms(first)),
        line(5, Kind.EARN, 7, ms(first)),
        # what happened before midnight and comes late is of the day on which it happened
        line(6, Kind.EARN, 1, ms(last)),
    ]
    expected = [
        (APPLIED, 7, None), (APPLIED, 3, reason), (REJECTED, 0, reason),
        (APPLIED, 7, None), (APPLIED, 3, reason), (REJECTED, 0, reason),
    ]  # fmt: skip
    if at_once:
        assert await told(bank, *entries) == expected
    else:
        assert [(await told(bank, entry))[0] for entry in entries] == expected


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
async def test_the_hour_that_comes_twice_is_one_day_with_one_cap(bank: EmbeddedLedger, zone: str) -> None:
    day = "2026-10-25" if zone == BERLIN else "2026-11-01"
    offsets = ("+02:00", "+01:00") if zone == BERLIN else ("-04:00", "-05:00")
    await bank.agree("c1", Terms(timezone=zone, caps=Caps(day=10)))
    twice = [ms(f"{day}T01:30:00{offset}") for offset in offsets]
    assert await told(bank, *(line(n, Kind.EARN, 7, at) for n, at in enumerate(twice))) == [
        (APPLIED, 7, None),
        (APPLIED, 3, "daily_cap"),
    ]


async def test_a_leap_day_counts_in_its_month_and_year(bank: EmbeddedLedger) -> None:
    await bank.agree("c1", Terms(caps=Caps(day=10, month=15, year=20)))
    days = ["2028-02-28", "2028-02-29", "2028-03-01", "2029-02-28"]
    entries = [line(day, Kind.EARN, 12, ms(f"{day}T12:00:00+08:00")) for day in days]
    assert await told(bank, *entries) == [
        (APPLIED, 10, "daily_cap"), (APPLIED, 5, "monthly_cap"), (APPLIED, 5, "yearly_cap"),
        (APPLIED, 10, "daily_cap"),
    ]  # fmt: skip


async def test_caps_that_were_lowered_refuse_in_the_name_of_the_nearest(bank: EmbeddedLedger) -> None:
    earlier = line(0, Kind.EARN, 50, NOON - 3 * 86_400_000)
    await bank.agree("c1", Terms(caps=Caps(year=1000)))
    await bank.apply(lane(), [earlier, line(1, Kind.EARN, 40)])
    # 40 of 30 today, 90 of 30 this month: neither leaves anything
    await bank.agree("c1", Terms(caps=Caps(day=30, month=30, year=30)))
    assert await told(bank, line(2, Kind.EARN, 1)) == [(REJECTED, 0, "daily_cap")]


async def test_what_is_taken_back_may_be_earned_again_in_the_same_period_only(bank: EmbeddedLedger) -> None:
    await bank.agree("c1", Terms(caps=Caps(day=10)))
    (_, last, first) = MIDNIGHTS[0]
    earned = line(1, Kind.EARN, 10, ms(last))
    back = replace(line(2, Kind.REVERSE, 10, ms(first)), reverses=earned.id)
    later = [
        line(3, Kind.EARN, 10, ms(first)),
        line(4, Kind.EARN, 10, ms(first)),
        line(5, Kind.EARN, 4, ms(last)),
    ]
    assert await told(bank, earned, back, *later) == [
        (APPLIED, 10, None), (APPLIED, 10, None), (APPLIED, 10, None), (REJECTED, 0, "daily_cap"),
        (APPLIED, 4, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("zone", "last", "first"), MIDNIGHTS)
async def test_transfers_are_capped_by_the_local_day(
    bank: EmbeddedLedger, zone: str, last: str, first: str
) -> None:
    await bank.agree("c1", Terms(timezone=zone, transfer_per_day=10))
    gifts = [
        replace(line(n, Kind.TRANSFER, amount, ms(at)), to="m2")
        for n, (amount, at) in enumerate([(7, last), (4, last), (3, last), (10, first), (1, first)])
    ]
    assert await told(bank, line(0, Kind.EARN, 50, ms(last)), *gifts) == [
        (APPLIED, 50, None), (APPLIED, 7, None), (REJECTED, 0, "transfer_cap"), (APPLIED, 3, None),
        (APPLIED, 10, None), (REJECTED, 0, "transfer_cap"),
    ]  # fmt: skip


# expiry


@pytest.mark.parametrize(
    ("zone", "expiry", "months", "earned", "expires"),
    [
        (SHANGHAI, Expiry.FIXED, 1, "2026-11-21T23:59:59.999+08:00", "2026-12-22T00:00:00+08:00"),
        (SHANGHAI, Expiry.FIXED, 12, "2028-02-29T12:00:00+08:00", "2029-03-01T00:00:00+08:00"),
        (SHANGHAI, Expiry.FIXED, 1, "2028-01-31T12:00:00+08:00", "2028-03-01T00:00:00+08:00"),
        (SHANGHAI, Expiry.MONTHLY, 0, "2026-11-30T23:59:59.999+08:00", "2026-12-01T00:00:00+08:00"),
        (SHANGHAI, Expiry.MONTHLY, 1, "2026-12-01T00:00:00+08:00", "2027-02-01T00:00:00+08:00"),
        (SHANGHAI, Expiry.YEAR_END, 0, "2026-12-31T23:59:59.999+08:00", "2027-01-01T00:00:00+08:00"),
        (SHANGHAI, Expiry.YEAR_END, 12, "2027-01-01T00:00:00+08:00", "2029-01-01T00:00:00+08:00"),
        (BERLIN, Expiry.FIXED, 1, "2026-02-28T12:00:00+01:00", "2026-03-29T00:00:00+01:00"),
        (BERLIN, Expiry.MONTHLY, 0, "2026-03-01T12:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        (NEW_YORK, Expiry.FIXED, 1, "2026-10-01T12:00:00-04:00", "2026-11-02T00:00:00-05:00"),
        (SAO_PAULO, Expiry.FIXED, 1, "2018-10-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"),
    ],
)
async def test_points_are_there_to_the_last_moment_and_gone_at_midnight(
    bank: EmbeddedLedger, zone: str, expiry: Expiry, months: int, earned: str, expires: str
) -> None:
    await bank.agree("c1", Terms(timezone=zone, expiry=expiry, months=months, remind_days=()))
    await bank.apply(lane(), [line(1, Kind.EARN, 9, ms(earned))])
    assert (await bank.upkeep(ms(expires) - 1)).lots_expired == 0
    assert (await bank.balance("m1")).available == 9
    done = await bank.upkeep(ms(expires))
    assert (done.lots_expired, done.points_expired) == (1, 9)
    assert (await bank.balance("m1")).available == 0
    assert (await bank.upkeep(ms(expires))).lots_expired == 0


async def test_points_that_come_back_after_their_expiry_last_another_day_and_expire_again(
    bank: EmbeddedLedger,
) -> None:
    await bank.agree("c1", Terms(expiry=Expiry.MONTHLY, months=0, remind_days=()))
    earned, over = ms("2026-11-20T12:00:00+08:00"), ms("2026-12-01T00:00:00+08:00")
    spent = [line(n, Kind.REDEEM, 10, earned) for n in range(3)]
    await bank.apply(lane(), [line(1, Kind.EARN, 40, earned), *spent])
    assert (await bank.upkeep(over)).points_expired == 10
    # decided before the lot expired, though it comes after; decided after it; before that one's expiry
    day_later = over + 5 + 86_400_000
    for n, (at, gone) in enumerate([(over - 1, over), (over + 5, day_later), (over - 1, day_later)]):
        back = replace(line(f"back {n}", Kind.REVERSE, 10, at), reverses=spent[n].id)
        assert await told(bank, back) == [(APPLIED, 10, None)]
        assert (await bank.upkeep(gone)).points_expired == 10
        assert (await bank.balance("m1")).available == 0
    assert await bank.letters() == []


# one batch


@pytest.mark.parametrize("at_once", [True, False])
async def test_entries_that_speak_of_each_other_are_decided_in_order(
    bank: EmbeddedLedger, at_once: bool
) -> None:
    earned, spent = line(1, Kind.EARN, 30), line(1, Kind.SPEND, 10)
    redeemed = line(1, Kind.REDEEM, 5)
    back = [replace(line(n, Kind.REVERSE, 5), reverses=redeemed.id) for n in range(2)]
    paid = [replace(line(n, Kind.COLLECT, 10), about=spent.id) for n in range(2)]
    entries = [
        earned, spent, *paid, replace(line(1, Kind.WRITE_OFF, 10), about=spent.id),
        back[0], redeemed, back[1], replace(line(3, Kind.REVERSE, 5), reverses=redeemed.id),
    ]  # fmt: skip
    expected = [
        (APPLIED, 30, None), (Status.SUSPENSE, 10, "hold_unknown"), (APPLIED, 10, None),
        (REJECTED, 0, "already_reversed"), (REJECTED, 0, "already_reversed"),
        (REJECTED, 0, "reverses_unknown"), (APPLIED, 5, None), (APPLIED, 5, None),
        (REJECTED, 0, "already_reversed"),
    ]  # fmt: skip
    if at_once:
        assert await told(bank, *entries) == expected
    else:
        assert [(await told(bank, entry))[0] for entry in entries] == expected
    assert (await bank.balance("m1")).available == 20


# poison


@pytest.mark.parametrize(
    "poison",
    [
        {"occurred_at": 10**18}, {"occurred_at": -(10**18)}, {"amount": 2**63}, {"member": "nul \0"},
        {"rule_version": 2**40}, {"amount": -1},
    ],
)  # fmt: skip
async def test_an_entry_that_nobody_can_apply_is_put_aside_and_its_siblings_go_on(
    bank: EmbeddedLedger, poison: dict[str, object]
) -> None:
    await bank.agree("c1", Terms(caps=Caps(day=100), expiry=Expiry.MONTHLY))
    batch = [line(n, Kind.EARN, 1) for n in range(9)]
    batch[4] = replace(batch[4], **poison)
    expected = [(APPLIED, 1, None)] * 4 + [(Status.DEAD, 0, "unstorable")] + [(APPLIED, 1, None)] * 4
    assert await told(bank, *batch) == expected
    (letter,) = await bank.letters()
    assert (letter.entry_id, letter.reason) == (batch[4].id, "unstorable")


# many writers


@pytest.fixture
async def crowd(engine: AsyncEngine, bank: EmbeddedLedger) -> AsyncIterator[EmbeddedLedger]:
    """The same ledger on many connections, which in the end have not waited for each other in a circle."""
    before = await asked(engine, _DEADLOCKS)
    names = {"server_settings": {"application_name": "crowd"}}
    many = create_async_engine(
        engine.url, pool_size=CONNECTIONS, max_overflow=0, pool_timeout=60, connect_args=names
    )
    yield EmbeddedLedger(many)
    await many.dispose()
    async with asyncio.timeout(30):
        # a backend tells what it counted when it goes
        while await asked(engine, _STILL_THERE):
            await asyncio.sleep(0.01)
    assert await asked(engine, _DEADLOCKS) == before


async def asked(engine: AsyncEngine, query: TextClause) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


async def at_once(
    ledger: EmbeddedLedger, entries: Sequence[Entry], more: Sequence[Awaitable[object]] = ()
) -> list[Outcome]:
    """Each entry on a lane of its own, all at the same moment."""
    beside = asyncio.gather(*more)
    answers = await asyncio.gather(*(ledger.apply(lane(n), [entry]) for n, entry in enumerate(entries)))
    await beside
    return [answer[0] for answer in answers]


async def test_a_hundred_writers_never_overdraw_a_member(crowd: EmbeddedLedger) -> None:
    """A mall and rooms at the same points: what they got is what was there, to the point."""
    await crowd.apply(lane(), [line(n, Kind.EARN, 10) for n in range(25)])
    redeems = [line(n, Kind.REDEEM, 7) for n in range(WRITERS // 2)]
    asks = [
        HoldAsk(purse_id(f"r{n}.0", "m1", 1), 0, "m1", "c1", f"r{n}", 9, 3, NOON + 1000, NOON)
        for n in range(WRITERS // 2)
    ]
    mall = asyncio.gather(*(crowd.apply(lane(n), [redeem]) for n, redeem in enumerate(redeems)))
    rooms = asyncio.gather(*(crowd.hold(LaneAt(f"r{n}.0", 1), [ask]) for n, ask in enumerate(asks)))
    redeemed = sum(outcome.credited for (outcome,) in await mall)
    held = sum(given.granted for (given,) in await rooms)
    balance = await crowd.balance("m1")
    assert redeemed + held + balance.available == 250
    assert balance.held == held
    assert balance.available < 3
    assert 0 < held < 250


@pytest.mark.parametrize(
    ("terms", "entry", "most"),
    [
        (Terms(), lambda n: line(n, Kind.REDEEM, 3), 99),
        (Terms(), lambda n: replace(line(n, Kind.FREEZE, 3), about=derived_id(f"case {n}")), 100),
        (Terms(transfer_per_day=50), lambda n: replace(line(n, Kind.TRANSFER, 3), to=f"m{2 + n % 5}"), 48),
        (Terms(caps=Caps(day=150)), lambda n: line(f"more {n}", Kind.EARN, 3), 50),
    ],
)
async def test_a_hundred_writers_get_no_more_than_there_is(
    crowd: EmbeddedLedger, terms: Terms, entry: Callable[[int], Entry], most: int
) -> None:
    await crowd.agree("c1", terms)
    await crowd.apply(lane("first"), [line("first", Kind.EARN, 100)])
    outcomes = await at_once(crowd, [entry(n) for n in range(WRITERS)])
    assert sum(outcome.credited for outcome in outcomes) == most


@pytest.mark.parametrize("caps", [Caps(), Caps(day=300)])
async def test_batches_that_cross_do_not_wait_for_each_other_in_a_circle(
    crowd: EmbeddedLedger, caps: Caps
) -> None:
    """Each batch lets some members earn and others redeem or give; every other comes from the other end."""
    await crowd.agree("c1", Terms(caps=caps, transfer_per_day=1000))
    members = [f"m{n}" for n in range(12)]
    await crowd.apply(lane("first"), [line(f"first {m}", Kind.EARN, 100, member=m) for m in members])
    calls = []
    for n in range(WRITERS):
        order = members if n % 2 else members[::-1]
        batch = [
            replace(line(f"{n} {m}", kind, 1, member=m), to=order[k - 1] if kind is Kind.TRANSFER else None)
            for k, m in enumerate(order)
            for kind in [(Kind.EARN, Kind.REDEEM, Kind.EARN, Kind.TRANSFER)[(k + n // 2) % 4]]
        ]
        # rooms only earn
        calls.append(
            crowd.apply(lane(n), [replace(one, kind=Kind.EARN, to=None) for one in batch] if n % 3 else batch)
        )
    outcomes = [one for answer in await asyncio.gather(*calls) for one in answer]
    assert {outcome.status for outcome in outcomes} == {APPLIED}


async def test_a_hundred_writers_spend_no_more_than_the_budget(crowd: EmbeddedLedger) -> None:
    await crowd.fund("c2", 50)
    earned = [replace(line(n, Kind.EARN, 3, member=f"m{n}"), campaign="c2") for n in range(WRITERS)]
    outcomes = await at_once(crowd, earned)
    assert Counter(outcome.reason for outcome in outcomes) == {None: 16, "budget_exhausted": 84}


async def test_one_purse_pays_no_more_than_is_in_it(crowd: EmbeddedLedger) -> None:
    await crowd.apply(lane(), [line(1, Kind.EARN, 100)])
    purse = purse_id("r1.0", "m1", 1)
    await crowd.hold(LaneAt("r1.0", 1), [HoldAsk(purse, 0, "m1", "c1", "r1", 100, 1, NOON + 1000, NOON)])
    spends = [replace(line(n, Kind.SPEND, 3), about=purse) for n in range(WRITERS)]
    release = replace(line(1, Kind.RELEASE, 0), about=purse)
    outcomes = await at_once(crowd, [*spends[:50], release, *spends[50:]])
    spent = [one for one in outcomes if one.id != release.id and one.status is APPLIED]
    assert all(one.status in (APPLIED, Status.SUSPENSE) for one in outcomes)
    balance = await crowd.balance("m1")
    assert (balance.available, balance.held) == (100 - 3 * len(spent), 0)
    assert len(await crowd.suspended(limit=1000)) == WRITERS - len(spent)


@pytest.mark.parametrize("policy", Reversal)
async def test_of_many_who_take_back_one_entry_one_does(crowd: EmbeddedLedger, policy: Reversal) -> None:
    await crowd.agree("c1", Terms(reversal=policy))
    earned = line(1, Kind.EARN, 10)
    await crowd.apply(lane(), [earned, line(2, Kind.EARN, 500)])
    backs = [replace(line(n, Kind.REVERSE, 10), reverses=earned.id) for n in range(20)]
    outcomes = await at_once(crowd, backs)
    assert Counter(outcome.reason for outcome in outcomes) == {None: 1, "already_reversed": 19}
    assert (await crowd.balance("m1")).available == 500


async def test_one_freeze_id_at_the_same_moment_for_two_members_freezes_one(crowd: EmbeddedLedger) -> None:
    await crowd.apply(lane(), [line(n, Kind.EARN, 10 + n, member=f"m{n}") for n in range(20)])
    case = derived_id("case")
    freezes = [replace(line(n, Kind.FREEZE, 5, member=f"m{n}"), about=case) for n in range(20)]
    outcomes = await at_once(crowd, freezes)
    assert Counter(outcome.status for outcome in outcomes) == {APPLIED: 1, REJECTED: 19}


async def test_time_and_members_at_the_same_moment_lose_no_point(crowd: EmbeddedLedger) -> None:
    """Upkeep of many nodes beside redemptions: every point is redeemed or expired, once."""
    await crowd.agree("c1", Terms(expiry=Expiry.MONTHLY, months=0, remind_days=(7,)))
    members = [f"m{n}" for n in range(10)]
    await crowd.apply(lane(), [line(f"{m} {n}", Kind.EARN, 10, member=m) for m in members for n in range(5)])
    over = NOON + 40 * 86_400_000
    redeems = [line(f"{m} {n}", Kind.REDEEM, 7, member=m) for m in members for n in range(8)]
    outcomes = await at_once(crowd, redeems, [crowd.upkeep(over) for _ in range(10)])
    redeemed = sum(outcome.credited for outcome in outcomes)
    lines = [one for m in members for one in await crowd.statement(m, limit=1000)]
    expired = sum(one.moved for one in lines if one.kind is Kind.EXPIRE)
    assert redeemed + expired == 500
    assert [(await crowd.balance(member)).available for member in members] == [0] * len(members)
