from typing import Any

import msgspec
import pytest

from gameserver.games import game_named
from gameserver.games.red_packet_rain.events import Grabbed, Tally
from gameserver.wire import Format, RefusedEvent, Settled, Welcome, encode
from loadtests.crowd import ANSWERS_AT, NAME_AT


def split(payload: bytes) -> tuple[bytes, bool]:
    """As the crowd reads a frame: the event's name, and whether it answers a command."""
    end = payload.index(b'"', NAME_AT)
    return payload[NAME_AT:end], payload.startswith(ANSWERS_AT, end + 1)


ANSWERS: list[Any] = [
    Grabbed(re=1, drop=1, kind="packet", sum=1, score=1),
    RefusedEvent(re=2, code="too_late", message="the drop has gone"),
    Welcome(re=3, member="m", session="s", room={}, now=1, recovered=False, snapshot={}),
]
PUSHED: list[Any] = [
    Settled(refs=[1], units=[("packet", 1)]),
    Tally(v=1, round=0, left=1, joined=1, players=1, top=[]),
]


@pytest.mark.parametrize("event", ANSWERS)
def test_an_answer_is_known_by_how_its_frame_begins(event: Any) -> None:
    name = str(event.__struct_config__.tag).encode()
    assert split(encode(event, Format.JSON)) == (name, True)


@pytest.mark.parametrize("event", PUSHED)
def test_what_is_pushed_is_no_answer(event: Any) -> None:
    name = str(event.__struct_config__.tag).encode()
    assert split(encode(event, Format.JSON)) == (name, False)


def test_what_the_crowd_sends_is_a_command_of_the_game() -> None:
    kind = game_named("red_packet_rain").commands[0]
    assert msgspec.json.decode(msgspec.json.encode({"op": "grab", "drop": 3, "ref": 4}), type=kind)
