import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gameserver.engines import Engines
from gameserver.errors import CloseCode
from gameserver.games import game_named
from gameserver.games.game import EventClass
from gameserver.records.rooms import Room
from gameserver.store.keys import LaneKeys
from gameserver.store.lane import LaneStore
from gameserver.websocket import HELLO_SECONDS, PING_SECONDS, PONG_SECONDS
from gameserver.wire import MAX_FRAME_BYTES
from tests.node import (
    GAME,
    Live,
    Member,
    downpour,
    emptied,
    living,
    member_token,
    until_pushed,
)
from tests.page import BINARY, PING, PONG, TEXT, Page, framed, hello

TWO_53 = 2**53


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live


@pytest.fixture(scope="module")
async def room(live: Live) -> Room:
    """Shared by the tests that only look; its round is on."""
    return await live.open_room()


@pytest.fixture(autouse=True)
async def alone(live: Live) -> AsyncIterator[None]:
    yield
    await live.hang_up()


@pytest.fixture
async def page(live: Live, room: Room) -> Page:
    return await live.join(room.id, await live.member())


# the hello and its answer


@pytest.mark.parametrize("packed", [False, True])
async def test_welcome_shows_the_room_and_the_member_in_the_format_of_the_hello(
    live: Live, room: Room, packed: bool
) -> None:
    member = await live.member("小红")
    page = await live.join(room.id, member, packed=packed)

    welcome = page.welcome
    assert isinstance(page.frames[0], bytes if packed else str)
    assert welcome.keys() == {"ev", "re", "member", "session", "room", "now", "recovered", "snapshot"}
    assert (welcome["ev"], welcome["re"], welcome["member"]) == ("welcome", 1, member.id)
    assert welcome["session"]
    assert welcome["recovered"] is False
    public = (await live.http.get(f"/api/rooms/{room.id}")).json()
    assert welcome["room"].keys() <= public.keys()
    assert welcome["room"] == {name: public[name] for name in welcome["room"]}
    snapshot = welcome["snapshot"]
    assert snapshot.keys() == {"v", "state", "denied", "name", "joined", "answers", "game"}
    assert (snapshot["state"], snapshot["denied"], snapshot["name"]) == ("open", None, "小红")
    assert snapshot["joined"] >= 1
    assert snapshot["answers"] == []
    times = snapshot["game"]["round"]
    assert times["starts_at"] <= welcome["now"] <= times["ends_at"]
    assert len(bytes.fromhex(times["key"])) == 16


@pytest.mark.parametrize("packed", [False, True])
async def test_the_hello_may_ask_for_the_other_format(live: Live, room: Room, packed: bool) -> None:
    page = await live.join(
        room.id, await live.member(), packed=packed, format="json" if packed else "msgpack"
    )
    await page.grab()
    assert {type(frame) for frame in page.frames} == {str if packed else bytes}


async def test_a_session_answers_in_the_format_of_its_hello_whatever_comes_later(
    live: Live, room: Room
) -> None:
    page = await live.join(room.id, await live.member(), packed=True)
    await page.connection.send(json.dumps({"op": "time", "ref": 5}))
    assert (await page.next(re=5))["ev"] == "time"
    await page.connection.send('{"op":')
    assert (await page.next(ev="refused"))["code"] == "bad_frame"
    assert {type(frame) for frame in page.frames} == {bytes}


@pytest.mark.parametrize("packed", [False, True])
async def test_a_grab_is_answered_with_the_win_and_its_receipt(live: Live, room: Room, packed: bool) -> None:
    page = await live.join(room.id, await live.member(), packed=packed)
    ref = await page.send("grab", drop=(drop := page.drops(1)[0]))
    grabbed = await page.next(re=ref)
    assert grabbed.pop("unit") >= 1
    assert len(bytes.fromhex(grabbed.pop("receipt"))) == 16
    assert grabbed == {
        "ev": "grabbed", "re": ref, "drop": drop, "kind": "packet", "amount": 5, "prize": "packet",
        "sum": 5, "score": 1,
    }  # fmt: skip


async def test_time_tells_the_servers_clock_and_is_free_of_the_rising_refs(page: Page, live: Live) -> None:
    for ref in (7, 3, TWO_53 - 1, 3):
        now = (await page.ask("time", ref=ref))["now"]
        seconds, micros = await live.redis.time()
        assert abs(now - (seconds * 1000 + micros / 1000)) < 5000
    assert (await page.grab(ref=1))["ev"] == "grabbed"


# what cannot be read

NESTED = 3000
UNREADABLE: dict[str, tuple[bytes | str, str, int | None]] = {
    "empty": ("", "bad_frame", None),
    "no JSON": ('{"op":"grab","ref":9,', "bad_frame", None),
    "two values": ('{"op":"time","ref":9}{}', "bad_frame", None),
    "an array": ("[1,2]", "bad_field", None),
    "a number": ("17", "bad_field", None),
    "deep nesting": ("[" * NESTED, "bad_field", None),
    "deep nesting, closed": ("[" * NESTED + "]" * NESTED, "bad_field", None),
    "deep nesting in a field": (
        '{"op":"grab","ref":9,"drop":' + "[" * NESTED + "]" * NESTED + "}", "bad_field", None,
    ),
    "deep nesting in an unknown field": (
        '{"op":"grab","ref":9,"drop":1,"x":' + "[" * NESTED + "]" * NESTED + "}", "bad_field", None,
    ),
    "deep nesting before the op": (
        '{"x":' + '{"x":' * 1300 + "1" + "}" * 1300 + ',"op":"grab","ref":9,"drop":1}', "bad_frame", None,
    ),
    "no op": ('{"ref":9,"drop":1}', "bad_field", 9),
    "unknown op": ('{"op":"steal","ref":9}', "unknown_op", 9),
    "another game's op": ('{"op":"spin","ref":9}', "unknown_op", 9),
    "op of a wrong type": ('{"op":4,"ref":9}', "bad_field", 9),
    "empty op": ('{"op":"","ref":9}', "unknown_op", 9),
    "op in capitals": ('{"op":"GRAB","ref":9,"drop":1}', "unknown_op", 9),
    "no ref": ('{"op":"grab","drop":1}', "bad_field", None),
    "ref 0": ('{"op":"grab","ref":0,"drop":1}', "bad_field", None),
    "ref below 0": ('{"op":"grab","ref":-1,"drop":1}', "bad_field", None),
    "ref 2^53": ('{"op":"grab","ref":9007199254740992,"drop":1}', "bad_field", None),
    "ref 2^64": ('{"op":"grab","ref":18446744073709551616,"drop":1}', "bad_field", None),
    "ref of a thousand digits": ('{"op":"grab","ref":' + "9" * 1000 + ',"drop":1}', "bad_field", None),
    "ref a float": ('{"op":"grab","ref":1.5,"drop":1}', "bad_field", None),
    "ref a string": ('{"op":"grab","ref":"1","drop":1}', "bad_field", None),
    "ref null": ('{"op":"grab","ref":null,"drop":1}', "bad_field", None),
    "ref true": ('{"op":"grab","ref":true,"drop":1}', "bad_field", None),
    "time with ref 0": ('{"op":"time","ref":0}', "bad_field", None),
    "no drop": ('{"op":"grab","ref":9}', "bad_field", 9),
    "drop below 0": ('{"op":"grab","ref":9,"drop":-1}', "bad_field", 9),
    "drop beyond any rain": ('{"op":"grab","ref":9,"drop":2000}', "bad_field", 9),
    "drop a string": ('{"op":"grab","ref":9,"drop":"1"}', "bad_field", 9),
    "drop a float": ('{"op":"grab","ref":9,"drop":0.5}', "bad_field", 9),
    "drop a list": ('{"op":"grab","ref":9,"drop":[1]}', "bad_field", 9),
    "drop NaN": ('{"op":"grab","ref":9,"drop":NaN}', "bad_frame", None),
    "unknown field": ('{"op":"grab","ref":9,"drop":1,"amount":500}', "bad_field", 9),
    "invalid UTF-8": (b'{"op":"gr\xff\xfeab","ref":9,"drop":1}', "bad_frame", 9),
    "invalid UTF-8 in an unknown field": (b'{"op":"grab","ref":9,"drop":1,"\xff":1}', "bad_frame", 9),
    "a lone surrogate": ('{"op":"grab","ref":9,"drop":1,"x":"\\ud800"}', "bad_field", None),
    "zeros": (b"\0" * 100, "bad_frame", None),
}  # fmt: skip
UNPACKABLE: dict[str, tuple[bytes, str, int | None]] = {
    "empty": (b"", "bad_frame", None),
    "no MessagePack": (b"\xc1", "bad_frame", None),
    "cut short": (msgpack.packb({"op": "grab", "ref": 9, "drop": 1})[:-1], "bad_frame", None),
    "something behind it": (msgpack.packb({"op": "time", "ref": 9}) + b"\0", "bad_frame", None),
    "JSON in a binary frame": (b'{"op":"time","ref":9}', "bad_field", None),
    "an array": (msgpack.packb([1, 2]), "bad_field", None),
    "deep nesting": (b"\x91" * NESTED + b"\0", "bad_field", None),
    "deep nesting in a field": (
        b"\x83\xa2op\xa4grab\xa3ref\x09\xa4drop" + b"\x91" * NESTED + b"\0", "bad_field", None,
    ),
    "deep nesting in an unknown field": (
        b"\x84\xa2op\xa4grab\xa3ref\x09\xa4drop\x01\xa1x" + b"\x91" * NESTED + b"\0", "bad_field", None,
    ),
    "an array of four billion": (b"\xdd\xff\xff\xff\xff", "bad_field", None),
    "a map of four billion": (b"\xdf\xff\xff\xff\xff", "bad_frame", None),
    "a string of four billion": (b"\x82\xa2op\xdb\xff\xff\xff\xff", "bad_frame", None),
    "unknown op": (msgpack.packb({"op": "steal", "ref": 9}), "unknown_op", 9),
    "op of a wrong type": (msgpack.packb({"op": 4, "ref": 9}), "bad_field", 9),
    "op as bytes": (msgpack.packb({"op": b"grab", "ref": 9, "drop": 1}), "bad_field", 9),
    "an integer as key": (msgpack.packb({1: 2, "op": "grab", "ref": 9, "drop": 1}), "bad_field", None),
    "ref 0": (msgpack.packb({"op": "grab", "ref": 0, "drop": 1}), "bad_field", None),
    "ref below 0": (msgpack.packb({"op": "grab", "ref": -1, "drop": 1}), "bad_field", None),
    "ref 2^53": (msgpack.packb({"op": "grab", "ref": TWO_53, "drop": 1}), "bad_field", None),
    "ref a float": (msgpack.packb({"op": "grab", "ref": 1.5, "drop": 1}), "bad_field", None),
    "ref a string": (msgpack.packb({"op": "grab", "ref": "9", "drop": 1}), "bad_field", None),
    "drop out of range": (msgpack.packb({"op": "grab", "ref": 9, "drop": 2000}), "bad_field", 9),
    "drop nil": (msgpack.packb({"op": "grab", "ref": 9, "drop": None}), "bad_field", 9),
    "unknown field": (msgpack.packb({"op": "grab", "ref": 9, "drop": 1, "x": 1}), "bad_field", 9),
    "an extension type": (
        msgpack.packb({"op": "grab", "ref": 9, "drop": msgpack.ExtType(5, b"x")}), "bad_field", 9,
    ),
    "invalid UTF-8": (b"\x83\xa2op\xa4gr\xff\xfe\xa3ref\x09\xa4drop\x01", "bad_frame", 9),
}  # fmt: skip


async def refused_in_words(live: Live, room: Room, frame: bytes, code: str, re: int | None) -> None:
    """The frame is refused with the code and, where it could be read, the ref; the socket goes on."""
    peer = await live.peer()
    peer.write(framed(hello(room.id, await live.ticket(room.id, await live.member()))))
    await peer.event(ev="welcome")
    peer.write(frame)
    refused = await peer.event(ev="refused")
    assert (refused["code"], refused.get("re")) == (code, re)
    assert refused["message"]
    assert "Traceback" not in refused["message"]
    peer.write(framed('{"op":"grab","ref":1,"drop":0}'))  # nothing was taken under any ref
    answer = await peer.event(re=1)
    assert answer["ev"] == "refused"
    assert answer["code"] in ("too_late", "no_round")


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_text_frame_that_cannot_be_read_is_refused_and_the_socket_goes_on(
    live: Live, room: Room, case: str
) -> None:
    frame, code, re = UNREADABLE[case]
    await refused_in_words(live, room, framed(frame, TEXT), code, re)


@pytest.mark.parametrize("case", UNPACKABLE)
async def test_a_binary_frame_that_cannot_be_read_is_refused_and_the_socket_goes_on(
    live: Live, room: Room, case: str
) -> None:
    frame, code, re = UNPACKABLE[case]
    await refused_in_words(live, room, framed(frame, BINARY), code, re)


async def test_a_drop_that_the_rooms_rain_has_not_is_unknown(live: Live) -> None:
    room = await live.open_room(drops_per_member=300)
    page = await live.join(room.id, await live.member())
    assert (await page.ask("grab", drop=300))["code"] == "drop_unknown"
    assert (await page.ask("grab", drop=1999))["code"] == "drop_unknown"


async def test_unreadable_frames_are_counted_by_code(live: Live, page: Page) -> None:
    name = 'gameserver_frame_errors_total{code="unknown_op"}'
    before = await live.metric(name)
    for ref in (1, 2, 3):
        assert (await page.ask("steal", ref=ref))["code"] == "unknown_op"
    assert await live.metric(name) == before + 3


# who may say hello


async def stranger(live: Live, frame: str | bytes) -> tuple[list[dict[str, Any]], int | None]:
    """What the server says to this first frame, and the code with which it closes."""
    page = await live.dial()
    await page.connection.send(frame)
    code = await page.closed()
    return page.heard, code


FIRST_FRAMES: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("hello", "bad_frame"),
    "no MessagePack": (b"\xc1", "bad_frame"),
    "invalid UTF-8": (b'{"op":"hel\xff"}', "hello_required"),
    "another command": ('{"op":"time","ref":1}', "hello_required"),
    "unknown op": ('{"op":"login","ref":1}', "hello_required"),
    "an array": ("[]", "hello_required"),
    "no ticket": ('{"op":"hello","ref":1,"room":"r1"}', "bad_field"),
    "no room": ('{"op":"hello","ref":1,"ticket":"t"}', "bad_field"),
    "no ref": ('{"op":"hello","ticket":"t","room":"r1"}', "bad_field"),
    "ref 0": ('{"op":"hello","ref":0,"ticket":"t","room":"r1"}', "bad_field"),
    "an empty ticket": (hello("r1", ""), "bad_field"),
    "a ticket without end": (hello("r1", "t" * 81), "bad_field"),
    "a room without end": (hello("r" * 41, "t"), "bad_field"),
    "unknown format": (hello("r1", "t", format="xml"), "bad_field"),
    "a session without end": (hello("r1", "t", session="s" * 41), "bad_field"),
    "since below 0": (hello("r1", "t", since=-1), "bad_field"),
    "since a string": (hello("r1", "t", since="1"), "bad_field"),
    "unknown field": (hello("r1", "t", member="m1"), "bad_field"),
    "deep nesting in a field": (
        '{"op":"hello","ref":1,"room":"r1","ticket":' + "[" * NESTED + "]" * NESTED + "}",
        "hello_required",
    ),
}


@pytest.mark.parametrize("case", FIRST_FRAMES)
async def test_a_first_frame_that_is_no_hello_is_refused_and_closed(live: Live, case: str) -> None:
    frame, code = FIRST_FRAMES[case]
    (refused,), closed = await stranger(live, frame)
    assert (refused["ev"], refused["code"]) == ("refused", code)
    assert closed == CloseCode.BAD_HELLO


async def test_a_refused_hello_is_told_its_ref_and_in_its_own_format(live: Live) -> None:
    (refused,), _ = await stranger(live, hello("r1", "t", member="m1"))
    assert refused["re"] == 1
    (refused,), _ = await stranger(live, msgpack.packb({"op": "hello", "ref": 7, "room": "r1"}))
    assert refused["re"] == 7


async def test_a_ticket_works_once(live: Live, room: Room) -> None:
    ticket = await live.ticket(room.id, await live.member())
    first = await live.dial()
    assert (await first.hello(room.id, ticket))["ev"] == "welcome"
    (refused,), closed = await stranger(live, hello(room.id, ticket))
    assert (refused["code"], closed) == ("bad_ticket", CloseCode.BAD_TICKET)
    assert (await first.ask("time"))["ev"] == "time"


async def test_two_hellos_with_one_ticket_at_once_let_one_in(live: Live, room: Room) -> None:
    ticket = await live.ticket(room.id, await live.member())
    pages = [await live.dial() for _ in range(8)]
    answers = await asyncio.gather(*(page.hello(room.id, ticket) for page in pages))
    assert sorted(answer["ev"] for answer in answers) == ["refused"] * 7 + ["welcome"]


async def test_a_ticket_lasts_thirty_seconds(live: Live, room: Room) -> None:
    ticket = await live.ticket(room.id, await live.member())
    key = LaneKeys(room.id).ticket(ticket)
    assert 0 < await live.redis.pttl(key) <= 30_000
    await live.redis.pexpire(key, 0)  # its time is over
    (refused,), closed = await stranger(live, hello(room.id, ticket))
    assert (refused["code"], closed) == ("bad_ticket", CloseCode.BAD_TICKET)


async def test_a_ticket_is_for_one_room(live: Live, room: Room) -> None:
    other = await live.open_room()
    ticket = await live.ticket(other.id, await live.member())
    (refused,), closed = await stranger(live, hello(room.id, ticket))
    assert (refused["code"], closed) == ("bad_ticket", CloseCode.BAD_TICKET)


@pytest.mark.parametrize("ticket", ["0" * 32, "}:room", "*", "\x00", "\ud83d\ude00"])
async def test_a_ticket_nobody_gave_is_refused(live: Live, room: Room, ticket: str) -> None:
    (refused,), closed = await stranger(live, hello(room.id, ticket))
    assert (refused["code"], closed) == ("bad_ticket", CloseCode.BAD_TICKET)


@pytest.mark.parametrize("unknown", ["r999999", "no-room", "r1'; drop table room", "r1\x00", "{r1.0}"])
async def test_an_unknown_room_is_closed_for_good(live: Live, unknown: str) -> None:
    (refused,), closed = await stranger(live, hello(unknown, "t"))
    assert (refused["code"], closed) == ("not_found", CloseCode.UNKNOWN_ROOM)


async def test_a_draft_may_be_tried_again_later(live: Live) -> None:
    draft = await live.stores.lifecycle.create(GAME, downpour())
    (refused,), closed = await stranger(live, hello(draft.id, "t"))
    assert (refused["code"], closed) == ("not_open", CloseCode.NOT_READY)


async def test_a_second_hello_is_refused_and_the_session_goes_on(live: Live, room: Room, page: Page) -> None:
    ticket = await live.ticket(room.id, await live.member())
    assert (await page.ask("hello", ref=4, room=room.id, ticket=ticket))["code"] == "hello_repeated"
    assert (await page.grab())["ev"] == "grabbed"


async def test_a_second_hello_on_the_heels_of_the_first_is_refused(live: Live, room: Room) -> None:
    ticket = await live.ticket(room.id, await live.member())
    peer = await live.peer()
    peer.write(framed(hello(room.id, ticket)) + framed(hello(room.id, ticket, ref=2)))
    answers = [await peer.event(), await peer.event()]
    assert {(answer["ev"], answer.get("code"), answer["re"]) for answer in answers} == {
        ("welcome", None, 1),
        ("refused", "hello_repeated", 2),
    }


async def test_a_socket_that_says_no_hello_is_closed(live: Live) -> None:
    page = await live.dial()
    live.check(HELLO_SECONDS - 1)
    assert len(live.sockets()) == 1
    live.check(HELLO_SECONDS + 1)
    assert await page.closed() == CloseCode.HELLO_TIMEOUT


# where from


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.1", "null", "file://"]
)
async def test_a_foreign_origin_is_turned_away(live: Live, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await live.dial(origin=origin)
    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b"forbidden_origin"


async def test_the_pages_own_origin_is_let_in(live: Live, room: Room) -> None:
    page = await live.dial(origin=live.url)
    welcome = await page.hello(room.id, await live.ticket(room.id, await live.member()))
    assert welcome["ev"] == "welcome"


@pytest.mark.parametrize("path", ["/", "/ws2", "/ws/", "/api/rooms", "/wss"])
async def test_a_socket_on_another_path_is_not_found(live: Live, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await live.dial(path=path)
    assert refused.value.response.status_code == 404


async def test_a_plain_request_for_the_socket_is_a_coded_404(live: Live) -> None:
    answer = await live.http.get("/ws")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# how much


async def test_a_frame_of_8_kib_is_read_and_one_byte_more_is_not(live: Live, room: Room, page: Page) -> None:
    def padded(size: int) -> str:
        frame = '{"op":"time","ref":9}'
        return frame + " " * (size - len(frame))

    await page.connection.send(padded(MAX_FRAME_BYTES))
    assert (await page.next(re=9))["ev"] == "time"
    await page.connection.send(padded(MAX_FRAME_BYTES + 1))
    assert await page.closed() == 1009


async def test_a_frame_of_a_megabyte_is_cut_off_and_the_server_stays_up(live: Live, room: Room) -> None:
    other = await live.join(room.id, await live.member())
    for first_frame in (True, False):
        page = await live.dial() if first_frame else await live.join(room.id, await live.member())
        with contextlib.suppress(ConnectionClosed):
            await page.connection.send("x" * 2**20)
        assert await page.closed() == 1009
    assert (await other.grab())["ev"] == "grabbed"
    assert (await live.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize("joined", [False, True])
async def test_a_frame_in_fragments_is_closed_with_1003(live: Live, room: Room, joined: bool) -> None:
    page = await live.join(room.id, await live.member()) if joined else await live.dial()
    with contextlib.suppress(ConnectionClosed):
        await page.connection.send(['{"op":"time",', '"ref":9}'])
    assert await page.closed() == 1003


BAD_FRAMES = {
    "unmasked": framed('{"op":"time","ref":9}', masked=False),
    "reserved opcode": framed("", 5),
    "reserved control opcode": framed("", 11),
    "reserved bits": b"\xf1\x80\0\0\0\0",
    "continuation of nothing": framed("x", 0),
    "a ping of 126 bytes": framed("x" * 126, 9),
    "a length of 2^63": b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    "a close of one byte": framed("x", 8),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
async def test_what_is_no_frame_ends_that_socket_and_no_other(live: Live, page: Page, case: str) -> None:
    peer = await live.peer()
    peer.write(BAD_FRAMES[case])
    await peer.closed()
    assert (await page.ask("time"))["ev"] == "time"


async def test_a_page_that_floods_is_closed_and_its_next_socket_works(live: Live, room: Room) -> None:
    member = await live.member()
    page = await live.join(room.id, member)
    with contextlib.suppress(ConnectionClosed):
        for _ in range(200):
            await page.send("time")
    assert await page.closed() == CloseCode.TOO_MANY_FRAMES
    answered = [event for event in page.heard if event["ev"] == "time"]
    assert len(answered) >= 59  # a burst of 60, the hello among them
    again = await live.join(room.id, member)
    assert (await again.grab())["ev"] == "grabbed"


async def test_frames_before_the_welcome_count_too(live: Live) -> None:
    peer = await live.peer()
    peer.write(framed(hello("r1", "t")) * 100)
    assert await peer.closed() in (CloseCode.TOO_MANY_FRAMES, CloseCode.BAD_TICKET)


async def test_at_most_eight_commands_may_be_unanswered(live: Live, room: Room) -> None:
    page = await live.join(room.id, member := await live.member())
    drops = page.drops(12)
    peer = await live.peer()
    ticket = await live.ticket(room.id, member)
    peer.write(framed(hello(room.id, ticket)))
    await peer.event(ev="welcome")
    commands = [json.dumps({"op": "grab", "ref": ref, "drop": drop}) for ref, drop in enumerate(drops, 1)]
    peer.write(b"".join(framed(command) for command in commands))
    answers = [await peer.event(re=ref) for ref in (9, 10, 11, 12)]
    assert {answer["code"] for answer in answers} == {"too_many_in_flight"}
    assert all(answer["retry_ms"] > 0 for answer in answers)
    executed = [await peer.event(re=ref) for ref in range(1, 9)]
    assert {answer["ev"] for answer in executed} == {"grabbed"}
    # none of the refused was executed, and its ref may be used again
    peer.write(framed(commands[8]))
    again = await peer.event(re=9)
    assert (again["ev"], again["sum"]) == ("grabbed", 45)


# one session, one page


async def test_opening_a_session_twice_closes_the_first(live: Live, room: Room) -> None:
    first = await live.join(room.id, member := await live.member())
    won = await first.grab()
    second = await live.join(room.id, member, session=first.session)
    assert second.session == first.session
    assert await first.closed() == CloseCode.REPLACED
    assert (await second.grab(ref=1, drop=won["drop"])) == won
    assert (await second.grab(ref=2))["sum"] == 10


async def test_two_pages_of_a_member_are_two_sessions_with_refs_of_their_own(live: Live, room: Room) -> None:
    first = await live.join(room.id, member := await live.member())
    second = await live.join(room.id, member)
    assert first.session != second.session
    assert (await first.grab(ref=1))["sum"] == 5
    drop = next(drop for drop in second.drops(2) if drop not in first.tapped)
    assert (await second.ask("grab", ref=1, drop=drop))["sum"] == 10


async def test_nobody_opens_the_session_of_another_member(live: Live, room: Room) -> None:
    first = await live.join(room.id, await live.member())
    thief = await live.join(room.id, await live.member(), session=first.session)
    assert thief.session != first.session
    assert (await first.grab())["ev"] == "grabbed"


async def test_a_session_the_room_does_not_know_gets_a_new_one(live: Live, room: Room) -> None:
    for unknown in ("s1-999999", "clock", "", "'", "s1-1\x00"):
        page = await live.join(room.id, await live.member(), session=unknown)
        assert page.session not in (unknown, "")
        assert (await page.grab(ref=1))["ev"] == "grabbed"


async def test_a_repeated_ref_gives_the_same_answer_and_an_old_one_none(live: Live, room: Room) -> None:
    page = await live.join(room.id, await live.member())
    drops = page.drops(12)
    answers = {ref: await page.ask("grab", ref=ref, drop=drop) for ref, drop in enumerate(drops[:10], 1)}
    for ref in range(3, 11):
        again = await page.ask("grab", ref=ref, drop=drops[11])  # whatever else it says
        assert again == answers[ref]
    for ref in (1, 2):
        assert (await page.ask("grab", ref=ref, drop=drops[11]))["code"] == "ref_too_old"
    assert (await page.ask("grab", ref=11, drop=drops[10]))["sum"] == 55


async def test_a_resumed_session_has_its_last_wins_with_their_receipts(live: Live, room: Room) -> None:
    page = await live.join(room.id, member := await live.member())
    wins = [await page.grab() for _ in range(3)]
    await page.vanish()
    again = await live.join(room.id, member, session=page.session)
    owed = again.snapshot["answers"]
    assert [(one["re"], one["unit"], one["receipt"]) for one in owed] == [
        (one["re"], one["unit"], one["receipt"]) for one in wins
    ]
    assert sorted(again.snapshot["game"]["taken"]) == sorted(one["drop"] for one in wins)
    assert again.snapshot["game"]["mine"]["sum"] == again.snapshot["game"]["points"] == 15


# who may play


async def test_a_spectator_watches_and_takes_nothing(live: Live) -> None:
    room = await live.open_room()
    watcher = await live.join(room.id, None)
    assert (watcher.welcome["member"], watcher.welcome["session"]) == ("", "")
    assert watcher.snapshot["denied"] is None
    assert (await watcher.ask("grab", ref=1, drop=0))["code"] == "spectator"
    assert (await watcher.ask("time", ref=2))["ev"] == "time"
    player = await live.join(room.id, await live.member("王小二"))
    await player.grab()
    tally = await watcher.next(ev="tally", players=1)
    assert tally["top"] == [{"name": "王*二", "sum": 5}]
    assert tally["joined"] == 1  # spectators do not count
    await live.stores.lifecycle.pause(room.id)
    assert (await watcher.next(ev="room_changed"))["state"] == "paused"


async def test_who_comes_late_is_told_the_ranking_without_another_tap(live: Live) -> None:
    room = await live.open_room()
    player = await live.join(room.id, member := await live.member("王小二"))
    await player.grab()
    await player.next(ev="tally", players=1)
    watcher = await live.join(room.id, None)
    assert (await watcher.next(ev="tally"))["top"] == [{"name": "王*二", "sum": 5}]
    again = await live.join(room.id, member, session=player.session, since=player.snapshot["v"])
    assert (await again.next(ev="tally"))["players"] == 1


async def test_who_comes_into_a_quiet_room_is_told_the_ranking_too(live: Live) -> None:
    """The tally is due in the very tick of the hello, and is published before the hello is answered."""
    room = await live.open_room()
    player = await live.join(room.id, await live.member("王小二"))
    await player.grab()
    await player.next(ev="tally", players=1)
    for _ in range(5):
        await live.redis.hset(LaneKeys(room.id).room, "tallied", "0")
        watcher = await live.join(room.id, None)
        assert (await watcher.next(ev="tally"))["top"] == [{"name": "王*二", "sum": 5}]


async def test_a_blocked_member_is_told_so_and_refused(live: Live) -> None:
    member, other = await live.member(), await live.member()
    room = await live.open_room(audience={"blocklist": [member.id]})
    page, free = await live.join(room.id, member), await live.join(room.id, other)
    assert page.snapshot["denied"] == "blocked"
    assert (await page.ask("grab", drop=0))["code"] == "blocked"
    assert (await page.ask("time", ref=9))["ev"] == "time"
    assert free.snapshot["denied"] is None
    assert (await free.grab())["ev"] == "grabbed"


@pytest.mark.parametrize(
    ("claims", "denied"),
    [
        ({}, "not_in_audience"),
        ({"levels": ["silver"]}, "not_in_audience"),
        ({"levels": ["gold"]}, None),
        ({"tags": ["staff"]}, None),
    ],
)
async def test_only_the_audience_of_the_token_may_play(
    live: Live, claims: dict[str, Any], denied: str | None
) -> None:
    room = await live.open_room(audience={"match": "any_of", "levels": ["gold"], "tags": ["staff"]})
    page = await live.join(room.id, Member(member_token(**claims), "m1", ""))
    assert page.snapshot["denied"] == denied
    answer = await page.ask("grab", drop=page.drops(1)[0])
    assert answer.get("code") == denied


# staff at work


async def test_pause_resume_and_close_are_seen_live_and_obeyed(live: Live) -> None:
    room = await live.open_room()
    page = await live.join(room.id, member := await live.member())
    lifecycle, versions = live.stores.lifecycle, []
    for change, state, code in (
        (lifecycle.pause, "paused", "paused"),
        (lifecycle.resume, "open", None),
        (lifecycle.close, "closed", "closed"),
    ):
        await change(room.id)
        told = await page.next(ev="room_changed")
        assert told["state"] == state
        versions.append(told["v"])
        answer = await page.grab()
        assert answer.get("code") == code
        late = await live.join(room.id, await live.member())
        assert (late.snapshot["state"], late.welcome["room"]["state"]) == (state, state)
    assert versions == sorted(set(versions))
    again = await live.join(room.id, member, session=page.session)
    assert (await again.ask("grab", ref=2, drop=0))["ev"] == "grabbed"  # the answer of before the close


# what a page missed


async def test_events_missed_since_are_replayed_in_order_before_anything_new(live: Live) -> None:
    room = await live.open_room()
    page = await live.join(room.id, member := await live.member())
    await page.grab()
    since = page.snapshot["v"]
    await page.vanish()
    await live.stores.lifecycle.pause(room.id)
    await live.stores.lifecycle.resume(room.id)

    again = await live.join(room.id, member, session=page.session, since=since)

    assert again.welcome["recovered"] is True
    await again.drained()
    missed = [await again.next(ev="room_changed") for _ in range(2)]
    assert [event["state"] for event in missed] == ["paused", "open"]
    versions = [event["v"] for event in missed]
    assert versions == sorted(set(versions))
    assert since < versions[0]
    assert versions[-1] <= again.snapshot["v"]
    await live.stores.lifecycle.pause(room.id)
    new = await again.next(ev="room_changed")
    assert new["v"] > again.snapshot["v"]


@pytest.mark.parametrize("spectates", [False, True])
async def test_the_opening_of_a_round_that_was_missed_comes_with_ones_own_rain(
    live: Live, spectates: bool
) -> None:
    room = await live.open_room(ago_ms=0, rounds=[{"gap_ms": 1500, "countdown_ms": 3000}])
    member = None if spectates else await live.member()
    async with live.pushes(room) as pushes:
        page = await live.join(room.id, member)
        assert page.snapshot["game"]["round"] is None
        await page.vanish()
        await until_pushed(pushes, "round_opened")
    again = await live.join(room.id, member, session=page.session, since=page.snapshot["v"])
    assert again.welcome["recovered"] is True
    opened = await again.next(ev="round_opened")
    shown = again.snapshot["game"]["round"]
    assert {name: opened[name] for name in ("round", "countdown_at", "starts_at", "ends_at", "key")} == {
        name: shown[name] for name in ("round", "countdown_at", "starts_at", "ends_at", "key")
    }


async def test_a_since_without_anything_missed_is_recovered_and_silent(live: Live, room: Room) -> None:
    page = await live.join(room.id, member := await live.member())
    again = await live.join(room.id, member, session=page.session, since=page.snapshot["v"])
    assert again.welcome["recovered"] is True
    await again.drained()
    assert {event["ev"] for event in again.heard} <= {"tally", "settled"}


@pytest.mark.parametrize("since", ["too old", "of the future"])
async def test_a_since_the_room_cannot_serve_is_not_called_recovered(live: Live, since: str) -> None:
    room = await live.open_room()
    page = await live.join(room.id, member := await live.member())
    await page.grab()
    store = LaneStore(live.redis, game_named(GAME), room.id, 1)
    for _ in range(130):  # the room remembers 256
        await store.set_state("paused")
        await store.set_state("open")
    now = (await live.join(room.id, member)).snapshot["v"]
    again = await live.join(
        room.id, member, session=page.session, since=0 if since == "too old" else now + 1_000_000
    )
    assert again.welcome["recovered"] is False
    assert again.snapshot["game"]["points"] == 5
    await again.drained()
    assert "room_changed" not in [event["ev"] for event in again.heard]


# readers that do not read

LEADERS = [["王小二", 1_000_000]] * 5000
JOINED = 987_654  # tells these tallies from the room's own
LEFT = 70  # together more than the kernel and the server hold for a reader


async def test_a_slow_reader_gets_only_the_newest_of_what_may_be_conflated(live: Live) -> None:
    room = await live.open_room()
    slow = await live.peer(receive_buffer=4096)
    slow.write(framed(hello(room.id, await live.ticket(room.id, await live.member()))))
    await slow.event(ev="welcome")
    healthy = await live.join(room.id, await live.member(), max_size=None)
    first = healthy.snapshot["v"] + 1000
    for left in range(LEFT):
        await live.push(room, [first + left, EventClass.CONFLATED, "tally", [0, left, JOINED, 1, LEADERS]])
        await healthy.next(ev="tally", joined=JOINED, left=left)

    got: list[int] = []
    while not got or got[-1] != LEFT - 1:
        got.append((await slow.event(ev="tally", joined=JOINED))["left"])

    assert got == sorted(set(got))
    assert len(got) < LEFT - 10
    slow.write(framed('{"op":"time","ref":1}'))
    assert (await slow.event(re=1))["ev"] == "time"


async def test_a_reader_that_does_not_take_what_it_must_is_closed_and_no_other(live: Live) -> None:
    room = await live.open_room()
    member = await live.member()
    slow = await live.peer(receive_buffer=4096)
    slow.write(framed(hello(room.id, await live.ticket(room.id, member))))
    session = (await slow.event(ev="welcome"))["session"]
    healthy = await live.join(room.id, await live.member(), max_size=None)
    name = 'gameserver_closes_total{code="4001"}'
    first, before = healthy.snapshot["v"] + 1000, await live.metric(name)
    for left in range(LEFT):
        await live.push(room, [first + left, EventClass.MUST, "tally", [0, left, JOINED, 1, LEADERS]])
        await healthy.next(ev="tally", joined=JOINED, left=left)

    assert await live.metric(name) == before + 1
    assert len(live.sockets()) == 1  # that of the healthy one
    assert await slow.closed() in (None, CloseCode.TOO_SLOW)
    assert (await healthy.grab())["ev"] == "grabbed"
    again = await live.join(room.id, member, session=session)
    assert again.session == session


# peers that are gone


async def test_an_idle_peer_is_pinged_and_stays_while_it_answers(live: Live, room: Room) -> None:
    peer = await live.peer()
    peer.write(framed(hello(room.id, await live.ticket(room.id, await live.member()))))
    await peer.event(ev="welcome")
    live.check(PING_SECONDS - 1)
    live.check(PING_SECONDS + 1)
    await peer.until(PING)
    peer.write(framed("", PONG) + framed('{"op":"time","ref":1}'))
    await peer.event(re=1)
    live.check(PING_SECONDS + 1)  # alive, but idle again: a new ping and no close
    await peer.until(PING)
    peer.write(framed('{"op":"time","ref":2}'))
    assert (await peer.event(re=2))["ev"] == "time"


async def test_a_peer_that_answers_no_ping_is_closed(live: Live, room: Room) -> None:
    peer = await live.peer()
    peer.write(framed(hello(room.id, await live.ticket(room.id, await live.member()))))
    await peer.event(ev="welcome")
    name = 'gameserver_closes_total{code="4003"}'
    before = await live.metric(name)
    live.check(PING_SECONDS + 1)
    live.check(PING_SECONDS + PONG_SECONDS - 1)
    assert await live.metric(name) == before
    live.check(PING_SECONDS + PONG_SECONDS + 1)
    assert await live.metric(name) == before + 1
    assert await peer.closed() in (None, CloseCode.NO_PONG)


async def test_a_ping_of_the_peer_is_answered(page: Page) -> None:
    await (await page.connection.ping())


async def test_a_goodbye_is_answered_and_forgotten(live: Live, room: Room) -> None:
    page = await live.join(room.id, await live.member())
    await page.connection.close(1000)
    assert page.connection.close_code == 1000
    assert live.sockets() == []
