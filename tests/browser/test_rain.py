"""The pages in a real browser, by real taps."""

import re

import pytest
from playwright.async_api import Browser, expect

from gameserver.games.game import RoomId
from tests.browser.phone import phone
from tests.node import Live

TAPS = 12
ROUND = {"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 10_000}
PLENTY = {"mode": "double_mean", "total_points": 10_000, "count": 500, "max": 100}


async def _open(live: Live, ago_ms: int = 0, **fields: object) -> str:
    config = {
        "title": "红包雨", "organiser": "会员中心", "rounds": [ROUND], "amounts": PLENTY,
        "drops_per_member": 60, "bomb_share": 10, "max_grabs_per_round": 60,
    }  # fmt: skip
    return (await live.open_room(ago_ms=ago_ms, **{**config, **fields})).id


async def test_a_round_played_by_taps_ends_in_the_ledger(live: Live, browser: Browser) -> None:
    room = await _open(live)
    async with phone(browser, f"{live.url}/play/{room}") as member:
        await member.log_in("小明")
        await member.tap_drops(TAPS)
        won = await member.until("window.__game.state.sum || window.__game.state.mine?.sum")
        await expect(member.page.get_by_role("dialog")).to_be_visible()
        kept = await member.page.evaluate("JSON.stringify(Object.values(localStorage))")
        token = re.findall(r"eyJ[\w.-]+", kept)[0]
        bearer = {"authorization": f"Bearer {token}"}
        points = (await live.http.get("/api/me/points", headers=bearer)).json()
        prizes = (await live.http.get("/api/me/prizes", headers=bearer)).json()["prizes"]
        total = points["available"] + points["pending"]
        assert total >= won > 0
        assert sum(prize["amount"] for prize in prizes) == total
        await expect(member.page.get_by_role("dialog")).to_contain_text(str(total))
        assert await member.violations() == []
        assert member.errors == []


async def test_a_reload_in_mid_round_keeps_what_was_won(live: Live, browser: Browser) -> None:
    room = await _open(live, rounds=[{**ROUND, "duration_ms": 40_000}], packet_share=100, bomb_share=0)
    async with phone(browser, f"{live.url}/play/{room}") as member:
        await member.log_in("小红")
        await member.tap_drops(6)
        await member.page.reload()
        await member.until("window.__game && window.__game.peek()")
        before = await member.until("window.__game.state.sum || window.__game.state.mine?.sum")
        await member.tap_drops(3)
        assert before > 0
        shown = (await live.http.get(f"/api/rooms/{room}")).json()
        assert shown["state"] == "open"
        assert member.errors == []


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 640)])
@pytest.mark.parametrize("path", ["/", "/play/{room}", "/play/{room}?lang=en"])
async def test_pages_fit_a_phone_and_everybody(
    live: Live, browser: Browser, path: str, width: int, height: int
) -> None:
    room = await _open(live, rounds=[{**ROUND, "gap_ms": 600_000}])
    async with phone(browser, live.url + path.format(room=room), width, height) as visitor:
        await visitor.until("document.body.innerText.trim().length > 10")
        assert await visitor.overflow() <= 0
        assert await visitor.violations() == []
        assert visitor.errors == []


async def test_english_pages_have_no_chinese_but_what_staff_wrote(live: Live, browser: Browser) -> None:
    room = await _open(live, title="Rain", organiser="Members", rounds=[{**ROUND, "gap_ms": 600_000}])
    async with phone(browser, f"{live.url}/play/{room}?lang=en") as visitor:
        await visitor.log_in("Ann")
        await visitor.until("document.body.innerText.includes('Next rain')")
        text = await visitor.page.evaluate("document.body.innerText")
        assert re.findall(r"[\u4e00-\u9fff]+", text) == ["中文"]


async def test_the_big_screen_shows_the_way_in_who_leads_and_who_has_won(
    live: Live, browser: Browser
) -> None:
    room = await _open(live, rounds=[{**ROUND, "duration_ms": 25_000}], packet_share=100, bomb_share=0)
    screen = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await screen.goto(f"{live.url}/screen/{room}")
    await expect(screen.get_by_text(f"/play/{room}")).to_be_visible()
    async with phone(browser, f"{live.url}/play/{room}") as member:
        await member.log_in("赵钱孙")
        await member.tap_drops(5)
        await expect(screen.get_by_text("赵*孙").first).to_be_visible()
    podium = screen.locator(".podium")
    await expect(podium).to_contain_text("赵*孙")
    await live.stores.lifecycle.close(RoomId(room))
    await expect(screen.get_by_text("扫码查看")).to_be_visible()
    await expect(podium).to_contain_text("赵*孙")
    await screen.reload()
    await expect(screen.get_by_role("heading", name="活动已圆满结束")).to_be_visible()
    await screen.close()
