import pytest

from gameserver.errors import Refused
from gameserver.fairness import commitment
from gameserver.games.game import CampaignId, RoomId
from gameserver.records.campaigns import get_campaign
from gameserver.records.database import Database
from gameserver.records.rooms import RoomState, create_room, get_room, list_rooms, set_room_state
from tests.records.rooms import CONFIG, SEED, draft, opened


async def test_a_new_room_is_a_draft_that_shows_the_commitment_of_its_seed(engine: Database) -> None:
    room = await draft(engine)
    assert room.id.startswith("r")
    assert (room.state, room.config, room.opened_at) == (RoomState.DRAFT, CONFIG, None)
    assert (room.seed, room.commitment) == (SEED, commitment(SEED))
    assert await get_room(engine, room.id) == room
    assert (await get_campaign(engine, room.campaign)).budget == 1_000_000


async def test_what_does_not_exist_is_not_found(engine: Database) -> None:
    for wanted in (
        get_room(engine, RoomId("r0")),
        set_room_state(engine, RoomId("r0"), RoomState.PAUSED, 1),
        get_campaign(engine, CampaignId("c0")),
        create_room(engine, campaign=CampaignId("c0"), game="g", config={}, rule_hash="", seed=SEED),
    ):
        with pytest.raises(Refused) as refused:
            await wanted
        assert refused.value.code == "not_found"


async def test_rooms_are_listed_newest_first_by_state(engine: Database) -> None:
    rooms = [await draft(engine) for _ in range(3)]
    playing, _ = await opened(engine)
    assert [room.id for room in await list_rooms(engine)] == [playing.id, *(r.id for r in reversed(rooms))]
    assert await list_rooms(engine, [RoomState.OPEN]) == [playing]
    assert [room.id for room in await list_rooms(engine, [RoomState.DRAFT], limit=1)] == [rooms[2].id]


ALLOWED = {("open", "paused"), ("paused", "open"), ("open", "closed"), ("paused", "closed")}


@pytest.mark.parametrize("before", ["draft", "open", "paused", "closed"])
@pytest.mark.parametrize("after", ["draft", "open", "paused", "closed"])
async def test_only_the_drawn_ways_lead_from_state_to_state(
    engine: Database, before: str, after: str
) -> None:
    room = await draft(engine) if before == "draft" else (await opened(engine))[0]
    if before in ("paused", "closed"):
        await set_room_state(engine, room.id, RoomState(before), 5)
    if (before, after) in ALLOWED:
        changed = await set_room_state(engine, room.id, RoomState(after), 7)
        assert changed == await get_room(engine, room.id)
        assert (changed.state, changed.closed_at) == (after, 7 if after == "closed" else None)
    else:
        with pytest.raises(Refused) as refused:
            await set_room_state(engine, room.id, RoomState(after), 7)
        assert refused.value.code == "bad_state"
        assert (await get_room(engine, room.id)).state == before
