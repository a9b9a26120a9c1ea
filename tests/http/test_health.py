import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from gameserver.errors import CloseCode
from tests.engines import owning
from tests.http.test_member_api import assert_problem
from tests.node import Live, living
from tests.page import Page, hello

VALKEY, POSTGRES = Path("valkey/valkey.pid"), Path("postgres/postmaster.pid")


@asynccontextmanager
async def server_with_engines_of_its_own() -> AsyncIterator[tuple[Live, Path]]:
    """They may be stopped: nobody else uses them."""
    var = Path(tempfile.mkdtemp(prefix="gameserver-health-"))
    with owning(var, "--discard") as owner:
        async with living(owner.engines) as live:
            yield live, var


def engine(var: Path, pid_file: Path) -> psutil.Process:
    return psutil.Process(int((var / pid_file).read_text().split()[0]))


def kill(process: psutil.Process) -> None:
    """SIGKILL, and returns when it has ended; its owner reaps it later."""
    doomed = [process, *process.children()]
    process.kill()
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in doomed):
        os.sched_yield()


async def ready(live: Live) -> tuple[int, str, dict[str, str]]:
    answer = await live.http.get("/readyz")
    assert (await live.http.get("/healthz")).json() == {"status": "ok", "checks": {}}
    return answer.status_code, answer.json()["status"], answer.json()["checks"]


async def greeted(live: Live, room: str) -> tuple[str, int | None]:
    """The code of what a hello is told, and that of the close."""
    page: Page = await live.dial()
    await page.connection.send(hello(room, "t"))
    closed = await page.closed()
    (refused,) = page.heard
    return refused["code"], closed


async def test_a_valkey_that_is_frozen_makes_the_server_unready_until_it_goes_on() -> None:
    async with server_with_engines_of_its_own() as (live, var):
        assert await ready(live) == (200, "ok", {"redis": "ok", "database": "ok"})
        valkey = engine(var, VALKEY)
        valkey.suspend()
        try:
            assert await ready(live) == (503, "not ready", {"redis": "does not answer", "database": "ok"})
        finally:
            valkey.resume()
        assert await ready(live) == (200, "ok", {"redis": "ok", "database": "ok"})


async def test_without_its_stores_the_server_says_so_in_codes_and_stays_up() -> None:
    async with server_with_engines_of_its_own() as (live, var):
        room = await live.open_room()
        page = await live.join(room.id, member := await live.member())
        assert (await page.grab())["ev"] == "grabbed"

        kill(engine(var, POSTGRES))
        assert await ready(live) == (503, "not ready", {"redis": "ok", "database": "does not answer"})
        for path in ("/api/rooms", f"/api/rooms/{room.id}", "/api/me/prizes", "/api/me/points"):
            code = "ledger_down" if path == "/api/me/points" else "record_down"
            problem = assert_problem(await live.http.get(path, headers=member.bearer), 503, code)
            assert problem["retry_ms"] > 0
        assert (await page.grab())["ev"] == "grabbed"  # play needs only Redis
        assert (await greeted(live, "r999"))[0] == "record_down"

        kill(engine(var, VALKEY))
        gone = {"redis": "does not answer", "database": "does not answer"}
        assert await ready(live) == (503, "not ready", gone)
        if page.connection.close_code is None:
            refused = await page.grab()
            assert refused["code"] == "store_down"
            assert refused["retry_ms"] > 0
        assert await greeted(live, room.id) == ("store_down", CloseCode.NOT_READY)
        await live.hang_up()


async def test_a_ticket_without_valkey_is_refused_as_store_down() -> None:
    async with server_with_engines_of_its_own() as (live, var):
        room, member = await live.open_room(), await live.member()
        kill(engine(var, VALKEY))
        answer = await live.http.post("/api/tickets", json={"room": room.id}, headers=member.bearer)
        assert assert_problem(answer, 503, "store_down")["retry_ms"] > 0
        answer = await live.http.get("/api/rooms")  # the record still knows them
        assert answer.status_code == 200
        assert room.id in [line["id"] for line in answer.json()["rooms"]]
        page = await live.http.get(f"/api/rooms/{room.id}")
        assert page.json()["state"] == "open"


async def test_metrics_are_prometheus_text() -> None:
    async with server_with_engines_of_its_own() as (live, _):
        answer = await live.http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        for name in (
            "connections",
            "closes_total",
            "refusals_total",
            "tick_seconds_bucket",
            "frame_errors_total",
        ):
            assert f"\ngameserver_{name}" in answer.text or f"# TYPE gameserver_{name}" in answer.text
