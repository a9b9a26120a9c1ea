"""Every discovered game keeps the contract (GAMES.md, "The contract test"). A new game needs no edit here.

It needs `tests/games/test_<name>.py` with `SCARCE`: a config whose stock forty players use up at once.
Games are played by their own `Game.player()`; a lane that was opened a while ago is in the middle of its
play, so that what a player would do now is sent without waiting.
"""

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from redis.asyncio import Redis

from gameserver.errors import REFUSALS, Refused
from gameserver.games import games, rules_of
from gameserver.games.game import HOST, Command, Game, MemberId, Sender, SessionId, names
from gameserver.records.database import Database
from gameserver.rooms.opening import public_room
from gameserver.staff.lifecycle import published, validated
from gameserver.wire import SHARED_EVENTS, Codec, Format, encode, schema
from tests.promises.world import World, check_rebuilt, executed_answers, world
from tests.rooms.pages import Page, live
from tests.store.lanes import Member, PlayedLane, Seat, member_in, opened, record_of, server_ms, unpacked

H5 = Path(__file__).parents[1] / "h5/src"
SOONEST_MS, LATEST_MS, STEP_MS = 500, 120_000, 500
STEPS = 12  # a game may take several commands to a result
MAX_BYTES = 500  # of Redis a member and room (DESIGN.md)
every_game = pytest.mark.parametrize("game", games().values(), ids=games())
Schema = Mapping[str, Any]


def module_of(game: Game) -> Any:
    return importlib.import_module(f"tests.games.test_{game.name}")


def scarce(game: Game) -> dict[str, Any]:
    return dict(module_of(game).SCARCE)


def patient(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without the limit on a member's rate, which is the prelude's and no game's."""
    return {**config, "limits": {"per_second": 1000, "burst": 1000}}


# config and wire


def fields_in(schema_: Schema, whole: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every property of the schema, through references, unions and lists."""
    if reference := schema_.get("$ref"):
        yield from fields_in(whole["$defs"][reference.rpartition("/")[2]], whole, path)
    for name, field in schema_.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        yield at, field
        yield from fields_in(field, whole, at)
    for part in (*schema_.get("anyOf", ()), *schema_.get("oneOf", ())):
        yield from fields_in(part, whole, path)
    for part in (schema_.get("items"), *schema_.get("prefixItems", ())):
        if isinstance(part, Mapping):
            yield from fields_in(part, whole, path + "[]")


def kinds_in(field: Schema) -> Iterator[Schema]:
    """The field's own types: itself, or those of its union."""
    parts = [*field.get("anyOf", ()), *field.get("oneOf", ())]
    yield from parts or [field]


@every_game
def test_every_field_of_the_config_explains_itself(game: Game) -> None:
    whole = game.config.model_json_schema()
    fields = list(fields_in(whole, whole))
    assert len(fields) > 20
    for path, field in fields:
        named = whole["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
        assert field.get("title") or named.get("title"), path
        assert field.get("description"), path
        for kind in kinds_in(field):
            if kind.get("type") in ("integer", "number"):
                assert "minimum" in kind or "exclusiveMinimum" in kind, path
                assert "maximum" in kind or "exclusiveMaximum" in kind, path
                assert field.get("unit"), path
            if kind.get("type") == "array":
                assert "maxItems" in kind, path


@every_game
def test_the_example_and_the_demo_are_valid(game: Game) -> None:
    demos = [demo.config for demo in game.demos()]
    assert len({demo["title"] for demo in demos}) == len(demos) > 0
    for config in (game.example(), *demos, scarce(game)):
        checked = validated(game.name, config)
        assert validated(game.name, checked.model_dump(mode="json")) == checked
        plan = game.plan("r1", checked, b"\7" * 32, 1_790_000_000_000)  # type: ignore[arg-type]
        assert plan.due(0) is None or plan.due(0).at < plan.ends_at()  # type: ignore[union-attr]
        assert all(units >= 1 for units in plan.stock().values())
        assert plan.budget() >= 0


@every_game
def test_a_bad_config_is_told_by_path(game: Game) -> None:
    example = dict(game.example())
    whole = game.config.model_json_schema()

    def problems(config: Mapping[str, Any]) -> Mapping[str, str]:
        with pytest.raises(Refused) as refused:
            validated(game.name, config)
        assert refused.value.code == "bad_config"
        assert refused.value.fields
        return refused.value.fields

    assert list(problems({**example, "no_such_field": 1})) == ["no_such_field"]
    for name in whole["required"]:
        missing = {field: value for field, value in example.items() if field != name}
        assert list(problems(missing)) == [name]
    for name in whole["properties"]:
        # no field takes an object with an unknown field
        found = problems({**example, name: {"no_such_field": 1}})
        assert all(path == name or path.startswith(f"{name}.") for path in found), found
    for name, field in whole["properties"].items():
        for kind in kinds_in(field):
            if kind.get("type") == "integer":
                for wrong in (kind["minimum"] - 1, kind["maximum"] + 1, "1", True, 1.5):
                    assert list(problems({**example, name: wrong})) == [name]


@every_game
def test_the_same_seed_plans_the_same(game: Game) -> None:
    checked = validated(game.name, game.example())

    def all_of(seed: bytes) -> Any:
        plan = game.plan("r1", checked, seed, 1_790_000_000_000)  # type: ignore[arg-type]
        dues, after = [], 0
        while (due := plan.due(after)) is not None:
            dues.append((due.at, due.op, due.ref, [in_bytes(argument) for argument in due.arguments]))
            after = due.at
        return plan.rule(), plan.stock(), plan.budget(), plan.ends_at(), plan.public(), dues

    def in_bytes(argument: Any) -> bytes:
        return bytes(argument) if isinstance(argument, msgspec.Raw) else msgspec.json.encode(argument)

    assert all_of(b"\1" * 32) == all_of(b"\1" * 32)
    refs = [ref for _, _, ref, _ in all_of(b"\1" * 32)[-1]]
    assert refs == sorted(set(refs))


@every_game
def test_commands_and_events_have_their_own_names(game: Game) -> None:
    ops, events = names(game.commands), names(game.events)
    assert len({*ops, "hello", "time"}) == len(ops) + 2
    assert len({*events, *names(SHARED_EVENTS)}) == len(events) + len(SHARED_EVENTS)
    assert game.personal <= set(events)
    assert not set(game.refusals) & set(REFUSALS)
    assert all(text for text in game.refusals.values())
    described = schema([game])["games"][game.name]
    assert {kind.__name__ for kind in (*game.commands, *game.events)} <= set(described)


@every_game
def test_every_refusal_and_event_of_the_rule_is_declared(game: Game) -> None:
    folder = Path(importlib.import_module(f"gameserver.games.{game.name}").__file__ or "").parent
    lua = rules_of(game)
    python = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = {*re.findall(r"return nil, '(\w+)'", lua), *re.findall(r"Refused\(\s*\"(\w+)\"", python)}
    assert codes
    assert codes <= {*REFUSALS, *game.refusals}
    assert set(game.refusals) <= codes, "a refusal that the game never gives"
    emitted = set(re.findall(r"emit\(lane, \w+, '(\w+)'", lua))
    assert {*emitted, "tally"} <= set(names(game.events))
    for op in names(game.commands):
        assert f"game.commands.{op}(" in lua


@every_game
def test_every_refusal_has_words_in_both_languages(game: Game) -> None:
    for language in ("zh-CN", "en"):
        said = (H5 / f"games/{game.name}/messages/{language}.ts").read_text()
        assert [code for code in game.refusals if f"'refused.{code}'" not in said] == []


@every_game
def test_a_command_takes_no_field_it_does_not_know(game: Game) -> None:
    codec = Codec(game)
    for op in names(game.commands):
        with pytest.raises(Refused, match="bad_field"):
            codec.decode(msgspec.json.encode({"op": op, "ref": 1, "no_such_field": 1}), Format.JSON)
        with pytest.raises(Refused, match="bad_field"):
            codec.decode(msgspec.json.encode({"op": op}), Format.JSON)


# play


def strings_in(value: Any) -> Iterator[str]:
    """Every text that is not one of the config's own words."""
    if isinstance(value, str) and value and not re.fullmatch(r"[a-z_]+", value):
        yield value
    for part in (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    ):
        yield from strings_in(part)


def _bare(type_: Any) -> Any:
    """The type behind Annotated."""
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    return get_origin(type_) or type_


class Play:
    """A lane in the middle of its play, and members who do what their player would do now."""

    def __init__(self, game: Game, lane: PlayedLane) -> None:
        self.game = game
        self.lane = lane
        self.codec = Codec(game)
        self.seen: set[str] = set()  # codes of refusals

    async def catch_up(self) -> None:
        """What staff and the room's clock would have done by now."""
        prepare = getattr(module_of(self.game), "prepare", None)
        if prepare and not await self.lane.store.ordered():
            await prepare(self.lane)
        done = await self.lane.store.clock()
        for due in self.lane.dues(await server_ms(self.lane.redis)):
            if due.ref > done:
                await self.lane.clock(due)

    async def wishes(self, member: str) -> list[Mapping[str, Any]]:
        """What the member's player would send now."""
        now = await server_ms(self.lane.redis)
        ((view, _),) = await self.lane.store.views([MemberId(member)])
        snapshot = self.lane.plan.snapshot(MemberId(member), now, view)
        player = self.game.player(self.lane.plan.public(), msgspec.to_builtins(snapshot))
        wishes: list[Mapping[str, Any]] = []
        while len(wishes) < 100 and (wanted := player.next(now)) is not None and wanted[0] <= now:
            wishes.append(wanted[1])
        return wishes

    async def command(self, seat: Seat, wish: Mapping[str, Any]) -> list[Any]:
        """The command as a session would submit it."""
        seat.ref += 1
        decoded: Command = self.codec.decode(msgspec.json.encode({**wish, "ref": seat.ref}), Format.JSON)
        now = await server_ms(self.lane.redis)
        try:
            arguments = self.lane.plan.arguments(
                Sender(MemberId(seat.member), SessionId(seat.session)), decoded, now
            )
        except Refused as refused:
            return [seat.member, seat.session, seat.ref, wish["op"], refused.code, refused.retry_ms or False]
        return [seat.member, seat.session, seat.ref, wish["op"], False, *arguments]

    async def commands(self, seat: Seat) -> list[list[Any]]:
        return [await self.command(seat, wish) for wish in await self.wishes(seat.member)]

    async def send(self, commands: Sequence[list[Any]]) -> list[Any]:
        """Results in order; every answer can be shown and every refusal is declared."""
        results: list[Any] = []
        for first in range(0, len(commands), 256):
            results += await self.lane.ask(*commands[first : first + 256])
        for command, result in zip(commands, results, strict=True):
            if result[0] == 0:
                self.seen.add(result[1])
                assert result[1] in {*REFUSALS, *self.game.refusals}
            else:
                granted = [(*grant[:3], "0" * 32) for grant in result[2]]
                event = self.lane.plan.answer(MemberId(command[0]), command[2], result[1], granted)  # type: ignore[arg-type]
                assert event.re == command[2]
                assert type(event) in self.game.events
                for format_ in Format:
                    assert encode(event, format_)
        return results

    def wishing(self, kinds: Sequence[type[Command]]) -> list[Command]:
        """One command of each kind whose fields need nothing but what their types say."""
        fillings: dict[Any, Any] = {int: 1, str: "x", list: []}
        return [
            kind(
                ref=2,
                **{
                    field.name: fillings.get(get_origin(field.type) or _bare(field.type), 1)
                    for field in msgspec.structs.fields(kind)
                    if field.required and field.name != "ref"
                },
            )
            for kind in kinds
        ]

    async def play_out(self, *seats: Seat) -> list[Any]:
        """What the pages of one member do until they can do little more; the results."""
        results: list[Any] = []
        for _ in range(STEPS):
            wishes = (await self.wishes(seats[0].member))[:8]
            told = await self.send([await self.command(seat, wish) for wish in wishes for seat in seats])
            results += told
            if 2 * len(seats) * sum(result[0] for result in told) <= len(told):
                break  # most of it is refused
        return results

    async def snapshot(self, member: str, now: int) -> Mapping[str, Any]:
        ((view, _),) = await self.lane.store.views([MemberId(member)])
        return self.lane.plan.snapshot(MemberId(member), now, view)


_moments: dict[str, int] = {}


async def moment(game: Game, config: Mapping[str, Any], redis: Redis) -> int:
    """How long ago a room must have been opened so that there is most to do now; ms."""
    key = game.name + str(config)
    if key not in _moments:
        found = {}
        for number, ago in enumerate(range(SOONEST_MS, LATEST_MS, STEP_MS)):
            play = Play(game, await opened(redis, config, game=game.name, room=f"probe{number}", ago=ago))
            await play.catch_up()
            found[ago] = len(await play.wishes("probe"))
            timeless = found[ago] > 0 and play.lane.plan.due(0) is None
            if timeless or found[ago] >= 5 or (found[ago] == 0 and max(found.values()) > 0):
                break
        _moments[key] = max(found, key=found.__getitem__)
        assert found[_moments[key]] > 0, "a player has nothing to do in the first two minutes"
    return _moments[key]


async def playing(
    redis: Redis, game: Game, config: Mapping[str, Any] | None = None, room: str = "r1"
) -> Play:
    """A lane in the middle of its play."""
    config = patient(config or game.example())
    ago = await moment(game, config, redis)
    play = Play(game, await opened(redis, config, game=game.name, room=room, ago=ago))
    await play.catch_up()
    return play


@every_game
async def test_a_replayed_ref_answers_the_same(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    commands = [command for seat in await play.lane.seats(5) for command in (await play.commands(seat))[:8]]
    assert len(commands) >= 5
    first = await play.send(commands)
    assert any(result[0] == 1 for result in first)
    await play.lane.quiet()
    before = await play.lane.dump()
    assert await play.send(commands) == first
    assert await play.lane.dump() == before


@every_game
async def test_two_devices_of_one_member_win_no_more_than_one(game: Game, redis: Redis) -> None:
    config = {**game.example(), "wins": {"per_member": 1}}
    play = await playing(redis, game, config)
    for number in range(20):
        phone, tablet = await play.lane.seat(f"m{number}"), await play.lane.seat(f"m{number}")
        await play.play_out(phone, tablet)
    grants = await play.lane.grants()
    assert bool(grants) is bool(play.lane.plan.stock()), "nobody won anything"
    assert len({grant[4] for grant in grants}) == len(grants)
    assert len({(grant[0], grant[1]) for grant in grants}) == len(grants)
    now = await server_ms(redis)
    for number in range(3):
        phone, tablet = await play.lane.join(f"m{number}"), await play.lane.join(f"m{number}")
        assert phone.session != tablet.session
        assert phone.view == tablet.view
        assert play.lane.plan.snapshot(MemberId(f"m{number}"), now, phone.view) == await play.snapshot(
            f"m{number}", now
        )


@every_game
async def test_the_same_action_on_two_devices_counts_once(game: Game, redis: Redis) -> None:
    """Two pages see one picture: what one has done, the other cannot do a second time."""
    play = await playing(redis, game, {**game.example(), "chances": {"free_total": 1}})
    one, two = await play.lane.seat("m"), await play.lane.seat("m")
    wishes = await play.wishes("m")
    await play.send([await play.command(seat, wish) for wish in wishes for seat in (one, two)])
    member = await play.lane.member("m")
    assert isinstance(member, Member)
    assert member.chances == 1


@every_game
async def test_stock_runs_out_and_not_one_unit_later(game: Game, redis: Redis) -> None:
    play = await playing(redis, game, scarce(game))
    for seat in await play.lane.seats(40):
        await play.play_out(seat)
    grants, stock = await play.lane.grants(), play.lane.plan.stock()
    by_prize: dict[str, list[int]] = {prize: [] for prize in stock}
    for prize, unit, *_ in grants:
        by_prize[prize].append(unit)
    for prize, units in by_prize.items():
        assert sorted(units) == sorted(set(units))
        assert all(1 <= unit <= stock[prize] for unit in units)  # type: ignore[index]
        assert (await play.lane.stock())[prize][0] == len(units)
    gone = [prize for prize, units in by_prize.items() if len(units) == stock[prize]]  # type: ignore[index]
    assert bool(gone) is bool(stock), "nothing ran out"
    assert sum(grant[2] for grant in grants) <= play.lane.plan.budget()
    late = await play.lane.seat("late")
    for result in await play.play_out(late):
        assert result[0] == 0 or not any(len(by_prize[grant[0]]) == stock[grant[0]] for grant in result[2])


@every_game
async def test_nothing_is_granted_after_the_window_has_closed(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    seats = await play.lane.seats(10)
    commands = [command for seat in seats for command in await play.commands(seat)]
    half = len(commands) // 2
    assert any(result[0] == 1 for result in await play.send(commands[:half]))
    lines = await play.lane.lines()
    # the time of the window's end, as it comes in mid-play
    await redis.hset(play.lane.keys.room, "closes", str(await server_ms(redis) - 1))
    for result in await play.send(commands[half:]):
        assert result == [0, "closed", False]
    assert await play.lane.lines() == lines


@every_game
async def test_who_is_refused_at_the_gate_changes_nothing(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    seat = await play.lane.seat("m")
    lines, state = await play.lane.lines(), (await play.lane.dump())["game"]
    wishes = await play.wishes("m")
    commands = [await play.command(seat, wish) for wish in wishes]
    for command, code in zip(commands, ("blocked", "not_in_audience") * len(commands), strict=False):
        command[4:] = [code, False]
    results = await play.send(commands)
    assert {result[1] for result in results} <= {"blocked", "not_in_audience"}
    assert await play.lane.lines() == lines
    assert unpacked((await play.lane.dump())["game"]) == unpacked(state)
    assert await play.wishes("m")


@every_game
async def test_chances_are_conserved(game: Game, redis: Redis) -> None:
    for free in (0, 1):
        play = await playing(redis, game, {**game.example(), "chances": {"free_total": free}}, f"r{free}")
        seats = await play.lane.seats(10)
        results = [result for seat in seats for result in await play.send(await play.commands(seat))]
        used = [await play.lane.member(seat.member) for seat in seats]
        assert all(isinstance(member, Member) and member.chances <= free for member in used)
        assert any(result[0] == 1 for result in results) is (free == 1)
        if free == 0:
            assert "no_chance_left" in play.seen
            assert await play.lane.grants() == []


@every_game
async def test_plays_that_were_given_are_played_and_no_more(game: Game, redis: Redis) -> None:
    play = await playing(redis, game, {**game.example(), "chances": {"free_total": 0}})
    seats = await play.lane.seats(3)
    first = await play.lane.store.ordered() + 1
    gifts = [
        [HOST, "staff", first + number, "give_chances", False, seat.member, number]
        for number, seat in enumerate(seats)
        if number
    ]
    # the first order's number belongs to nobody's gift: numbers rise, and may have gaps
    assert all(result[0] == 1 for result in await play.lane.ask(*gifts))
    for number, seat in enumerate(seats):
        await play.play_out(seat)
        member = await play.lane.member(seat.member)
        assert isinstance(member, Member)
        assert member.chances <= number
        assert member.gifts == ([number, member.chances] if number else [])
        code, _, _ = await play.lane.store.explain((), MemberId(seat.member), 1, None)
        assert (code == "no_chance_left") is (member.chances == number)
    assert (await play.lane.member(seats[1].member)).chances == 1  # type: ignore[union-attr]


@every_game
async def test_only_a_host_conducts_and_a_host_does_not_play(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    async with live(play.lane) as here:
        page, member = await here.join("m")
        host_page, host = await here.join(HOST)
        mine, hosts = play.wishing(game.commands), play.wishing(game.host_commands)
        for command in hosts:
            with pytest.raises(Refused, match="not_host"):
                member.handle(command)
        for command in mine:
            with pytest.raises(Refused, match="not_host"):
                host.handle(command)
        assert page.named("refused") == host_page.named("refused") == []
        assert host_page.named("welcome")[0]["snapshot"]["joined"] == 1, "a host is no member"


@every_game
def test_what_is_secret_is_in_nothing_that_is_public(game: Game) -> None:
    config = game.example()
    record = record_of(game.name, config, 1_790_000_000_000)
    shown = msgspec.json.encode(public_room(record)).decode()
    for field in game.secret:
        assert field in config
        assert f'"{field}":' not in shown
        for text in strings_in(config[field]):
            assert json.dumps(text, ensure_ascii=False) not in shown
    rules, seed = validated(game.name, config).model_dump(mode="json"), bytes(32)
    told = published(game.name, rules, seed)
    assert not set(game.secret) & set(told["config"])
    assert (told != published(game.name, rules, bytes(31) + b"1")) is bool(game.secret)


@every_game
async def test_a_purse_pays_for_each_play_and_for_nothing_else(game: Game, redis: Redis) -> None:
    play = await playing(redis, game, {**game.example(), "chances": {"free_total": 0, "cost_points": 7}})
    for seat in await play.lane.seats(10):
        commands = await play.commands(seat)
        needed = await play.lane.ask(*commands[:8])
        assert {result[1] for result in needed if result[0] == 0} >= {"purse_needed"}
        assert not [result for result in needed if result[0] == 1]
        filled = 7 * len(commands)
        await play.lane.ask([seat.member, "", 0, "fill_purse", False, 1, 0, filled, 2**50])
        results = await play.send(commands)
        lines = [line for line in await play.lane.lines() if line[2] == seat.member and len(line) > 8]
        told = [result[3][0] for result in results if len(result) > 3]
        member = await play.lane.member(seat.member)
        assert isinstance(member, Member)
        assert len(lines) == len(told) == member.chances > 0
        assert {line[8][1] for line in lines} == set(told) == {7}
        assert (await play.lane.purses())[seat.member] == (1, filled - 7 * member.chances)


@every_game
async def test_a_page_that_comes_back_sees_the_state(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    async with live(play.lane) as here:
        page, session = await here.join("m")
        first = page.named("welcome")[0]
        player = game.player(first["room"]["play"], first["snapshot"]["game"])
        sent: list[int] = []
        while len(sent) < 8 and (wanted := player.next(here.room.now())) and wanted[0] <= here.room.now():
            sent.append(len(sent) + 1)
            command = play.codec.decode(msgspec.json.encode({**wanted[1], "ref": sent[-1]}), Format.JSON)
            session.handle(command)
            await page.answer(sent[-1])
        assert sent, "a player had nothing to do"
        answers = {event["re"]: event for event in page.events if "re" in event and event["ev"] != "welcome"}
        here.room.leave(session)
        back, again = await here.join("m", session=session.id, since=first["snapshot"]["v"])
        welcome = back.named("welcome")[0]
        assert welcome["session"] == session.id == again.id
        other, _ = await here.join("m", format_=Format.MSGPACK)
        assert other.named("welcome")[0]["snapshot"]["game"] == welcome["snapshot"]["game"]
        assert welcome["snapshot"]["game"] != first["snapshot"]["game"]
        done = [answers[number] for number in sent if answers[number]["ev"] != "refused"]
        assert [kept["re"] for kept in welcome["snapshot"]["answers"]] == [event["re"] for event in done]
        for kept, told in zip(welcome["snapshot"]["answers"], done, strict=True):
            assert told.items() <= kept.items()
            assert not any(value for name, value in kept.items() if name not in told)
        check_events(game, [page, back, other])


def check_events(game: Game, pages: Sequence[Page]) -> None:
    declared = {*names(game.events), *names(SHARED_EVENTS)}
    assert {event["ev"] for page in pages for event in page.events} <= declared


@every_game
async def test_every_event_of_the_clock_can_be_told(game: Game, redis: Redis) -> None:
    play = await playing(redis, game)
    async with live(play.lane) as here:
        page, _ = await here.join("m")
        watching, _ = await here.join("", format_=Format.MSGPACK)
        done = await play.lane.store.clock()
        coming = [due for due in play.lane.dues() if due.ref > done][:4]
        for due in coming:
            assert (await play.lane.clock(due))[0] == 1
        await play.lane.store.set_state("closed")
        for each in (page, watching):
            await each.heard(lambda event: event["ev"] == "room_changed" and event["state"] == "closed")
        check_events(game, [page, watching])


# the record


async def settled(here: World, redis: Redis, game: Game, config: Mapping[str, Any]) -> tuple[Play, list[Any]]:
    """A played room, all of it in the record and the ledger, and its lines."""
    play = Play(game, await here.open(game.name, config, await moment(game, config, redis)))
    await play.catch_up()
    for seat in await play.lane.seats(15):
        await play.play_out(seat)
    done = await play.lane.store.clock()
    for due in [due for due in play.lane.dues() if due.ref > done][:3]:
        await play.lane.clock(due)
    await play.lane.quiet()
    lines = await play.lane.lines()
    await here.settle(play.lane)
    return play, lines


@every_game
async def test_grants_are_outbox_lines_are_ledger_entries(game: Game, redis: Redis, engine: Database) -> None:
    async with world(engine, redis) as here:
        play, lines = await settled(here, redis, game, patient(game.example()))
        granted = await here.check_books(play.lane, lines)
        stock = play.lane.plan.stock()
        assert bool(granted) is bool(stock), "nobody won anything"
        for prize, (given, *_) in (await play.lane.stock()).items():
            of_prize = [grant for grant in granted if grant.prize == prize]
            assert given == len(of_prize) <= stock[prize]  # type: ignore[index]
        assert sum(grant.amount for grant in granted) <= play.lane.plan.budget()


@every_game
@pytest.mark.parametrize("which", ["example", "scarce"])
async def test_flushed_and_rebuilt_it_is_the_same(
    game: Game, which: str, redis: Redis, engine: Database
) -> None:
    config = patient(game.example() if which == "example" else scarce(game))
    async with world(engine, redis) as here:
        play, lines = await settled(here, redis, game, config)
        before, now = await play.lane.dump(), await server_ms(redis)
        members = [name for name in map(bytes.decode, before["m"]) if name not in ("", HOST)]
        shown = [await play.snapshot(member, now) for member in members]
        assert any(executed_answers(before).values())
        await redis.flushall()
        assert await here.lifecycle.rebuild(play.lane.record.id) == len(lines)
        rebuilt = Play(game, await here.again(play.lane))
        check_rebuilt(before, await rebuilt.lane.dump())
        assert [await rebuilt.snapshot(member, now) for member in members] == shown


# what it costs


@every_game
async def test_a_member_costs_few_bytes_of_redis(game: Game, redis: Redis) -> None:
    """With one page, a whole answer memory, and a play behind it."""
    play = await playing(redis, game)
    seats = await play.lane.seats(200)
    for seat in seats:
        wishes = await play.wishes(seat.member)
        # the last wish again fills the memory, whatever it comes to
        wishes += [wishes[-1]] * (8 - len(wishes))
        await play.send([await play.command(seat, wish) for wish in wishes])
    octets = await redis.memory_usage(play.lane.keys.members, samples=0)
    assert octets is not None
    everybody = (await play.lane.dump())["m"].items()
    records = [member_in(record) for name, record in everybody if name not in (b"", HOST.encode())]
    assert all(len(member.sessions[0].answers) == 8 and member.game for member in records)
    assert octets / len(records) <= MAX_BYTES
