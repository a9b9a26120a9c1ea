import asyncio
from collections.abc import AsyncIterator

import pytest

from gameserver.engines import Engines
from gameserver.errors import Refused
from gameserver.figures import figures_of
from gameserver.games.game import RoomId
from gameserver.records.figures import saved_figures
from gameserver.rooms import attendance
from gameserver.rooms.attendance import Attendance
from gameserver.store.figures import FigureStore
from gameserver.store.redis import connect
from tests.node import GAME, Live, Member, emptied, living, member_token


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attendance, "EVERY_S", 3600)  # the tests tell the store when it is time
        async with emptied(engines), living(engines, demo=False) as live:
            yield live


def someone(name: str) -> Member:
    return Member(member_token(sub=name, name=name), name, name)


async def test_members_are_counted_once_and_who_only_watches_is_not(live: Live) -> None:
    room = await live.open_room()
    ann, ben = someone("ann"), someone("ben")
    for member in (ann, ann, ben, None):
        await live.join(room.id, member)
    await live.node._attendance.tell()
    (most,) = figures_of(await FigureStore(live.redis).of(room.id)).online.values()
    assert most == 2
    await live.hang_up()


async def test_pages_of_a_room_are_counted_by_id_and_by_the_games_name(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await live.open_room()
    counts = live.node._attendance
    monkeypatch.setattr(attendance, "MOST_NAMES", 4)
    for name in (room.id, GAME, "r999999", "../etc"):
        counts.viewed(name, "wechat")
    counts.viewed("one name too many", "wechat")
    counts.viewed(room.id, "browser")
    assert len(counts._views) == 4
    await counts.tell()
    await counts.tell()
    assert figures_of(await FigureStore(live.redis).of(room.id)).views == {"wechat": 2, "browser": 1}
    assert await live.redis.keys("*999999*") == []


@pytest.mark.parametrize(
    ("headers", "channel"),
    [
        ({}, "browser"),
        ({"user-agent": "Mozilla/5.0 MicroMessenger/8.0"}, "wechat"),
        ({"sec-fetch-dest": "iframe"}, "embed"),
    ],
)
async def test_a_page_that_is_asked_for_counts_in_its_channel(
    live: Live, headers: dict[str, str], channel: str
) -> None:
    counts = live.node._attendance
    await counts.tell()
    await live.http.get("/play/nowhere", headers=headers)
    await live.http.get("/", headers=headers)
    await live.http.get("/screen/nowhere", headers=headers)
    assert counts._views.pop("nowhere") == {channel: 1}
    assert counts._views == {}


async def test_what_was_counted_outlives_a_rebuild_and_is_kept_at_the_end(live: Live) -> None:
    room = await live.open_room()
    member = someone("eve")
    page = await live.join(room.id, member)
    refused = await page.ask("grab", drop=1999)
    counts = live.node._attendance
    counts.viewed(room.id, "browser")
    await counts.tell()
    await live.hang_up()
    await live.stores.lifecycle.rebuild(RoomId(room.id))
    await live.stores.lifecycle.close(room.id)
    saved = await saved_figures(live.stores.database, room.id)
    kept = figures_of(saved)
    assert kept.refused[refused["code"]] == 1
    assert kept.views == {"browser": 1}
    assert list(kept.online.values()) == [1]
    assert figures_of(saved, await FigureStore(live.redis).of(room.id)) == kept


async def test_pages_that_come_in_while_counts_are_told_are_not_lost(live: Live) -> None:
    room = await live.open_room()
    counts = live.node._attendance
    for _ in range(50):
        counts.viewed(room.id, "browser")
        telling = asyncio.ensure_future(counts.tell())
        await asyncio.sleep(0)
        counts.viewed(room.id, "browser")
        await telling
    await counts.tell()
    assert figures_of(await FigureStore(live.redis).of(room.id)).views == {"browser": 100}


async def test_a_store_that_is_away_is_told_when_it_is_back(live: Live) -> None:
    room = await live.open_room()
    away = connect("redis://127.0.0.1:1")
    counts = Attendance(live.node._hub, FigureStore(away))
    counts.viewed(room.id, "browser")
    with pytest.raises(Refused):
        await counts.tell()
    counts._figures = FigureStore(live.redis)
    await counts.tell()
    assert figures_of(await FigureStore(live.redis).of(room.id)).views == {"browser": 1}
    await away.aclose()
