import asyncio
import itertools
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage

from gameserver.app import port_is_free, secret_in
from gameserver.engines import Engines
from gameserver.errors import CloseCode
from gameserver.records.rooms import Room, RoomState, get_room
from tests.books import assert_paid
from tests.node import (
    LOOK_S,
    ROOT,
    Member,
    Served,
    Site,
    emptied,
    environment,
    free_port,
    living,
    serving,
)
from tests.page import Event, Page
from tests.store.lanes import server_ms

BOTS = 8
ANSWERS = 160
FAST = {"FRAMES_PER_SECOND": "100000"}


@pytest.fixture(autouse=True)
async def empty(engines: Engines) -> None:
    async with emptied(engines):
        pass


class Bot:
    """A member who taps without pause, comes back when the socket is lost, and resends what is unanswered."""

    def __init__(self, member: Member, room: Room) -> None:
        self.member = member
        self.room = room
        self.drops: dict[int, int] = {}  # by ref, as every following one
        self.answers: dict[int, Event] = {}
        self.session: str | None = None
        self.returns = 0

    async def play(self, site: Callable[[], Site], told: Callable[["Bot", Page], Awaitable[bool]]) -> None:
        """Taps until `told`, asked after each answer, says to stop."""
        while True:
            page = await self._join(site)
            try:
                await self._say_again(page)
                while not await told(self, page):
                    await self.tap(page, self.next(page))
            except ConnectionClosed:
                self.returns += 1
            else:
                return

    async def _join(self, site: Callable[[], Site]) -> Page:
        while True:
            try:
                page = await site().join(self.room.id, self.member, session=self.session)
            except (httpx.TransportError, OSError, ConnectionClosed, InvalidMessage):
                await asyncio.sleep(LOOK_S)  # as a page would, only sooner
            else:
                assert self.session in (None, page.session)
                self.session = page.session
                page.tapped.update(self.drops.values())
                return page

    async def _say_again(self, page: Page) -> None:
        """What was answered is answered alike; what was not is done now, once."""
        for ref in sorted(self.answers)[-4:]:
            assert await page.ask("grab", ref=ref, drop=self.drops[ref]) == self.answers[ref]
        for ref in sorted(self.drops.keys() - self.answers.keys()):
            await self.tap(page, ref)

    def next(self, page: Page) -> int:
        """The ref of another tap."""
        ref = len(self.drops) + 1
        self.drops[ref] = page.drops(1)[0]
        return ref

    async def tap(self, page: Page, ref: int) -> None:
        answer = await page.ask("grab", ref=ref, drop=self.drops[ref])
        assert answer["ev"] == "grabbed" or answer["code"] == "too_late", answer
        self.answers[ref] = answer


async def bots_of(site: Site, room: Room) -> list[Bot]:
    return [Bot(await site.member(f"bot {n}"), room) for n in range(BOTS)]


def counted(bots: list[Bot]) -> int:
    return sum(len(bot.answers) for bot in bots)


async def assert_all_paid(site: Site, room: Room, bots: list[Bot]) -> None:
    grants = await assert_paid(site, room, {bot.member.id: bot.answers.values() for bot in bots})
    assert len(grants) > ANSWERS  # play went on after the fault
    last = [await site.join(room.id, bot.member, session=bot.session) for bot in bots]
    for bot, page in zip(bots, last, strict=True):
        assert page.snapshot["game"]["points"] == sum(one.get("amount", 0) for one in bot.answers.values())


async def test_on_sigterm_every_command_that_was_sent_is_answered_before_the_socket_is_closed(
    engines: Engines,
) -> None:
    port = free_port()
    async with serving(engines, port, **FAST) as served:
        room = await served.open_room()
        members = [await served.member() for _ in range(20)]
        pages = [await served.join(room.id, member) for member in members]
        drops = [page.drops(8) for page in pages]
        for page, eight in zip(pages, drops, strict=True):
            for ref, drop in enumerate(eight, 1):
                await page.send("grab", ref=ref, drop=drop)
        stopping = asyncio.create_task(served.stop())
        assert set(await asyncio.gather(*(page.closed() for page in pages))) == {CloseCode.RESTART}
        assert await stopping in (0, -signal.SIGTERM)
        assert "Traceback" not in served.log.read_text()
    answers = [
        {event["re"]: event for event in page.heard if "re" in event and event["ev"] == "grabbed"}
        for page in pages
    ]
    assert [sorted(answered) for answered in answers] == [list(range(1, 9))] * len(pages)

    async with serving(engines, port, **FAST) as served:
        for member, page, eight, answered in zip(members, pages, drops, answers, strict=True):
            again = await served.join(room.id, member, session=page.session)
            assert again.session == page.session
            for ref, drop in enumerate(eight, 1):
                assert await again.ask("grab", ref=ref, drop=drop) == answered[ref]
            assert again.snapshot["game"]["points"] == 40
        shown = {member.id: answered.values() for member, answered in zip(members, answers, strict=True)}
        await assert_paid(served, room, shown)


@pytest.mark.parametrize("fault", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_is_ended_mid_round_and_started_again_loses_and_doubles_nothing(
    engines: Engines, fault: signal.Signals
) -> None:
    port = free_port()
    async with serving(engines, port, **FAST) as served:
        running: Served = served
        room = await served.open_room()
        bots = await bots_of(served, room)
        halfway, restarted = asyncio.Event(), asyncio.Event()

        async def told(_: Bot, __: Page) -> bool:
            if counted(bots) >= ANSWERS:
                halfway.set()
            return restarted.is_set() and counted(bots) >= 2 * ANSWERS

        playing = asyncio.gather(*(bot.play(lambda: running, told) for bot in bots))
        await halfway.wait()
        served.process.send_signal(fault)
        assert await asyncio.to_thread(served.process.wait) in (0, -fault)
        assert "Traceback" not in served.log.read_text()
        async with serving(engines, port, **FAST) as again:
            running = again
            restarted.set()
            await playing
            assert all(bot.returns for bot in bots)
            await assert_all_paid(again, room, bots)


async def test_dropped_sockets_mid_round_lose_and_double_nothing(engines: Engines) -> None:
    async with living(engines, frames_per_second=100_000) as live:
        room = await live.open_room()
        bots = await bots_of(live, room)
        turns = itertools.count()

        async def told(bot: Bot, page: Page) -> bool:
            if next(turns) % 5 == 0:
                # a command is on its way when the connection is lost
                ref = bot.next(page)
                await page.send("grab", ref=ref, drop=bot.drops[ref])
                await page.vanish()
            return counted(bots) >= 2 * ANSWERS

        await asyncio.gather(*(bot.play(lambda: live, told) for bot in bots))
        assert sum(bot.returns for bot in bots) > BOTS
        for bot in bots:  # the last of them may have left with a command on its way
            await bot.play(lambda: live, stop)
        await assert_all_paid(live, room, bots)


async def test_a_settlement_worker_that_is_killed_again_and_again_pays_once(engines: Engines) -> None:
    async with living(engines, settles=False, frames_per_second=100_000) as live:
        room = await live.open_room()
        bots = await bots_of(live, room)
        watch = await live.join(room.id, bots[0].member)
        ended = asyncio.Event()

        async def told(_: Bot, __: Page) -> bool:
            return ended.is_set()

        playing = asyncio.gather(*(bot.play(lambda: live, told) for bot in bots))
        for _ in range(3):
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gameserver", "settle", cwd=ROOT, env=environment(engines),
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            await watch.next(ev="settled")  # it is at work, and more is coming
            worker.kill()
            await worker.wait()
        ended.set()
        await playing
        await assert_all_paid(live, room, bots)


async def stop(_: Bot, __: Page) -> bool:
    return True


async def test_any_node_serves_any_member(engines: Engines) -> None:
    async with living(engines) as one, living(engines) as two:
        room = await one.open_room()
        here, there = await one.member("小红"), await two.member("小明")
        first, second = await one.join(room.id, here), await two.join(room.id, there)
        won = await first.grab()
        tally = await second.next(ev="tally", players=1)  # what happened at the other node
        assert tally["top"] == [{"name": "小*", "sum": 5}]
        await first.vanish()
        moved = await two.join(room.id, here, session=first.session)
        assert moved.session == first.session
        assert await moved.ask("grab", ref=1, drop=won["drop"]) == won
        answers = [await moved.grab(ref=2), await second.grab()]
        assert len({won["unit"], *(one["unit"] for one in answers)}) == 3
        await one.stores.lifecycle.pause(room.id)
        assert (await second.next(ev="room_changed"))["state"] == "paused"
        await assert_paid(one, room, {here.id: [won, answers[0]], there.id: [answers[1]]})


async def test_two_nodes_run_a_rooms_clock_as_one(engines: Engines) -> None:
    times = {"gap_ms": 500, "countdown_ms": 3000, "duration_ms": 5000}
    async with living(engines) as one, living(engines) as two:
        room = await one.open_room(ago_ms=7000, rounds=[times])
        pages = [await one.join(room.id, await one.member()), await two.join(room.id, await two.member())]
        for page in pages:
            closed = await page.next(ev="round_closed")
            assert closed["round"] == 0
            changed = await page.next(ev="room_changed")  # the room has ended by itself
            assert changed["state"] == "closed"
            await page.drained()
            assert [event for event in page.heard if event["ev"] != "tally"] == []
        assert (await get_room(one.stores.database, room.id)).state is RoomState.CLOSED


async def test_a_round_that_ended_while_no_server_ran_is_closed_by_the_next_one(engines: Engines) -> None:
    times = {"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 5000, "times": 3}
    port = free_port()
    async with serving(engines, port) as served:
        room = await served.open_room(ago_ms=5000, rounds=[times])
        assert room.opened_at
        page = await served.join(room.id, member := await served.member())
        won = await page.grab()
        served.kill()
        assert await page.closed() is None
        while await server_ms(served.redis) <= room.opened_at + 8000:
            await asyncio.sleep(LOOK_S)
    async with serving(engines, port) as served:
        again = await served.join(room.id, member, session=page.session, since=page.snapshot["v"])
        closed = await again.next(ev="round_closed")
        assert (closed["round"], closed["sum"], closed["place"]) == (0, 5, 1)
        await assert_paid(served, room, {member.id: [won]})


async def test_stores_that_go_away_under_an_idle_server_are_waited_for(engines: Engines) -> None:
    async with living(engines) as live:
        room = await live.open_room()
        page = await live.join(room.id, await live.member())
        await live.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert (await page.grab())["ev"] == "grabbed"


def test_a_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key = secret_in(tmp_path)
    assert len(key) >= 64
    assert secret_in(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_seen() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not port_is_free("127.0.0.1", taken.getsockname()[1])
    assert port_is_free("127.0.0.1", free_port())
