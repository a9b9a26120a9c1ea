"""The HTTP side as one ASGI application: routes, errors, headers, pages."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gameserver.errors import Refused, status_of
from gameserver.http.forms import Problem
from gameserver.records.database import passes
from ledger_client.errors import LedgerAway

log = structlog.get_logger()

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Viewed = Callable[[Request, str], None]

PAGES = Path(__file__).parent.parent / "static" / "h5"
ENTRIES = {"/": "index.html", "/play/{room}": "play.html", "/screen/{room}": "screen.html"}
PLAYED = ENTRIES["/play/{room}"]

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob: https:; connect-src 'self' ws: wss:; media-src 'self' data: blob:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
}
_CODES = {404: "not_found", 405: "method_not_allowed", 401: "unauthorized"}


def api(routers: Sequence[APIRouter], lifespan: Lifespan, viewed: Viewed | None = None) -> ASGIApp:
    """The application that uvicorn serves; `viewed` hears of every page of a room that is asked for."""
    problems: dict[int | str, dict[str, Any]] = {
        "default": {"model": Problem, "description": "a coded problem"}
    }
    app = FastAPI(title="gameserver", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None,
                  responses=problems)  # fmt: skip
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    for router in routers:
        app.include_router(router)
    _add_pages(app, viewed)
    return SafeHeaders(app)


def _add_pages(app: FastAPI, viewed: Viewed | None) -> None:
    async def told(request: Request) -> None:
        if viewed:
            viewed(request, request.path_params["room"])

    for path, entry in ENTRIES.items():
        counted = [Depends(told)] if entry == PLAYED else []
        app.add_api_route(path, _page(PAGES / entry), include_in_schema=False, dependencies=counted)
    app.mount("/static/h5", StaticFiles(directory=PAGES, check_dir=False), name="h5")


def _page(file: Path) -> Callable[[], FileResponse]:
    def page() -> FileResponse:
        if not file.is_file():
            raise Refused("pages_missing")
        return FileResponse(file, headers={"cache-control": "no-cache"})

    return page


class SafeHeaders:
    """Security headers on every answer; files with a hash in their name may be kept for a year.

    It also ends what Starlette raises again after an unexpected error was logged and answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/static/h5/assets/") and message["status"] == 200:
                    headers["cache-control"] = "public, max-age=31536000, immutable"
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if not answered:
                raise


def _answer(refused: Refused) -> JSONResponse:
    problem = Problem(
        code=refused.code,
        message=refused.message,
        retry_ms=refused.retry_ms,
        fields=dict(refused.fields) if refused.fields else None,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status_of(refused.code))


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return _answer(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = {".".join(map(str, problem["loc"][1:])) or "body": problem["msg"] for problem in error.errors()}
    return _answer(Refused("bad_request", fields=fields))


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "bad_request")
    problem = Problem(code=code, message=str(error.detail), retry_ms=None, fields=None)
    return JSONResponse(problem.model_dump(exclude_none=True), error.status_code, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    if passes(error) or isinstance(error, LedgerAway):
        code = "ledger_down" if isinstance(error, LedgerAway) else "record_down"
        log.warning(code.replace("_", " "), path=request.url.path, error=str(error))
        return _answer(Refused(code, retry_ms=1000))
    log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(Refused("internal"))
