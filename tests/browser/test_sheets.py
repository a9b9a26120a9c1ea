"""What opens over the play page and beside it: prizes, rules, the lobby, the big screen."""

import re
import time
from uuid import uuid4

from playwright.async_api import Browser, Page, expect

from gameserver.games.game import MemberId
from gameserver.records.grants import prizes_of_member
from ledger_client.entry import Entry, Kind, purse_id
from ledger_client.ledger import HoldAsk, LaneAt
from ledger_client.terms import Caps, Expiry, Terms
from tests.books import settled
from tests.browser.phone import Phone, phone
from tests.node import Live, Member

ROUND = {"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 40_000}
LATER = [{"gap_ms": 600_000}]
DAY_MS = 86_400_000
PRIZES = {"en": "My prizes", "zh-CN": "我的奖品"}
HAN = re.compile(r"[\u4e00-\u9fff]+")


async def sign_in(live: Live, opened: Phone, member: Member) -> None:
    """As if the member had signed in before."""
    await opened.page.evaluate(
        "([token, name]) => { localStorage.setItem('member.token', token);"
        " localStorage.setItem('member.name', name) }",
        [member.token, member.name],
    )
    await opened.page.reload()


async def state_of(opened: Phone) -> str:
    """The title of the state that covers the page."""
    loaded = "document.querySelector('.panel-title') && !document.querySelector('.panel .spinner')"
    await opened.until(loaded)
    return await opened.page.inner_text(".panel-title")


async def stored_token(page: Page) -> str:
    stored = str(await page.evaluate("JSON.stringify(Object.values(localStorage))"))
    return re.findall(r"eyJ[\w.-]+", stored)[0]


async def fits(opened: Phone) -> None:
    assert await opened.overflow() <= 0
    assert await opened.violations() == []


async def test_my_prizes_show_every_tapped_win_as_settled_also_over_a_reload(
    live: Live, browser: Browser
) -> None:
    amounts = {"mode": "fixed", "count": 500, "amount": 7}
    room = await live.open_room(rounds=[ROUND], drops_per_member=80, amounts=amounts)
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as member:
        await member.log_in("Ann")
        await member.until("window.__game && window.__game.state.phase === 'playing'")
        await fits(member)
        await member.tap_drops(5)
        await member.until("window.__game.state.packets === 5")
        await member.page.reload()
        await member.until("window.__game && window.__game.state.packets === 5")
        assert await member.page.evaluate("window.__game.state.sum") == 35
        await member.tap_drops(1)
        await member.until("window.__game.state.packets === 6")
        token = await stored_token(member.page)
        await live.stores.lifecycle.pause(room.id)  # the round's page gives way, the sheets stay
        await member.page.get_by_role("button", name="My prizes").click()
        sheet = member.page.get_by_role("dialog")
        await expect(sheet.get_by_role("listitem")).to_have_count(6)
        balance = (await live.http.get("/api/me/points", headers={"authorization": f"Bearer {token}"})).json()
        assert (balance["available"], balance["held"], balance["pending"]) == (42, 0, 0)
        await expect(sheet).to_contain_text("42")
        assert await sheet.locator(".won-state.settled").count() == 6
        await fits(member)
        assert member.errors == []


async def test_the_sheet_shows_what_a_cap_cut_what_is_held_and_what_expires(
    live: Live, browser: Browser
) -> None:
    room, member = (
        await live.open_room(amounts={"mode": "fixed", "count": 100, "amount": 20}),
        await live.member(),
    )
    ledger, now = live.stores.ledger, time.time_ns() // 1_000_000
    await ledger.agree(room.campaign, Terms(caps=Caps(day=12), expiry=Expiry.FIXED, months=1))
    page = await live.join(room.id, member)
    for _ in range(2):
        await page.grab()
    await settled(live, room)
    earlier = Entry(uuid4(), Kind.EARN, member.id, room.campaign, room.id, 9, now - 10 * DAY_MS, 1)
    await ledger.apply(LaneAt("events", 1), [earlier])
    id_ = purse_id("mall", member.id, 1)
    await ledger.hold(
        LaneAt("mall", 1), [HoldAsk(id_, 0, member.id, room.campaign, room.id, 5, 1, now + 10**9, now)]
    )
    later = await live.open_room(ago_ms=0, rounds=LATER)
    for lang, words in (
        ("en", ["12 of 20 credited: daily cap", "Not credited", "In use", "4 points expire soon"]),
        ("zh-CN", ["20 积分中入账 12：已达每日上限", "未入账", "使用中", "4 积分即将过期"]),
    ):
        async with phone(browser, f"{live.url}/play/{later.id}?lang={lang}", 360, 640) as visitor:
            await sign_in(live, visitor, member)
            await visitor.page.get_by_role("button", name=PRIZES[lang]).click()
            sheet = visitor.page.get_by_role("dialog")
            await expect(sheet.get_by_role("listitem")).to_have_count(2)
            for text in words:
                await expect(sheet).to_contain_text(text)
            await fits(visitor)
            assert visitor.errors == []


async def test_a_member_who_comes_back_sees_the_prizes_of_before(live: Live, browser: Browser) -> None:
    room, member = await live.open_room(), await live.member("Ann")
    page = await live.join(room.id, member)
    wins = [await page.grab() for _ in range(3)]
    assert (await page.next(ev="settled"))["units"]
    later = await live.open_room(ago_ms=0, rounds=LATER)
    async with phone(browser, f"{live.url}/play/{later.id}?lang=en", 360, 640) as visitor:
        await sign_in(live, visitor, member)
        await visitor.page.get_by_role("button", name="My prizes").click()
        sheet = visitor.page.get_by_role("dialog")
        await expect(sheet.get_by_role("listitem")).to_have_count(3)
        for win in wins:
            await expect(sheet).to_contain_text(str(win["receipt"])[:12])
        await fits(visitor)
        assert visitor.errors == []
    won = await prizes_of_member(live.stores.database, MemberId(member.id))
    assert len(won) == 3


async def test_the_rules_are_read_on_a_phone_with_their_commitment(live: Live, browser: Browser) -> None:
    room = await live.open_room(
        ago_ms=0, rounds=LATER, rules_text="每轮最多 20 个红包", organiser="会员中心",
        prizes=[{"id": "mug", "name": "纪念杯", "kind": "physical", "stock": 3}],
    )  # fmt: skip
    for width, height in ((390, 844), (360, 640)):
        async with phone(browser, f"{live.url}/play/{room.id}", width, height) as visitor:
            await visitor.page.get_by_role("button", name="规则").click()
            sheet = visitor.page.get_by_role("dialog")
            for text in ("每轮最多 20 个红包", "会员中心", "纪念杯", room.commitment[:12]):
                await expect(sheet).to_contain_text(text)
            await fits(visitor)
            assert visitor.errors == []


async def test_the_lobby_leads_to_the_room(live: Live, browser: Browser) -> None:
    room = await live.open_room(ago_ms=0, rounds=LATER, title="从大厅来")
    async with phone(browser, live.url) as visitor:
        await fits(visitor)
        card = visitor.page.get_by_role("listitem").filter(has_text="从大厅来")
        await card.get_by_role("link", name="立即参加").tap()
        await expect(visitor.page).to_have_url(re.compile(f"/play/{room.id}$"))
        await expect(visitor.page.get_by_text("从大厅来")).to_be_visible()
        assert visitor.errors == []


async def test_pages_in_english_have_no_chinese_beside_the_way_back(live: Live, browser: Browser) -> None:
    room = await live.open_room(ago_ms=0, rounds=LATER, title="Rain", organiser="Members")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as visitor:
        await visitor.log_in("Ann")
        for sheet in ("Rules", "My prizes", "Invite"):
            await visitor.page.get_by_role("button", name=sheet).first.click()
            dialog = visitor.page.get_by_role("dialog")
            await expect(dialog).to_be_visible()
            assert HAN.findall(await dialog.inner_text()) == []
            await visitor.page.keyboard.press("Escape")
            await expect(dialog).to_be_hidden()
    screen = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await screen.goto(f"{live.url}/screen/{room.id}?lang=en")
    await expect(screen.get_by_role("heading", name="Rain", exact=True)).to_be_visible()
    assert HAN.findall(await screen.inner_text("body")) == ["中文"]
    await screen.close()


async def test_the_big_screen_shows_a_qr_that_leads_to_the_room_and_is_fit_for_all(
    live: Live, browser: Browser
) -> None:
    room = await live.open_room(rounds=[ROUND], prizes=[])
    page = await live.join(room.id, await live.member("赵钱孙"))
    assert (await page.grab())["ev"] == "grabbed"  # a screen that is opened later knows of it
    for width, height in ((1920, 1080), (3840, 2160)):
        context = await browser.new_context(viewport={"width": width, "height": height})
        shown = Phone(await context.new_page())
        await shown.page.goto(f"{live.url}/screen/{room.id}")
        code = shown.page.get_by_label(f"/play/{room.id}")
        await expect(code).to_be_visible()
        box = await code.bounding_box()
        assert box is not None
        assert abs(box["width"] - box["height"]) < 2
        assert box["width"] > width / 12
        await expect(shown.page.get_by_text("赵*孙").first).to_be_visible()
        await fits(shown)
        assert shown.errors == []
        await context.close()


async def test_every_state_of_a_room_is_a_page_of_its_own(live: Live, browser: Browser) -> None:
    room, member = await live.open_room(), await live.member("小明")
    blocked = await live.open_room(audience={"blocklist": [member.id]})
    others = await live.open_room(audience={"match": "any_of", "levels": ["gold"]})
    draft = await live.stores.lifecycle.create("red_packet_rain", room.config)
    texts: dict[str, str] = {}
    async with phone(browser, f"{live.url}/play/{room.id}") as visitor:
        await sign_in(live, visitor, member)
        await visitor.until("window.__game && window.__game.peek()")
        await live.stores.lifecycle.pause(room.id)
        live_state = await state_of(visitor)  # told by the socket
        for name, wanted in (
            ("paused", room.id), ("blocked", blocked.id), ("audience", others.id), ("draft", draft.id),
            ("unknown", "r999999"),
        ):  # fmt: skip
            await visitor.page.goto(f"{live.url}/play/{wanted}")
            texts[name] = await state_of(visitor)
            await fits(visitor)
        await live.stores.lifecycle.close(room.id)
        await visitor.page.goto(f"{live.url}/play/{room.id}")
        texts["closed"] = await state_of(visitor)
    assert texts["paused"] == live_state
    assert len(set(texts.values())) == len(texts)
