"""The ledger in the house's own PostgreSQL."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger_client.embedded import audit, drift, letters, reading, reports
from ledger_client.embedded.batch import again, apply_batch, lock_lane
from ledger_client.embedded.holds import hold_points
from ledger_client.embedded.upkeep import keep_up
from ledger_client.entry import Entry, Kind, derived_id
from ledger_client.errors import LedgerAway
from ledger_client.ledger import (
    Balance,
    BrokenLink,
    DeadLetter,
    Drift,
    Held,
    HoldAsk,
    LaneAt,
    Liability,
    Outcome,
    Purse,
    Ranked,
    Reminder,
    StatementLine,
    Suspended,
    Totals,
    Upkept,
)
from ledger_client.terms import Terms, decode_terms, encode_terms

_ATTEMPTS = 5
_FIRST_PAUSE_S = 0.05
_FUNDING = LaneAt("funding", 0, "0-0")
_FUNDED = text("""
    select coalesce(sum(amount), 0) from ledger.entry
    where member = '' and kind = 'fund' and campaign = :campaign and status = 'applied'
""")
_AGREE = text("""
    insert into ledger.terms (campaign, body) values (:campaign, :body)
    on conflict (campaign) do update set body = excluded.body, agreed_at = excluded.agreed_at
""")
_AGREED = text("select body from ledger.terms where campaign = :campaign")

_T = TypeVar("_T")


class EmbeddedLedger:
    """See `ledger_client.ledger.Ledger`.

    Args:
        engine: of a database whose schema `ledger` is migrated.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        """Applies a batch in one transaction."""
        if not entries:
            return []
        return await self._patiently(lambda connection: apply_batch(connection, lane, entries))

    async def fund(self, campaign: str, budget: int) -> int:
        """Brings the campaign's funding to `budget` points."""

        async def fund_once(connection: AsyncConnection) -> int:
            await lock_lane(connection, _FUNDING)
            funded = int((await connection.execute(_FUNDED, {"campaign": campaign})).scalar_one())
            if budget <= funded:
                return funded
            entry = Entry(
                derived_id(f"fund|{campaign}|{budget}"), Kind.FUND, "", campaign, "", budget - funded,
                time.time_ns() // 1_000_000, 0,
            )  # fmt: skip
            await apply_batch(connection, _FUNDING, [entry])
            return budget

        return await self._patiently(fund_once)

    async def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        """Opens and tops up purses in one transaction."""
        if not asks:
            return []
        return await self._patiently(lambda connection: hold_points(connection, lane, asks))

    async def agree(self, campaign: str, terms: Terms) -> None:
        """Puts a campaign under terms."""
        values = {"campaign": campaign, "body": encode_terms(terms).decode()}
        await self._patiently(lambda connection: connection.execute(_AGREE, values))

    async def terms(self, campaign: str) -> Terms:
        """The campaign's terms."""

        async def read() -> Terms:
            async with self._engine.connect() as connection:
                body = (await connection.execute(_AGREED, {"campaign": campaign})).scalar_one_or_none()
            return decode_terms(body) if body else Terms()

        return await self._reading(read())

    async def upkeep(self, now: int) -> Upkept:
        """Releases, expires and reminds in one transaction."""
        return await self._patiently(lambda connection: keep_up(connection, now))

    async def balance(self, member: str) -> Balance:
        """The member's points."""
        return await self._reading(reading.balance_of(self._engine, member))

    async def balance_at(self, member: str, at: int) -> int:
        """What the member owned at `at` (ms)."""
        return await self._reading(reading.balance_at(self._engine, member, at))

    async def statement(self, member: str, limit: int = 100) -> list[StatementLine]:
        """The member's newest movements, newest first."""
        return await self._reading(reading.statement_of(self._engine, member, limit))

    async def statement_lines(self, member: str) -> AsyncIterator[StatementLine]:
        """All movements, oldest first, streamed."""
        try:
            async for line in reading.statement_lines(self._engine, member):
                yield line
        except Exception as error:
            if again(error):
                raise LedgerAway(str(error)) from error
            raise

    async def reminders(self, member: str, now: int) -> list[Reminder]:
        """What the member was reminded of and still has."""
        return await self._reading(reading.reminders_of(self._engine, member, now))

    async def liability(self) -> list[Liability]:
        """What members have, by campaign and month of expiry."""
        return await self._reading(reports.liability(self._engine))

    async def top(self, kind: Kind, campaign: str, since: int, until: int, limit: int = 100) -> list[Ranked]:
        """Who earned or spent most."""
        return await self._reading(reports.top(self._engine, kind, campaign, since, until, limit))

    async def purses(self, lane: str) -> list[Purse]:
        """The open purses of a lane."""
        return await self._reading(reports.purses_of(self._engine, lane))

    async def totals(self, lane: str, kind: Kind | None = None) -> Totals:
        """What has come from a lane."""
        return await self._reading(reports.totals_of(self._engine, lane, kind))

    async def suspended(self, limit: int = 100) -> list[Suspended]:
        """What waits in suspense, oldest first."""
        return await self._reading(reports.suspended(self._engine, limit))

    async def letters(self, limit: int = 100) -> list[DeadLetter]:
        """What was put aside, oldest first."""
        return await self._reading(letters.letters(self._engine, limit))

    async def retry(self, letter: str) -> list[Outcome]:
        """Applies a dead entry and those behind it in one transaction."""
        return await self._patiently(lambda connection: letters.retry_letter(connection, letter))

    async def resolve(self, letter: str) -> None:
        """Marks a letter as dealt with."""
        await self._patiently(lambda connection: letters.resolve_letter(connection, letter))

    async def drift(self, limit: int = 100) -> list[Drift]:
        """Where the books disagree; at most `limit` lines of each kind."""
        return await self._reading(drift.drift_in(self._engine, limit))

    async def audit(self) -> list[BrokenLink]:
        """The first broken link of each lane."""
        return await self._reading(audit.audit(self._engine))

    async def _patiently(self, step: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Runs a step in a transaction; deadlocks, races and short absences are tried again."""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._engine.begin() as connection:
                    return await step(connection)
            except Exception as error:
                if not again(error):
                    raise
                if attempt == _ATTEMPTS - 1:
                    raise LedgerAway(str(error)) from error
            await asyncio.sleep(random.uniform(0, _FIRST_PAUSE_S * 2**attempt))
        raise AssertionError("the last attempt returns or raises")

    async def _reading(self, read: Awaitable[_T]) -> _T:
        try:
            return await read
        except Exception as error:
            if again(error):
                raise LedgerAway(str(error)) from error
            raise
