import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import CloseCode, Refused
from gameserver.fairness import Receipts
from gameserver.games.game import EventClass, Sender
from gameserver.games.red_packet_rain.events import Grab
from gameserver.rooms.session import Session
from gameserver.store.lane import Ticked
from gameserver.wire import Format, Hello, Time
from tests.games.rains import BOMB, PACKET, grab, rain, raining, scored
from tests.rooms.pages import KEY, Page, live
from tests.store.lanes import PlayedLane, Seat, opened

ONLY_PACKETS = {"bomb_share": 0, "packet_share": 100}
AGO = 20_000  # seventeen seconds into a round of sixty


async def drops_now(lane: PlayedLane, member: str, count: int = 1) -> list[int]:
    """Drops that fall in front of the member just now, and for a while yet."""
    seconds, micros = await lane.redis.time()
    now = int(seconds) * 1000 + int(micros) // 1000
    falling = []
    for drop in range(200):
        _, _, _, begins, ends = lane.plan.arguments(Sender(member, ""), Grab(ref=1, drop=drop), now)  # type: ignore[arg-type]
        if begins <= now and ends >= now + 1000:
            falling.append(drop)
    return falling[:count]


async def tap(page: Page, session: Session, ref: int, drop: int) -> dict[str, Any]:
    session.handle(Grab(ref=ref, drop=drop))
    return await page.answer(ref)


# joining


async def test_the_welcome_is_the_whole_picture(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        await here.join("bob")
        page, session = await here.join("ann", name="安")
        (welcome,) = page.named("welcome")
        assert welcome["re"] == 1
        assert (welcome["member"], welcome["session"]) == ("ann", session.id)
        assert abs(welcome["now"] - here.room.now()) < 5000
        assert welcome["recovered"] is False
        room, snapshot = welcome["room"], welcome["snapshot"]
        assert (room["id"], room["game"], room["state"]) == ("r1", "red_packet_rain", "open")
        assert room["play"] == lane.plan.public()
        assert lane.record.seed.hex() not in str(welcome)
        assert (snapshot["state"], snapshot["denied"], snapshot["name"], snapshot["joined"]) == (
            "open",
            None,
            "安",
            2,
        )
        assert snapshot["answers"] == []
        assert len(snapshot["game"]["round"]["key"]) == 32


async def test_both_formats_say_the_same(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        pages = [(await here.join("ann", format_=format_))[0] for format_ in Format]
        first, second = (page.named("welcome")[0]["snapshot"] for page in pages)
        assert first["game"] == second["game"]


async def test_who_may_not_join_is_told_why(redis: Redis) -> None:
    lane = await raining(redis)
    async with live(lane) as here:
        with pytest.raises(Refused, match="bad_ticket"):
            await here.room.join(Hello(ref=1, ticket="x", room="r1"), Page(), Format.JSON)
    async with live(PlayedLane(redis, lane.record, epoch=2)) as lost:
        with pytest.raises(Refused, match="lane_lost"):
            await lost.join("ann")


async def test_outside_the_audience_one_sees_the_room_and_the_reason(redis: Redis) -> None:
    audience = {"match": "any_of", "levels": ["gold"], "blocklist": ["bad"]}
    lane = await raining(redis, rain(audience=audience), ago=AGO)
    async with live(lane) as here:
        for member, code in (("ann", "not_in_audience"), ("bad", "blocked")):
            page, session = await here.join(member)
            assert page.named("welcome")[0]["snapshot"]["denied"] == code
            refused = await tap(page, session, 1, 1)
            assert (refused["ev"], refused["code"]) == ("refused", code)
            assert refused["message"]
    assert await lane.grants() == []


async def test_a_spectator_watches_only(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("")
        with pytest.raises(Refused, match="spectator"):
            session.handle(Grab(ref=1, drop=1))
        session.handle(Time(ref=7))
        assert (await page.answer(7))["ev"] == "time"
        assert page.named("welcome")[0]["snapshot"]["joined"] == 0
        await lane.store.set_state("paused")
        assert (await page.event("room_changed"))["state"] == "paused"


async def test_the_same_session_elsewhere_replaces_the_page(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        first, session = await here.join("ann")
        second, _ = await here.join("ann", session=session.id)
        third, _ = await here.join("ann")
        assert (first.closed, second.closed, third.closed) == ([CloseCode.REPLACED], [], [])
        assert here.room.sessions == 3
        here.room.leave(session)
        here.room.leave(session)
        assert here.room.sessions == 2


# commands


async def test_a_tap_is_answered_with_a_receipt_that_holds(redis: Redis) -> None:
    lane = await raining(redis, rain(**ONLY_PACKETS), ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("ann")
        one, two = await drops_now(lane, "ann", 2)
        won = await tap(page, session, 1, one)
        assert won == {
            "ev": "grabbed", "re": 1, "drop": one, "kind": "packet", "amount": 5, "prize": "packet",
            "unit": 1, "sum": 5, "score": 1, "receipt": won["receipt"],
        }  # fmt: skip
        assert Receipts(KEY).holds(won["receipt"], "r1", "packet", 1, 5, "ann", session.id, 1, 1)
        # the same ref again: the same answer, whatever it asks
        assert await tap(page, session, 1, two) == won
        again = await tap(page, session, 2, one)
        assert (again["ev"], again["code"]) == ("refused", "drop_taken")
        assert again["message"] == "the drop was taken before"
        here.room.leave(session)
        back, _ = await here.join("ann", session=session.id)
        (kept,) = back.named("welcome")[0]["snapshot"]["answers"]
        assert kept.items() >= won.items()


async def test_what_needs_no_rule_is_refused_in_the_gates_order_and_remembered(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("ann")
        assert (await tap(page, session, 1, 1999))["code"] == "drop_unknown"
        await lane.store.set_state("paused")
        assert (await tap(page, session, 2, 1999))["code"] == "paused"
        assert (await tap(page, session, 1, 1))["code"] == "drop_unknown"


async def test_at_most_eight_unanswered_commands(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("ann")
        for ref in range(1, 9):
            session.handle(Grab(ref=ref, drop=ref))
        with pytest.raises(Refused, match="too_many_in_flight") as refused:
            session.handle(Grab(ref=9, drop=9))
        assert refused.value.retry_ms
        for ref in range(1, 9):
            await page.answer(ref)
        session.handle(Grab(ref=9, drop=9))
        await page.answer(9)
        # all eight are remembered: sent again after a lost connection, each has its answer
        told = {event["re"]: event for event in page.events if event["ev"] in ("grabbed", "refused")}
        for ref in range(2, 10):
            session.handle(Grab(ref=ref, drop=77))
        for ref in range(2, 10):
            assert await page.answer(ref) == told[ref]


async def test_time_is_free_of_the_rule_of_refs(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("ann")
        for ref in (5, 5, 1):
            session.handle(Time(ref=ref))
            assert abs((await page.answer(ref))["now"] - here.room.now()) < 5000
        with pytest.raises(Refused, match="hello_repeated"):
            session.handle(Hello(ref=1, ticket="t", room="r1"))


# events


async def test_everybody_gets_the_opening_with_a_key_of_their_own(redis: Redis) -> None:
    lane = await opened(redis, rain(), ago=0)
    async with live(lane) as here:
        pages = [(await here.join(member))[0] for member in ("ann", "bob", "")]
        await lane.clock(lane.dues()[0])
        opened_for = [await page.event("round_opened") for page in pages]
        assert len({event["key"] for event in opened_for}) == 3
        assert len({(event["round"], event["starts_at"], event["v"]) for event in opened_for}) == 1
        # what a page gets later in its snapshot is the same round
        late, _ = await here.join("ann")
        shown = late.named("welcome")[0]["snapshot"]["game"]
        assert shown["next"] is None or shown["round"] is None


async def test_the_result_of_a_round_is_personal(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        (ann, _), (bob, _) = await here.join("ann"), await here.join("bob")
        seat = await lane.seat("ann")
        await lane.ask(*(grab(seat, drop) for drop in range(3)))
        await lane.clock(lane.dues()[1])
        hers, his = await ann.event("round_closed"), await bob.event("round_closed")
        assert (hers["sum"], hers["packets"], hers["best"], hers["place"], hers["players"]) == (
            15,
            3,
            5,
            1,
            1,
        )
        assert (his["sum"], his["packets"], his["place"], his["left"]) == (0, 0, 0, 97)
        assert hers["top"] == his["top"] == [{"name": "a*n", "sum": 15}]
        assert hers["next"]["round"] == 1


async def test_a_place_is_told_once_with_its_receipt(redis: Redis) -> None:
    """Who won a place in one round and none in the next is not told the old one again."""
    lane = await raining(redis, scored([(1, 100)]))
    async with live(lane) as here:
        (ann, _), (bob, _) = await here.join("ann"), await here.join("bob")
        seats = [await lane.seat("ann"), await lane.seat("bob")]
        await score(lane, seats, [2, 1], 0)
        hers, his = await ann.event("round_closed"), await bob.event("round_closed")
        assert (hers["place"], hers["won"], hers["unit"]) == (1, 100, 1)
        assert Receipts(KEY).holds(hers["receipt"], "r1", "place", 1, 100, "ann", "clock", 2, 1)
        assert (his["place"], his.get("won", 0), his.get("receipt")) == (2, 0, None)
        await lane.clock(lane.dues()[2])
        await score(lane, seats, [1, 2], 1)
        hers, his = await ann.event("round_closed"), await bob.event("round_closed")
        assert (his["place"], his["won"], his["unit"]) == (1, 100, 2)
        assert (hers["place"], hers.get("won", 0), hers.get("unit"), hers.get("receipt")) == (
            2,
            0,
            None,
            None,
        )
    assert [grant[4] for grant in await lane.grants()] == ["ann", "bob"]


async def score(lane: PlayedLane, seats: list[Seat], packets: list[int], round_: int) -> None:
    """So many packets each, then the end of the round."""
    for seat, count in zip(seats, packets, strict=True):
        await lane.ask(*(grab(seat, drop, PACKET, round_=round_) for drop in range(count)))
    await lane.clock(lane.dues()[2 * round_ + 1])


async def test_missed_results_are_told_with_their_own_numbers(redis: Redis) -> None:
    lane = await raining(redis, scored([(1, 100)]))
    async with live(lane) as here:
        page, session = await here.join("ann")
        since = page.named("welcome")[0]["snapshot"]["v"]
        here.room.leave(session)
        seats = [await lane.seat("ann"), await lane.seat("bob")]
        await score(lane, seats, [2, 1], 0)
        await lane.clock(lane.dues()[2])
        await score(lane, seats, [1, 3], 1)
        back, _ = await here.join("ann", session=session.id, since=since)
        assert back.named("welcome")[0]["recovered"] is True
        first, second = back.named("round_closed")
        assert (first["round"], first["score"], first["place"]) == (0, 20, 1)
        assert (second["round"], second["score"], second["place"]) == (1, 10, 2)
        assert (first["won"], first["unit"]) == (100, 1)
        assert second.get("won", 0) == 0


async def test_what_is_told_while_a_page_comes_in_is_told_to_it_too(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events come by another connection than answers: they may be here before the answer to a hello."""
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        present, _ = await here.join("bob")
        await present.event("tally")
        seat, tick, told = await lane.seat("ann"), lane.store.tick, []

        async def overtaken(days: Any, commands: Any) -> Ticked:
            ticked = await tick(days, commands)
            if commands and commands[0][3] == "join":
                v = int(await lane.head("v"))
                told.append(await present.heard(lambda event: event["ev"] == "tally" and event["v"] == v))
                await redis.hset(lane.keys.room, "tallied", str(here.room.now() + 60_000))  # no other for now
                await lane.ask(grab(seat, 1))
                await lane.clock(lane.dues()[1])
                told.append(await present.event("round_closed"))
                await lane.store.set_state("paused")
                told.append(await present.event("room_changed"))
            return ticked

        monkeypatch.setattr(lane.store, "tick", overtaken)
        await redis.hset(lane.keys.room, "tallied", "0")  # so the tick of the hello makes a tally
        late, _ = await here.join("ann")
        assert [event["ev"] for event in told] == ["tally", "round_closed", "room_changed"]
        assert late.named("welcome")[0]["snapshot"]["v"] == told[0]["v"] - 1
        hers = {"sum": 5, "score": 1, "packets": 1, "best": 5, "place": 1}  # she tapped after her hello
        assert late.events[1:] == [told[0], told[1] | hers, told[2]]
        classes = [frame[1] for frame in late.frames[1:]]
        assert classes == [EventClass.CONFLATED, EventClass.MUST, EventClass.MUST]
        await lane.store.set_state("open")  # and from now on it is told with the others, once
        assert await late.event("room_changed") == told[2]
        assert await late.event("room_changed") == await present.event("room_changed")


async def test_tallies_are_conflated_and_results_are_not(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, _ = await here.join("ann")
        seat = await lane.seat("bob", "小明明")
        await lane.ask(grab(seat, 1), grab(seat, 2, BOMB))
        tally = await page.heard(lambda event: event["ev"] == "tally" and event["left"] == 99)
        assert (tally["round"], tally["joined"], tally["players"]) == (0, 2, 1)
        assert tally["top"] == [{"name": "小*明", "sum": 5}]
        await lane.clock(lane.dues()[1])
        await page.event("round_closed")
        classes = {event["ev"]: frame[1:] for event, frame in zip(page.events, page.frames, strict=True)}
        assert classes["tally"] == (EventClass.CONFLATED, "tally")
        assert classes["round_closed"][0] is EventClass.MUST


async def test_staffs_changes_are_told_and_stand_in_the_next_welcome(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, _ = await here.join("ann")
        for state in ("paused", "open", "closed"):
            await lane.store.set_state(state)
            assert (await page.event("room_changed"))["state"] == state
            late, _ = await here.join("bob")
            welcome = late.named("welcome")[0]
            assert (welcome["room"]["state"], welcome["snapshot"]["state"]) == (state, state)


async def test_versions_only_rise_for_a_page(redis: Redis) -> None:
    """`since` is the last version seen: a later event must not overtake one that takes longer to make."""
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        page, _ = await here.join("ann")
        v = page.named("welcome")[0]["snapshot"]["v"] + 100
        closed = [0, 0, 100, []]
        tally = [0, 100, 1, 0, []]
        here.room.published("events", [[v, 1, "round_closed", closed], [v + 1, 2, "tally", tally]])
        here.room.published("events", [[v + 2, 1, "room_changed", ["paused"]]])
        here.room.published("events", [[v + 3, 1, "round_opened", [1]], [v + 4, 1, "room_changed", ["open"]]])
        await page.heard(lambda event: event.get("v") == v + 4)
        told = [event["v"] for event in page.events if "v" in event]
        assert told == [v, v + 1, v + 2, v + 3, v + 4]


async def test_settled_is_told_to_the_members_pages(redis: Redis) -> None:
    lane = await raining(redis, ago=AGO)
    async with live(lane) as here:
        (page, session), (other, _) = await here.join("ann"), await here.join("ann")
        (stranger, _) = await here.join("bob")
        here.room.published(
            "settled",
            [
                (
                    "ann",
                    session.id,
                    [2, 3],
                    [("packet", 7), ("packet", 9)],
                    [("packet", 9, 12, 20, "daily_cap")],
                )
            ],
        )
        assert (await page.event("settled")) == {
            "ev": "settled",
            "refs": [2, 3],
            "units": [["packet", 7], ["packet", 9]],
            "cut": [["packet", 9, 12, 20, "daily_cap"]],
        }
        assert (await other.event("settled"))["refs"] == []
        assert stranger.named("settled") == []
        assert page.frames[-1][1] is EventClass.MUST


async def test_pages_are_sent_away_when_their_personal_event_cannot_be_made(redis: Redis) -> None:
    lane = await opened(redis, rain())
    async with live(lane) as here:
        page, _ = await here.join("ann")
        opened_body = [0]
        await redis.hset(lane.keys.room, "epoch", "1")
        await redis.delete(lane.keys.room)
        here.room.published("events", [[99, 1, "round_opened", opened_body]])
        while not page.closed:
            await asyncio.sleep(0)
        assert page.closed == [CloseCode.NOT_READY]


async def test_many_pages_get_their_own_event_each(redis: Redis) -> None:
    """More than one call's worth of views."""
    lane = await opened(redis, rain())
    async with live(lane) as here:
        pages = [(await here.join(f"m{number}"))[0] for number in range(300)]
        await lane.clock(lane.dues()[0])
        keys = [(await page.event("round_opened"))["key"] for page in pages]
        assert len(set(keys)) == 300
