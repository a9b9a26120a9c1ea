"""Requests that reach a ledger over HTTP or say that it is away: timeouts, retries, circuit breaker."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
import msgspec
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from ledger_client.errors import LedgerAway, StaleEpoch, UnknownLetter
from ledger_client.http.breaker import Breaker, CircuitOpen
from ledger_client.http.problems import Problem

_TRY_AGAIN = frozenset({429, 502, 503, 504})
# to repeat these is of no use; all others an operator can mend (a token, an address), so calls are kept
_OF_NO_USE = frozenset({400, 409, 413, 422})
_KEEP_ALIVE_S = 4.0  # less than the 5 s of uvicorn, which closes a connection that was idle for longer


class Patience(msgspec.Struct, frozen=True):
    """How long is waited, how often is tried, and when it is left alone for a while; seconds."""

    connect_s: float = 2.0
    answer_s: float = 10.0
    slow_answer_s: float = 600.0  # of what reads all of the books
    attempts: int = 4
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0
    failures: int = 8
    open_s: float = 5.0


class Unacceptable(Exception):  # noqa: N818 - says what, not that something broke
    """The ledger does not take the call as it is; to repeat it is of no use. One side has a bug.

    Args:
        problem: what it answered.
    """

    def __init__(self, problem: Problem) -> None:
        fields = "".join(f"; {field}: {text}" for field, text in (problem.fields or {}).items())
        super().__init__(f"{problem.code}: {problem.message}{fields}")
        self.problem = problem


class _Failed(Exception):  # noqa: N818 - an attempt failed, not this process
    """One attempt came to nothing."""

    def __init__(self, message: str, retry_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Connection:
    """A pool of connections to one ledger.

    Args:
        url: where its API begins, such as "https://ledger.example/points".
        token: a bearer token.
        patience: see there.

    Raises ValueError where the url is none.
    """

    def __init__(self, url: str, token: str, patience: Patience) -> None:
        if httpx.URL(url).scheme not in ("http", "https"):
            raise ValueError(f"not an address of a ledger: {url}")
        self._patience = patience
        self._attempts = patience.attempts
        self._breaker = Breaker(patience.failures, patience.open_s, _Failed)
        self._backoff = wait_random_exponential(patience.first_pause_s, patience.longest_pause_s)
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(patience.answer_s, connect=patience.connect_s),
            limits=httpx.Limits(max_connections=20, keepalive_expiry=_KEEP_ALIVE_S),
            verify=ssl.create_default_context(),
            # the token goes where the url says: through no proxy of the environment, and after no redirect
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Closes the connections; calls that are under way fail."""
        await self._http.aclose()

    async def ask(
        self, method: str, path: str, body: bytes | None = None, *, slow: bool = False, resend: bool = True
    ) -> bytes:
        """The body of the answer.

        The very same request is sent again where an attempt came to nothing, unless not `resend`. Raises
        LedgerAway, StaleEpoch, UnknownLetter, Unacceptable.
        """
        limit = self._patience.slow_answer_s if slow else self._patience.answer_s
        headers = {"content-type": "application/json"} if body is not None else {}
        timeout = httpx.Timeout(limit, connect=self._patience.connect_s)
        request = self._http.build_request(method, path, content=body, headers=headers, timeout=timeout)
        answer = await self._send(request, limit, stream=False, attempts=self._attempts if resend else 1)
        _raise_problem(answer)
        return answer.content

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer as they come. Raises like `ask`, and LedgerAway where it breaks off."""
        request = self._http.build_request("GET", path)
        answer = await self._send(request, self._patience.answer_s, stream=True, attempts=self._attempts)
        try:
            if answer.status_code != HTTPStatus.OK:
                await answer.aread()
                _raise_problem(answer)
            yield _lines(answer)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise LedgerAway(_said(error)) from error
        finally:
            await answer.aclose()

    async def _send(
        self, request: httpx.Request, limit: float, *, stream: bool, attempts: int
    ) -> httpx.Response:
        patiently = AsyncRetrying(
            stop=stop_after_attempt(attempts),
            wait=self._pause,
            retry=retry_if_exception_type(_Failed),
            reraise=True,
        )
        try:
            return await patiently(self._attempt, request, limit, stream)
        except _Failed as error:
            raise LedgerAway(str(error)) from error
        except CircuitOpen as error:
            raise LedgerAway("the ledger failed too often lately; it is left alone for a moment") from error

    async def _attempt(self, request: httpx.Request, limit: float, stream: bool) -> httpx.Response:
        with self._breaker.call():
            try:
                async with asyncio.timeout(limit):  # httpx limits single reads, and an answer may trickle
                    answer = await self._http.send(request, stream=stream)
            except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
                raise _Failed(_said(error)) from error
            if answer.status_code in _TRY_AGAIN:
                await answer.aclose()
                after = answer.headers.get("retry-after", "")
                raise _Failed(
                    f"the ledger answers {answer.status_code}", int(after) if after.isdigit() else 0
                )
            return answer

    def _pause(self, state: RetryCallState) -> float:
        """Random, longer each time, and not before the ledger asked to be called again."""
        failed = state.outcome.exception() if state.outcome else None
        asked = failed.retry_s if isinstance(failed, _Failed) else 0.0
        return max(self._backoff(state), min(asked, self._patience.longest_pause_s))


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in answer.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        raise LedgerAway("the answer broke off within a line")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _raise_problem(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem("foreign", "the answer is not the ledger's")
    if problem.code == "stale_epoch":
        raise StaleEpoch(problem.message)
    if problem.code == "unknown_letter":
        raise UnknownLetter(problem.message)
    if answer.status_code in _OF_NO_USE:
        raise Unacceptable(problem)
    raise LedgerAway(f"the ledger answers {answer.status_code}, {problem.code}: {problem.message}")
