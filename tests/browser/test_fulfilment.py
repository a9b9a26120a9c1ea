"""What follows a win or stands before a play, on a phone: addresses, parcels, codes, why one cannot play."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Locator, expect

from gameserver.games.game import PrizeId
from gameserver.personal import Place
from gameserver.records.grants import grants_of, mark_settled
from gameserver.records.handover import cancel, expire, redeem
from gameserver.records.rooms import Room
from gameserver.staff.fulfilment import ship_one
from tests.books import settled
from tests.browser.phone import Phone, phone
from tests.browser.test_purse import COST, START, with_points
from tests.browser.test_sheets import fits, sign_in, stored_token
from tests.browser.test_wheel import ALWAYS_A_MUG, MUG, TEA, opened, ready, until_shown
from tests.http.test_fulfilment_api import tells
from tests.http.test_fulfilment_api import won as on_record
from tests.node import Live, Member
from tests.records.goods import DAY_MS

PATIENCE_MS = 20_000
HOME = {"name": "Ann", "phone": "13812341234", "region": "Shanghai", "address": "1 Bund"}
TO_DO = re.compile("address|received")
LARGEST = "html { -webkit-text-size-adjust: 160% !important }"
CUT = """[...document.querySelectorAll('.won *')]
    .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth).map((one) => one.outerHTML)"""
ANSWERED = """window.__game && window.__game.state.ready
    && !JSON.parse(sessionStorage.getItem('room:{room}')).pending.length"""
NO_TLS = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


def now() -> int:
    return time.time_ns() // 1_000_000


async def won(live: Live, member: Member, kind: str = "physical", **fields: Any) -> Room:
    """A room in which the member won the prize "it"; settled, so that no sheet looks again by itself."""
    room = await on_record(live, member, kind, **fields)
    grants = [grant async for grant in grants_of(live.stores.database, room.id)]
    await mark_settled(live.stores.database, room.id, grants, [], now())
    return room


def parcel_of(room: Room) -> Place:
    """The unit of `won`."""
    return Place(room.id, PrizeId("it"), 1)


@asynccontextmanager
async def signed_in(live: Live, browser: Browser, member: Member) -> AsyncIterator[Phone]:
    """A small phone of that member in a room where nobody plays."""
    room = await opened(live, appearance="grid")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as visitor:
        await sign_in(live, visitor, member)
        yield visitor


async def my_prizes(opened: Phone) -> Locator:
    await opened.page.get_by_role("navigation").get_by_role("button", name="My prizes").click()
    return opened.page.get_by_role("dialog", name="My prizes")


async def my_prizes_again(opened: Phone) -> Locator:
    """After a reload."""
    await opened.page.reload()
    return await my_prizes(opened)


async def filled(form: Locator, **fields: str) -> None:
    for field, typed in {**HOME, **fields}.items():
        await form.locator(f"[name={field}]").fill(typed)
    await form.get_by_role("button", name="Save the address").tap()


async def test_an_address_is_given_and_the_parcel_comes(live: Live, browser: Browser) -> None:
    room = await opened(live, appearance="grid")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        await member.page.locator(".grid9-go").tap()
        await until_shown(member)
        unit = await member.page.evaluate("window.__game.state.results[0].unit")
        result = member.page.get_by_role("dialog", name="You won")
        await result.get_by_role("button", name="Give my address").tap()
        sheet = member.page.get_by_role("dialog", name="My prizes")
        form = sheet.get_by_role("form")
        await expect(form).to_be_visible(timeout=PATIENCE_MS)
        await fits(member)
        await filled(form, phone="123")
        await expect(form.locator("[name=phone][aria-invalid=true]")).to_be_focused()
        await form.locator("[name=phone]").fill(HOME["phone"])
        await form.get_by_role("button", name="Save the address").tap()
        await expect(sheet).to_contain_text("Address saved")
        await expect(sheet).to_contain_text("138****1234")
        await expect(sheet).not_to_contain_text(HOME["phone"])
        await fits(member)
        parcel = Place(room.id, PrizeId("mug"), unit)
        await ship_one(live.stores.database, parcel, "SF", "SF123", staff="ben", at=now())
        sheet = await my_prizes_again(member)
        await expect(sheet).to_contain_text("SF123")
        await fits(member)
        assert [error for error in member.errors if "422" not in error] == []


async def test_an_address_is_mended_until_the_parcel_is_on_its_way(live: Live, browser: Browser) -> None:
    member = await live.member("Ann")
    room = await won(live, member)
    await tells(live, room, member, **HOME)
    async with signed_in(live, browser, member) as visitor:
        sheet = await my_prizes(visitor)
        change = sheet.get_by_role("button", name="Change the address")
        await expect(sheet).to_contain_text("You can change the address until it is sent")
        await change.tap()
        form = sheet.get_by_role("form")
        await expect(form).to_contain_text("Please type it again")  # it is shown in full no more
        await filled(form, phone="13900005678")
        await expect(sheet).to_contain_text("139****5678")
        await expect(sheet).not_to_contain_text("138****1234")
        await change.tap()
        await ship_one(live.stores.database, parcel_of(room), "SF", "SF123", staff="ben", at=now())
        await filled(form, phone="13700004321")  # staff were faster: it is said, and nothing is changed
        await expect(form).to_be_hidden()
        await expect(sheet.get_by_role("alert")).to_contain_text("This prize is on its way already")
        for _ in range(2):
            await expect(sheet).to_contain_text("SF123")
            await expect(sheet).to_contain_text("139****5678")
            await expect(change).to_be_hidden()
            sheet = await my_prizes_again(visitor)
        assert [error for error in visitor.errors if "409" not in error] == []


async def test_a_parcel_is_received_when_its_member_says_so_twice(live: Live, browser: Browser) -> None:
    member = await live.member("Ann")
    room = await won(live, member)
    await tells(live, room, member)
    await ship_one(live.stores.database, parcel_of(room), "SF", "SF123", staff="ben", at=now())
    async with signed_in(live, browser, member) as visitor:
        sheet = await my_prizes(visitor)
        state, has = sheet.locator(".won-state"), sheet.get_by_role("button", name="I have received it")
        sure = sheet.get_by_role("group", name="Have you received the prize? This cannot be taken back")
        await has.press("Enter")
        await fits(visitor)
        await sure.get_by_role("button", name="Not yet").tap()
        await expect(sure).to_be_hidden()
        sheet = await my_prizes_again(visitor)
        await expect(state).to_have_text("Sent")
        await has.press("Enter")
        await expect(sure).to_be_focused()  # the button is gone; keys are heard only inside the dialog
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Enter")
        for _ in range(2):
            await expect(state).to_have_text("Received")
            await expect(sheet).to_contain_text("You told us that you have it")
            await expect(sheet).to_contain_text("SF123")
            await expect(has.or_(sure)).to_be_hidden()
            await fits(visitor)
            sheet = await my_prizes_again(visitor)
        assert visitor.errors == []


async def test_what_is_lost_says_why_and_whom_to_ask(live: Live, browser: Browser) -> None:
    member, late = await live.member("Ann"), now() - 8 * DAY_MS
    await won(live, member, name="Tea set", at=late, claim_days=7)
    await expire(live.stores.database, now())
    await won(live, member, name="Cap", at=late, claim_days=7, delivery="on_site")  # not swept yet
    await won(live, member, "coupon", name="Voucher", at=now() - 31 * DAY_MS)
    room = await won(live, member, name="Lamp")
    await tells(live, room, member)
    await cancel(live.stores.database, parcel_of(room), staff="ben", reason="won by a program", at=now())
    async with signed_in(live, browser, member) as visitor:
        sheet = await my_prizes(visitor)
        for name, words in (
            ("Tea set", ("Expired", "the time to claim it is over", "Ended 20")),
            ("Cap", ("Expired", "the time to claim it is over", "Ended 20")),
            ("Voucher", ("Expired", "This code can no longer be used", "C00001")),
            ("Lamp", ("Canceled", "The organiser has canceled this prize", "won by a program")),
        ):
            one = sheet.get_by_role("listitem").filter(has_text=name)
            for text in (*words, "Send the receipt above to the organiser", "Receipt "):
                await expect(one).to_contain_text(text)
            await expect(one.get_by_role("button", name=TO_DO)).to_have_count(0)
            await expect(one).not_to_contain_text("Goes to")
        await fits(visitor)
        await visitor.page.add_style_tag(content=LARGEST)
        assert await visitor.overflow() <= 0
        assert await visitor.page.evaluate(CUT) == []
        assert visitor.errors == []


async def test_a_code_is_taken_along_by_one_tap(live: Live, browser: Browser) -> None:
    member = await live.member("Ann")
    await won(live, member, "coupon", name="Voucher", units=(2,))
    async with signed_in(live, browser, member) as visitor:
        page = visitor.page
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.context.add_init_script(f"window.clipboard = navigator.clipboard; {NO_TLS}")
        for clipboard in ("navigator.clipboard", "window.clipboard"):  # the second time without its own way
            await page.evaluate(f"{clipboard}.writeText('something else')")
            sheet = await my_prizes(visitor)
            await expect(sheet).to_contain_text("C00002")
            await expect(sheet).to_contain_text("Valid until 20")
            copy = sheet.get_by_role("button", name="Copy: Code")
            await copy.tap()
            await expect(sheet.get_by_role("button", name="Copied")).to_be_visible()
            await expect(sheet.get_by_role("status").get_by_text("Copied")).to_be_attached()  # read out
            assert await page.evaluate(f"{clipboard}.readText()") == "C00002"
            await fits(visitor)
            await expect(copy).to_be_visible()
            await page.reload()
        assert visitor.errors == []


async def test_a_paid_play_is_paid_once_also_over_a_reload(live: Live, browser: Browser) -> None:
    prizes = [{**MUG, "weight": 1, "fallback": "none"}, TEA, ALWAYS_A_MUG[2]]
    room = await opened(
        live, appearance="grid", prizes=prizes, chances={"free_total": 1, "cost_points": COST}
    )
    member = await with_points(live, "Ann")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as visitor:
        await sign_in(live, visitor, member)
        go = visitor.page.locator(".grid9-go")
        for plays in range(1, 4):
            await visitor.until("window.__game && window.__game.state.ready")
            if plays == 2:
                await visitor.page.get_by_role("button", name="Agree and play on").tap()
            await go.tap()
            await visitor.page.reload()  # while it turns: the answer may be here or under way
            await visitor.until(ANSWERED.format(room=room.id))
            result = visitor.page.get_by_role("dialog", name="You won")
            if await visitor.page.evaluate("window.__game.state.phase === 'shown'"):
                await result.press("Escape")
            await visitor.until("window.__game.state.phase === 'idle'")
            assert await visitor.page.evaluate("window.__game.state.plays") == plays
            points = START - COST * (plays - 1)
            await expect(visitor.page.get_by_text(f"{points} points left").first).to_be_visible()
        await expect(visitor.page.get_by_role("button", name="0 plays left")).to_be_visible()
        await fits(visitor)
        await settled(live, room)
        sheet = await my_prizes(visitor)
        await expect(sheet.get_by_role("listitem")).to_have_count(3)
        balance = await live.stores.ledger.balance(member.id)
        assert balance.available + balance.held == START - 2 * COST
        assert visitor.errors == []


async def test_who_has_not_the_points_for_a_play_is_not_asked_to_pay(live: Live, browser: Browser) -> None:
    room = await opened(live, appearance="grid", chances={"free_total": 0, "cost_points": COST})
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en", 360, 640) as member:
        await ready(member)
        question = member.page.get_by_role("dialog", name="No free plays left")
        await expect(question.get_by_role("alert")).to_have_text("You do not have enough points")
        await fits(member)
        await question.get_by_role("button", name="OK").tap()
        await member.page.get_by_role("button", name="0 plays left").tap()
        sheet = member.page.get_by_role("dialog", name="Why can I not play?")
        await expect(sheet).to_contain_text("You do not have enough points")
        await expect(sheet).to_contain_text("You can play on as soon as you have them")
        assert member.errors == []


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
        sheet = await my_prizes(member)
        token = await stored_token(member.page)
        bearer = {"authorization": f"Bearer {token}"}
        await expect(sheet).to_contain_text("To pick up", timeout=PATIENCE_MS)
        (mug,) = (await live.http.get("/api/me/prizes", headers=bearer)).json()["prizes"]
        await expect(sheet).to_contain_text(mug["redemption_code"])
        await fits(member)
        await redeem(live.stores.database, mug["redemption_code"], staff="ben", at=now())
        sheet = await my_prizes_again(member)
        await expect(sheet).to_contain_text("Picked up", timeout=PATIENCE_MS)
        assert member.errors == []
