import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameserver.games.red_packet_rain.config import FALL_MIN_MS, FALL_SPREAD_MS
from gameserver.games.red_packet_rain.rain import KEY_BYTES, Kind, Rain, content_key, round_key, share

VECTORS = Path(__file__).parents[3] / "h5/src/games/red_packet_rain/rain.vectors.json"
keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@st.composite
def rains(draw: st.DrawFn) -> tuple[int, int, int]:
    """Drops N, bombs B, packets among the rest."""
    drops = draw(st.integers(5, 300))
    bombs = share(drops, draw(st.integers(0, 50)))
    return drops, bombs, share(drops - bombs, draw(st.integers(1, 100)))


@given(keys, keys, rains(), st.integers(5000, 60_000))
def test_every_member_has_the_same_number_of_each_kind(
    key: bytes, content: bytes, counts: tuple[int, int, int], duration: int
) -> None:
    drops, bombs, packets = counts
    rain = Rain(key, content, duration, drops, bombs, packets)
    kinds = [rain.drop(index).kind for index in range(drops)]
    assert kinds.count(Kind.BOMB) == bombs
    assert kinds.count(Kind.PACKET) == packets
    assert kinds.count(Kind.EMPTY) == drops - bombs - packets


@given(keys, rains(), st.integers(5000, 60_000))
def test_drops_appear_in_order_and_are_gone_by_the_end(
    key: bytes, counts: tuple[int, int, int], duration: int
) -> None:
    rain = Rain(key, b"", duration, counts[0], counts[1], 0)
    drops = [rain.drop(index) for index in range(counts[0])]
    assert all(before.spawn <= after.spawn for before, after in pairwise(drops))
    assert all(drop.spawn >= 0 for drop in drops)
    assert all(FALL_MIN_MS <= drop.end - drop.spawn < FALL_MIN_MS + FALL_SPREAD_MS for drop in drops)
    assert all(drop.end < duration for drop in drops)


@given(keys, keys, keys, rains())
def test_what_a_packet_holds_is_not_in_the_key_of_the_page(
    key: bytes, content: bytes, other: bytes, counts: tuple[int, int, int]
) -> None:
    drops, bombs, packets = counts
    one, two = (
        Rain(key, content, 15_000, drops, bombs, packets),
        Rain(key, other, 15_000, drops, bombs, packets),
    )
    for index in range(drops):
        seen, hidden = one.drop(index), two.drop(index)
        assert seen[:2] == hidden[:2]
        assert (seen.kind == Kind.BOMB) == (hidden.kind == Kind.BOMB)


def test_keys_differ_by_everything_they_are_made_of() -> None:
    made = [
        make(seed, room, round_, member)
        for make in (round_key, content_key)
        for seed in (b"s" * 32, b"t" * 32)
        for room in ("r1", "r2")
        for round_ in (0, 1)
        for member in ("m1", "m2")
    ]
    assert len(set(made)) == len(made)
    assert {len(key) for key in made} == {KEY_BYTES}


@pytest.mark.parametrize(
    ("count", "percent", "of"), [(60, 10, 6), (60, 0, 0), (5, 50, 2), (7, 99, 6), (9, 100, 9)]
)
def test_a_share_is_rounded_down(count: int, percent: int, of: int) -> None:
    assert share(count, percent) == of


# the page's rain


def row(rain: Rain, key: bytes, index: int) -> list[int]:
    """[id, spawn, end, is a bomb, column, look]; the page alone uses the last two words of a drop."""
    block, at = divmod(8 * index + 4, 32)
    words = hashlib.sha256(key + b"drop" + block.to_bytes(4, "big")).digest()
    column, look = int.from_bytes(words[at : at + 2], "big"), int.from_bytes(words[at + 2 : at + 4], "big")
    drop = rain.drop(index)
    return [index, drop.spawn, drop.end, int(drop.kind == Kind.BOMB), column, look]


def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())
    assert len(found) >= 5, f"too few vectors in {VECTORS.name}"
    return found


def test_the_pages_vectors_reach_from_the_least_to_the_most() -> None:
    drops = [vector["drops"] for vector in vectors()]
    assert min(drops) == 5
    assert max(drops) >= 1000
    assert any(vector["bombs"] == 0 for vector in vectors())
    assert any(vector["bombs"] * 2 == vector["drops"] for vector in vectors())


def test_the_pages_rain_is_the_servers() -> None:
    for vector in vectors():
        key = bytes.fromhex(vector["key"])
        rain = Rain(key, b"any", vector["duration"], vector["drops"], vector["bombs"], 0)
        rows = [row(rain, key, index) for index in range(vector["drops"])]
        assert [rows[line[0]] for line in vector["sample"]] == vector["sample"]
        text = "\n".join(",".join(map(str, line)) for line in rows)
        assert hashlib.sha256(text.encode()).hexdigest() == vector["sha256"]
