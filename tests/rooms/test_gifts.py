"""Plays that a member is given while their pages are open."""

from redis.asyncio import Redis

from tests.games.rains import rain, raining
from tests.rooms.pages import live
from tests.rooms.test_room import AGO, ONLY_PACKETS, drops_now, tap
from tests.store.test_chances import order


async def test_given_plays_are_told_at_once_to_every_page_of_the_member(redis: Redis) -> None:
    lane = await raining(redis, rain(chances={"free_per_day": 1}, **ONLY_PACKETS), ago=AGO)
    async with live(lane) as here:
        (page, session), (tablet, _) = await here.join("ann"), await here.join("ann")
        stranger, _ = await here.join("bob")
        (drop,) = await drops_now(lane, "ann")
        assert (await tap(page, session, 2, drop))["charge"]["free"] == 0
        # staff's orders come without the day, and the page is told what is left of it all the same
        await lane.ask(order(1, "give_chances", "ann", 9), order(2, "give_chances", "nobody", 1))
        told = {"ev": "charged", "charge": {"cost": 0, "left": 0, "free": 0, "extra": 9}}
        assert await page.event("charged") == await tablet.event("charged") == told
        await lane.ask(order(3, "give_chances", "bob", 1))
        assert (await stranger.event("charged"))["charge"]["extra"] == 1
        assert [len(one.named("charged")) for one in (page, tablet, stranger)] == [1, 1, 1]


async def test_a_room_that_counts_no_plays_tells_of_none(redis: Redis) -> None:
    lane = await raining(redis, rain(**ONLY_PACKETS), ago=AGO)
    async with live(lane) as here:
        page, session = await here.join("ann")
        await lane.ask(order(1, "give_chances", "ann", 9))
        (drop,) = await drops_now(lane, "ann")
        await tap(page, session, 2, drop)
        assert page.named("charged") == []
