import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from sqlalchemy import text

from gameserver.errors import REFUSALS
from gameserver.http import api
from tests.http.test_member_api import assert_problem
from tests.node import Live

ROUTES = {
    ("post", "/api/demo/login"), ("post", "/api/tickets"),
    ("post", "/api/points/events"),
    ("get", "/api/rooms"), ("get", "/api/rooms/{room}"), ("get", "/api/me/prizes"), ("get", "/api/me/points"),
    ("post", "/api/me/prizes/{room}/{prize}/{unit}/address"),
    ("post", "/api/me/prizes/{room}/{prize}/{unit}/received"),
    ("get", "/api/me/points/statement"), ("get", "/api/me/points/statement.csv"),
    ("get", "/api/rooms/{room}/contestants"),
    ("get", "/api/rooms/{room}/contestants/{contestant}"),
    ("post", "/api/rooms/{room}/signups"),
    ("get", "/api/rooms/{room}/signups"),
    ("post", "/api/chances"),
    ("get", "/api/rooms/{room}/why"),
    ("post", "/api/media"), ("get", "/media/{key}"),
    ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"),
}  # fmt: skip


async def document(live: Live) -> dict[str, Any]:
    answer = await live.http.get("/openapi.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_the_openapi_document_is_one_and_lists_every_route(live: Live) -> None:
    shown = await document(live)
    OpenAPI.model_validate(shown)
    listed = {(method, path) for path, methods in shown["paths"].items() for method in methods}
    assert listed >= ROUTES
    assert {path for _, path in listed} == {path for _, path in ROUTES}
    operations = [operation for methods in shown["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    for operation in operations:
        problem = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}


async def test_every_reference_of_the_document_leads_somewhere(live: Live) -> None:
    shown = await document(live)

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [ref for value in part.values() for ref in references(value)]
        return [ref for value in part for ref in references(value)] if isinstance(part, list) else []

    found = references(shown)
    assert found
    for reference in found:
        part: Any = shown
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


async def test_every_documented_error_of_validation_has_the_coded_form(live: Live) -> None:
    shown = await document(live)
    schemas = shown["components"]["schemas"]
    assert schemas["Problem"]["required"] == ["code", "message"]
    for methods in shown["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status.startswith("4"):
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, (status, operation)


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/", "/api/rooms/r1/seed", "/play", "/play/a/b", "/console", "/docs",
             "/redoc", "/static/h5/nothing.js", "/static/h5/../../../gameserver/app.py",
             "/static/h5/%2e%2e/%2e%2e/app.py", "/static/h5/..%2f..%2fsettings.py", "/.git/config", "/%00"]
)  # fmt: skip
async def test_what_is_not_there_is_a_coded_404(live: Live, path: str) -> None:
    assert_problem(await live.http.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/tickets"), ("POST", "/api/rooms"), ("DELETE", "/api/rooms/r1"), ("PUT", "/"),
     ("POST", "/play/r1"), ("PATCH", "/healthz"), ("POST", "/static/h5/index.html")],
)  # fmt: skip
async def test_another_method_is_a_coded_405(live: Live, method: str, path: str) -> None:
    assert_problem(await live.http.request(method, path), 405, "method_not_allowed")


async def test_an_error_of_ours_is_coded_and_tells_nothing_of_the_inside(
    live: Live, capfd: pytest.CaptureFixture[str]
) -> None:
    """A column that is suddenly missing is an error nobody expects."""
    async with live.stores.database.begin() as connection:
        await connection.execute(text("alter table game.room rename column config to hidden"))
    try:
        for path in ("/api/rooms", "/api/rooms/r1"):
            answer = await live.http.get(path)
            assert_problem(answer, 500, "internal")
            assert answer.json()["message"] == REFUSALS["internal"].message
            for word in ("column", "select", "sqlalchemy", "asyncpg", "game.room", ".py"):
                assert word not in answer.text.lower()
            assert answer.headers["x-content-type-options"] == "nosniff"
        page = await live.dial()
        await page.connection.send('{"op":"hello","ref":1,"room":"r999","ticket":"t"}')
        assert await page.closed() == 1011
        assert page.heard == []
    finally:
        async with live.stores.database.begin() as connection:
            await connection.execute(text("alter table game.room rename column hidden to config"))
    assert (await live.http.get("/api/rooms")).status_code == 200
    assert "hidden" not in capfd.readouterr().out  # logged, to standard error


# pages


@pytest.mark.parametrize("path", ["/", "/play/r1", "/play/red_packet_rain", "/screen/r1"])
async def test_pages_are_served_for_any_room_and_asked_for_again(live: Live, path: str) -> None:
    answer = await live.http.get(path)
    assert answer.status_code == 200, "the pages are not built: make pages"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.lower().startswith("<!doctype html>")
    again = await live.http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code in (200, 304)


async def test_assets_with_a_hash_are_kept_for_a_year(live: Live) -> None:
    for asset in re.findall(r"/static/h5/assets/[\w.-]+", (await live.http.get("/play/r1")).text):
        answer = await live.http.get(asset)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    missing = await live.http.get("/static/h5/assets/gone-12345678.js")
    assert_problem(missing, 404, "not_found")
    assert "immutable" not in missing.headers.get("cache-control", "")


async def test_pages_that_were_not_built_say_what_to_do(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "PAGES", tmp_path)
    app = api.api([], lambda _: None)  # type: ignore[arg-type,return-value] # it is not started
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for path in ("/", "/play/r1", "/screen/r1"):
            problem = assert_problem(await http.get(path), 503, "pages_missing")
            assert "make pages" in problem["message"]
        assert_problem(await http.get("/static/h5/assets/x.js"), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/", "/api/rooms", "/nothing", "/healthz", "/static/h5/index.html", "/api/me/points"]
)
async def test_every_answer_carries_the_security_headers(live: Live, path: str) -> None:
    headers = (await live.http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "server" not in headers
