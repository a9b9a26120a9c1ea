"""Plays that cost points, from a page to the real ledger and back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from gameserver.errors import CloseCode
from gameserver.games.red_packet_rain.events import Grab
from gameserver.records.database import Database
from gameserver.rooms import purse as purses
from gameserver.rooms.hub import Hub
from gameserver.rooms.session import Session
from gameserver.wire import Format, Hello
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Entry, Kind, purse_id, release_id
from ledger_client.ledger import Balance, HoldAsk, LaneAt, Ledger, Status
from tests.games.rains import rain, raining
from tests.promises.world import world
from tests.rooms.pages import Page, live
from tests.rooms.test_hub import hub_of
from tests.rooms.test_room import AGO, ONLY_PACKETS, drops_now, tap
from tests.store.lanes import PlayedLane

COST = 5


def paying(**chances: Any) -> dict[str, Any]:
    return rain(chances={"free_total": 0, "cost_points": COST, **chances}, **ONLY_PACKETS)


@pytest.fixture
async def ledger(engine: Database) -> EmbeddedLedger:
    return EmbeddedLedger(engine)


async def give(ledger: Ledger, points: Mapping[str, int]) -> None:
    """Points that members have before they play."""
    await ledger.fund("c1", sum(points.values()) + 1_000_000)
    entries = [
        Entry(uuid4(), Kind.EARN, member, "c1", "", amount, 1_790_000_000_000, 1)
        for member, amount in points.items()
    ]
    outcomes = await ledger.apply(LaneAt("events", 0), entries)
    assert {outcome.status for outcome in outcomes} == {Status.APPLIED}


async def held(ledger: Ledger) -> dict[str, int]:
    return {purse.member: purse.amount for purse in await ledger.purses("r1.0")}


async def first_tap(lane: PlayedLane, page: Page, session: Session, ref: int = 2) -> dict[str, Any]:
    (drop,) = await drops_now(lane, session.member)
    return await tap(page, session, ref, drop)


async def closed(lane: PlayedLane, *members: str) -> None:
    """Returns when the purses of these members are closed."""
    async with asyncio.timeout(10):
        while set(await lane.purses()) & set(members):
            await asyncio.sleep(0.005)


FREE_USED = {"cost": 0, "left": 0, "free": 0, "extra": 0}


async def test_the_first_paid_command_opens_a_purse_for_ten_plays(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    await give(ledger, {"ann": 200})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        (welcome,) = page.named("welcome")
        assert welcome["room"]["cost"] == COST
        assert welcome["snapshot"]["charge"] == FREE_USED
        answer = await first_tap(lane, page, session)
        assert (answer["ev"], answer["charge"]) == (
            "grabbed",
            {**FREE_USED, "cost": COST, "left": 45},
        )
        assert await lane.purses() == {"ann": (1, 45)}
        assert await held(ledger) == {"ann": 50}
        assert await ledger.balance("ann") == Balance(available=150, held=50)


async def test_a_room_without_a_cost_tells_none(redis: Redis) -> None:
    lane = await raining(redis, rain(**ONLY_PACKETS), ago=AGO)
    async with live(lane) as here:  # with a ledger that cannot be reached
        page, session = await here.join("ann")
        (welcome,) = page.named("welcome")
        assert welcome["room"]["cost"] is None
        assert "charge" not in welcome["snapshot"]
        assert "charge" not in await first_tap(lane, page, session)
        assert here.room.purses is None


async def test_commands_keep_their_order_while_the_purse_is_opened(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    await give(ledger, {"ann": 200})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        drops = await drops_now(lane, "ann", 5)
        assert len(drops) > 1
        for ref, drop in enumerate(drops, 2):
            session.handle(Grab(ref=ref, drop=drop))
        await page.answer(1 + len(drops))
        answers = page.events[1:]
        told = [(one["re"], one["ev"]) for one in answers if "re" in one]
        assert told == [(ref, "grabbed") for ref in range(2, 2 + len(drops))]
        # one round is one play
        assert [one["charge"]["cost"] for one in answers if "charge" in one] == [COST]


async def test_who_has_too_few_points_is_refused_and_the_answer_is_kept(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    await give(ledger, {"ann": COST - 1})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        refused = await first_tap(lane, page, session)
        assert (refused["ev"], refused["code"]) == ("refused", "not_enough_points")
        assert refused["retry_ms"] == 2000
        assert refused["message"]
        # with points now: the same ref has its answer, and for a moment nobody looks again
        await give(ledger, {"ann": 100})
        again = await first_tap(lane, page, session)
        assert (again["code"], again["retry_ms"]) == ("not_enough_points", 2000)
        assert await held(ledger) == {}
        assert await lane.purses() == {}


async def test_a_purse_holds_whole_plays_only_and_no_more_than_the_rules_allow(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    await give(ledger, {"ann": 3 * COST + 2, "bob": 200})
    lane = await raining(redis, paying(max_total=2), ago=AGO)
    async with live(lane, ledger) as here:
        for member in ("ann", "bob"):
            page, session = await here.join(member)
            assert (await first_tap(lane, page, session))["charge"]["left"] == COST
        assert await held(ledger) == {"ann": 2 * COST, "bob": 2 * COST}


async def test_a_purse_is_filled_before_it_is_empty(
    redis: Redis, ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purses, "PLAYS_A_FILL", 3)
    await give(ledger, {"ann": 200})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        assert (await first_tap(lane, page, session))["charge"]["left"] == 2 * COST
        await here.room.idle()
        assert await lane.purses() == {"ann": (1, 5 * COST)}
        assert await held(ledger) == {"ann": 6 * COST}


async def test_what_could_not_be_filled_ahead_is_not_asked_for_again(
    redis: Redis, ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(ledger, {"ann": 2 * COST})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        await first_tap(lane, page, session)
        await here.room.idle()
        await give(ledger, {"ann": 100})
        page, again = await here.join("ann", session.id)
        # the same ref gives the same answer, and with it what was low before
        assert (await first_tap(lane, page, again))["charge"]["left"] == COST
        await here.room.idle()
        assert await held(ledger) == {"ann": 2 * COST}


async def test_a_ledger_that_is_away_refuses_and_the_same_ref_is_played_later(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    await give(ledger, {"ann": 100})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane) as cut_off:
        page, session = await cut_off.join("ann")
        refused = await first_tap(lane, page, session)
        assert (refused["code"], refused["retry_ms"]) == ("ledger_down", 1000)
    async with live(lane, ledger) as here:
        page, again = await here.join("ann", session.id)
        assert again.id == session.id
        assert (await first_tap(lane, page, again))["charge"]["cost"] == COST


async def test_two_nodes_open_one_purse(redis: Redis, ledger: EmbeddedLedger) -> None:
    await give(ledger, {"ann": 80})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as one, live(lane, ledger) as other:
        pages = [await one.join("ann"), await other.join("ann")]
        drops = await drops_now(lane, "ann", 2)
        answers = await asyncio.gather(
            *(tap(page, session, 2, drop) for (page, session), drop in zip(pages, drops, strict=True))
        )
        assert [answer["ev"] for answer in answers] == ["grabbed"] * 2
        assert sorted("charge" in answer for answer in answers) == [False, True]
        assert await held(ledger) == {"ann": 50}
        assert await lane.purses() == {"ann": (1, 45)}


async def test_what_the_ledger_took_back_before_anybody_had_it_is_passed_over(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    """A node asked for purse 1 and was killed; its time was over before anybody came for it."""
    await give(ledger, {"ann": 60})
    lane = await raining(redis, paying(), ago=AGO)
    id_, at = purse_id("r1.0", "ann", 1), LaneAt("r1.0", 1)
    await ledger.hold(at, [HoldAsk(id_, 0, "ann", "c1", "r1", 50, COST, 2_000_000_000_000, 1)])
    await ledger.apply(at, [Entry(release_id(id_), Kind.RELEASE, "ann", "c1", "r1", 0, 2, 1, about=id_)])
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        assert (await first_tap(lane, page, session))["charge"]["left"] == 45
        assert await lane.purses() == {"ann": (2, 45)}


async def test_a_node_killed_while_it_opened_a_purse_leaves_it_to_the_next(
    redis: Redis, ledger: EmbeddedLedger
) -> None:
    """The ledger has given; the lane was never told: the next node asks the same and is told the same."""
    await give(ledger, {"ann": 50})
    lane = await raining(redis, paying(), ago=AGO)
    id_ = purse_id("r1.0", "ann", 1)
    until = 4_000_000_000_000
    await ledger.hold(LaneAt("r1.0", 1), [HoldAsk(id_, 0, "ann", "c1", "r1", 50, COST, until, 1)])
    async with live(lane, ledger) as here:
        page, session = await here.join("ann")
        assert (await first_tap(lane, page, session))["charge"]["left"] == 45
        assert await held(ledger) == {"ann": 50}


async def test_who_leaves_gets_the_purse_back_and_who_returns_in_time_keeps_it(
    redis: Redis, ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purses, "LEAVE_SECONDS", 0.1)
    await give(ledger, {"ann": 50, "bob": 50})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        seats = {}
        for member in ("ann", "bob"):
            page, seats[member] = await here.join(member)
            await first_tap(lane, page, seats[member])
        here.room.leave(seats["ann"])
        here.room.leave(seats["bob"])
        await here.join("ann", seats["ann"].id)  # back before bob's time is over
        await closed(lane, "bob")
        assert await lane.purses() == {"ann": (1, 45)}
        ends = [line for line in await lane.lines() if line[6][0] == "purse_closed"]
        assert [(line[2], line[6]) for line in ends] == [("bob", ["purse_closed", 1, 45])]


async def test_a_page_of_two_that_goes_leaves_the_purse(
    redis: Redis, ledger: EmbeddedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purses, "LEAVE_SECONDS", 0.05)
    await give(ledger, {"ann": 50, "bob": 50})
    lane = await raining(redis, paying(), ago=AGO)
    async with live(lane, ledger) as here:
        page, phone = await here.join("ann")
        await first_tap(lane, page, phone)
        await here.join("ann")
        here.room.leave(phone)
        page, other = await here.join("bob")
        await first_tap(lane, page, other)
        here.room.leave(other)
        await closed(lane, "bob")
        assert await lane.purses() == {"ann": (1, 45)}


@asynccontextmanager
async def hub_with_a_purse(redis: Redis, database: Database) -> AsyncIterator[tuple[Hub, PlayedLane, Any]]:
    """A hub in whose room ann has a purse."""
    async with world(database, redis) as here:
        lane = await here.open("red_packet_rain", paying(), ago=AGO)
        await give(here.ledger, {"ann": 50})
        async with hub_of(here) as hub:
            room = await hub.room(lane.record.id)
            assert room.purses
            await lane.seat("ann")
            fill = ["ann", "", 0, "fill_purse", False, 1, 0, 50, room.now() + 60_000]
            assert (await room.lane.ask(fill))[0] == 1
            yield hub, lane, here


async def test_a_room_that_is_closed_gives_every_purse_back(redis: Redis, engine: Database) -> None:
    async with hub_with_a_purse(redis, engine) as (_, lane, here):
        await here.lifecycle.close(lane.record.id)
        assert await lane.purses() == {}
        assert (await lane.lines())[-1][6] == ["purse_closed", 1, 50]


async def test_a_purse_whose_time_is_over_is_swept(
    redis: Redis, engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purses, "SWEEP_SECONDS", 0.01)
    async with hub_with_a_purse(redis, engine) as (hub, lane, _):
        room = await hub.room(lane.record.id)
        await room.lane.ask(["ann", "", 0, "fill_purse", False, 1, 1, 5, room.now() - 1])
        await closed(lane, "ann")
        assert ["purse_closed", 1, 55] in [line[6] for line in await lane.lines()]


async def test_a_hub_that_stops_answers_what_waits_and_leaves_purses_to_others(
    redis: Redis, engine: Database
) -> None:
    async with hub_with_a_purse(redis, engine) as (hub, lane, _):
        room = await hub.room(lane.record.id)
        page = Page()
        hello = Hello(ref=1, ticket=await lane.ticket("ann"), room=lane.record.id)
        session = await room.join(hello, page, Format.JSON)
        (drop,) = await drops_now(lane, "ann")
        session.handle(Grab(ref=2, drop=drop))
        await hub.idle()
        assert (await page.answer(2))["ev"] == "grabbed"
        room.close_sessions(CloseCode.RESTART)
        room.leave(session)
        await hub.stop()
        assert await lane.purses() == {"ann": (1, 45)}
