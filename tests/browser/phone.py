"""A phone with the member page open, tapped as a member taps it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

AXE = Path(__file__).parents[2] / "h5" / "node_modules" / "axe-core" / "axe.min.js"
AT_REST = """Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null))).then(() => null)"""
PATIENCE_S = 60  # no promise, only the end of a test that hangs
LOOK_S = 0.05
ANSWER_S = 2.0  # long enough for the answer to a tap


class Phone:
    """A page in a phone-sized browser, and every error it reported."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)

    async def until(self, script: str) -> Any:
        """What the script gives once it gives something (the pages' policy forbids in-page polling)."""
        async with asyncio.timeout(PATIENCE_S):
            while not (value := await self.page.evaluate(script)):
                await asyncio.sleep(LOOK_S)
        return value

    async def log_in(self, name: str) -> None:
        await self.page.locator("input").first.fill(name)
        await self.page.keyboard.press("Enter")

    async def tap_drops(self, count: int) -> None:
        """Taps that many drops where the page draws them."""
        for _ in range(count):
            drop = await self.until("window.__game && window.__game.peek()")
            await self.page.touchscreen.tap(drop["x"], drop["y"])

    async def win(self) -> None:
        """Taps a drop that holds something; on a busy machine it may be gone before the tap: then another."""
        while True:
            await self.tap_drops(1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self.until("window.__game.state.packets")
                    return

    async def violations(self) -> list[str]:
        """What axe-core finds wrong for people who cannot see or point well."""
        await self.page.evaluate(AT_REST)  # half-faded text has half its contrast
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run().then((result) => result.violations)")
        return [f"{rule['id']}: {[node['html'][:120] for node in rule['nodes']]}" for rule in found]

    async def overflow(self) -> int:
        """CSS pixels by which the page is wider than the phone."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@asynccontextmanager
async def phone(browser: Browser, url: str, width: int = 390, height: int = 844) -> AsyncIterator[Phone]:
    context = await browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2, has_touch=True, is_mobile=True,
        locale="zh-CN",
    )  # fmt: skip
    opened = Phone(await context.new_page())
    await opened.page.goto(url)
    yield opened
    await context.close()
