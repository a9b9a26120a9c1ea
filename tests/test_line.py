import msgspec
import pytest

from gameserver.line import decode_line
from tests.records.lines import body_of


def test_a_line_is_read_from_the_outboxs_own_form() -> None:
    line = decode_line(body_of("s1", 3, [("packet", 7, 30, 2, "m2")], member="m1", at=5, fact=["grabbed", 1]))
    assert (line.session, line.ref, line.member, line.at, line.day) == ("s1", 3, "m1", 5, 0)
    assert line.fact.kind == "grabbed"
    (grant,) = line.grants
    assert (grant.prize, grant.unit, grant.amount, grant.epoch, grant.member) == ("packet", 7, 30, 2, "m2")


def test_bytes_that_are_no_text_may_stand_where_only_the_game_reads() -> None:
    # the prelude's MessagePack writes every Lua string as text, whatever is in it
    answer = msgspec.Raw(b"\xa2\xff\xfe")
    fact = msgspec.Raw(b"\x92\xa6opened\xa2\xff\xfe")
    body = msgspec.msgpack.encode(["clock", 1, "", 5, 0, answer, fact, []])
    line = decode_line(body)
    assert (bytes(line.answer), line.fact.kind) == (b"\xa2\xff\xfe", "opened")


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["s1", 1, "m1", 5, 0, None, ["f"]],
        ["s1", -1, "m1", 5, 0, None, ["f"], []],
        ["s1", 1, "m1", 5, 0, None, [], []],
        ["s1", 1, "m1", 5, 0, None, ["f"], [["packet", 1, -5, 1, "m1"]]],
        [7, 1, "m1", 5, 0, None, ["f"], []],
        {"session": "s1"},
    ],
)
def test_what_is_no_line_is_refused(line: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_line(msgspec.msgpack.encode(line))
