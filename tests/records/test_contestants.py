import asyncio

import pytest

from gameserver.errors import Refused
from gameserver.games.game import MemberId, RoomId
from gameserver.records import contestants as record
from gameserver.records.contestants import (
    Contestant,
    ContestantState,
    Picture,
    Work,
    find_contestant,
    last_change,
    list_contestants,
    sign_up,
    signed_up,
)
from gameserver.records.database import Database
from tests.records.rooms import opened

PENDING, APPROVED = ContestantState.PENDING, ContestantState.APPROVED
REJECTED, WITHDRAWN = ContestantState.REJECTED, ContestantState.WITHDRAWN
ANN, BEN = MemberId("ann"), MemberId("ben")
WORK = Work(
    name="李雷",
    text="line\nline",
    group="门店",
    cover="/media/a.webp",
    thumb="/media/a-480.webp",
    media=(Picture("/media/b.webp", "/media/b-480.webp"),),
)


async def enter(engine: Database, room: RoomId, works: list[Work]) -> list[Contestant]:
    async with engine.begin() as connection:
        return await record.enter(connection, room, works)


async def decide(
    engine: Database, room: RoomId, entries: list[int], state: ContestantState, reason: str | None = None
) -> list[Contestant]:
    async with engine.begin() as connection:
        return await record.decide(connection, room, entries, state, reason)


@pytest.fixture
async def room(engine: Database) -> RoomId:
    made, _ = await opened(engine, {"packet": 1})
    return made.id


async def test_staffs_contestants_are_numbered_in_their_order(engine: Database, room: RoomId) -> None:
    first = await enter(engine, room, [WORK, Work(name="b")])
    more = await enter(engine, room, [Work(name=f"n{n}") for n in range(1200)])
    assert [one.id for one in first] == ["c0001", "c0002"]
    assert [one.number for one in more] == list(range(3, 1203))
    assert [one.work.name for one in more] == [f"n{n}" for n in range(1200)]
    assert (first[0].work, first[0].state, first[0].member) == (WORK, APPROVED, None)
    assert await list_contestants(engine, room) == first + more


async def test_numbers_are_given_once_whoever_enters_at_the_same_time(engine: Database, room: RoomId) -> None:
    parts = await asyncio.gather(*(enter(engine, room, [Work(name="x")] * 7) for _ in range(6)))
    assert sorted(one.number or 0 for part in parts for one in part) == list(range(1, 43))


async def test_more_than_can_be_numbered_are_refused_whole(engine: Database, room: RoomId) -> None:
    await enter(engine, room, [Work(name="x")] * 9000)
    with pytest.raises(Refused) as refused:
        await enter(engine, room, [Work(name="x")] * 1000)
    assert refused.value.code == "too_many_contestants"
    assert len(await list_contestants(engine, room)) == 9000


async def test_a_member_signs_up_once_and_again_after_a_rejection(engine: Database, room: RoomId) -> None:
    assert await signed_up(engine, room, ANN) is None
    sent = await sign_up(engine, room, ANN, WORK)
    assert (sent.state, sent.number, sent.id, sent.work) == (PENDING, None, None, WORK)
    with pytest.raises(Refused, match="signed_up"):
        await sign_up(engine, room, ANN, Work(name="other"))
    assert await signed_up(engine, room, ANN) == sent
    await decide(engine, room, [sent.entry], REJECTED, "blurred")
    again = await sign_up(engine, room, ANN, Work(name="other"))
    assert (again.entry, again.state, again.reason, again.work.name) == (sent.entry, PENDING, None, "other")
    assert again.work.media == ()


async def test_one_sign_up_of_many_at_once_is_taken(engine: Database, room: RoomId) -> None:
    tries = (sign_up(engine, room, ANN, Work(name=f"n{n}")) for n in range(8))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in results) == 7
    assert len(await list_contestants(engine, room, [PENDING])) == 1


async def test_a_number_comes_with_the_approval_and_stays(engine: Database, room: RoomId) -> None:
    ann, ben = [await sign_up(engine, room, member, WORK) for member in (ANN, BEN)]
    (approved,) = await decide(engine, room, [ben.entry], APPROVED)
    assert (approved.id, approved.state) == ("c0001", APPROVED)
    assert await decide(engine, room, [ben.entry], APPROVED) == []  # again changes nothing
    assert await find_contestant(engine, room, "c0001") == approved
    (gone,) = await decide(engine, room, [ben.entry], WITHDRAWN, "left")
    assert (gone.number, gone.reason) == (1, "left")
    assert [one.id for one in await decide(engine, room, [ann.entry, ben.entry], APPROVED)] == [
        "c0002",
        "c0001",
    ]
    assert [one.member for one in await list_contestants(engine, room)] == [BEN, ANN]


async def test_what_does_not_follow_from_a_state_is_refused_whole(engine: Database, room: RoomId) -> None:
    ann, ben = [await sign_up(engine, room, member, WORK) for member in (ANN, BEN)]
    await decide(engine, room, [ben.entry], APPROVED)
    before = await list_contestants(engine, room)
    for entries, state in (([ann.entry, ben.entry], REJECTED), ([ben.entry, ann.entry], WITHDRAWN)):
        with pytest.raises(Refused) as refused:
            await decide(engine, room, entries, state, "x")
        assert refused.value.code == "contestant_state"
    with pytest.raises(Refused, match="not_found"):
        await decide(engine, room, [ann.entry, 10**9], APPROVED)
    assert await list_contestants(engine, room) == before


async def test_an_entry_is_found_by_its_id_or_its_own_number(engine: Database, room: RoomId) -> None:
    sent = await sign_up(engine, room, ANN, WORK)
    assert await find_contestant(engine, room, f"e{sent.entry}") == sent
    (entered,) = await enter(engine, room, [WORK])
    assert await find_contestant(engine, room, "c0001") == entered
    for unknown in ("c1", "c00001", "c0002", "e0", "0001", "", "c", "c²", "e" + "9" * 30, "c0001'--", "\0"):
        with pytest.raises(Refused) as refused:
            await find_contestant(engine, room, unknown)
        assert refused.value.code == "not_found", unknown


async def test_every_change_of_the_list_raises_its_number(engine: Database, room: RoomId) -> None:
    seen = [await last_change(engine, room)]
    (entered,) = await enter(engine, room, [WORK])
    seen.append(await last_change(engine, room))
    await decide(engine, room, [entered.entry], WITHDRAWN, "x")
    seen.append(await last_change(engine, room))
    await decide(engine, room, [entered.entry], APPROVED)
    seen.append(await last_change(engine, room))
    assert seen == sorted(set(seen))


async def test_a_change_of_the_list_is_seen_whatever_sign_up_came_meanwhile(
    engine: Database, room: RoomId
) -> None:
    ann, ben = [await sign_up(engine, room, member, WORK) for member in (ANN, BEN)]
    await decide(engine, room, [ben.entry], REJECTED, "blurred")
    async with engine.begin() as connection:
        await record.decide(connection, room, [ann.entry], APPROVED)
        async with asyncio.timeout(20):
            again = await sign_up(engine, room, BEN, WORK)
        assert await last_change(engine, room) == 0  # what a cache would know from now on
    assert 0 < await last_change(engine, room) < again.change
