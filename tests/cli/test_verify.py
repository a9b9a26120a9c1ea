import msgspec

from gameserver.records.rooms import RoomState, get_room
from gameserver.store.keys import LaneKeys
from tests.books import settled
from tests.cli.typed import run_here
from tests.node import Live


async def test_verify_says_that_all_agrees_or_names_both_numbers_and_pauses(
    variables: dict[str, str], live: Live
) -> None:
    room, other = await live.open_room(), await live.open_room()
    page = await live.join(room.id, await live.member())
    for _ in range(3):
        await page.grab()
    await settled(live, room)
    agreed = await run_here(variables, "verify", room.id)
    # epoch; three numbers of one prize; entries and points
    assert (agreed.code, agreed.out) == (0, "all 6 checks of 1 rooms agree\n")

    key = LaneKeys(room.id).stock
    _, next_unit, last = msgspec.msgpack.decode(await live.redis.hget(key, "packet") or b"")
    await live.redis.hset(key, "packet", msgspec.msgpack.encode([1004, next_unit, last]))
    found = await run_here(variables, "verify")
    assert found.code == 1
    heading, line = found.out.strip().splitlines()
    assert heading.split() == ["check", "room", "of", "expected", "found"]
    assert line.split() == ["units", "granted", "by", "Redis", room.id, "packet", "3", "1,004"]
    assert (await get_room(live.stores.database, room.id)).state is RoomState.OPEN

    paused = await run_here(variables, "verify", "--all", "--pause")
    assert (paused.code, paused.out.splitlines()[2:]) == (1, [f"{room.id} is paused"])
    assert (await page.next(ev="room_changed"))["state"] == "paused"
    assert (await get_room(live.stores.database, other.id)).state is RoomState.OPEN
    assert (await run_here(variables, "verify", other.id)).code == 0


async def test_verify_of_a_room_that_is_unknown_or_a_draft_is_one_clear_line(
    variables: dict[str, str], live: Live
) -> None:
    draft = await live.stores.lifecycle.create("red_packet_rain", (await live.open_room()).config)
    unknown, never = (
        await run_here(variables, "verify", "r999999"),
        await run_here(variables, "verify", draft.id),
    )
    assert unknown.error == "not_found: there is no room 'r999999'"
    assert never.error == f"bad_state: room {draft.id} has never been opened"
