import asyncio
import hashlib
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.errors import Refused
from gameserver.fairness import canonical, commitment
from gameserver.games import games
from gameserver.games.game import RoomId
from gameserver.records.campaigns import create_campaign, get_campaign
from gameserver.records.database import Database
from gameserver.records.lanes import get_lanes, get_leases, open_lane
from gameserver.records.rooms import RoomState, get_room, list_rooms
from gameserver.staff.lifecycle import Lifecycle
from gameserver.store.keys import ROOMS_CHANNEL
from ledger_client.errors import LedgerAway
from ledger_client.terms import Caps, Terms
from tests.games.rains import grab, rain, scored
from tests.promises.world import World, world
from tests.rooms.pages import PATIENCE_SECONDS, unreachable
from tests.store.lanes import PlayedLane, server_ms, unpacked

RAIN = "red_packet_rain"
PRIZE = {"id": "mug", "name": "杯子", "kind": "physical", "stock": 7}


async def refused(call: Any, code: str) -> Refused:
    with pytest.raises(Refused) as error:
        await call
    assert error.value.code == code
    return error.value


async def test_a_draft_is_frozen_hashed_and_committed_to(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain(prizes=[PRIZE]))
        assert (draft.state, draft.opened_at, draft.points) == (RoomState.DRAFT, None, 0)
        assert draft.commitment == commitment(draft.seed)
        assert len(draft.seed) == 32
        rules = canonical({"game": RAIN, "config": draft.config})
        assert draft.rule_hash == hashlib.sha256(rules).hexdigest()
        again = await get_room(engine, draft.id)
        assert again == draft
        assert (
            hashlib.sha256(canonical({"game": RAIN, "config": again.config})).hexdigest() == draft.rule_hash
        )
        other = await here.lifecycle.create(RAIN, rain(prizes=[PRIZE]))
        assert other.rule_hash == draft.rule_hash
        assert other.seed != draft.seed
        assert await redis.keys("*") == []


async def test_its_own_campaign_is_funded_with_what_it_can_grant(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        for config, points in ((rain(), 1500), (scored([(1, 100), (2, 50)]), 600)):
            draft = await here.lifecycle.create(RAIN, config)
            assert (await get_campaign(engine, draft.campaign)).budget == points
            assert await here.ledger.fund(draft.campaign, 0) == points
            assert (await here.lifecycle.open(draft.id)).points == points


async def test_nothing_is_half_written_when_a_draft_is_refused(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        error = await refused(here.lifecycle.create(RAIN, rain(rounds=[])), "bad_config")
        assert set(error.fields or {}) == {"rounds"}
        await refused(here.lifecycle.create("chess", rain()), "unknown_game")
        await refused(here.lifecycle.create(RAIN, rain(), "c404"), "not_found")  # type: ignore[arg-type]
        assert await list_rooms(engine) == []
        async with engine.connect() as connection:
            for table in ("game.campaign", "ledger.entry", "ledger.posting"):
                count = await connection.exec_driver_sql(f"select count(*) from {table}")
                assert count.scalar_one() == 0, table


async def test_opening_lends_all_stock(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain(prizes=[PRIZE]))
        before = await server_ms(redis)
        room = await here.lifecycle.open(draft.id)
        assert room.state is RoomState.OPEN
        assert room.opened_at is not None
        assert before - 1000 <= room.opened_at <= await server_ms(redis) + 1000
        (lane,) = await get_lanes(engine, room.id)
        leases = [(x.prize, x.first_unit, x.last_unit, x.epoch) for x in await get_leases(engine, lane)]
        assert leases == [("mug", 1, 7, 1), ("packet", 1, 300, 1)]
        assert await PlayedLane(redis, room).stock() == {"mug": [0, 1, 7], "packet": [0, 1, 300]}


async def test_opening_takes_the_campaigns_caps_along(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        for caps, rule in ((Caps(), None), (Caps(day=12, year=100), {"day": 12, "year": 100})):
            draft = await here.lifecycle.create(RAIN, rain())
            await here.ledger.agree(draft.campaign, Terms(caps=caps))
            lane = PlayedLane(redis, await here.lifecycle.open(draft.id))
            assert unpacked((await lane.dump())["rule"]).get("points_caps") == rule
            assert await lane.store.capped() == (rule is not None)


async def test_nothing_is_opened_while_the_ledger_is_away(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain())
        away = Lifecycle(engine, redis, unreachable(), here.settlement.drain)
        with pytest.raises(LedgerAway):
            await away.open(draft.id)
        assert (await get_room(engine, draft.id)).state is RoomState.DRAFT
        assert await redis.keys("*") == []
        room = await here.lifecycle.open(draft.id)
        with pytest.raises(LedgerAway):
            await away.rebuild(room.id)
        assert await PlayedLane(redis, room).head("state") == "open"


@pytest.mark.parametrize("name", games())
async def test_every_game_can_be_opened_from_its_example(redis: Redis, engine: Database, name: str) -> None:
    async with world(engine, redis) as here:
        for config in (games()[name].example(), *(demo.config for demo in games()[name].demos())):
            room = await here.lifecycle.open((await here.lifecycle.create(name, config)).id)
            assert (await PlayedLane(redis, room).join("a")).state == "open"


async def test_opening_after_a_crash_between_record_and_store(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await crashed(here)
        opened = await here.lifecycle.open(lane.id)
        assert opened.opened_at == lane.opened_at
        assert (await PlayedLane(redis, opened).join("a")).state == "open"
        await refused(here.lifecycle.open(lane.id), "bad_state")


async def crashed(here: World) -> Any:
    """A room that was opened in the record, and then the process was killed."""
    draft = await here.lifecycle.create(RAIN, rain())
    room, _ = await open_lane(
        here.database,
        draft.id,
        opened_at=1_790_000_000_000,
        stock={"packet": 300},
        points=1500,  # type: ignore[dict-item]
    )
    return room


async def test_a_played_room_is_rebuilt_and_never_opened_anew(redis: Redis, engine: Database) -> None:
    """Opening it anew would sell its units a second time."""
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain())
        await lane.clock(lane.dues()[0])
        await lane.ask(grab(await lane.seat("a"), 1))
        await here.settle(lane)
        await redis.flushall()
        error = await refused(here.lifecycle.open(lane.record.id), "bad_state")
        assert f"room rebuild {lane.record.id}" in error.message
        assert await redis.keys("*") == []


async def test_two_who_open_at_once_open_once(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain())
        results = await asyncio.gather(
            *(here.lifecycle.open(draft.id) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results].count(Refused) == 2
        assert {result.code for result in results if isinstance(result, Refused)} == {"bad_state"}
        assert len(await get_lanes(engine, draft.id)) == 1


async def test_a_budget_that_is_too_small(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        campaign = await create_campaign(engine, "spring", 2999)
        first = await here.lifecycle.create(RAIN, rain(), campaign.id)
        second = await here.lifecycle.create(RAIN, rain(), campaign.id)
        await here.lifecycle.open(first.id)
        error = await refused(here.lifecycle.open(second.id), "budget_too_small")
        assert "1500" in error.message
        assert "1499" in error.message
        assert (await get_room(engine, second.id)).state is RoomState.DRAFT
        assert await get_lanes(engine, second.id) == []
        assert await redis.keys("{" + second.id + ".0}*") == []


async def test_pause_resume_and_close(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        lane = await here.open(RAIN, rain())
        await lane.clock(lane.dues()[0])
        seat, room = await lane.seat("a"), lane.record.id
        drop = iter(range(10))
        for change, state, code in (
            (here.lifecycle.pause, "paused", "paused"),
            (here.lifecycle.resume, "open", None),
            (here.lifecycle.pause, "paused", "paused"),
            (here.lifecycle.close, "closed", "closed"),
        ):
            changed = await change(room)
            assert changed.state == state
            result = (await lane.ask(grab(seat, next(drop))))[0]
            assert (result[1] if result[0] == 0 else None) == code
        assert (await get_room(engine, room)).closed_at


async def test_a_change_that_the_state_does_not_allow(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain())
        for change in (here.lifecycle.pause, here.lifecycle.resume, here.lifecycle.close):
            await refused(change(draft.id), "bad_state")
            await refused(change(RoomId("r404")), "not_found")
        await refused(here.lifecycle.open(RoomId("r404")), "not_found")
        await refused(here.lifecycle.rebuild(RoomId("r404")), "not_found")
        await here.lifecycle.open(draft.id)
        await refused(here.lifecycle.open(draft.id), "bad_state")
        await refused(here.lifecycle.resume(draft.id), "bad_state")
        await here.lifecycle.close(draft.id)
        for change in (
            here.lifecycle.open,
            here.lifecycle.pause,
            here.lifecycle.resume,
            here.lifecycle.close,
        ):
            await refused(change(draft.id), "bad_state")


async def test_every_process_is_told_of_a_change(redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        draft = await here.lifecycle.create(RAIN, rain())
        pubsub = redis.pubsub()
        await pubsub.subscribe(ROOMS_CHANNEL)
        assert (await pubsub.get_message(timeout=PATIENCE_SECONDS) or {})["type"] == "subscribe"
        verbs = here.lifecycle
        for change in (verbs.open, verbs.pause, verbs.resume, verbs.rebuild, verbs.close):
            await change(draft.id)
            message = await pubsub.get_message(timeout=PATIENCE_SECONDS)
            assert message is not None
            assert unpacked(message["data"]) == draft.id
        await pubsub.aclose()
