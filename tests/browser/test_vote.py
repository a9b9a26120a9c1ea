"""The vote in a real browser: five phones and a big screen at once, sign-up with a picture, limits."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from gameserver.engines import Engines
from gameserver.games import game_named
from gameserver.http import contestant_lists
from gameserver.records.contestants import ContestantState, Work
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import Room
from gameserver.staff.contestants import standings_of
from gameserver.store.lane import LaneStore
from tests.browser.phone import Phone, phone
from tests.browser.test_sheets import HAN, fits, sign_in
from tests.media.files import picture
from tests.node import Live, emptied, living

NAMES = ["Ann Lee", "Ben Ode", "Cara Moss", "Dan Fu", "Eve Wong", "Finn Ray"]
WIDE = {"width": 1920, "height": 1080}
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
async def live(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    url = tmp_path_factory.mktemp("media").as_uri()
    async with emptied(engines), living(engines, media_url=url) as live:
        yield live


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is read anew for every request, so that no test waits for it to grow old."""
    monkeypatch.setattr(contestant_lists, "FRESH_SECONDS", 0.0)


async def opened(live: Live, names: list[str] | None = None, **fields: Any) -> Room:
    limits = {"per_second": 1000, "burst": 1000}
    config = {"title": "Staff of the year", "organiser": "Members", "limits": limits, "ballots": {}, **fields}
    draft = await live.stores.lifecycle.create("vote", config)
    works = [Work(name=name, text=f"I am {name}.", group="") for name in (names or NAMES)]
    await live.stores.contestants.enter(draft.id, works)
    return await live.stores.lifecycle.open(draft.id)


def play(live: Live, room: Room, **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{live.url}/play/{room.id}?lang=en{more}"


@asynccontextmanager
async def screen(browser: Browser, url: str) -> AsyncIterator[Phone]:
    """A big screen; what is asked of a phone can be asked of it too."""
    wall = Phone(await browser.new_page(viewport=WIDE))
    await wall.page.goto(url)
    await wall.until("window.__game")
    yield wall
    await wall.page.close()


async def ready(seen: Phone, name: str = "Zoe") -> None:
    await seen.log_in(name)
    await until(seen, "ready")


async def until(seen: Phone, said: str) -> None:
    await seen.until(f"window.__game && (({{state}}) => state.{said})(window.__game)")


async def state(seen: Phone) -> dict[str, Any]:
    return dict(await seen.page.evaluate("window.__game.state"))


async def sound(*seen: Phone) -> None:
    """Every one of these pages is for everybody, fits, and speaks English."""
    for one in seen:
        await fits(one)
        assert set(HAN.findall(await one.page.evaluate("document.body.innerText"))) <= {"中文"}
        assert one.errors == []


def vote_for(seen: Phone, number: int) -> Locator:
    return seen.page.get_by_role("button", name=re.compile(f"(Vote for|Choose) number {number},"))


async def standing(live: Live, room: Room) -> list[list[Any]]:
    """The record's order, as the lane has it."""
    (lane,) = await get_lanes(live.stores.database, room.id)
    store = LaneStore(live.redis, game_named(room.game), room.id, lane.epoch, lane.lane)
    return [[id_, one.counted] for id_, one in (await standings_of(store)).items()]


async def test_five_phones_vote_and_the_screen_shows_the_records_order(live: Live, browser: Browser) -> None:
    room = await opened(live)
    async with AsyncExitStack() as stack:
        wall = await stack.enter_async_context(screen(browser, f"{live.url}/screen/{room.id}?lang=en"))
        phones = [await stack.enter_async_context(phone(browser, play(live, room))) for _ in range(5)]
        await asyncio.gather(*(ready(one, f"Member {at}") for at, one in enumerate(phones)))
        await until(wall, "known === 6")
        await sound(phones[0], wall)

        await vote_for(phones[0], 2).tap()
        assert (await state(phones[0]))["mine"]["c0002"] == 1  # before any answer
        await until(wall, "order[0][0] === 'c0002'")

        for number, voters in ((3, phones), (5, phones), (5, phones[:3])):
            await asyncio.gather(*(vote_for(one, number).tap() for one in voters))
        await until(wall, "votes === 14")
        assert (await state(wall))["order"] == await standing(live, room)
        assert (await state(wall))["order"][:3] == [["c0005", 8], ["c0003", 5], ["c0002", 1]]
        lines = wall.page.locator(".tops-lines li")
        await expect(lines.first).to_contain_text("Eve Wong")
        await expect(wall.page.locator(".lead-name")).to_have_text("Eve Wong")
        for one in phones:  # told by the tally, in a list that did not move
            await until(one, "votes.c0005 === 8")
            assert (await state(one))["contestants"] == [f"c000{number}" for number in range(1, 7)]
        await phones[4].page.get_by_role("button", name="Live ranking").tap()
        await expect(phones[4].page.locator(".rank-lines li").first).to_contain_text("Eve Wong")
        await sound(wall, phones[4])
        await phones[3].page.reload()
        await until(phones[3], "mine.c0005 === 1")

        await live.stores.lifecycle.close(room.id)
        final = phones[3].page.locator(".final li")
        await expect(final.first).to_contain_text("Eve Wong")
        await expect(wall.page.get_by_role("heading", name="Final ranking")).to_be_visible()
        assert [one.errors for one in (*phones, wall)] == [[]] * 6
        await fits(phones[3])


async def test_a_ballot_of_several_limits_and_what_is_left(live: Live, browser: Browser) -> None:
    ballots = {"per_day": 2, "per_contestant_per_day": 1, "choose_min": 2, "choose_max": 2}
    room = await opened(live, ballots=ballots)
    async with phone(browser, play(live, room), 360, 640) as member:
        await ready(member)
        await expect(member.page.get_by_text("2 ballots left today")).to_be_visible()
        await vote_for(member, 1).tap()
        send = member.page.get_by_role("button", name="Cast this ballot")
        await expect(send).to_have_attribute("aria-disabled", "true")
        await vote_for(member, 2).tap()
        await vote_for(member, 3).tap()
        await expect(member.page.locator(".told")).to_contain_text("too many")
        await sound(member)
        await send.tap()
        await until(member, "thanked")
        await expect(member.page.get_by_text("1 ballots left today")).to_be_visible()
        full = member.page.get_by_role("button", name=re.compile("Enough for today .* number 1,"))
        await expect(full).to_have_attribute("aria-disabled", "true")
        await vote_for(member, 3).tap()
        await vote_for(member, 4).tap()
        await send.tap()
        await until(member, "left.today === 0")
        await expect(member.page.get_by_text("No ballots left today")).to_be_visible()
        await member.page.reload()
        await until(member, "left.today === 0 && state.ready")
        await sound(member)


async def test_what_the_server_refuses_is_taken_back_with_the_reason(live: Live, browser: Browser) -> None:
    room, zoe = await opened(live, ballots={"total": 1}), await live.member("Zoe")
    async with phone(browser, play(live, room)) as member:
        await sign_in(live, member, zoe)
        await until(member, "ready")
        elsewhere = await live.join(room.id, zoe)
        assert (await elsewhere.ask("vote", choices=["c0001"]))["ev"] == "voted"
        await vote_for(member, 2).tap()  # this page knows nothing of the other one
        await until(member, "refused === 'ballot_limit' && state.underway === 0")
        await expect(member.page.locator(".told")).to_contain_text("You have used all your votes")
        assert (await state(member))["mine"]["c0002"] == 0
        await until(member, "votes.c0001 === 1")
        assert (await state(member))["votes"]["c0002"] == 0
        assert member.errors == []


async def test_sign_up_with_a_picture_approval_and_the_first_vote(
    live: Live, browser: Browser, tmp_path: Path
) -> None:
    room = await opened(live, signup={"media_max": 2, "text_max": 20}, groups=["Shops", "Office"])
    photo = tmp_path / "me.png"
    photo.write_bytes(picture(size=(300, 300)))
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"no picture at all")
    async with phone(browser, play(live, room)) as member:
        await ready(member, "Gus")
        await member.page.get_by_role("button", name="Sign up").tap()
        form = member.page.get_by_role("dialog")
        await form.get_by_label("Name or title").fill("")
        await form.get_by_label("Introduction").fill("far more than twenty characters")
        await form.get_by_role("button", name="Send my entry").tap()
        await expect(form.get_by_text("A name or a title is needed")).to_be_visible()
        await form.get_by_label("Name or title").fill("Gus Grey")
        await form.get_by_label("Introduction").fill("Always early")
        await form.get_by_label("Group").select_option("Office")
        await form.locator("input[type=file]").set_input_files([photo, fake])
        await expect(form.get_by_text("This picture cannot be read")).to_be_visible()
        await expect(form.get_by_text("retry it or remove it")).to_be_visible()
        await fits(member)
        await form.get_by_role("button", name="Remove picture 2").tap()
        await expect(form.get_by_text("Cover", exact=True)).to_be_visible()
        await form.get_by_role("button", name="Send my entry").tap()
        await expect(form).to_contain_text("waits for review")
        await fits(member)

        (waiting,) = await live.stores.contestants.list(room.id, [ContestantState.PENDING])
        await live.stores.contestants.approve(room.id, [f"e{waiting.entry}"])
        await expect(form).to_contain_text("you are number 7")
        await form.get_by_role("button", name="See my page").tap()
        person = member.page.get_by_role("dialog", name="Gus Grey")
        shown = person.get_by_role("img", name="Picture 1 of 1 of Gus Grey")
        await expect(shown).to_be_visible()
        assert await shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 300
        await person.get_by_role("button", name="Vote for number 7").tap()
        await until(member, "thanked && state.thanked[0] === 'c0007'")
        await fits(member)
        await person.get_by_role("button", name="Share a poster").tap()
        await expect(person.get_by_role("img", name="Poster of Gus Grey")).to_be_visible()
        assert dict(await standing(live, room))["c0007"] == 1
        # the browser logs what no entry and a refused picture answer: 404 and 4xx
        assert [line for line in member.errors if "status of 4" not in line] == []


async def test_a_review_is_shown_with_its_reason_and_all_numbers(live: Live, browser: Browser) -> None:
    room = await opened(live)
    async with (
        phone(browser, play(live, room, contestant="c0002")) as member,
        screen(browser, f"{live.url}/screen/{room.id}?lang=en") as wall,
    ):
        await ready(member)
        person = member.page.get_by_role("dialog", name="Ben Ode")
        await person.get_by_role("button", name="Vote for number 2").tap()
        await until(member, "votes.c0002 === 1")
        await live.stores.contestants.review(room.id, "c0002", "mark", "Too many at night")
        await expect(person).to_contain_text("Too many at night")
        await person.get_by_role("button", name="Vote for number 2").tap()
        await until(member, "mine.c0002 === 2 && state.underway === 0")
        assert (await state(member))["votes"]["c0002"] == 1
        sums = re.compile(r"2\s*Received.*1\s*Counted.*1\s*In review.*0\s*Removed", re.S)
        await expect(person.locator(".sums")).to_contain_text(sums)
        await expect(wall.page.locator(".tops-lines li").first).to_contain_text("In review")
        await sound(member, wall)
        await live.stores.contestants.review(room.id, "c0002", "remove", "One phone")
        await expect(person).to_contain_text("Last review: One phone")
        await member.page.go_back()
        await expect(person).to_be_hidden()


@pytest.mark.parametrize("results", ["after_voting", "at_end"])
async def test_results_stay_hidden_as_the_room_says(live: Live, browser: Browser, results: str) -> None:
    closes = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    room = await opened(live, results=results, closes_at=closes)
    async with (
        phone(browser, play(live, room), 360, 640) as member,
        screen(browser, f"{live.url}/screen/{room.id}?lang=en") as wall,
    ):
        await ready(member)
        await member.page.get_by_role("button", name="Live ranking").tap()
        hidden = "Cast your first ballot" if results == "after_voting" else "sealed until voting ends"
        await expect(member.page.get_by_text(hidden)).to_be_visible()
        await expect(member.page.get_by_text("Voting ends in")).to_be_visible()
        await sound(member)
        await member.page.get_by_role("button", name="Contestants", exact=True).tap()
        await vote_for(member, 1).tap()
        await until(member, "thanked")
        shows = results == "after_voting"
        assert (await state(member))["votes"]["c0001"] == (1 if shows else None)
        await until(wall, "ballots === 1")
        assert (await state(wall))["order"] == []
        await expect(wall.page.get_by_text("The ranking is sealed")).to_be_visible()
        await sound(wall)
        await live.stores.lifecycle.close(room.id)
        await until(wall, "open")
        assert (await state(wall))["order"][0] == ["c0001", 1]
        await expect(wall.page.locator(".tops-lines li").first).to_contain_text("Ann Lee")
        await expect(member.page.locator(".final li").first).to_contain_text("Ann Lee")
        assert member.errors == wall.errors == []


async def test_a_long_list_comes_in_pages_and_is_searched_and_ordered(live: Live, browser: Browser) -> None:
    room = await opened(live, [f"Runner {number:02}" for number in range(1, 71)])
    async with phone(browser, play(live, room), 360, 640) as member:
        await ready(member)
        assert len((await state(member))["contestants"]) == 30
        await member.page.locator(".entry").last.scroll_into_view_if_needed()
        await until(member, "contestants.length === 60")
        await member.page.get_by_role("searchbox").fill("Runner 65")
        await until(member, "contestants.join() === 'c0065'")
        await member.page.get_by_role("searchbox").fill("nobody")
        await expect(member.page.get_by_text("Nobody fits this search")).to_be_visible()
        await sound(member)
        await member.page.get_by_role("button", name="Show everybody").tap()
        await until(member, "total === 70")
        page = await live.join(room.id, await live.member())
        await page.ask("vote", choices=["c0042"])
        await member.page.get_by_role("button", name="Votes", exact=True).tap()
        await until(member, "contestants[0] === 'c0042'")
        await member.page.get_by_role("button", name="Random", exact=True).tap()
        await until(member, "order === 'random' && state.ready")
        assert (await state(member))["contestants"] != sorted((await state(member))["contestants"])


async def test_before_the_voting_there_is_a_countdown(live: Live, browser: Browser) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    room = await opened(live, voting_opens_at=at, signup={"media_max": 0})
    async with phone(browser, play(live, room)) as member:
        await ready(member)
        await expect(member.page.get_by_text("Sign-up is open")).to_be_visible()
        await expect(member.page.get_by_role("timer")).to_contain_text("1:59:")
        await expect(vote_for(member, 1)).to_have_attribute("aria-disabled", "true")
        await sound(member)
