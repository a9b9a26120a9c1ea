"""What follows a win or stands before a play, on a phone: an address, a parcel, and why one cannot play."""

import time

from playwright.async_api import Browser, expect

from gameserver.games.game import PrizeId
from gameserver.personal import Place
from gameserver.records.handover import redeem
from gameserver.staff.fulfilment import ship_one
from tests.browser.phone import phone
from tests.browser.test_sheets import fits, stored_token
from tests.browser.test_wheel import ALWAYS_A_MUG, MUG, opened, ready, until_shown
from tests.node import Live

PATIENCE_MS = 20_000


def now() -> int:
    return time.time_ns() // 1_000_000


async def test_an_address_is_given_and_the_parcel_comes(live: Live, browser: Browser) -> None:
    room = await opened(live, appearance="grid")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        await member.page.locator(".grid9-go").tap()
        await until_shown(member)
        unit = await member.page.evaluate("window.__game.state.results[0].unit")
        won = member.page.get_by_role("dialog", name="You won")
        await won.get_by_role("button", name="Give my address").tap()
        sheet = member.page.get_by_role("dialog", name="My prizes")
        form = sheet.get_by_role("form")
        await expect(form).to_be_visible(timeout=PATIENCE_MS)
        await fits(member)
        for field, typed in (
            ("name", "Ann"),
            ("phone", "123"),
            ("region", "Shanghai"),
            ("address", "1 Bund"),
        ):
            await form.locator(f"[name={field}]").fill(typed)
        await form.get_by_role("button", name="Save the address").tap()
        await expect(form.locator("[name=phone][aria-invalid=true]")).to_be_focused()
        await form.locator("[name=phone]").fill("13812341234")
        await form.get_by_role("button", name="Save the address").tap()
        await expect(sheet).to_contain_text("Address saved")
        await expect(sheet).to_contain_text("138****1234")
        await expect(sheet).not_to_contain_text("13812341234")
        await fits(member)
        parcel = Place(room.id, PrizeId("mug"), unit)
        await ship_one(live.stores.database, parcel, "SF", "SF123", staff="ben", at=now())
        await member.page.reload()
        await member.page.get_by_role("navigation").get_by_role("button", name="My prizes").click()
        await expect(sheet).to_contain_text("SF123")
        await fits(member)
        assert [error for error in member.errors if "422" not in error] == []


async def test_why_one_cannot_play_and_until_when(live: Live, browser: Browser) -> None:
    prizes = [{**MUG, "fallback": "none"}, *ALWAYS_A_MUG[1:]]
    room = await opened(live, appearance="grid", prizes=prizes, chances={"free_per_day": 1})
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        await expect(member.page.get_by_role("button", name="1 plays left")).to_be_visible()
        await member.page.locator(".grid9-go").tap()
        await until_shown(member)
        await member.page.keyboard.press("Escape")
        await member.page.get_by_role("button", name="0 plays left").tap()
        sheet = member.page.get_by_role("dialog", name="Why can I not play?")
        await expect(sheet.get_by_role("timer")).to_be_visible()
        await expect(sheet).to_contain_text("(GMT+8)")
        await fits(member)
        assert member.errors == []


async def test_a_code_for_the_spot_is_shown_and_redeemed_once(live: Live, browser: Browser) -> None:
    prizes = [{**MUG, "fallback": "none", "delivery": "on_site"}, *ALWAYS_A_MUG[1:]]
    room = await opened(live, appearance="grid", prizes=prizes)
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await ready(member)
        await member.page.locator(".grid9-go").tap()
        await until_shown(member)
        await member.page.keyboard.press("Escape")
        await member.page.get_by_role("navigation").get_by_role("button", name="My prizes").click()
        sheet = member.page.get_by_role("dialog", name="My prizes")
        token = await stored_token(member.page)
        bearer = {"authorization": f"Bearer {token}"}
        await expect(sheet).to_contain_text("To pick up", timeout=PATIENCE_MS)
        (won,) = (await live.http.get("/api/me/prizes", headers=bearer)).json()["prizes"]
        await expect(sheet).to_contain_text(won["redemption_code"])
        await fits(member)
        await redeem(live.stores.database, won["redemption_code"], staff="ben", at=now())
        await member.page.reload()
        await member.page.get_by_role("navigation").get_by_role("button", name="My prizes").click()
        await expect(sheet).to_contain_text("Picked up", timeout=PATIENCE_MS)
        assert member.errors == []
