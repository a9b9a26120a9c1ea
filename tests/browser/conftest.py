from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from gameserver.engines import Engines
from tests.browser.phone import PATIENCE_S
from tests.node import Live, emptied, living

expect.set_options(timeout=PATIENCE_S * 1000)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live


@pytest.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()
