"""The quiz in a real browser: a live one led from the big screen with five phones, and solo rounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from playwright.async_api import Browser, expect

from gameserver.http.tokens import Tokens
from gameserver.records.rooms import Room
from tests.browser.phone import Phone, phone
from tests.browser.test_sheets import HAN, stored_token
from tests.node import SECRET, Live

PATIENCE_MS = 20_000
PEAK = {
    "kind": "single",
    "text": "Which mountain is the highest?",
    "options": ["Everest", "K2", "Lhotse", "Makalu"],
    "right": 0,
    "explanation": "It is 8,848.86 m high.",
}
MOON = {"kind": "true_false", "text": "The moon shines by itself.", "right": False}
PRIMES = {
    "kind": "multiple",
    "text": "Which are primes?",
    "options": ["Two", "Four", "Five"],
    "right": [0, 2],
}
TIMES = {"kind": "order", "text": "From old to new", "options": ["Tang", "Song", "Ming", "Qing"]}
DOZEN = {"kind": "number", "text": "How many are a dozen?", "right": {"min": "12", "max": "12"}}
CAPITAL = {
    "kind": "text",
    "text": "The capital of France?",
    "right": ["Paris"],
    "explanation": "On the Seine.",
}
SIX = (PEAK, PRIMES, MOON, TIMES, DOZEN, CAPITAL)
TEAMS = [{"id": "red", "name": "Reds"}, {"id": "gold", "name": "Golds"}]


async def opened(live: Live, mode: dict[str, Any], questions: Any, **fields: Any) -> Room:
    limits = {"per_second": 100, "burst": 100}
    config = {"title": "Quiz night", "organiser": "Members", "limits": limits}
    config |= {"mode": mode, "questions": list(questions), **fields}
    room = await live.stores.lifecycle.create("quiz", config)
    return await live.stores.lifecycle.open(room.id)


async def open_live(live: Live, **mode: Any) -> Room:
    whole = {"kind": "live", "seconds_per_question": 120, "lead_ms": 500, **mode}
    return await opened(live, whole, (PEAK, MOON))


async def open_solo(live: Live, questions: Any, **mode: Any) -> Room:
    """A round of these questions in this order."""
    tagged = [{**question, "tags": [f"t{place}"]} for place, question in enumerate(questions)]
    draw = [{"tag": f"t{place}", "count": 1} for place in range(len(tagged))]
    whole = {"kind": "solo", "draw": draw, "seconds_per_question": 120, **mode}
    points = {"points_budget": 1000} if mode.get("points_per_right") else {}
    return await opened(live, whole, tagged, **points)


def host_link(live: Live, room: Room) -> str:
    return f"{live.url}/screen/{room.id}?lang=en#host={Tokens(SECRET).issue_host(room.id, 3600)}"


@asynccontextmanager
async def screen(browser: Browser, url: str) -> AsyncIterator[Phone]:
    """A big screen; what is asked of a phone can be asked of it too."""
    wall = Phone(await browser.new_page(viewport={"width": 1920, "height": 1080}))
    await wall.page.goto(url)
    await wall.until("window.__game")
    yield wall
    await wall.page.close()


async def until(seen: Phone, said: str) -> None:
    await seen.until(f"window.__game && window.__game.state.{said}")


async def all_until(phones: list[Phone], said: str) -> None:
    await asyncio.gather(*(until(one, said) for one in phones))


async def state(seen: Phone) -> dict[str, Any]:
    return dict(await seen.page.evaluate("window.__game.state"))


async def sound(*seen: Phone) -> None:
    """Every one of these pages is for everybody, fits, and speaks English."""
    for one in seen:
        assert await one.violations() == []
        assert await one.overflow() <= 0
        text = await one.page.evaluate("document.body.innerText")
        assert set(HAN.findall(text)) <= {"中文"}, text
        assert one.errors == []


async def tap(seen: Phone, name: str) -> None:
    await seen.page.get_by_role("button", name=name, exact=True).tap()


async def test_a_live_quiz_from_the_lobby_to_the_podium(live: Live, browser: Browser) -> None:
    room = await open_live(live, teams=TEAMS, tiers=[{"places": 1, "points": 300}])
    play = f"{live.url}/play/{room.id}?lang=en"
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(screen(browser, host_link(live, room)))
        assert "host=" not in host.page.url
        phones = [await stack.enter_async_context(phone(browser, play)) for _ in range(5)]
        for number, one in enumerate(phones):
            await one.log_in(f"Player {number}")
        await all_until(phones, "phase === 'lobby'")
        await sound(phones[0])
        for number, one in enumerate(phones):
            await one.page.locator(".team", has_text=TEAMS[number % 2]["name"]).tap()
        await all_until(phones, "team")
        await until(host, "joined === 5")
        await expect(host.page.get_by_text("Golds")).to_be_visible()
        await sound(host, phones[1])

        await host.page.keyboard.press("Space")
        await all_until(phones, "phase === 'question'")
        await sound(host, phones[0])
        for one, said in zip(phones[:4], ("Everest", "Everest", "K2", "Everest"), strict=True):
            await tap(one, said)
        await all_until(phones[:4], "phase === 'answered'")
        await until(host, "answered === 4")
        ends_at = (await state(phones[4]))["ends_at"]
        await asyncio.gather(phones[0].page.reload(), phones[4].page.reload())
        await until(phones[0], "phase === 'answered'")
        await until(phones[4], "phase === 'question'")
        assert (await state(phones[4]))["ends_at"] == ends_at
        await expect(phones[0].page.get_by_text("Locked in")).to_be_visible()
        await expect(phones[0].page.get_by_role("button", name="Everest")).to_have_attribute(
            "aria-pressed", "true"
        )
        await tap(phones[4], "Lhotse")
        await until(host, "answered === 5")
        await sound(phones[0])

        await host.page.keyboard.press("l")
        await all_until([host, *phones], "phase === 'locked'")
        await sound(host, phones[2])
        assert [(await state(one))["right"] for one in phones] == [None] * 5
        await host.page.keyboard.press("Enter")
        await all_until([host, *phones], "phase === 'reveal'")
        assert [(await state(one))["right"] for one in phones] == [True, True, False, True, False]
        assert (await state(host))["revealed"]["counts"] == [3, 1, 1, 0]
        await expect(phones[2].page.get_by_text(str(PEAK["explanation"]))).to_be_visible()
        await phones[1].page.reload()
        await until(phones[1], "phase === 'reveal' && window.__game.state.right")
        await sound(host, phones[0], phones[1], phones[2])

        await host.page.keyboard.press("ArrowRight")
        await all_until([host, *phones], "phase === 'ranking'")
        places = [(await state(one))["place"] for one in phones]
        assert sorted(places) == [1, 2, 3, 4, 5]
        leader = places.index(1)
        assert leader in (0, 1, 3)
        await phones[leader].page.reload()
        await until(phones[leader], "phase === 'ranking' && window.__game.state.place === 1")
        await sound(host, phones[leader])

        await host.page.get_by_role("button", name="Ask question 2").click()
        await all_until(phones, "phase === 'question'")
        for one in phones:
            await tap(one, "False" if one is phones[leader] else "True")
        await until(host, "answered === 5")
        await host.page.keyboard.press("l")
        await until(host, "phase === 'locked'")
        await host.page.keyboard.press("r")
        await until(host, "phase === 'reveal'")
        await sound(host)
        await host.page.keyboard.press("f")
        await expect(host.page.get_by_role("dialog")).to_be_visible()
        await host.page.keyboard.press("Escape")
        await expect(host.page.get_by_role("dialog")).to_have_count(0)
        assert (await state(host))["state"] == "reveal"
        await host.page.keyboard.press("f")
        await expect(host.page.get_by_role("dialog")).to_be_visible()
        await host.page.keyboard.press("Enter")
        await all_until([host, *phones], "phase === 'podium'")
        final = await state(phones[leader])
        assert (final["place"], final["finished"]["won"]) == (1, 300)
        await expect(phones[leader].page.get_by_text("300")).to_be_visible()
        await expect(host.page.locator(".qs-three .up")).to_have_count(3, timeout=PATIENCE_MS)
        await sound(host, *phones[:2])
        # nobody's result goes with the room
        await live.stores.lifecycle.close(room.id)
        await expect(host.page.get_by_text("Scan to see more")).to_be_visible()
        await expect(host.page.get_by_role("navigation", name="Host controls")).to_have_count(0)
        assert (await state(host))["host"] is False  # F is the full screen's key again
        await expect(host.page.locator(".qs-three .up")).to_have_count(3)
        await expect(phones[leader].page.get_by_text("300")).to_be_visible()
        await sound(host, phones[leader])
        won = await stored_token(phones[leader].page)
    prizes = (await live.http.get("/api/me/prizes", headers={"authorization": f"Bearer {won}"})).json()[
        "prizes"
    ]
    assert [prize["amount"] for prize in prizes] == [300]


async def test_a_question_locks_by_itself_and_a_second_host_follows(live: Live, browser: Browser) -> None:
    room = await open_live(live, seconds_per_question=3, survival=True)
    link = host_link(live, room)
    play = f"{live.url}/play/{room.id}?lang=en"
    async with (
        screen(browser, link) as host,
        screen(browser, link) as second,
        screen(browser, f"{live.url}/screen/{room.id}?lang=en") as plain,
        phone(browser, play, 360, 640) as member,
    ):
        await member.log_in("Ann")
        await until(member, "phase === 'lobby'")
        assert (await state(plain))["host"] is False
        await expect(plain.page.get_by_role("button", name="Lock")).to_have_count(0)
        await host.page.keyboard.press("Space")
        await all_until([host, second, plain, member], "state === 'locked'")
        await second.page.keyboard.press("Space")
        await all_until([host, second, plain, member], "phase === 'reveal'")
        await until(member, "watching === 'out'")
        await sound(member, plain)
        await host.page.reload()
        await until(host, "host && window.__game.state.phase === 'reveal'")
        await host.page.keyboard.press("h")
        await expect(host.page.get_by_role("dialog")).to_be_visible()
        await sound(host)
        await host.page.keyboard.press("h")
        await expect(host.page.get_by_role("dialog")).to_have_count(0)
        await host.page.get_by_role("button", name="Ranking K").click()
        await all_until([host, second, plain, member], "phase === 'ranking'")
        await host.page.keyboard.press("Space")
        await until(member, "phase === 'question'")
        await expect(member.page.get_by_text("cheer for the others")).to_be_visible()
        await sound(member)


async def put_in_order(member: Phone, wanted: list[str]) -> None:
    """The first by a finger on its handle, the others by their buttons."""
    lines = member.page.locator(".order-lines li")
    grip = await lines.filter(has_text=wanted[0]).locator(".order-grip").bounding_box()
    top = await lines.first.bounding_box()
    assert grip
    assert top
    touch = await member.page.context.new_cdp_session(member.page)
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    await touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in (0.5, 1.0):
        point = {"x": x, "y": y + (top["y"] + 10 - y) * part}
        await touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await expect(lines.first).to_contain_text(wanted[0])
    for place, text in enumerate(wanted):
        while text not in await lines.nth(place).inner_text():
            await member.page.get_by_role("button", name=f"Move up: {text}").tap()


async def test_a_solo_round_of_all_six_kinds_by_taps(live: Live, browser: Browser) -> None:
    room = await open_solo(live, SIX, points_per_right=10, pass_score=300, speed_bonus=True)
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await member.log_in("Ann")
        await until(member, "phase === 'start'")
        await sound(member)
        await tap(member, "Start")
        await until(member, "kind === 'single'")
        await sound(member)
        before = await state(member)
        await member.page.reload()
        await until(member, "phase === 'asked'")
        after = await state(member)
        assert (after["ends_at"], after["options"]) == (before["ends_at"], before["options"])
        await tap(member, "Everest")
        await until(member, "right === true")
        await sound(member)
        await member.page.get_by_role("button", name="Next question").tap()
        await until(member, "kind === 'multiple'")
        await tap(member, "Two")
        await tap(member, "Five")
        await sound(member)
        await tap(member, "Send answer")
        await until(member, "right === true")
        await until(member, "kind === 'true_false' && window.__game.state.phase === 'asked'")  # by itself
        await tap(member, "True")
        await until(member, "right === false")
        await sound(member)
        await member.page.get_by_role("button", name="Next question").tap()
        await until(member, "kind === 'order'")
        await put_in_order(member, ["Tang", "Song", "Ming", "Qing"])
        await sound(member)
        await tap(member, "Send answer")
        await until(member, "right === true")
        await member.page.get_by_role("button", name="Next question").tap()
        await until(member, "kind === 'number'")
        await member.page.get_by_label("Your answer").fill("twelve")
        await expect(member.page.get_by_role("button", name="Send answer")).to_be_disabled()
        await member.page.get_by_label("Your answer").fill("１２")
        await sound(member)
        await tap(member, "Send answer")
        await until(member, "right === true")
        await member.page.get_by_role("button", name="Next question").tap()
        await until(member, "kind === 'text'")
        await member.page.get_by_label("Your answer").fill("Lyon")
        await member.page.keyboard.press("Enter")
        await until(member, "right === false")
        await member.page.get_by_role("button", name="See the result").tap()
        await until(member, "phase === 'result'")
        result = (await state(member))["result"]
        assert (result["right"], result["passed"], result["points"]) == (4, True, 40)
        await expect(member.page.locator(".review-card")).to_have_count(2)  # the mistakes
        await expect(member.page.get_by_text("On the Seine.")).to_be_visible()
        await member.page.get_by_role("button", name="All 6").tap()
        await expect(member.page.locator(".review-card")).to_have_count(6)
        await sound(member)
        bearer = {"authorization": f"Bearer {await stored_token(member.page)}"}
        points = (await live.http.get("/api/me/points", headers=bearer)).json()
        assert points["available"] + points["pending"] == 40
        await member.page.reload()
        await until(member, "phase === 'start'")
        await member.page.get_by_role("button", name="See the last result").tap()
        await until(member, "phase === 'result'")
        await tap(member, "Play again")
        await until(member, "attempt === 2")


async def test_a_round_that_wins_a_prize_leads_to_its_form_or_code(live: Live, browser: Browser) -> None:
    mug = {"id": "mug", "name": "Mug", "kind": "physical", "stock": 1, "fallback": "cup", "claim_days": 5}
    cup = {"id": "cup", "name": "Cup", "kind": "physical", "stock": 1, "delivery": "on_site"}
    mode = {"kind": "solo", "draw": [{"count": 1}], "seconds_per_question": 120, "pass_prize": "mug"}
    room = await opened(live, mode, (MOON,), prizes=[mug, cup])
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await member.log_in("Ann")
        result, sheet = member.page.locator(".outcome"), member.page.get_by_role("dialog", name="My prizes")
        await tap(member, "Start")
        for said, button in (("give your address", "Give my address"), ("pick-up code", "My prizes")):
            await tap(member, "False")
            await member.page.get_by_role("button", name="See the result").tap()
            await expect(result).to_contain_text(said)
            await expect(result).to_contain_text("days")
            await sound(member)
            await result.get_by_role("button", name=button).tap()
            if button == "Give my address":
                await expect(sheet.get_by_role("form")).to_be_visible(timeout=PATIENCE_MS)
                await member.page.keyboard.press("Escape")
                await tap(member, "Play again")
        await expect(sheet.get_by_role("listitem").filter(has_text="Cup")).to_contain_text(
            "Show this code", timeout=PATIENCE_MS
        )
        await sound(member)


async def test_time_and_lives_run_out(live: Live, browser: Browser) -> None:
    room = await open_solo(live, (DOZEN, MOON), seconds_per_question=3, lives=1, pass_score=100)
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await member.log_in("Ann")
        await until(member, "phase === 'start'")
        await sound(member)
        await tap(member, "Start")
        await until(member, "right === false")
        await expect(member.page.get_by_text("Time is up")).to_be_visible()
        await member.page.get_by_role("button", name="See the result").tap()
        await until(member, "phase === 'result'")
        await expect(member.page.get_by_text("Out of lives")).to_be_visible()
        await sound(member)


async def test_with_feedback_at_the_end_nothing_is_told_before(live: Live, browser: Browser) -> None:
    room = await open_solo(live, (PEAK, MOON), feedback="end")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await member.log_in("Ann")
        await until(member, "phase === 'start'")
        await tap(member, "Start")
        await until(member, "kind === 'single'")
        await tap(member, "K2")
        await until(member, "kind === 'true_false'")
        assert (await state(member))["right"] is None
        await expect(member.page.get_by_text(str(PEAK["explanation"]))).to_have_count(0)
        await tap(member, "False")
        await until(member, "phase === 'result'")
        await expect(member.page.get_by_text(str(PEAK["explanation"]))).to_be_visible()
        assert (await state(member))["result"]["right"] == 1


async def test_a_host_link_that_has_run_out_goes_on_showing(live: Live, browser: Browser) -> None:
    room = await open_live(live)
    stale = Tokens(SECRET).issue_host(room.id, -60)
    async with screen(browser, f"{live.url}/screen/{room.id}?lang=en#host={stale}") as wall:
        await until(wall, "phase === 'lobby'")
        await until(wall, "host === false")
        await expect(wall.page.get_by_role("navigation", name="Host controls")).to_have_count(0)
