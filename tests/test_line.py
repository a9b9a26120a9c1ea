import msgspec
import pytest

from gameserver.line import PurseClosed, Spent, decode_line, purse_closed
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


def test_a_paid_line_says_from_which_purse_and_how_much() -> None:
    parts = ["s1", 7, "m1", 5, 0, False, ["grab", 1], []]
    assert decode_line(msgspec.msgpack.encode(parts)).spent is None
    assert decode_line(msgspec.msgpack.encode([*parts, [2, 30]])).spent == Spent(2, 30)
    for wrong in ([0, 30], [2, 0], [2], [2, 30.5], 30):
        with pytest.raises(msgspec.DecodeError):
            decode_line(msgspec.msgpack.encode([*parts, wrong]))


def test_the_line_that_closed_a_purse_is_told_from_others() -> None:
    body = msgspec.msgpack.encode(["p2.m1", 1_000_000, "m1", 5, 0, False, ["purse_closed", 2, 30], []])
    assert purse_closed(decode_line(body), body) == PurseClosed("purse_closed", 2, 30)
    body = msgspec.msgpack.encode(["p2.m1", 0, "m1", 5, 0, False, ["purse", 2, 0, 30, 99], []])
    assert purse_closed(decode_line(body), body) is None
