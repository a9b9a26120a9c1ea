"""A cap on points, on a phone: what it cut is told once, what it refuses is said, the sheet keeps it."""

import pytest
from playwright.async_api import Browser, expect

from ledger_client.terms import Caps, Terms
from tests.browser.phone import phone
from tests.browser.test_sheets import PRIZES, fits
from tests.node import Live

ROUND = {"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 40_000}
WORDS = {
    "en": (
        "12 of 20 points credited: daily cap",
        "You have all the points you may win for now",
        "12 of 20 credited: daily cap",
    ),
    "zh-CN": ("20 积分中入账 12：已达今日上限", "可获得的积分已达上限", "20 积分中入账 12：已达每日上限"),
}


@pytest.mark.parametrize("lang", WORDS)
async def test_a_member_is_told_what_a_cap_cut_and_that_it_is_used_up(
    live: Live, browser: Browser, lang: str
) -> None:
    told, refused, listed = WORDS[lang]
    amounts = {"mode": "fixed", "count": 500, "amount": 20}
    terms = Terms(caps=Caps(day=12))
    room = await live.open_room(terms=terms, rounds=[ROUND], drops_per_member=80, amounts=amounts)
    async with phone(browser, f"{live.url}/play/{room.id}?lang={lang}", 360, 640) as member:
        await member.log_in("Ann")
        await member.until("window.__game && window.__game.state.phase === 'playing'")
        await member.win()
        note = member.page.get_by_role("status").get_by_text(told)
        await expect(note).to_be_visible()
        await fits(member)
        # the next packet is not drawn: the rest of the day's points is none
        await member.tap_drops(1)
        await expect(member.page.get_by_text(refused)).to_be_visible()
        assert await member.page.evaluate("window.__game.state.packets") == 1
        await expect(note).to_be_hidden()
        await live.stores.lifecycle.pause(room.id)
        await member.page.get_by_role("button", name=PRIZES[lang]).click()
        sheet = member.page.get_by_role("dialog")
        await expect(sheet.get_by_role("listitem")).to_have_count(1)
        await expect(sheet).to_contain_text(listed)
        await fits(member)
        assert member.errors == []
