import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gameserver.engines import Engines
from gameserver.games import games
from gameserver.games.game import RoomId
from gameserver.records.grants import grants_of
from gameserver.records.rooms import get_room
from tests.books import settled
from tests.node import GAME, ROOT, Live, downpour, emptied, environment, free_port, living
from tests.page import PATIENCE_S


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an expected error."""
        assert self.code == 1, self
        assert self.out == ""
        (line,) = self.err.strip().splitlines()
        return line

    @property
    def fields(self) -> dict[str, str]:
        """The code in the first line, then a line for each field."""
        assert self.code == 1, self
        code, *lines = self.err.strip().splitlines()
        assert code == "bad_config"
        return dict(line.strip().split(": ", 1) for line in lines)


async def run(environment: Mapping[str, str], *words: str, given: str | None = None) -> Said:
    """`gameserver WORDS`, as typed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameserver", *words,
        cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            out, err = await process.communicate(given.encode() if given is not None else None)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live


@pytest.fixture(scope="module")
def variables(live: Live, engines: Engines) -> dict[str, str]:
    return environment(engines, PORT=live.url.rpartition(":")[2])


async def create(variables: Mapping[str, str], config: Any, game: str = GAME) -> Said:
    text = config if isinstance(config, str) else json.dumps(config)
    return await run(variables, "room", "create", "--game", game, "--config", "-", given=text)


async def test_help_lists_the_commands_in_words(variables: dict[str, str]) -> None:
    helps = await asyncio.gather(*(run(variables, *words, "--help") for words in ([], ["room"], ["serve"])))
    assert {said.code for said in helps} == {0}
    whole, room, serve = (said.out for said in helps)
    for command in ("demo", "serve", "settle", "migrate", "room", "play"):
        assert f"│ {command} " in whole
    for command in ("schema", "create", "open", "pause", "resume", "close", "list", "show", "rebuild"):
        assert f"│ {command} " in room
    for variable in ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "--embedded", "--settle", "PORT"):
        assert variable in serve


async def test_schema_names_the_games_and_prints_schema_and_a_valid_example(
    variables: dict[str, str], live: Live
) -> None:
    names, schema, example, unknown = await asyncio.gather(
        run(variables, "room", "schema"),
        run(variables, "room", "schema", GAME),
        run(variables, "room", "schema", GAME, "--example"),
        run(variables, "room", "schema", "chess"),
    )
    assert names.out.split() == list(games())
    shown = json.loads(schema.out)
    assert shown["additionalProperties"] is False
    for name, field in shown["properties"].items():
        assert field.get("description") or "$ref" in field, name
    assert (await create(variables, example.out)).code == 0
    assert unknown.error == "unknown_game: there is no game 'chess'; there are: " + ", ".join(games())


BAD_CONFIGS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "unknown fields": (
        downpour(colour="red", rounds=[{"gap_ms": 0, "lenght": 9}]),
        {"rounds.0.lenght": "Extra inputs are not permitted", "colour": "Extra inputs are not permitted"},
    ),
    "a negative amount": (
        downpour(amounts={"mode": "fixed", "count": 10, "amount": -5}),
        {"amounts.amount": "Input should be greater than or equal to 1"},
    ),
    "a sum that cannot be split": (
        downpour(amounts={"mode": "double_mean", "total_points": 100, "count": 60, "min": 2, "max": 9}),
        {"amounts": "100 points cannot be split into 60 packets of 2 to 9"},
    ),
    "both amounts and score mode": (
        downpour(score_mode={"tiers": [{"places": 1, "points": 9}]}),
        {"config": "give exactly one of amounts and score_mode"},
    ),
}


async def test_a_config_that_does_not_fit_is_refused_by_the_names_of_its_fields(
    variables: dict[str, str], live: Live
) -> None:
    rooms = await run(variables, "room", "list", "--all")
    answers = await asyncio.gather(*(create(variables, config) for config, _ in BAD_CONFIGS.values()))
    for case, said in zip(BAD_CONFIGS, answers, strict=True):
        assert said.fields == BAD_CONFIGS[case][1], case
        assert said.out == ""
    assert (await run(variables, "room", "list", "--all")).out == rooms.out  # nothing half-written


async def test_a_config_that_cannot_be_read_is_one_clear_line(
    variables: dict[str, str], live: Live, tmp_path: Path
) -> None:
    (tmp_path / "latin").write_bytes(b'{"title": "\xe9"}')
    missing, latin, cut, array, unknown = await asyncio.gather(
        run(variables, "room", "create", "--game", GAME, "--config", str(tmp_path / "missing.json")),
        run(variables, "room", "create", "--game", GAME, "--config", str(tmp_path / "latin")),
        create(variables, '{"title": '),
        create(variables, "[1]"),
        create(variables, downpour(), game="chess"),
    )
    assert missing.error.startswith(f"bad_config: cannot read {tmp_path / 'missing.json'}: ")
    assert latin.error.startswith(f"bad_config: cannot read {tmp_path / 'latin'}: ")
    assert cut.error.startswith("bad_config: - is not JSON: ")
    assert array.error == "bad_config: - holds no JSON object"
    assert unknown.error.startswith("unknown_game: ")


async def test_a_rooms_life_by_commands(variables: dict[str, str], live: Live, tmp_path: Path) -> None:
    file = tmp_path / "room.json"
    file.write_text(json.dumps(downpour(title="命令行")), encoding="utf-8")
    made = await run(variables, "room", "create", "--game", GAME, "--config", str(file))
    room = made.out.strip()
    assert (made.code, made.err, room[0]) == (0, "", "r")
    assert (await run(variables, "room", "pause", room)).error == (
        f"bad_state: room {room} is draft and cannot become paused"
    )
    opened = await run(variables, "room", "open", room)
    assert (opened.code, opened.out) == (0, f"{room} is open\n")
    page = await live.join(room, await live.member())
    assert (await run(variables, "room", "open", room)).error.startswith("bad_state: ")
    for verb, state in (("pause", "paused"), ("resume", "open")):
        said = await run(variables, "room", verb, room)
        assert (said.code, said.out) == (0, f"{room} is {state}\n")
        assert (await page.next(ev="room_changed"))["state"] == state

    unsure = await run(variables, "room", "close", room, given="n\n")
    assert unsure.code == 1
    assert "for good" in unsure.out + unsure.err
    assert (await get_room(live.stores.database, RoomId(room))).state == "open"
    closed = await run(variables, "room", "close", room, "--yes")
    assert (closed.code, closed.out) == (0, f"{room} is closed\n")
    assert (await page.next(ev="room_changed"))["state"] == "closed"

    listed, every, shown, again = await asyncio.gather(
        run(variables, "room", "list"),
        run(variables, "room", "list", "--all"),
        run(variables, "room", "show", room),
        run(variables, "room", "resume", room),
    )
    assert room not in listed.out.split()
    assert room in every.out.split()
    assert "命令行" in every.out
    public = json.loads(shown.out)
    assert (public["id"], public["title"], public["state"]) == (room, "命令行", "closed")
    assert public["granted"] == {}
    assert "seed" not in public
    assert again.error.startswith("bad_state: ")


async def test_a_room_of_a_campaign_stays_within_its_budget(variables: dict[str, str], live: Live) -> None:
    first = await create(variables, downpour())
    campaign = (await get_room(live.stores.database, RoomId(first.out.strip()))).campaign
    text = json.dumps(downpour())
    words = ("room", "create", "--game", GAME, "--config", "-", "--campaign")
    second, unknown = await asyncio.gather(
        run(variables, *words, campaign, given=text), run(variables, *words, "c999999", given=text)
    )
    assert unknown.error == "not_found: there is no campaign 'c999999'"
    assert (await run(variables, "room", "open", first.out.strip())).code == 0
    refused = await run(variables, "room", "open", second.out.strip())
    assert refused.error.startswith("budget_too_small: ")


async def test_an_unknown_room_is_one_clear_line(variables: dict[str, str], live: Live) -> None:
    verbs = (["open"], ["close", "--yes"], ["show"], ["rebuild"])
    for said in await asyncio.gather(
        *(run(variables, "room", verb[0], "r999999", *verb[1:]) for verb in verbs)
    ):
        assert said.error == "not_found: there is no room 'r999999'"


async def test_rebuild_folds_a_room_anew_and_play_goes_on(variables: dict[str, str], live: Live) -> None:
    room = await live.open_room()
    page = await live.join(room.id, member := await live.member())
    wins = [await page.grab() for _ in range(3)]
    said = await run(variables, "room", "rebuild", room.id)
    lines = 1 + 1 + 3  # the round's opening, the join, the taps
    assert (said.code, said.out) == (0, f"{room.id} is rebuilt from {lines} lines\n")
    assert await page.closed() == 4004
    again = await live.join(room.id, member, session=page.session, since=page.snapshot["v"])
    assert again.welcome["recovered"] is False
    assert again.snapshot["game"]["points"] == 15
    assert await again.ask("grab", ref=3, drop=wins[2]["drop"]) == wins[2]
    won = await again.grab(ref=4)
    assert (won["sum"], won["unit"]) == (20, 4)
    await settled(live, room)
    assert (await live.stores.ledger.balance(member.id)).available == 20


async def test_play_joins_taps_and_says_what_the_ledger_has(variables: dict[str, str], live: Live) -> None:
    room = await live.open_room(drops_per_member=600)
    said = await run(
        variables, "play", room.id, "--server", live.url, "--name", "终端[red]", "--seconds", "3"
    )
    assert said.code == 0, said
    kinds = [line.split()[0] for line in said.out.splitlines()]
    assert kinds[0] == "welcome"
    assert kinds.count("grabbed") >= 2
    assert kinds[-1] == "points:"
    ledger, pending = re.findall(r"\d+", said.out.splitlines()[-1])
    await settled(live, room)
    grants = [grant async for grant in grants_of(live.stores.database, room.id)]
    won = sum(grant.amount for grant in grants)
    assert 5 * kinds.count("grabbed") <= won  # the last answers may have come after the end
    assert int(ledger) + int(pending) <= won
    assert (await live.stores.ledger.balance(grants[0].member)).available == won


async def test_play_says_in_one_line_what_is_wrong(variables: dict[str, str], live: Live) -> None:
    nobody, unknown, named = await asyncio.gather(
        run(variables, "play", "r1", "--server", f"http://127.0.0.1:{free_port()}"),
        run(variables, "play", "r999999", "--server", live.url),
        run(variables, "play", "r1", "--server", live.url, "--name", "n" * 40),
    )
    assert nobody.error.startswith("not_found: no server answers at http://127.0.0.1:")
    assert unknown.error == "not_found: there is no room 'r999999'"
    assert named.code == 1
    assert named.err.startswith("bad_request")


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


async def test_without_a_running_server_every_command_says_so_in_one_line(engines: Engines) -> None:
    port = str(free_port())
    alone = {
        name: value
        for name, value in environment(engines, PORT=port).items()
        if name not in ("REDIS_URL", "DATABASE_URL", "SECRET_KEY")
    }
    commands = (["room", "list"], ["room", "open", "r1"], ["migrate"])
    for said in await asyncio.gather(*(run(alone, *words) for words in commands)):
        assert said.code == 1
        text = " ".join(said.err.split())
        assert text.startswith("error: the stores do not answer (")
        assert "Is the server running? See --port." in text
        assert said.out == ""


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


async def test_words_that_are_no_command_are_explained(variables: dict[str, str]) -> None:
    for said in await asyncio.gather(
        run(variables, "paly"), run(variables, "room", "create"), run(variables, "room", "open")
    ):
        assert said.code == 2
        assert "Usage: " in said.err
