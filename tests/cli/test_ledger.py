import asyncio
import csv
import io
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import text

from gameserver.engines import Engines
from gameserver.games.game import MemberId, RoomId
from gameserver.records.dead_letters import dead_letters
from gameserver.records.grants import pending_points, prizes_of_member
from gameserver.store.keys import LaneKeys
from ledger_client.entry import Kind
from ledger_client.ledger import Balance
from ledger_client.terms import Caps, Terms
from tests.books import settled
from tests.cli.typed import Said, run, run_here
from tests.ledger_client.moves import Moves
from tests.node import ROOT, Live, environment, free_port
from tests.page import PATIENCE_S
from tests.records.lines import body_of

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"


@pytest.fixture
async def moves(live: Live) -> Moves:
    moves = Moves(live.stores.ledger)
    await moves.under(Terms(transfer_per_day=100))
    return moves


async def ledger(variables: dict[str, str], *words: str, given: str | None = None) -> Said:
    return await run_here(variables, "ledger", *words, given=given)


def rows(said: Said) -> list[list[str]]:
    """A printed table without its heading, in words."""
    assert said.code == 0, said
    return [line.split() for line in said.out.splitlines()[1:]]


async def test_the_books_are_read_in_tables_and_as_csv(variables: dict[str, str], moves: Moves) -> None:
    await moves.ledger.agree(moves.campaign, Terms(caps=Caps(day=1000)))
    earned = await moves.move(Kind.EARN, 1200)
    await moves.move(Kind.SPEND, 30, about=await moves.purse(100))
    member = moves.member("m")
    balance, statement, whole, then, liability, owed, earners, spenders, nobody = await asyncio.gather(
        ledger(variables, "balance", member),
        ledger(variables, "statement", member, "--limit", "2"),
        ledger(variables, "statement", member, "--csv"),
        ledger(variables, "statement", member, "--at", "2020-01-01T00:00+08:00"),
        ledger(variables, "liability"),
        ledger(variables, "liability", "--csv"),
        ledger(variables, "top", "earn", "--campaign", moves.campaign, "--since", "2026-01-01"),
        ledger(variables, "top", "spend", "--campaign", moves.campaign),
        ledger(variables, "statement", "nobody"),
    )
    assert rows(balance) == [["900", "70", "0"]]
    newest, hold = rows(statement)
    assert re.fullmatch(ISO, newest[0])
    assert newest[1:6] == ["spend", "-30", "970", moves.campaign, moves.room]
    assert hold[1:4] == ["hold", "(100)", "1,000"]
    lines = list(csv.DictReader(io.StringIO(whole.out)))
    assert [(line["kind"], line["amount"], line["balance"]) for line in lines] == [
        ("earn", "1000", "1000"), ("hold", "0", "1000"), ("spend", "-30", "970"),
    ]  # fmt: skip
    assert (lines[0]["entry_id"], lines[0]["asked"], lines[0]["reason"]) == (str(earned), "1200", "daily_cap")
    assert re.fullmatch(ISO, lines[0]["applied_at"])
    assert then.out.startswith(f"{member} owned 0 points at ")
    assert [moves.campaign, "never", "970"] in rows(liability)
    assert f"{moves.campaign},,970" in owed.out.splitlines()
    assert rows(earners) == [["1", member, "1,000"]]
    assert rows(spenders) == [["1", member, "30"]]
    assert nobody.out == "nothing has moved for nobody\n"


async def test_support_moves_points_once_for_a_reference(variables: dict[str, str], moves: Moves) -> None:
    await moves.move(Kind.EARN, 100)
    member, other = moves.member("m"), moves.member("n")
    first = f"T-{moves.room}"
    redeem = ("redeem", member, "30", "--reference", first, "--campaign", moves.campaign)
    unsure = await ledger(variables, *redeem, given="n\n")
    assert unsure.code == 1
    assert (await moves.ledger.balance(member)).available == 100
    done = await ledger(variables, *redeem, given="y\n")
    assert done.code == 0, done
    assert done.out.endswith(f"{member} has 70 available, 0 held\n")
    again, else_ = await asyncio.gather(
        ledger(variables, *redeem, "--yes"),
        ledger(variables, *redeem[:2], "31", *redeem[3:], "--yes"),
    )
    assert again.out.startswith("it was done before, ")
    assert again.out.endswith(f"{member} has 70 available, 0 held\n")
    assert else_.error.startswith("reference_used: ")

    words = (
        "transfer",
        member,
        other,
        "1000",
        "--campaign",
        moves.campaign,
        "--reference",
        f"X-{moves.room}",
    )
    refused = await ledger(variables, *words, "--yes")
    assert refused.error == "ledger_refused: rejected: transfer_cap"
    assert (await ledger(variables, *words, "--yes")).err.splitlines()[-1].startswith("reference_used: ")
    assert await moves.ledger.letters() == []  # said twice is nothing to look into
    given = await ledger(variables, *words[:3], "20", *words[4:7], f"Y-{moves.room}", "--yes")
    assert given.code == 0, given
    assert (await moves.ledger.balance(other)).available == 20

    frozen = await ledger(variables, "freeze", member, "15", "--reference", first, "--yes")
    freeze = frozen.out.split("entry ")[1].split()[0]
    assert await moves.ledger.balance(member) == Balance(35, 15)
    thawed = await ledger(variables, "thaw", member, freeze, "--yes")
    assert thawed.code == 0, thawed
    assert await moves.ledger.balance(member) == Balance(50, 0)
    redeemed = done.out.split("entry ")[1].split()[0]
    reversed_ = await ledger(variables, "reverse", member, redeemed, "--yes")
    assert reversed_.code == 0, reversed_
    assert await moves.ledger.balance(member) == Balance(80, 0)
    twice, unknown = await asyncio.gather(
        ledger(variables, "reverse", member, redeemed, "--yes"),
        ledger(variables, "reverse", member, str(UUID(int=7)), "--yes"),
    )
    assert twice.error == "ledger_refused: rejected: already_reversed"
    assert unknown.error.startswith("not_found: ")


async def test_what_is_in_suspense_is_listed_collected_or_written_off(
    variables: dict[str, str], moves: Moves
) -> None:
    await moves.move(Kind.EARN, 10)
    ids = [str(await moves.suspend(points)) for points in (4, 5, 9)]
    listed = await ledger(variables, "suspense", "list")
    assert {row[0]: row[2] for row in rows(listed)} == dict(zip(ids, "459", strict=True))
    collected = await ledger(variables, "suspense", "collect", ids[0], "--yes")
    forgiven = await ledger(variables, "suspense", "write-off", ids[1], "--yes")
    short = await ledger(variables, "suspense", "collect", ids[2], "--yes")
    assert collected.out.endswith("has 6 available, 0 held\n")
    assert forgiven.out.endswith("has 6 available, 0 held\n")
    assert short.error == "ledger_refused: rejected: not_enough_points"
    written, again = await asyncio.gather(
        ledger(variables, "suspense", "write-off", ids[2], "--yes"),
        ledger(variables, "suspense", "collect", ids[0], "--yes"),
    )
    assert written.code == 0, written
    assert again.error.startswith("not_found: ")
    assert (await ledger(variables, "suspense", "list")).out == "nothing waits in suspense\n"


@asynccontextmanager
async def forbidden(live: Live, table: str, check: str) -> AsyncIterator[None]:
    """Stands for any fault of the database with what does not fit the check."""

    async def alter(change: str) -> None:
        async with live.stores.database.begin() as connection:
            await connection.execute(text(f"alter table {table} {change}"))

    await alter(f"add constraint poison check ({check}) not valid")
    try:
        yield
    finally:
        await alter("drop constraint poison")


async def send(live: Live, room: RoomId, body: bytes) -> None:
    await live.redis.xadd(LaneKeys(room).outbox, {"l": msgspec.msgpack.encode([msgspec.Raw(body)])})


async def test_an_entry_that_was_put_aside_is_tried_again_and_its_grant_is_settled(
    variables: dict[str, str], live: Live
) -> None:
    room = await live.open_room()
    async with forbidden(live, "ledger.entry", "amount <> 66"):
        await send(live, room.id, body_of("s1", 1, [("packet", 1, 66, 1, "m66")], member="m66"))
        await settled(live, room)
    (letter,) = await live.stores.ledger.letters()
    listed, shown = await asyncio.gather(
        ledger(variables, "letters", "list"), ledger(variables, "letters", "show", letter.id[:6])
    )
    (row,) = rows(listed)
    assert row[:5] == [letter.id[:12], "ledger", f"{room.id}.0", "unstorable", "1"]
    assert re.fullmatch(ISO, row[5])
    assert json.loads(shown.out)["holds"]["amount"] == 66
    retried = await ledger(variables, "letters", "retry", letter.id[:12], "--yes")
    assert retried.code == 0, retried
    assert "grants settled: 1" in retried.out
    (prize,) = await prizes_of_member(live.stores.database, MemberId("m66"))
    assert (prize.settled, prize.refused, prize.credited) == (True, None, None)
    assert await pending_points(live.stores.database, MemberId("m66")) == 0
    assert (await live.stores.ledger.balance("m66")).available == 66
    assert (await ledger(variables, "letters", "list")).out == "no dead letters\n"


async def test_a_line_that_was_put_aside_is_recorded_again_where_that_can_work(
    variables: dict[str, str], live: Live
) -> None:
    room = await live.open_room()
    async with forbidden(live, "game.facts", "session <> 'poison'"):
        await send(live, room.id, body_of("poison", 1, [("packet", 1, 7, 1, "m7")], member="m7"))
        await settled(live, room)
        (letter,) = await dead_letters(live.stores.database)
        failed = await ledger(variables, "letters", "retry", letter.id.hex(), "--yes")
        assert failed.err.splitlines()[-1].startswith("bad_state: it failed again")
    assert [one.attempts for one in await dead_letters(live.stores.database)] == [2]
    retried = await ledger(variables, "letters", "retry", letter.id.hex(), "--yes")
    assert retried.code == 0, retried
    assert await dead_letters(live.stores.database) == []
    assert (await live.stores.ledger.balance("m7")).available == 7

    await send(live, room.id, body_of("thief", 1, [("packet", 1, 7, 1, "m8")], member="m8"))
    await live.redis.xadd(LaneKeys(room.id).outbox, {"l": b"\xc1"})
    await settled(live, room)
    by_reason = {one.reason[:4]: one.id.hex() for one in await dead_letters(live.stores.database)}
    taken, unreadable = await asyncio.gather(
        ledger(variables, "letters", "retry", by_reason["unit"], "--yes"),
        ledger(variables, "letters", "retry", by_reason["unde"], "--yes"),
    )
    assert taken.err.splitlines()[-1].startswith("bad_state: it failed again")
    assert unreadable.error.startswith("bad_state: it is no line and can only be resolved")
    for id_ in by_reason.values():
        resolved = await ledger(variables, "letters", "resolve", id_, given="y\n")
        assert resolved.code == 0, resolved
    assert await dead_letters(live.stores.database) == []
    assert (await ledger(variables, "letters", "show", "00")).error.startswith(
        "not_found: no unresolved letter"
    )


async def test_audit_and_drift_name_what_is_wrong(
    variables: dict[str, str], live: Live, moves: Moves
) -> None:
    earned = await moves.move(Kind.EARN, 10)
    fine = await asyncio.gather(ledger(variables, "audit"), ledger(variables, "drift"))
    assert [(said.code, said.out) for said in fine] == [
        (0, "every entry is as it was sealed\n"), (0, "the books agree\n"),
    ]  # fmt: skip
    change = text("update ledger.entry set amount = amount + :by, credited = credited + :by where id = :id")
    async with live.stores.database.begin() as connection:
        await connection.execute(change, {"by": 1, "id": earned})
    broken, disagreeing = await asyncio.gather(ledger(variables, "audit"), ledger(variables, "drift"))
    assert broken.error == f"broken: lane {moves.lane.id}, number 1: entry {earned}"
    assert disagreeing.error == f"drift: entry: postings move what was credited: {earned}: 11, but 10"
    async with live.stores.database.begin() as connection:
        await connection.execute(change, {"by": -1, "id": earned})


async def test_the_ledger_is_served_to_those_who_have_a_token(
    engines: Engines, live: Live, moves: Moves
) -> None:
    await moves.move(Kind.EARN, 10)
    port, token = str(free_port()), "a-token-of-the-tests-long-enough-to-be-one"
    bare, short = await asyncio.gather(
        run(environment(engines), "ledger", "--port", port),
        run(environment(engines, LEDGER_TOKENS="short"), "ledger", "--port", port),
    )
    assert bare.error.endswith("set LEDGER_TOKENS")
    assert short.error.endswith("at least 32 characters: set LEDGER_TOKENS")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameserver", "ledger", "--port", port,
        cwd=ROOT, env=environment(engines, LEDGER_TOKENS=token), stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{port}"
            while True:
                try:
                    assert (await client.get(f"{url}/healthz")).status_code == 200
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            path = f"{url}/v1/members/{moves.member('m')}/balance"
            assert (await client.get(path)).status_code == 401
            answer = await client.get(path, headers={"authorization": f"Bearer {token}"})
            assert answer.json()["available"] == 10
        taken = await run(environment(engines, LEDGER_TOKENS=token), "ledger", "--port", port)
        assert taken.error == f"error: port {port} is taken. Choose another with --port"
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()


async def test_a_time_that_is_none_is_explained(variables: dict[str, str]) -> None:
    said = await ledger(variables, "top", "earn", "--since", "yesterday")
    assert said.code == 2
    assert "Usage: " in said.err
