"""A ledger that is late, breaks off, is down or is somebody else: real sockets on both sides."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger_client.entry import Entry
from ledger_client.errors import LedgerAway
from ledger_client.http.client import HttpLedger
from ledger_client.http.connection import Patience, Unacceptable
from ledger_client.ledger import Balance, Status
from tests.ledger_client.entries import earn, lane, new_room
from tests.ledger_client.http.serving import (
    READER,
    WRITER,
    Between,
    Exchange,
    answering,
    free_port,
    problem,
)

QUICK = Patience(
    connect_s=1, answer_s=5, attempts=3, first_pause_s=0.001, longest_pause_s=0.002, failures=100
)
HASTY = msgspec.structs.replace(QUICK, answer_s=0.2)
LIMIT_S = 20


@asynccontextmanager
async def calling(url: str, patience: Patience = QUICK, token: str = WRITER) -> AsyncIterator[HttpLedger]:
    ledger = HttpLedger(url, token, patience)
    try:
        async with asyncio.timeout(LIMIT_S):
            yield ledger
    finally:
        await ledger.close()


async def batch_of_a_funded_room(url: str) -> tuple[str, list[Entry]]:
    room = new_room()
    async with calling(url) as ledger:
        assert await ledger.fund(f"c-{room}", 100) == 100
    return room, [earn(room, 1, 30), earn(room, 2, 50)]


FAULTS = [
    "drop before", "drop after", "half", problem("503 Away", "ledger_away"), problem("502 Bad", "x"),
    problem("504 Late", "x"), problem("429 Slow", "x"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_came_to_nothing_is_sent_again_as_it_was_and_has_one_effect(
    url: str, engine: AsyncEngine, fault: str
) -> None:
    room, batch = await batch_of_a_funded_room(url)
    between = Between(url, {1: fault, 2: fault})
    async with answering(between) as address, calling(address) as ledger:
        outcomes = await ledger.apply(lane(room), batch)
        expected = Status.APPLIED if fault == "drop before" else Status.ALREADY
        assert [outcome.status for outcome in outcomes] == [expected, expected]
        assert [outcome.credited for outcome in outcomes] == [30, 50]
        assert await ledger.balance(batch[0].member) == Balance(80, 0)
    assert len(between.requests) == 4
    assert between.requests[0] == between.requests[1] == between.requests[2]


async def test_an_answer_that_is_late_is_not_waited_for(url: str, engine: AsyncEngine) -> None:
    room, batch = await batch_of_a_funded_room(url)
    between = Between(url, {1: "never"})
    async with answering(between) as address, calling(address, HASTY) as ledger:
        outcomes = await ledger.apply(lane(room), batch)
    assert [outcome.status for outcome in outcomes] == [Status.ALREADY] * 2
    assert len(between.requests) == 2


async def test_an_answer_that_trickles_is_late_too() -> None:
    async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    async with answering(trickling) as address, calling(address, HASTY) as ledger:
        with pytest.raises(LedgerAway, match="Timeout"):
            await ledger.balance("m1")


async def test_after_so_many_attempts_it_is_away() -> None:
    between = Between(None, dict.fromkeys(range(1, 9), "drop before"))
    async with answering(between) as address, calling(address) as ledger:
        with pytest.raises(LedgerAway):
            await ledger.balance("m1")
    assert len(between.requests) == QUICK.attempts


async def test_a_ledger_that_is_down_is_left_alone_for_a_while() -> None:
    between = Between(None, dict.fromkeys(range(1, 99), "drop before"))
    patience = msgspec.structs.replace(QUICK, failures=5, open_s=3600.0)
    async with answering(between) as address, calling(address, patience) as ledger:
        for _ in range(4):
            with pytest.raises(LedgerAway):
                await ledger.balance("m1")
        assert len(between.requests) == 5
        began = time.monotonic()
        with pytest.raises(LedgerAway, match="left alone"):
            await ledger.balance("m1")
        assert time.monotonic() - began < 0.1


async def test_it_recovers_when_the_ledger_is_back(url: str) -> None:
    port = free_port()
    patience = msgspec.structs.replace(QUICK, failures=2, open_s=0.05)
    async with calling(f"http://127.0.0.1:{port}", patience) as ledger:
        with pytest.raises(LedgerAway):
            await ledger.balance("m1")
        between = Between(url, {})
        server = await asyncio.start_server(between, "127.0.0.1", port)
        async with server:
            while True:
                try:
                    assert await ledger.balance("m1") == Balance(0, 0)
                    break
                except LedgerAway:
                    await asyncio.sleep(0.01)
        assert len(between.requests) == 1


async def test_it_is_called_again_when_it_asks_for_but_not_later_than_our_own_patience() -> None:
    away = problem("503 Away", "ledger_away", "retry-after: 3600")
    between = Between(None, {1: away, 2: away})
    patience = msgspec.structs.replace(QUICK, attempts=2, longest_pause_s=0.2)
    async with answering(between) as address, calling(address, patience) as ledger:
        began = time.monotonic()
        with pytest.raises(LedgerAway):
            await ledger.balance("m1")
        assert 0.2 <= time.monotonic() - began < 5
    assert len(between.requests) == 2


async def test_a_wrong_token_is_said_at_once_and_the_call_may_be_repeated_later(url: str) -> None:
    between = Between(url, {})
    async with answering(between) as address, calling(address, token="x" * 40) as ledger:
        with pytest.raises(LedgerAway, match="401, unauthorized"):
            await ledger.balance("m1")
    assert len(between.requests) == 1


async def test_a_token_that_reads_reads(url: str, engine: AsyncEngine) -> None:
    room, batch = await batch_of_a_funded_room(url)
    async with calling(url, token=READER) as ledger:
        assert await ledger.balance("m1") == Balance(0, 0)
        with pytest.raises(LedgerAway, match="403, read_only"):
            await ledger.apply(lane(room), batch)


@pytest.mark.parametrize("status", ["301 Moved", "307 Elsewhere", "308 Moved"])
async def test_the_token_follows_no_redirect(url: str, status: str) -> None:
    elsewhere = Between(url, {})
    async with answering(elsewhere) as other:
        here = Between(url, {1: problem(status, "x", f"location: {other}/v1/members/m1/balance")})
        async with answering(here) as address, calling(address) as ledger:
            with pytest.raises(LedgerAway):
                await ledger.balance("m1")
    assert (len(here.requests), len(elsewhere.requests)) == (1, 0)


async def test_the_token_goes_through_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Between(url, {})
    async with answering(proxy) as address:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, address)
        async with calling(url) as ledger:
            assert await ledger.balance("m1") == Balance(0, 0)
    assert proxy.requests == []


async def test_what_the_ledger_does_not_take_is_not_sent_again(url: str) -> None:
    between = Between(url, {})
    room = new_room()
    async with answering(between) as address, calling(address) as ledger:
        with pytest.raises(Unacceptable, match=r"bad_request: .*; lane\.id: "):
            await ledger.apply(lane("r" * 100), [earn(room, 1, 1)])
        with pytest.raises(Unacceptable, match="entries: "):
            await ledger.apply(lane(room), [earn(room, n, 1) for n in range(2001)])
    assert len(between.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\n<html>",
        "HTTP/1.1 500 Error\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_the_ledgers_is_no_answer(answer: str) -> None:
    between = Between(None, dict.fromkeys(range(1, 9), answer))
    async with answering(between) as address, calling(address) as ledger:
        with pytest.raises(LedgerAway):
            await ledger.balance("m1")
        with pytest.raises(LedgerAway):
            [line async for line in ledger.statement_lines("m1")]


def streaming(*chunks: bytes, ends: bool) -> Exchange:
    """A server that streams, and breaks off unless it ends."""

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for chunk in (*chunks, b"") if ends else chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await writer.drain()
        writer.close()

    return stream


async def test_a_statement_that_breaks_off_never_looks_whole(url: str, engine: AsyncEngine) -> None:
    room, batch = await batch_of_a_funded_room(url)
    async with calling(url) as ledger:
        await ledger.apply(lane(room), batch)
        lines = [msgspec.json.encode(line) + b"\n" async for line in ledger.statement_lines(batch[0].member)]
    whole = b"".join(lines)
    for chunks, ends in (([whole], False), ([whole[:-1]], True), ([lines[0], b"<html>\n"], True)):
        seen = []
        async with answering(streaming(*chunks, ends=ends)) as address, calling(address) as ledger:
            with pytest.raises(LedgerAway):  # noqa: PT012 - on the way, not at once
                async for line in ledger.statement_lines("m1"):
                    seen.append(line.amount)  # noqa: PERF401
        assert seen[:1] == [30]
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    async with answering(streaming(*pieces, ends=True)) as address, calling(address) as ledger:
        assert [line.amount async for line in ledger.statement_lines("m1")] == [30, 50]


@pytest.mark.parametrize("call", ["retry", "resolve"])
async def test_what_is_done_once_is_sent_once(url: str, call: str) -> None:
    """Its answer lost, a second time would say that there is no such letter."""
    between = Between(url, {1: "drop after"})
    async with answering(between) as address, calling(address) as ledger:
        with pytest.raises(LedgerAway):
            await getattr(ledger, call)("00")
    assert len(between.requests) == 1


async def test_calls_share_connections(url: str) -> None:
    connections = 0
    between = Between(url, {})

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await between(reader, writer)

    async with answering(counted) as address, calling(address) as ledger:
        for _ in range(5):
            await ledger.balance("m1")
        assert connections == 1
        await asyncio.gather(*(ledger.balance("m1") for _ in range(50)))
        assert connections <= 20
    assert len(between.requests) == 55


async def test_the_api_may_be_below_a_path(url: str) -> None:
    between = Between(url, {})
    async with answering(between) as address, calling(f"{address}/points/ledger/") as ledger:
        with pytest.raises(LedgerAway, match="404, not_found"):
            await ledger.balance("m1")
    assert between.requests[0].startswith(b"GET /points/ledger/v1/members/m1/balance HTTP/1.1")


@pytest.mark.parametrize("url", ["", "ledger:8100", "ftp://ledger", "/v1"])
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        HttpLedger(url, WRITER)
