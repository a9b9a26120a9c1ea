"""A ledger elsewhere, over its HTTP API."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from ledger_client.entry import Entry, Kind
from ledger_client.errors import LedgerAway
from ledger_client.http.connection import Connection, Patience
from ledger_client.http.forms import Budget, Funded, Moment, Owned
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
from ledger_client.terms import Terms

_T = TypeVar("_T")
_encode = msgspec.json.encode


class HttpLedger:
    """See `ledger_client.ledger.Ledger`. A call that the ledger does not take as it is raises Unacceptable.

    Args:
        url: where the API begins; "/v1/..." follows it.
        token: a bearer token; one that only reads is enough for reading.
        patience: timeouts, retries, circuit breaker.
    """

    def __init__(self, url: str, token: str, patience: Patience | None = None) -> None:
        self._connection = Connection(url, token, patience or Patience())

    async def close(self) -> None:
        """Closes the connections."""
        await self._connection.close()

    async def apply(self, lane: LaneAt, entries: Sequence[Entry]) -> list[Outcome]:
        """Applies a batch; at most MAX_ENTRIES."""
        if not entries:
            return []
        return await self._post("/v1/batches", _encode({"lane": lane, "entries": entries}), list[Outcome])

    async def hold(self, lane: LaneAt, asks: Sequence[HoldAsk]) -> list[Held]:
        """Opens and tops up purses; at most MAX_ENTRIES."""
        if not asks:
            return []
        return await self._post("/v1/holds", _encode({"lane": lane, "asks": asks}), list[Held])

    async def fund(self, campaign: str, budget: int) -> int:
        """Brings the campaign's funding to `budget` points."""
        answer = await self._put(_campaign(campaign, "funding"), _encode(Budget(budget)), Funded)
        return answer.funded

    async def agree(self, campaign: str, terms: Terms) -> None:
        """Puts a campaign under terms."""
        await self._put(_campaign(campaign, "terms"), _encode(terms), Terms)

    async def terms(self, campaign: str) -> Terms:
        """The campaign's terms."""
        return await self._get(_campaign(campaign, "terms"), Terms)

    async def upkeep(self, now: int) -> Upkept:
        """One round of upkeep."""
        return await self._post("/v1/upkeep", _encode(Moment(now)), Upkept)

    async def balance(self, member: str) -> Balance:
        """The member's points."""
        return await self._get(_member(member, "balance"), Balance)

    async def balance_at(self, member: str, at: int) -> int:
        """What the member owned at a time."""
        return (await self._get(_member(member, "balance_at", {"at": at}), Owned)).owned

    async def statement(self, member: str, limit: int = 100) -> list[StatementLine]:
        """The newest movements, newest first."""
        return await self._get(_member(member, "statement", {"limit": limit}), list[StatementLine])

    async def statement_lines(self, member: str) -> AsyncIterator[StatementLine]:
        """All movements, oldest first, as they come."""
        decode = msgspec.json.Decoder(StatementLine).decode
        async with self._connection.stream(_member(member, "statement.ndjson")) as lines:
            async for line in lines:
                try:
                    movement = decode(line)
                except msgspec.DecodeError as error:
                    raise LedgerAway(f"the answer is not the ledger's: {error}") from error
                yield movement

    async def reminders(self, member: str, now: int) -> list[Reminder]:
        """What the member was reminded of."""
        return await self._get(_member(member, "reminders", {"now": now}), list[Reminder])

    async def liability(self) -> list[Liability]:
        """What members still have, by campaign and month of expiry."""
        return await self._get("/v1/liability", list[Liability], slow=True)

    async def top(self, kind: Kind, campaign: str, since: int, until: int, limit: int = 100) -> list[Ranked]:
        """Who earned or spent most."""
        query = {"kind": kind.value, "campaign": campaign, "since": since, "until": until, "limit": limit}
        return await self._get(f"/v1/top?{urlencode(query)}", list[Ranked], slow=True)

    async def purses(self, lane: str) -> list[Purse]:
        """The open purses of a lane."""
        return await self._get(f"/v1/lanes/{_segment(lane)}/purses", list[Purse])

    async def totals(self, lane: str, kind: Kind | None = None) -> Totals:
        """What has come from a lane."""
        of_kind = f"?kind={kind}" if kind else ""
        return await self._get(f"/v1/lanes/{_segment(lane)}/totals{of_kind}", Totals, slow=True)

    async def suspended(self, limit: int = 100) -> list[Suspended]:
        """What waits in suspense."""
        return await self._get(f"/v1/suspended?limit={limit}", list[Suspended])

    async def letters(self, limit: int = 100) -> list[DeadLetter]:
        """What was put aside."""
        return await self._get(f"/v1/letters?limit={limit}", list[DeadLetter])

    async def retry(self, letter: str) -> list[Outcome]:
        """Applies a dead entry again. Sent once: if it went through and only the answer was lost, a second
        time would say that there is no such letter.
        """
        path = f"/v1/letters/{_segment(letter)}/retry"
        return _decoded(await self._connection.ask("POST", path, b"", resend=False), list[Outcome])

    async def resolve(self, letter: str) -> None:
        """Marks a letter as dealt with. Sent once, like `retry`."""
        await self._connection.ask("POST", f"/v1/letters/{_segment(letter)}/resolve", b"", resend=False)

    async def drift(self, limit: int = 100) -> list[Drift]:
        """Where the books disagree with themselves."""
        return await self._get(f"/v1/drift?limit={limit}", list[Drift], slow=True)

    async def audit(self) -> list[BrokenLink]:
        """The first broken link of each lane's chain."""
        return await self._get("/v1/audit", list[BrokenLink], slow=True)

    async def _get(self, path: str, type_: type[_T], *, slow: bool = False) -> _T:
        return _decoded(await self._connection.ask("GET", path, slow=slow), type_)

    async def _post(self, path: str, body: bytes, type_: type[_T]) -> _T:
        return _decoded(await self._connection.ask("POST", path, body), type_)

    async def _put(self, path: str, body: bytes, type_: type[_T]) -> _T:
        return _decoded(await self._connection.ask("PUT", path, body), type_)


def _decoded(body: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise LedgerAway(f"the answer is not the ledger's: {error}") from error


def _segment(name: str) -> str:
    """A name as one part of a path, whatever is in it; "." and ".." would be taken for folders."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _campaign(campaign: str, what: str) -> str:
    return f"/v1/campaigns/{_segment(campaign)}/{what}"


def _member(member: str, what: str, query: Mapping[str, int] | None = None) -> str:
    path = f"/v1/members/{_segment(member)}/{what}"
    return f"{path}?{urlencode(query)}" if query else path
