"""Staff's verbs on contestants: the record and the lane say the same, whatever is done in whichever order."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.games.contests import Standing
from gameserver.games.game import MemberId, RoomId
from gameserver.records.contestants import ContestantState, Work
from gameserver.records.database import Database
from gameserver.records.rooms import Room
from gameserver.staff.contestants import Contestants, standings_of
from gameserver.staff.orders import Orders
from tests.games.votes import ballot, voting
from tests.promises.world import World, world
from tests.store.lanes import PlayedLane, Seat

A, B = Work(name="a"), Work(name="b")
PENDING = ContestantState.PENDING


class House(World):
    """A vote, its staff, and the lane once the room is open."""

    contestants: Contestants
    room: Room
    lane: PlayedLane

    async def opened(self) -> PlayedLane:
        self.lane = PlayedLane(self.redis, await self.lifecycle.open(self.room.id))
        return self.lane

    async def standings(self) -> dict[str, Standing]:
        return await standings_of(self.lane.store)

    async def vote(self, seat: Seat, *choices: str) -> Any:
        return (await self.lane.ask(ballot(seat, *choices)))[0]


@pytest.fixture
async def house(redis: Redis, engine: Database) -> AsyncIterator[House]:
    async with world(engine, redis) as made:
        house = House(engine, redis)
        house.contestants = Contestants(engine, Orders(engine, redis))
        house.room = await made.lifecycle.create("vote", voting())
        yield house
        await house.settlement.close()


async def refused(work: Any) -> str:
    with pytest.raises(Refused) as refusal:
        await work
    return refusal.value.code


async def test_who_is_entered_before_the_opening_is_in_the_lane_with_it(house: House) -> None:
    await house.contestants.enter(house.room.id, [A, B] * 600)
    lane = await house.opened()
    assert list(await house.standings()) == [f"c{n:04}" for n in range(1, 1201)]
    assert set((await house.standings()).values()) == {Standing(0, 0, 0, "approved", None)}
    seat = await lane.seat("ann")
    assert (await house.vote(seat, "c1200"))[0] == 1


async def test_who_is_entered_or_approved_afterwards_is_there_at_once(house: House) -> None:
    await house.opened()
    await house.contestants.enter(house.room.id, [A])
    sent = await house.contestants.sign_up(house.room.id, MemberId("ann"), B)
    assert list(await house.standings()) == ["c0001"]
    (approved,) = await house.contestants.approve(house.room.id, [f"e{sent.entry}"])
    assert approved.id == "c0002"
    assert list(await house.standings()) == ["c0001", "c0002"]
    assert await house.contestants.approve(house.room.id, ["c0002", f"e{sent.entry}"]) == []


async def test_withdrawn_and_approved_again(house: House) -> None:
    lane = await house.opened()
    await house.contestants.enter(house.room.id, [A, B])
    seat = await lane.seat("ann")
    await house.vote(seat, "c0001")
    await house.contestants.withdraw(house.room.id, "c0001", "left")
    assert (await house.standings())["c0001"] == Standing(1, 0, 0, "withdrawn", "left")
    assert (await house.vote(seat, "c0001"))[1] == "contestant_unknown"
    await house.contestants.approve(house.room.id, ["c0001"])
    assert (await house.standings())["c0001"] == Standing(1, 0, 0, "approved", None)


async def test_a_rejected_sign_up_never_reaches_the_lane(house: House) -> None:
    await house.opened()
    sent = await house.contestants.sign_up(house.room.id, MemberId("ann"), B)
    await house.contestants.reject(house.room.id, f"e{sent.entry}", "blurred")
    assert await house.standings() == {}
    assert (await house.contestants.list(house.room.id, [ContestantState.REJECTED]))[0].reason == "blurred"


async def test_review_and_both_ways_out_of_it_also_after_the_end(house: House) -> None:
    lane, staff, room = await house.opened(), house.contestants, house.room.id
    await staff.enter(room, [A, B])
    seat = await lane.seat("ann")
    for name in ("c0001", "c0002"):
        assert (await staff.review(room, name, "mark", "reported")).done_at
        await house.vote(seat, name)
    assert set((await house.standings()).values()) == {Standing(0, 1, 0, "under_review", "reported")}
    await house.lifecycle.close(room)
    await staff.review(room, "c0001", "count", "people")
    await staff.review(room, "c0002", "remove", "a script")
    assert await house.standings() == {
        "c0001": Standing(1, 0, 0, "approved", "people"),
        "c0002": Standing(0, 0, 1, "approved", "a script"),
    }
    assert (await house.standings())["c0002"].raw == 1


async def test_what_does_not_fit_the_state_is_refused_and_changes_nothing(house: House) -> None:
    await house.opened()
    staff, room = house.contestants, house.room.id
    await staff.enter(room, [A])
    sent = await staff.sign_up(room, MemberId("ann"), B)
    before = await house.standings(), await staff.list(room, tuple(ContestantState))
    waiting = f"e{sent.entry}"
    assert await refused(staff.review(room, "c0001", "count", "x")) == "contestant_state"
    assert await refused(staff.review(room, "c0001", "remove", "x")) == "contestant_state"
    assert await refused(staff.review(room, waiting, "mark", "x")) == "contestant_state"
    assert await refused(staff.reject(room, "c0001", "x")) == "contestant_state"
    assert await refused(staff.withdraw(room, waiting, "x")) == "contestant_state"
    for unknown in ("c0002", "e999999", "x"):
        assert await refused(staff.approve(room, [waiting, unknown])) == "not_found"
        assert await refused(staff.review(room, unknown, "mark", "x")) == "not_found"
    for reason in ("", "  ", "x" * 201, "a\nb"):
        assert await refused(staff.withdraw(room, "c0001", reason)) == "bad_request"
        assert await refused(staff.review(room, "c0001", "mark", reason)) == "bad_request"
    assert (await house.standings(), await staff.list(room, tuple(ContestantState))) == before


async def test_a_closed_rooms_list_does_not_change(house: House) -> None:
    staff, room = house.contestants, house.room.id
    await house.opened()
    await staff.enter(room, [A])
    sent = await staff.sign_up(room, MemberId("ann"), B)
    await house.lifecycle.close(room)
    for work in (
        staff.enter(room, [B]),
        staff.approve(room, [f"e{sent.entry}"]),
        staff.reject(room, f"e{sent.entry}", "x"),
        staff.withdraw(room, "c0001", "x"),
    ):
        assert await refused(work) == "bad_state"


async def test_only_a_vote_has_contestants_and_a_draft_no_review(house: House) -> None:
    from tests.games.rains import rain

    other = await house.lifecycle.create("red_packet_rain", rain())
    for room in (other.id, RoomId("r999999")):
        assert await refused(house.contestants.enter(room, [A])) == "not_found"
        assert await refused(house.contestants.list(room, [PENDING])) == "not_found"
    await house.contestants.enter(house.room.id, [A])
    assert await refused(house.contestants.review(house.room.id, "c0001", "mark", "x")) == "bad_state"


async def test_a_list_that_could_not_be_brought_is_brought_with_the_next_order(
    house: House, redis: Redis
) -> None:
    """As after a crash between the transaction and the lane."""
    await house.opened()
    await redis.hset(house.lane.keys.room, "state", "rebuilding")
    await house.contestants.enter(house.room.id, [A])
    await redis.hset(house.lane.keys.room, "state", "open")
    assert await house.standings() == {}
    await house.contestants.enter(house.room.id, [B])
    assert list(await house.standings()) == ["c0001", "c0002"]
