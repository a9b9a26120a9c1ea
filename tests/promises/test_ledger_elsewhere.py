"""A ledger elsewhere, over HTTP: wins are settled there, through an outage of it, each once."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gameserver.engines import Engines
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.errors import LedgerAway
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens
from tests.ledger_client.http.serving import WRITER, free_port, serving
from tests.node import Live, Member, emptied, living
from tests.page import Page

PATIENCE_S = 60
WINS = 5


@pytest.fixture
async def books(engines: Engines, migrated: AsyncEngine) -> AsyncIterator[EmbeddedLedger]:
    async with emptied(engines):
        yield EmbeddedLedger(migrated)


async def points(live: Live, member: Member) -> httpx.Response:
    return await live.http.get("/api/me/points", headers=member.bearer)


async def settled(page: Page, units: int) -> None:
    seen = 0
    async with asyncio.timeout(PATIENCE_S):
        while seen < units:
            seen += len((await page.next(ev="settled"))["units"])


async def test_wins_are_settled_in_a_ledger_elsewhere_and_wait_while_it_is_away(
    engines: Engines, books: EmbeddedLedger
) -> None:
    api = ledger_api(books, Tokens([WRITER]))
    port = free_port()
    away = {"ledger_url": f"http://127.0.0.1:{port}", "ledger_token": WRITER}
    async with living(engines, **away) as live:
        member = await live.member()
        async with serving(api, port):
            room = await live.open_room()
            page = await live.join(room.id, member)
            won = [await page.grab() for _ in range(WINS)]
            await settled(page, WINS)
            shown = (await points(live, member)).json()
            assert shown["available"] == sum(win["amount"] for win in won)

        won += [await page.grab() for _ in range(WINS)]  # play needs no ledger
        with pytest.raises(LedgerAway):
            await live.stores.ledger.balance(member.id)
        assert (await points(live, member)).status_code == 503

        async with serving(api, port):
            await settled(page, WINS)
    owed = sum(win["amount"] for win in won)
    assert (await books.balance(member.id)).available == owed
    assert (await books.totals(f"{room.id}.0")).credited == owed
    assert await books.drift() == []
    assert await books.audit() == []
