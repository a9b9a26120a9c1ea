"""The routes that only read the books."""

from collections.abc import AsyncIterator
from typing import Literal

import msgspec
from fastapi import APIRouter, Depends, Response

from ledger_client.entry import Kind
from ledger_client.http.exchange import given, gives, gives_text, streamed
from ledger_client.http.forms import Owned
from ledger_client.http.paths import AnyCampaign, Campaign, Lane, Limit, Member, Ms
from ledger_client.http.sheets import LIABILITY, STATEMENT, csv_lines
from ledger_client.http.tokens import Tokens
from ledger_client.ledger import (
    Balance,
    BrokenLink,
    DeadLetter,
    Drift,
    Ledger,
    Liability,
    Purse,
    Ranked,
    Reminder,
    StatementLine,
    Suspended,
    Totals,
)
from ledger_client.terms import Terms

_CSV = "text/csv; charset=utf-8"
_CSV_OF = gives_text("text/csv", {"type": "string"})
_LINES = "application/x-ndjson"
_LINES_OF = gives_text(_LINES, {"$ref": "#/components/schemas/StatementLine"})


def reading(ledger: Ledger, tokens: Tokens) -> APIRouter:
    """All for which a token that only reads is enough."""
    router = APIRouter(prefix="/v1", tags=["reading"], dependencies=[Depends(tokens.may_read)])
    _add_members(router, ledger)
    _add_statements(router, ledger)
    _add_campaigns(router, ledger)
    _add_lanes(router, ledger)
    _add_books(router, ledger)
    return router


def _add_members(router: APIRouter, ledger: Ledger) -> None:
    @router.get("/members/{member:path}/balance", responses=gives(Balance))
    async def balance(member: Member) -> Response:
        """Points that are free, that are held, and how soon the free ones expire."""
        return given(await ledger.balance(member))

    @router.get("/members/{member:path}/balance_at", responses=gives(Owned))
    async def balance_at(member: Member, at: Ms) -> Response:
        """What the member owned, available and held, once everything applied up to `at` was."""
        return given(Owned(await ledger.balance_at(member, at)))

    @router.get("/members/{member:path}/reminders", responses=gives(list[Reminder]))
    async def reminders(member: Member, now: Ms) -> Response:
        """What the member was reminded of and has not expired at `now`, the nearest first."""
        return given(await ledger.reminders(member, now))


def _add_statements(router: APIRouter, ledger: Ledger) -> None:
    @router.get("/members/{member:path}/statement", responses=gives(list[StatementLine]))
    async def statement(member: Member, limit: Limit = 100) -> Response:
        """The newest movements, newest first."""
        return given(await ledger.statement(member, limit))

    @router.get("/members/{member:path}/statement.ndjson", responses=_LINES_OF)
    async def statement_lines(member: Member) -> Response:
        """All movements, oldest first, one JSON object a line."""
        return await streamed(_json_lines(ledger.statement_lines(member)), _LINES)

    @router.get("/members/{member:path}/statement.csv", responses=_CSV_OF)
    async def statement_csv(member: Member) -> Response:
        """All movements, oldest first."""
        lines = csv_lines(STATEMENT, ledger.statement_lines(member))
        return await streamed(lines, _CSV, _attached("statement.csv"))


def _add_campaigns(router: APIRouter, ledger: Ledger) -> None:
    @router.get("/campaigns/{campaign:path}/terms", responses=gives(Terms))
    async def terms(campaign: Campaign) -> Response:
        """The campaign's terms; the defaults where none were agreed."""
        return given(await ledger.terms(campaign))

    @router.get("/liability", responses=gives(list[Liability]))
    async def liability() -> Response:
        """What members still have, by campaign and month of expiry."""
        return given(await ledger.liability())

    @router.get("/liability.csv", responses=_CSV_OF)
    async def liability_csv() -> Response:
        """The same as a table."""
        lines = csv_lines(LIABILITY, _each(await ledger.liability()))
        return await streamed(lines, _CSV, _attached("liability.csv"))

    @router.get("/top", responses=gives(list[Ranked]))
    async def top(
        kind: Literal["earn", "spend"], since: Ms, until: Ms, campaign: AnyCampaign = "", limit: Limit = 100
    ) -> Response:
        """Who earned or spent (redemptions too) most in [since, until)."""
        return given(await ledger.top(Kind(kind), campaign, since, until, limit))


def _add_lanes(router: APIRouter, ledger: Ledger) -> None:
    @router.get("/lanes/{lane:path}/purses", responses=gives(list[Purse]))
    async def purses(lane: Lane) -> Response:
        """The open purses that the lane has asked for."""
        return given(await ledger.purses(lane))

    @router.get("/lanes/{lane:path}/totals", responses=gives(Totals))
    async def totals(lane: Lane, kind: Kind | None = None) -> Response:
        """What has come from the lane; with `kind`, of that kind alone."""
        return given(await ledger.totals(lane, kind))


def _add_books(router: APIRouter, ledger: Ledger) -> None:
    @router.get("/suspended", responses=gives(list[Suspended]))
    async def suspended(limit: Limit = 100) -> Response:
        """What waits in suspense, oldest first; resolved by "collect" or "write_off" entries."""
        return given(await ledger.suspended(limit))

    @router.get("/letters", responses=gives(list[DeadLetter]))
    async def letters(limit: Limit = 100) -> Response:
        """What was put aside and is not resolved, oldest first."""
        return given(await ledger.letters(limit))

    @router.get("/drift", responses=gives(list[Drift]))
    async def drift(limit: Limit = 100) -> Response:
        """Where the books disagree with themselves: empty, or an alarm."""
        return given(await ledger.drift(limit))

    @router.get("/audit", responses=gives(list[BrokenLink]))
    async def audit() -> Response:
        """Recomputes every lane's hash chain: empty, or the first broken link of each."""
        return given(await ledger.audit())


async def _json_lines(lines: AsyncIterator[StatementLine]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield msgspec.json.encode(line) + b"\n"


async def _each(lines: list[Liability]) -> AsyncIterator[Liability]:
    for line in lines:
        yield line


def _attached(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
