"""A ledger served over HTTP: JSON, bearer tokens, an OpenAPI document at /openapi.json."""

import math
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger_client.errors import LedgerAway, StaleEpoch, UnknownLetter
from ledger_client.http.exchange import components, given, gives
from ledger_client.http.forms import Health
from ledger_client.http.problems import AWAY_RETRY_MS, PROBLEMS, Refused
from ledger_client.http.reading import reading
from ledger_client.http.tokens import Tokens
from ledger_client.http.writing import writing
from ledger_client.ledger import Ledger

log = structlog.get_logger()

_ABOUT = """Every call may be repeated as it is. Errors are `Problem`s; their codes:

""" + "\n".join(f"- `{code}` ({line.status}): {line.message}" for code, line in PROBLEMS.items())
_CODES = {404: "not_found", 405: "method_not_allowed"}


def ledger_api(ledger: Ledger, tokens: Tokens) -> FastAPI:
    """The application that uvicorn serves. It opens and closes nothing of the ledger's."""
    app = FastAPI(title="ledger", version="1.0.0", description=_ABOUT, docs_url=None, redoc_url=None)
    app.add_middleware(_Caught)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LedgerAway, _away)
    app.add_exception_handler(StaleEpoch, _stale)
    app.add_exception_handler(UnknownLetter, _unknown_letter)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)

    @app.get("/healthz", tags=["health"], responses=gives(Health))
    async def healthz() -> Response:
        """The process turns."""
        return given(Health())

    app.include_router(reading(ledger, tokens))
    app.include_router(writing(ledger, tokens))
    app.openapi = lambda: _document(app)  # type: ignore[method-assign] # as FastAPI's manual says
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with our structs for its models."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {"description": "a problem", "content": problem}
        document["components"]["schemas"] = components()
        app.openapi_schema = document
    return app.openapi_schema


def _answer(refused: Refused) -> Response:
    answer = given(refused.problem)
    answer.status_code = refused.status
    if refused.status == 401:
        answer.headers["www-authenticate"] = "Bearer"
    if refused.problem.retry_ms:
        answer.headers["retry-after"] = str(math.ceil(refused.problem.retry_ms / 1000))
    return answer


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(error)


async def _away(request: Request, error: Exception) -> Response:
    log.warning("ledger away", path=request.url.path, error=str(error))
    return _answer(Refused("ledger_away", retry_ms=AWAY_RETRY_MS))


async def _stale(_: Request, error: Exception) -> Response:
    return _answer(Refused("stale_epoch", str(error)))


async def _unknown_letter(_: Request, error: Exception) -> Response:
    return _answer(Refused("unknown_letter"))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = {".".join(map(str, problem["loc"][1:])): problem["msg"] for problem in error.errors()}
    return _answer(Refused("bad_request", fields=fields))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _answer(Refused(_CODES.get(error.status_code, "bad_request")))
    answer.headers.update(error.headers or {})
    return answer


class _Caught:
    """Answers an error that nobody expects with a problem that tells nothing of the inside, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        answering = False

        async def send_on(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            log.error("request failed", path=scope.get("path"), exc_info=error)
            if answering:
                raise  # the server breaks the answer off
            await _answer(Refused("internal"))(scope, receive, send)
