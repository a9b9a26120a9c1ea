"""Plays that cost points, on a phone: asked first, told after."""

from uuid import uuid4

from playwright.async_api import Browser, expect

from ledger_client.entry import Entry, Kind
from ledger_client.ledger import LaneAt, Status
from tests.browser.phone import Phone, phone
from tests.browser.test_sheets import fits, sign_in
from tests.node import Live, Member

COST, START = 5, 100
ROUNDS = {"gap_ms": 6000, "countdown_ms": 3000, "duration_ms": 6000, "times": 4}


async def with_points(live: Live, name: str) -> Member:
    member = await live.member(name)
    await live.stores.ledger.fund("gifts", 10_000)
    entry = Entry(uuid4(), Kind.EARN, member.id, "gifts", "", START, 1_790_000_000_000, 1)
    (outcome,) = await live.stores.ledger.apply(LaneAt("events", 0), [entry])
    assert outcome.status is Status.APPLIED
    return member


async def taps_in_round(opened: Phone, number: int) -> None:
    """One drop of that round is tapped and its answer is here."""
    state = "window.__game && window.__game.state"
    await opened.until(f"{state}.phase === 'playing' && {state}.round === {number}")
    await opened.win()


async def test_a_member_is_asked_before_the_first_play_that_costs_and_told_what_each_cost(
    live: Live, browser: Browser
) -> None:
    room = await live.open_room(
        ago_ms=0, rounds=[ROUNDS], drops_per_member=60, chances={"free_total": 1, "cost_points": COST}
    )
    member = await with_points(live, "Ann")
    async with phone(browser, f"{live.url}/play/{room.id}?lang=en") as opened:
        await sign_in(live, opened, member)
        await expect(opened.page.get_by_text("100 points left")).to_be_visible()
        await fits(opened)
        await taps_in_round(opened, 0)
        # the free play is played to its end, its result is looked at, then comes the question
        question = opened.page.get_by_role("dialog", name="No free plays left")
        await expect(question).to_be_hidden()
        result = opened.page.get_by_role("dialog")
        await expect(result).to_be_visible()
        await opened.page.keyboard.press("Escape")
        await expect(question).to_be_visible()
        await expect(question).to_contain_text("5 points")
        await fits(opened)
        await question.get_by_role("button", name="Agree and play on").click()
        await taps_in_round(opened, 1)
        note = opened.page.get_by_text("This play cost 5 points · 100 points left")
        await expect(note).to_be_visible()
        assert (await live.stores.ledger.balance(member.id)).held > 0
        assert opened.errors == []
