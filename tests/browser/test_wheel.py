"""The lottery wheel in a real browser: every skin by hand, what is said when no play is left, the screen."""

import pytest
from playwright.async_api import Browser, Page, expect

from gameserver.http.tokens import Tokens
from gameserver.records.rooms import Room
from tests.browser.phone import Phone, phone
from tests.browser.test_purse import with_points
from tests.browser.test_sheets import HAN, fits, sign_in, stored_token
from tests.node import SECRET, Live

PATIENCE_MS = 20_000
MUG = {"id": "mug", "name": "Mug", "kind": "physical", "value": 3900, "stock": 60, "weight": 1}
TEA = {
    "id": "tea",
    "name": "Tea",
    "kind": "points",
    "value": 20,
    "stock": 500,
    "weight": 0,
    "fallback": "none",
}
NONE = {"id": "none", "name": "Next time", "kind": "none", "weight": 0}
ALWAYS_A_MUG = [{**MUG, "fallback": "none"}, TEA, NONE]
NEVER = [{**MUG, "weight": 0, "fallback": "none"}, TEA, {**NONE, "weight": 1}]

TARGETS = {
    "wheel": ".wheel-hub",
    "grid": ".grid9-go",
    "egg": "[aria-label='Smash golden egg 3']",
    "flip": "[aria-label='Flip card 5']",
    "slot": "[aria-label='Pull the lever']",
    "blind_box": "[aria-label='Open the lucky bag']",
}
OPENED = {"egg": ".egg:nth-of-type(3).open", "flip": ".flip:nth-of-type(5).open"}


async def opened(live: Live, **fields: object) -> Room:
    config = {"title": "Lucky day", "organiser": "Members", "prizes": ALWAYS_A_MUG, **fields}
    room = await live.stores.lifecycle.create("lottery_wheel", config)
    return await live.stores.lifecycle.open(room.id)


async def ready(member: Phone, name: str = "Ann") -> None:
    await member.log_in(name)
    await member.until("window.__game && window.__game.state.ready")


async def until_shown(member: Phone) -> None:
    await member.until("window.__game.state.phase === 'shown'")


async def rub(page: Page) -> None:
    """A finger that rubs over the scratch card from edge to edge."""
    box = await page.locator(".scratch-foil").bounding_box()
    assert box is not None
    touch = await page.context.new_cdp_session(page)
    places = [
        (box["x"] + box["width"] * across, box["y"] + box["height"] * (0.1 + 0.16 * row))
        for row in range(6)
        for across in (0.05, 0.35, 0.65, 0.95)[:: -1 if row % 2 else 1]
    ]
    for step, (x, y) in enumerate(places):
        kind = "touchMove" if step else "touchStart"
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("appearance", ["wheel", "grid", "scratch", "egg", "flip", "slot", "blind_box"])
async def test_every_skin_is_played_by_hand_and_the_win_is_in_my_prizes(
    live: Live, browser: Browser, appearance: str
) -> None:
    room = await opened(live, appearance=appearance)
    size = (360, 640) if appearance in ("grid", "slot", "flip") else (390, 844)
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", *size) as member:
        await ready(member)
        await fits(member)
        if appearance == "scratch":
            await rub(member.page)
        else:
            await member.page.locator(TARGETS[appearance]).tap()
        assert await member.page.evaluate("window.__game.state.phase") != "idle"  # before any answer
        await until_shown(member)
        assert await member.page.evaluate("window.__game.state.results.map((one) => one.prize)") == ["mug"]
        result = member.page.get_by_role("dialog", name="You won")
        await expect(result).to_contain_text("Mug")
        await fits(member)
        if appearance in OPENED:  # the very one that was chosen
            await expect(member.page.locator(OPENED[appearance])).to_be_visible()
        await result.get_by_role("button", name="Give my address").click()  # a tap right after a rub is lost
        sheet = member.page.get_by_role("dialog", name="My prizes")
        await expect(sheet.get_by_role("listitem")).to_have_count(1, timeout=PATIENCE_MS)
        await expect(sheet).to_contain_text("Mug")
        assert member.errors == []


async def test_a_skin_is_played_by_keyboard_and_at_rest_for_who_wants_less_motion(
    live: Live, browser: Browser
) -> None:
    room = await opened(live, appearance="scratch")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await member.page.emulate_media(reduced_motion="reduce")
        await ready(member)
        await member.page.get_by_role("button", name="Scratch it all").focus()
        await member.page.keyboard.press("Enter")
        await expect(member.page.get_by_role("dialog", name="You won")).to_be_visible()
        await expect(member.page.get_by_text("You won Mug", exact=True)).to_be_attached()  # read out
        await member.page.keyboard.press("Escape")
        await member.until("window.__game.state.phase === 'idle'")
        assert member.errors == []


async def test_ten_draws_are_one_answer_with_a_list_and_as_many_prizes(live: Live, browser: Browser) -> None:
    room = await opened(live, ten_draw=True, chances={"free_total": 12})
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        ten = member.page.get_by_role("button", name="Draw ten")
        await ten.tap()
        await until_shown(member)
        result = member.page.get_by_role("dialog", name="Ten draws")
        await expect(result.get_by_role("listitem")).to_have_count(10)
        await expect(result).to_contain_text("10 wins in 10")
        await fits(member)
        token = await stored_token(member.page)
        won = (await live.http.get("/api/me/prizes", headers={"authorization": f"Bearer {token}"})).json()
        assert len({prize["unit"] for prize in won["prizes"]}) == 10
        await member.page.keyboard.press("Escape")
        await expect(member.page.get_by_text("2 plays left")).to_be_visible()
        await expect(ten).to_contain_text("Needs 10 chances")
        await expect(result).to_have_count(0)  # a forced tap hits what leaves
        await ten.tap(force=True)
        assert await member.page.evaluate("window.__game.state.phase") == "idle"
        # given from outside while the page is open
        ann = Tokens(SECRET).verify(f"Bearer {token}").id
        await live.stores.orders.give(room.id, "give_chances", [ann, 8])
        await expect(member.page.get_by_text("10 plays left")).to_be_visible()
        await expect(ten).not_to_contain_text("Needs 10 chances")
        await ten.tap()
        await until_shown(member)
        assert await member.page.evaluate("window.__game.state.plays") == 20
        assert member.errors == []


async def test_who_has_no_play_left_is_told_and_the_wheel_goes_back(live: Live, browser: Browser) -> None:
    room = await opened(live, prizes=NEVER, chances={"free_total": 1})
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await ready(member)
        hub = member.page.locator(".wheel-hub")
        await hub.tap()
        await until_shown(member)
        await expect(member.page.get_by_role("dialog", name="Thank you")).to_be_visible()
        await member.page.keyboard.press("Escape")
        await expect(member.page.get_by_text("No plays left").first).to_be_visible()
        rested = await member.page.locator(".wheel-disc").evaluate("(disc) => disc.style.transform")
        await hub.tap()
        await member.until("window.__game.state.refused === 'no_chance_left'")
        assert await member.page.evaluate("[window.__game.state.phase, window.__game.state.plays]") == [
            "idle",
            1,
        ]
        await member.until(
            "((was) => document.querySelector('.wheel-disc').style.transform === was)"
            f"({rested!r}) || window.__game.state.phase !== 'idle'"
        )
        await fits(member)
        await member.page.get_by_role("button", name="See when you can play again").tap()
        why = member.page.get_by_role("dialog", name="Why can I not play?")
        await expect(why).to_contain_text("no plays left", ignore_case=True)
        assert member.errors == []


async def test_when_the_last_prize_is_gone_the_page_says_so_after_the_result(
    live: Live, browser: Browser
) -> None:
    room = await opened(live, prizes=[{**MUG, "stock": 1, "fallback": "none"}, NONE], appearance="blind_box")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        await member.page.locator(TARGETS["blind_box"]).tap()
        await expect(member.page.get_by_role("dialog", name="You won")).to_be_visible(timeout=PATIENCE_MS)
        gone = member.page.get_by_role("heading", name="All prizes are gone")
        await expect(gone).to_be_hidden()
        await member.page.keyboard.press("Escape")
        await expect(gone).to_be_visible()
        await member.page.get_by_role("button", name="Stay and watch").tap()
        await expect(member.page.locator(".shelf")).to_contain_text("All gone")
        await fits(member)
        assert member.errors == []


async def test_a_play_that_costs_is_asked_for_first(live: Live, browser: Browser) -> None:
    room = await opened(live, chances={"free_total": 1, "cost_points": 5})
    member = await with_points(live, "Ann")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as visitor:
        await sign_in(live, visitor, member)
        await visitor.until("window.__game && window.__game.state.ready")
        await expect(visitor.page.get_by_text("Then 5 points a play")).to_be_visible()
        await visitor.page.get_by_role("button", name="Spin", exact=True).tap()
        await until_shown(visitor)
        question = visitor.page.get_by_role("dialog", name="No free plays left")
        await expect(question).to_be_hidden()  # not before the result was looked at
        await visitor.page.keyboard.press("Escape")
        await question.get_by_role("button", name="Agree and play on").tap()
        await visitor.page.get_by_role("button", name="Spin", exact=True).tap()
        await until_shown(visitor)
        assert await visitor.page.evaluate("window.__game.state.plays") == 2
        assert (await live.stores.ledger.balance(member.id)).held > 0
        assert visitor.errors == []


async def test_a_reload_in_mid_spin_shows_what_was_won_and_counts_it_once(
    live: Live, browser: Browser
) -> None:
    room = await opened(live, chances={"free_total": 1})
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await ready(member)
        await member.page.locator(".wheel-hub").tap()
        await member.page.reload()
        await member.until("window.__game && window.__game.state.plays === 1")
        await member.page.keyboard.press("Escape")
        await expect(member.page.locator(".mine").get_by_role("listitem")).to_have_count(1)
        assert member.errors == []


async def test_english_pages_have_no_chinese_and_the_rules_say_every_odd(
    live: Live, browser: Browser
) -> None:
    gold = {"match": "any_of", "levels": ["gold"]}
    room = await opened(
        live,
        prizes=[
            {**MUG, "weight": 1, "per_member": 2, "unlock_after": 3, "fallback": "tea"},
            {**TEA, "weight": 999},
            NONE,
        ],
        pools=[{"audience": gold, "weights": {"mug": 1, "tea": 3}}],
        pity={"after": 9, "prizes": ["tea"]},
    )
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        await expect(member.page.get_by_text("Opens in 3 plays")).to_be_attached()
        assert HAN.findall(await member.page.inner_text("body")) == ["中文"]
        await member.page.get_by_role("button", name="Rules").tap()
        rules = member.page.get_by_role("dialog", name="Rules")
        for words in (
            "0.1%",
            "99.9%",
            "gold",
            "Mug 25%, Tea 75%",
            "At most 2 for each member",
            "After 9 plays",
        ):
            await expect(rules).to_contain_text(words)
        assert HAN.findall(await rules.inner_text()) == []
        await fits(member)
        assert member.errors == []


async def test_the_largest_letters_fit(live: Live, browser: Browser) -> None:
    room = await opened(live, appearance="grid", ten_draw=True, title="会员日幸运大抽奖")
    async with phone(browser, f"{live.url}/play/{room.id}", 360, 640) as member:
        await ready(member, "小明")
        await member.page.add_style_tag(content="html { -webkit-text-size-adjust: 160% !important }")
        assert await member.overflow() <= 0
        await member.page.locator(".grid9-go").tap()
        await until_shown(member)
        assert await member.overflow() <= 0
        assert member.errors == []


async def test_the_big_screen_shows_who_won_masked_and_what_is_left(live: Live, browser: Browser) -> None:
    room = await opened(live, ten_draw=True)
    for width, height in ((1920, 1080), (3840, 2160)):
        context = await browser.new_context(viewport={"width": width, "height": height})
        shown = Phone(await context.new_page())
        await shown.page.goto(f"{live.url}/screen/{room.id}?lang=en")
        await expect(shown.page.get_by_label(f"/play/{room.id}")).to_be_visible()
        if width == 1920:
            await expect(shown.page.get_by_text("60 / 60")).to_be_visible()
            page = await live.join(room.id, await live.member("赵钱孙"))
            assert len((await page.ask("spin", times=10))["results"]) == 10
            await expect(shown.page.locator(".draws-winners").get_by_text("赵*孙").first).to_be_visible()
        await expect(shown.page.get_by_text("50 / 60")).to_be_visible(timeout=PATIENCE_MS)
        await fits(shown)
        assert shown.errors == []
        await context.close()
