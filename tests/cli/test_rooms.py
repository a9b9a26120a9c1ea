import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gameserver.games import games
from gameserver.games.game import RoomId
from gameserver.records.rooms import get_room
from tests.books import settled
from tests.cli.typed import Said, run_here
from tests.node import GAME, Live, downpour


async def create(variables: Mapping[str, str], config: Any, game: str = GAME) -> Said:
    text = config if isinstance(config, str) else json.dumps(config)
    return await run_here(variables, "room", "create", "--game", game, "--config", "-", given=text)


async def test_schema_names_the_games_and_prints_schema_and_a_valid_example(
    variables: dict[str, str], live: Live
) -> None:
    names, schema, example, unknown = await asyncio.gather(
        run_here(variables, "room", "schema"),
        run_here(variables, "room", "schema", GAME),
        run_here(variables, "room", "schema", GAME, "--example"),
        run_here(variables, "room", "schema", "chess"),
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
    rooms = await run_here(variables, "room", "list", "--all")
    answers = await asyncio.gather(*(create(variables, config) for config, _ in BAD_CONFIGS.values()))
    for case, said in zip(BAD_CONFIGS, answers, strict=True):
        assert said.fields == BAD_CONFIGS[case][1], case
        assert said.out == ""
    assert (await run_here(variables, "room", "list", "--all")).out == rooms.out  # nothing half-written


async def test_a_config_that_cannot_be_read_is_one_clear_line(
    variables: dict[str, str], live: Live, tmp_path: Path
) -> None:
    (tmp_path / "latin").write_bytes(b'{"title": "\xe9"}')
    missing, latin, cut, array, unknown = await asyncio.gather(
        run_here(variables, "room", "create", "--game", GAME, "--config", str(tmp_path / "missing.json")),
        run_here(variables, "room", "create", "--game", GAME, "--config", str(tmp_path / "latin")),
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
    made = await run_here(variables, "room", "create", "--game", GAME, "--config", str(file))
    room = made.out.strip()
    assert (made.code, made.err, room[0]) == (0, "", "r")
    assert (await run_here(variables, "room", "pause", room)).error == (
        f"bad_state: room {room} is draft and cannot become paused"
    )
    opened = await run_here(variables, "room", "open", room)
    assert (opened.code, opened.out) == (0, f"{room} is open\n")
    page = await live.join(room, await live.member())
    assert (await run_here(variables, "room", "open", room)).error.startswith("bad_state: ")
    for verb, state in (("pause", "paused"), ("resume", "open")):
        said = await run_here(variables, "room", verb, room)
        assert (said.code, said.out) == (0, f"{room} is {state}\n")
        assert (await page.next(ev="room_changed"))["state"] == state

    unsure = await run_here(variables, "room", "close", room, given="n\n")
    assert unsure.code == 1
    assert "for good" in unsure.out + unsure.err
    assert (await get_room(live.stores.database, RoomId(room))).state == "open"
    closed = await run_here(variables, "room", "close", room, "--yes")
    assert (closed.code, closed.out) == (0, f"{room} is closed\n")
    assert (await page.next(ev="room_changed"))["state"] == "closed"

    listed, every, shown, again = await asyncio.gather(
        run_here(variables, "room", "list"),
        run_here(variables, "room", "list", "--all"),
        run_here(variables, "room", "show", room),
        run_here(variables, "room", "resume", room),
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
        run_here(variables, *words, campaign, given=text), run_here(variables, *words, "c999999", given=text)
    )
    assert unknown.error == "not_found: there is no campaign 'c999999'"
    assert (await run_here(variables, "room", "open", first.out.strip())).code == 0
    refused = await run_here(variables, "room", "open", second.out.strip())
    assert refused.error.startswith("budget_too_small: ")


async def test_an_unknown_room_is_one_clear_line(variables: dict[str, str], live: Live) -> None:
    verbs = (["open"], ["close", "--yes"], ["show"], ["rebuild"])
    for said in await asyncio.gather(
        *(run_here(variables, "room", verb[0], "r999999", *verb[1:]) for verb in verbs)
    ):
        assert said.error == "not_found: there is no room 'r999999'"


async def test_rebuild_folds_a_room_anew_and_play_goes_on(variables: dict[str, str], live: Live) -> None:
    room = await live.open_room()
    page = await live.join(room.id, member := await live.member())
    wins = [await page.grab() for _ in range(3)]
    said = await run_here(variables, "room", "rebuild", room.id)
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
