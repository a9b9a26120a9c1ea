"""The ledger's HTTP API as a foreign caller meets it: bytes in, bytes out."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.http.problems import PROBLEMS
from ledger_client.http.server import ledger_api
from ledger_client.http.tokens import Tokens
from tests.ledger_client.entries import new_room
from tests.ledger_client.http.serving import READER, WRITER, free_port, serving

READS = [
    "/v1/members/m1/balance", "/v1/members/m1/balance_at?at=1", "/v1/members/m1/reminders?now=1",
    "/v1/members/m1/statement", "/v1/members/m1/statement.ndjson", "/v1/members/m1/statement.csv",
    "/v1/campaigns/c1/terms", "/v1/liability", "/v1/liability.csv", "/v1/top?kind=earn&since=0&until=1",
    "/v1/lanes/r1.0/purses", "/v1/lanes/r1.0/totals", "/v1/suspended", "/v1/letters", "/v1/drift",
    "/v1/audit",
]  # fmt: skip
WRITES = [
    ("POST", "/v1/batches"), ("POST", "/v1/holds"), ("POST", "/v1/upkeep"),
    ("PUT", "/v1/campaigns/c1/funding"), ("PUT", "/v1/campaigns/c1/terms"), ("POST", "/v1/letters/00/retry"),
    ("POST", "/v1/letters/00/resolve"),
]  # fmt: skip
LANE = {"id": "r1.0", "epoch": 1, "outbox_id": "1-0"}
ENTRY = {
    "id": "00000000-0000-8000-8000-000000000001", "kind": "earn", "member": "m1", "campaign": "c1",
    "room": "r1", "amount": 5, "occurred_at": 1_790_000_000_000, "rule_version": 1,
}  # fmt: skip
ASK = {
    "id": "00000000-0000-8000-8000-000000000002", "number": 0, "member": "m1", "campaign": "c1", "room": "r1",
    "wanted": 10, "step": 5, "until": 1_790_000_900_000, "occurred_at": 1_790_000_000_000,
}  # fmt: skip


@pytest.fixture
async def http(url: str, engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {WRITER}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
        yield client


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    problem: dict[str, Any] = answer.json()
    assert set(problem) <= {"code", "message", "retry_ms", "fields"}
    assert problem["message"]
    assert answer.headers["content-type"] == "application/json"
    return problem


# tokens


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer " + "x" * 40, f"Basic {WRITER}", WRITER, f"Bearer {WRITER}x"],
)
async def test_without_a_token_nothing_is_told_and_nothing_done(url: str, authorization: str | None) -> None:
    headers = {"authorization": authorization} if authorization is not None else {}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as stranger:
        for method, path in [*(("GET", path) for path in READS), *WRITES]:
            answer = await stranger.request(method, path, content=b"{}")
            assert_problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_reads_reads_everything_and_writes_nothing(http: httpx.AsyncClient) -> None:
    http.headers["authorization"] = f"Bearer {READER}"
    for path in READS:
        assert (await http.get(path)).status_code == 200, path
    for method, path in WRITES:
        assert_problem(await http.request(method, path, content=b"{}"), 403, "read_only")


async def test_every_route_is_behind_a_token_but_health_and_the_document(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    listed = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    tested = {("GET", path.partition("?")[0]) for path in READS} | set(WRITES)
    names = {"m1": "{member}", "c1": "{campaign}", "r1.0": "{lane}", "00": "{letter}"}
    tried = {(method, "/".join(names.get(part, part) for part in path.split("/"))) for method, path in tested}
    assert listed == tried | {("GET", "/healthz")}
    for method, path in listed:
        secured = paths[path][method.lower()].get("security")
        assert bool(secured) is (path != "/healthz")


async def test_health_needs_no_token(http: httpx.AsyncClient) -> None:
    del http.headers["authorization"]
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


# bodies


async def test_a_batch_is_plain_json(http: httpx.AsyncClient) -> None:
    assert (await http.put("/v1/campaigns/c1/funding", json={"budget": 7})).json() == {"funded": 7}
    second = {**ENTRY, "id": ENTRY["id"][:-1] + "2"}
    answer = await http.post("/v1/batches", json={"lane": LANE, "entries": [ENTRY, ENTRY, second]})
    assert answer.json() == [
        {"id": ENTRY["id"], "status": "applied", "credited": 5},
        {"id": ENTRY["id"], "status": "already", "credited": 5},
        {"id": second["id"], "status": "rejected", "reason": "budget_exhausted"},
    ]
    held = await http.post("/v1/holds", json={"lane": LANE, "asks": [ASK]})
    assert held.json() == [
        {"id": ASK["id"], "number": 0, "granted": 5, "amount": 5, "used": 0, "until": ASK["until"],
         "state": "open"}
    ]  # fmt: skip
    assert (await http.get("/v1/members/m1/balance")).json() == {
        "available": 0, "held": 5, "expiring": 0, "expires_at": None
    }  # fmt: skip


BAD_BATCHES: list[tuple[Any, str]] = [
    ({}, "lane"),
    ({"lane": LANE}, "entries"),
    ({"lane": LANE, "entries": {}}, "entries"),
    ({"lane": LANE, "entries": [], "more": 1}, "more"),
    ({"lane": {**LANE, "epoch": -1}, "entries": []}, "lane.epoch"),
    ({"lane": {**LANE, "epoch": 2**31}, "entries": []}, "lane.epoch"),
    ({"lane": {**LANE, "id": ""}, "entries": []}, "lane.id"),
    ({"lane": {**LANE, "id": "r" * 81}, "entries": []}, "lane.id"),
    ({"lane": {**LANE, "outbox_id": "x"}, "entries": []}, "lane.outbox_id"),
    ({"lane": LANE, "entries": [ENTRY, {**ENTRY, "amount": "5"}]}, "entries.1.amount"),
    ({"lane": LANE, "entries": [{**ENTRY, "amount": 5.5}]}, "entries.0.amount"),
    ({"lane": LANE, "entries": [{**ENTRY, "amount": 2**63}]}, "entries.0.amount"),
    ({"lane": LANE, "entries": [{**ENTRY, "amount": 2**200}]}, "entries.0.amount"),
    ({"lane": LANE, "entries": [{**ENTRY, "kind": "steal"}]}, "entries.0.kind"),
    ({"lane": LANE, "entries": [{**ENTRY, "id": "1"}]}, "entries.0.id"),
    ({"lane": LANE, "entries": [{**ENTRY, "abuot": ENTRY["id"]}]}, "entries.0.abuot"),
    ({"lane": LANE, "entries": [{key: ENTRY[key] for key in ENTRY if key != "member"}]}, "entries.0.member"),
    ({"lane": LANE, "entries": [ENTRY] * 2001}, "entries"),
    ([], "body"),
    (None, "body"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BATCHES)
async def test_a_body_that_does_not_fit_is_told_which_field(
    http: httpx.AsyncClient, body: Any, field: str
) -> None:
    problem = assert_problem(await http.post("/v1/batches", json=body), 422, "bad_request")
    assert list(problem["fields"]) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", -1), ("member", ""), ("member", "m" * 81), ("member", "a\0b"), ("campaign", "c" * 81),
     ("wanted", 0), ("wanted", 10**12 + 1), ("step", 0), ("until", -1), ("until", 2**53),
     ("occurred_at", None)],
)  # fmt: skip
async def test_an_ask_has_bounds(http: httpx.AsyncClient, field: str, value: object) -> None:
    answer = await http.post("/v1/holds", json={"lane": LANE, "asks": [ASK, {**ASK, field: value}]})
    assert list(assert_problem(answer, 422, "bad_request")["fields"]) == [f"asks.1.{field}"]


@pytest.mark.parametrize(
    ("terms", "field"),
    [({"timezone": "Mars/Base"}, "body"), ({"caps": {"day": 0}}, "caps.day"), ({"expiry": "soon"}, "expiry"),
     ({"remind_days": [400]}, "remind_days.0"), ({"caps": {"week": 1}}, "caps.week"), ({"x": 1}, "x")],
)  # fmt: skip
async def test_terms_have_bounds(http: httpx.AsyncClient, terms: object, field: str) -> None:
    answer = await http.put("/v1/campaigns/c1/terms", json=terms)
    assert list(assert_problem(answer, 422, "bad_request")["fields"]) == [field]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"nope", b'{"lane":{}}{}', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    for method, path in WRITES[:5]:
        assert_problem(await http.request(method, path, content=body), 422, "bad_request")


async def test_a_body_may_have_four_megabytes(http: httpx.AsyncClient) -> None:
    room = b" " * (4 * 1024 * 1024 - 200)
    fits = json.dumps({"lane": LANE, "entries": []}).encode() + room
    assert (await http.post("/v1/batches", content=fits)).json() == []

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    assert_problem(await http.post("/v1/batches", content=fits + b" " * 200), 413, "too_large")
    assert_problem(await http.post("/v1/batches", content=endless()), 413, "too_large")


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/members/m1/balance_at", "at"), ("/v1/members/m1/balance_at?at=-1", "at"),
     ("/v1/members/m1/statement?limit=0", "limit"), ("/v1/members/m1/statement?limit=100001", "limit"),
     ("/v1/members/m1/statement?limit=x", "limit"), (f"/v1/members/{'m' * 81}/balance", "member"),
     ("/v1/members/a%00b/balance", "member"), ("/v1/members//balance", "member"),
     ("/v1/top?kind=hold&since=0&until=1", "kind"), ("/v1/letters?limit=-1", "limit")],
)  # fmt: skip
async def test_what_stands_in_the_address_has_bounds(http: httpx.AsyncClient, path: str, field: str) -> None:
    assert list(assert_problem(await http.get(path), 422, "bad_request")["fields"]) == [field]


# problems


async def test_an_older_epoch_is_a_conflict(http: httpx.AsyncClient) -> None:
    await http.post("/v1/batches", json={"lane": {**LANE, "epoch": 3}, "entries": [ENTRY]})
    problem = assert_problem(
        await http.post("/v1/batches", json={"lane": LANE, "entries": [ENTRY]}), 409, "stale_epoch"
    )
    assert "r1.0" in problem["message"]


async def test_what_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v1/members", "/v1/members/m1", "/docs", "/v2/liability"):
        assert_problem(await http.get(path), 404, "not_found")
    for letter in ("00" * 32, "nohex"):
        assert_problem(await http.post(f"/v1/letters/{letter}/resolve"), 404, "unknown_letter")
    for method, path in (("GET", "/v1/batches"), ("DELETE", "/v1/liability"), ("POST", "/healthz")):
        assert_problem(await http.request(method, path), 405, "method_not_allowed")


async def test_a_ledger_whose_database_is_away_says_when_to_come_again() -> None:
    engine = create_async_engine(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    headers = {"authorization": f"Bearer {WRITER}"}
    async with (
        serving(ledger_api(EmbeddedLedger(engine), Tokens([WRITER]))) as url,
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as http,
    ):
        body = {"lane": LANE, "entries": [ENTRY]}
        for answer in (
            await http.post("/v1/batches", json=body),
            await http.get("/v1/members/m1/balance"),
            await http.get("/v1/members/m1/statement.csv"),
            await http.get("/v1/members/m1/statement.ndjson"),
        ):
            assert assert_problem(answer, 503, "ledger_away")["retry_ms"] == 1000
            assert answer.headers["retry-after"] == "1"
        assert (await http.get("/healthz")).status_code == 200
    await engine.dispose()


async def test_an_error_of_ours_tells_nothing_of_the_inside(
    http: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("alter table ledger.account rename column posted to hidden"))
    try:
        problem = assert_problem(await http.get("/v1/members/m1/balance"), 500, "internal")
        assert problem["message"] == PROBLEMS["internal"].message
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("alter table ledger.account rename column hidden to posted"))
    assert (await http.get("/v1/members/m1/balance")).status_code == 200


# sheets


async def earned(http: httpx.AsyncClient, entries: int) -> str:
    room = new_room()
    await http.put(f"/v1/campaigns/{room}/funding", json={"budget": entries})
    lines = [
        {**ENTRY, "id": f"00000000-0000-8000-8000-{n:012x}", "campaign": room, "room": room, "amount": 1}
        for n in range(1, entries + 1)
    ]
    answer = await http.post("/v1/batches", json={"lane": LANE, "entries": lines})
    assert {line["status"] for line in answer.json()} == {"applied"}
    return room


async def test_a_statement_is_streamed_as_csv(http: httpx.AsyncClient) -> None:
    room = await earned(http, 2000)
    async with http.stream("GET", "/v1/members/m1/statement.csv") as answer:
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="statement.csv"'
        assert answer.headers["transfer-encoding"] == "chunked"
        rows = list(csv.DictReader(io.StringIO((await answer.aread()).decode())))
    assert [row["balance"] for row in rows] == [str(n) for n in range(1, 2001)]
    assert {(row["kind"], row["room"], row["amount"]) for row in rows} == {("earn", room, "1")}


async def test_liability_is_a_sheet_too(http: httpx.AsyncClient) -> None:
    room = await earned(http, 3)
    answer = await http.get("/v1/liability.csv")
    assert answer.text.splitlines() == ["campaign,month,points", f"{room},,3"]
    assert (await http.get("/v1/liability")).json() == [{"campaign": room, "month": "", "points": 3}]


async def test_no_answer_is_kept_by_anybody_between(http: httpx.AsyncClient) -> None:
    for path in (*READS, "/v1/nothing"):
        answer = await http.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


# the document


async def test_the_openapi_document_is_one_and_every_reference_leads_somewhere(
    http: httpx.AsyncClient,
) -> None:
    document = (await http.get("/openapi.json")).json()
    OpenAPI.model_validate(document)
    assert document["openapi"].startswith("3.1")
    found = list(references(document))
    assert found
    for reference in found:
        part: Any = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    used = {reference.rpartition("/")[2] for reference in found}
    assert used == set(document["components"]["schemas"]), "a schema that nothing uses"


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for value in part.values() for ref in references(value)]
    return [ref for value in part for ref in references(value)] if isinstance(part, list) else []


async def test_the_document_tells_bodies_answers_bounds_and_codes(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            default = operation["responses"]["default"]["content"]["application/json"]["schema"]
            assert default == {"$ref": "#/components/schemas/Problem"}
            assert operation["description"], path
            assert ("requestBody" in operation) is (method != "get" and "/letters/" not in path)
            assert not [status for status in operation["responses"] if status.startswith("4")]
    schemas = document["components"]["schemas"]
    assert schemas["Batch"]["properties"]["entries"]["maxItems"] == 2000
    assert schemas["HoldForm"]["properties"]["wanted"]["maximum"] == 10**12
    assert schemas["HoldForm"]["properties"]["member"]["maxLength"] == 80
    assert schemas["EntryForm"]["additionalProperties"] is False
    for code in PROBLEMS:
        assert f"`{code}`" in document["info"]["description"]
