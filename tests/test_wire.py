import json
from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameserver.errors import REFUSALS, Refused
from gameserver.games import games
from gameserver.games.game import MAX_REF, Command
from gameserver.games.red_packet_rain import GAME
from gameserver.games.red_packet_rain.events import Grab, Grabbed, Leader, Tally
from gameserver.wire import (
    SHARED_EVENTS,
    Codec,
    Format,
    Hello,
    RefusedEvent,
    Time,
    decode_hello,
    encode,
    ref_of,
    refusal,
    schema,
)

CODEC = Codec(GAME)
HELLO = {"op": "hello", "ref": 1, "ticket": "t", "room": "r1"}
GRAB = {"op": "grab", "ref": 2, "drop": 17}
formats = pytest.mark.parametrize("format_", [*Format])


def framed(message: Any, format_: Format) -> bytes:
    """A frame from a foreign encoder."""
    return json.dumps(message).encode() if format_ is Format.JSON else msgpack.packb(message)


def unframed(frame: bytes, format_: Format) -> Any:
    return json.loads(frame) if format_ is Format.JSON else msgpack.unpackb(frame)


def code_of(frame: bytes, format_: Format) -> str:
    with pytest.raises(Refused) as refused:
        CODEC.decode(frame, format_)
    assert refused.value.message
    return refused.value.code


def hello_code_of(frame: bytes, format_: Format) -> str:
    with pytest.raises(Refused) as refused:
        decode_hello(frame, format_)
    return refused.value.code


# what is understood


@formats
def test_commands_are_read_in_both_formats(format_: Format) -> None:
    assert CODEC.decode(framed(GRAB, format_), format_) == Grab(ref=2, drop=17)
    assert CODEC.decode(framed({"op": "time", "ref": 3}, format_), format_) == Time(ref=3)
    assert CODEC.decode(memoryview(framed(GRAB, format_)), format_) == Grab(ref=2, drop=17)
    assert decode_hello(framed(HELLO, format_), format_) == Hello(ref=1, ticket="t", room="r1")
    resumed = HELLO | {"session": "s1-4", "since": 118, "format": "msgpack"}
    assert decode_hello(framed(resumed, format_), format_) == Hello(
        ref=1, ticket="t", room="r1", session="s1-4", since=118, format=Format.MSGPACK
    )


@formats
def test_the_order_of_fields_does_not_matter(format_: Format) -> None:
    assert CODEC.decode(framed(dict(reversed(GRAB.items())), format_), format_) == Grab(ref=2, drop=17)


@formats
def test_events_are_read_by_a_foreign_decoder(format_: Format) -> None:
    event = Tally(v=9, round=1, left=2, joined=3, players=4, top=[Leader(name="小*明", sum=5)])
    assert unframed(encode(event, format_), format_) == {
        "ev": "tally", "v": 9, "round": 1, "left": 2, "joined": 3, "players": 4,
        "top": [{"name": "小*明", "sum": 5}],
    }  # fmt: skip


@formats
def test_what_is_not_said_is_not_sent(format_: Format) -> None:
    told = unframed(encode(Grabbed(re=2, drop=1, kind="bomb", sum=0, score=0), format_), format_)
    assert told == {"ev": "grabbed", "re": 2, "drop": 1, "kind": "bomb", "sum": 0, "score": 0}
    refused = unframed(encode(refusal(Refused("rate_limited", retry_ms=400), 3), format_), format_)
    assert refused == {
        "ev": "refused", "re": 3, "code": "rate_limited", "message": "too many commands", "retry_ms": 400,
    }  # fmt: skip


# what is not


@formats
def test_unknown_commands(format_: Format) -> None:
    for op in ("dance", "", "GRAB", "welcome", "grabbed"):
        assert code_of(framed({"op": op, "ref": 1}, format_), format_) == "unknown_op"


@formats
@pytest.mark.parametrize(
    "wrong",
    [
        {"drop": "17"}, {"drop": None}, {"drop": True}, {"drop": -1}, {"drop": 2000}, {"drop": 1.5},
        {"drop": [17]}, {"drop": 2**64}, {"ref": 0}, {"ref": -1}, {"ref": "2"}, {"ref": None},
        {"ref": MAX_REF + 1}, {"ref": 2**63}, {"ref": True}, {"ref": 1.5}, {"more": 1}, {"ref": {}},
        {"op": "hello"}, {"op": "time"},
    ],
)  # fmt: skip
def test_wrong_fields(format_: Format, wrong: dict[str, Any]) -> None:
    if format_ is Format.MSGPACK and 2**64 in wrong.values():
        wrong = {"drop": 2**64 - 1}  # the format knows nothing larger
    assert code_of(framed({**GRAB, **wrong}, format_), format_) == "bad_field"


@formats
@pytest.mark.parametrize("missing", ["ref", "drop"])
def test_missing_fields(format_: Format, missing: str) -> None:
    frame = framed({name: value for name, value in GRAB.items() if name != missing}, format_)
    assert code_of(frame, format_) == "bad_field"


@formats
@pytest.mark.parametrize(
    "message", [[], [1, 2], "grab", 7, None, True, {}, {"ref": 1}, {"op": 5}, {"op": None}, {"op": ["grab"]}]
)
def test_what_is_no_command_at_all(format_: Format, message: Any) -> None:
    assert code_of(framed(message, format_), format_) in ("bad_field", "unknown_op")
    assert hello_code_of(framed(message, format_), format_) == "hello_required"


@pytest.mark.parametrize(
    "frame",
    [
        b"", b" ", b"{", b'{"op":"grab","ref":2,"drop":17', b"\xff\xfe", b'{"op":"grab","ref":2,"drop":17}x',
        b'{"op":"gr\xffab","ref":1}', b'{"op":"grab","ref":NaN,"drop":1}', b"[" * 8000, b'{"a":' * 1500,
        b"nul", b"{'op':'grab'}", b'{"op":"grab","ref":2,"drop":17,}', b"\x00",
    ],
)  # fmt: skip
def test_what_is_no_json(frame: bytes) -> None:
    assert code_of(frame, Format.JSON) in ("bad_frame", "bad_field")
    assert hello_code_of(frame, Format.JSON) in ("bad_frame", "hello_required")
    assert ref_of(frame, Format.JSON) in (None, 1)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        b"\x83\xa2op",
        framed(GRAB, Format.MSGPACK) + b"\x00",
        b"\x91" * 8000,
        b"\xdf\xff\xff\xff\xff",
    ],
)
def test_what_is_no_messagepack(frame: bytes) -> None:
    assert code_of(frame, Format.MSGPACK) in ("bad_frame", "bad_field")
    assert hello_code_of(frame, Format.MSGPACK) in ("bad_frame", "hello_required")
    assert ref_of(frame, Format.MSGPACK) is None


@formats
@pytest.mark.parametrize(
    "wrong",
    [
        {"ticket": ""}, {"ticket": "x" * 81}, {"room": ""}, {"room": "r" * 41}, {"session": 5},
        {"session": "s" * 41}, {"since": -1}, {"since": "1"}, {"format": "xml"}, {"ref": 0}, {"token": "x"},
    ],
)  # fmt: skip
def test_a_wrong_hello(format_: Format, wrong: dict[str, Any]) -> None:
    assert hello_code_of(framed({**HELLO, **wrong}, format_), format_) == "bad_field"


@formats
def test_the_first_frame_must_be_hello(format_: Format) -> None:
    for other in (GRAB, {"op": "time", "ref": 1}, {"op": "dance", "ref": 1}):
        assert hello_code_of(framed(other, format_), format_) == "hello_required"


@formats
def test_the_ref_of_a_frame_that_could_not_be_read(format_: Format) -> None:
    assert ref_of(framed({"op": "dance", "ref": 7, "x": []}, format_), format_) == 7
    for ref in (0, "7", None, 2**53, True):
        assert ref_of(framed({"op": "dance", "ref": ref}, format_), format_) is None
    assert ref_of(framed([7], format_), format_) is None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
messages = st.dictionaries(
    st.sampled_from(["op", "ref", "drop", "ticket", "room", "session", "since", "format", "x"]),
    st.sampled_from(["grab", "hello", "time", "r1", 1, 2, 17, MAX_REF]) | values,
)


def check_any(frame: bytes, format_: Format) -> None:
    """A command of ours or a coded refusal; nothing else, whatever comes."""
    read = outcome(lambda: CODEC.decode(frame, format_))
    assert isinstance(read, Grab | Hello | Time) or read in ("bad_frame", "unknown_op", "bad_field")
    if isinstance(read, str):
        event = unframed(encode(refusal(Refused(read), ref_of(frame, format_)), format_), format_)
        assert event["code"] in REFUSALS
    hello = outcome(lambda: decode_hello(frame, format_))
    assert isinstance(hello, Hello) or hello in ("bad_frame", "hello_required", "bad_field")


def outcome(read: Callable[[], Command]) -> Command | str:
    try:
        return read()
    except Refused as refused:
        return refused.code


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(Format))
def test_any_bytes_are_answered(frame: bytes, format_: Format) -> None:
    check_any(frame, format_)


@settings(max_examples=300)
@given(messages, st.sampled_from(Format))
def test_any_message_is_answered(message: dict[str, Any], format_: Format) -> None:
    check_any(framed(message, format_), format_)


@settings(max_examples=300)
@given(messages, st.sampled_from(Format), st.integers(0, 200), st.binary(max_size=3), st.integers(0, 3))
def test_any_torn_message_is_answered(
    message: dict[str, Any], format_: Format, at: int, inserted: bytes, cut: int
) -> None:
    frame = framed(message, format_)
    check_any(frame[:at] + inserted + frame[at + cut :], format_)


# the published schema


def test_the_schema_holds_everything_that_crosses_the_socket() -> None:
    published = schema([*games().values()])
    json.dumps(published)
    shared = {kind.__name__ for kind in (Hello, Time, *SHARED_EVENTS)}
    assert shared <= set(published["shared"])
    for name, game in games().items():
        kinds = {kind.__name__ for kind in (*game.commands, *game.events)}
        assert kinds <= set(published["games"][name])


def test_a_refusal_keeps_its_words() -> None:
    event = refusal(Refused("bad_field", "drop is missing"), None)
    assert event == RefusedEvent(code="bad_field", message="drop is missing")
    assert msgspec.to_builtins(event) == {"ev": "refused", "code": "bad_field", "message": "drop is missing"}
