import asyncio
import signal
import socket
import sys

import pytest

from gameserver.engines import Engines
from tests.cli.typed import run
from tests.node import ROOT, Live, environment, free_port, living
from tests.page import PATIENCE_S


async def test_migrate_may_be_repeated_and_run_at_once(variables: dict[str, str]) -> None:
    for said in await asyncio.gather(*(run(variables, "migrate") for _ in range(2))):
        assert (said.code, said.out) == (0, "the database is up to date\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_settle_settles_until_it_is_told_to_stop(engines: Engines, number: signal.Signals) -> None:
    async with living(engines, settles=False) as idle:
        room = await idle.open_room()
        page = await idle.join(room.id, member := await idle.member())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gameserver", "settle",
            cwd=ROOT, env=environment(engines), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        assert (await process.stderr.readline()).startswith(b"settling")
        await page.grab()
        assert (await page.next(ev="settled"))["refs"] == [1]
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            rest = await process.stderr.read()
            assert await process.wait() == 0
        assert b"Traceback" not in rest
        assert (await idle.stores.ledger.balance(member.id)).available == 5


async def test_serve_without_what_it_needs_says_what_to_set(engines: Engines) -> None:
    whole = environment(engines, PORT=str(free_port()))
    without = {name: value for name, value in whole.items() if name != "REDIS_URL"}
    nothing, short, wrong = await asyncio.gather(
        run(without, "serve"),
        run({**whole, "SECRET_KEY": "short"}, "serve"),
        run({**whole, "PORT": "70000"}, "serve"),
    )
    assert "set REDIS_URL and DATABASE_URL, or use --embedded" in " ".join(nothing.err.split())
    assert "set SECRET_KEY to at least 32 random characters" in " ".join(short.err.split())
    assert (nothing.code, short.code) == (1, 1)
    assert wrong.code != 0


async def test_a_busy_port_is_one_clear_line(engines: Engines, live: Live) -> None:
    await live.open_room()  # a server that gives up has its clock to stop
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        variables = environment(engines, PORT=port)
        demo, serve = await asyncio.gather(run(variables, "demo"), run(variables, "serve"))
    for said in (demo, serve):
        assert said.error == f"error: port {port} is taken. Choose another, such as PORT={int(port) + 1}"
