"""Requests that callers sign: HMAC-SHA256 over time, method, path and body.

    X-Caller: the caller's id
    X-Timestamp: Unix seconds
    X-Signature: hex HMAC-SHA256(secret, "{timestamp}\\n{METHOD}\\n{path}\\n{sha256 of the body in hex}")

A signed request that is sent again within the window is harmless: events are known by their own ids.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.routing import APIRoute

from gameserver.errors import Refused
from gameserver.http.bodies import body_up_to
from gameserver.records.callers import Caller, find_caller
from gameserver.records.database import Database

WINDOW_SECONDS = 300
MAX_BYTES = 4 * 2**20
_NOBODY = "0" * 64

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def signature(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The signature of a request, lower-case hex."""
    signed = f"{timestamp}\n{method}\n{path}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


class BoundedRequest(Request):
    """A request whose body is read up to MAX_BYTES only."""

    async def body(self) -> bytes:
        """The whole body, read once. Raises Refused("too_large")."""
        if not hasattr(self, "_body"):
            self._body = await body_up_to(self, MAX_BYTES)
        return self._body


async def caller_of(request: Request, database: Database) -> Caller:
    """Who signed the request. Raises Refused: bad_signature, stale_request, too_large."""
    timestamp = request.headers.get("x-timestamp", "")
    caller = await find_caller(database, request.headers.get("x-caller", ""))
    # an unknown caller costs as much time as a wrong signature
    secret = caller.secret if caller else _NOBODY
    expected = signature(secret, timestamp, request.method, request.url.path, await request.body())
    holds = hmac.compare_digest(expected.encode(), request.headers.get("x-signature", "").encode())
    if caller is None or not holds:
        raise Refused("bad_signature")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Refused("bad_signature", "the timestamp is no number of seconds")
    if abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        raise Refused("stale_request", f"the timestamp is more than {WINDOW_SECONDS} s away from now")
    return caller


def documented(
    x_caller: Annotated[str, Header(description="the caller's id")],
    x_timestamp: Annotated[str, Header(description="Unix seconds, at most 300 away from now")],
    x_signature: Annotated[
        str,
        Header(
            description=r'hex HMAC-SHA256(secret, "{timestamp}\n{METHOD}\n{path}\n{hex SHA-256 of the body}")'
        ),
    ],
) -> None:
    """The headers of a signed request, for the OpenAPI document: they were checked before."""


def signed_route(database: Database) -> type[APIRoute]:
    """A kind of route that looks at nothing of a request, not even its body, before its signature holds.

    The caller is `request.state.caller` then.
    """

    class SignedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                bounded = BoundedRequest(request.scope, request.receive)
                bounded.state.caller = await caller_of(bounded, database)
                return await handle(bounded)

            return checked

    return SignedRoute
