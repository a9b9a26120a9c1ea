"""A member's personal rain: which drops fall when, and which are bombs.

The page computes the same from the round key (h5/src/games/red_packet_rain/rain.ts); the shared test
vectors keep both alike. What a packet holds depends on a second key that never leaves the server.

With N drops and B bombs: drop i falls in the i-th of N equal slots; the bombs are one in each of B equal
runs of drops, so every member has exactly as many, spread alike. All in integers, from 16-bit words:

    words(key, label) = SHA-256(key | label | u32be(0)), SHA-256(key | label | u32be(1)), ... as u16be
    drop i            = words("drop")[4i .. 4i+3]: jitter in its slot, fall time, column, look
    bomb of run g     = words("bomb")[g] scaled to the run's length
"""

from enum import IntEnum
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from gameserver.fairness import derive
from gameserver.games.red_packet_rain.config import FALL_MIN_MS, FALL_SPREAD_MS

KEY_BYTES = 16
EARLY_MS = 100  # nobody reacts faster to a drop than this (GAMES.md)
_BLOCK_WORDS = 16
_TIMES = Struct(">HH").unpack_from


class Kind(IntEnum):
    """What a drop is."""

    EMPTY = 0
    PACKET = 1
    BOMB = 2


class Drop(NamedTuple):
    """One drop: ms after the round's start at which it appears and has gone, and what it is."""

    spawn: int
    end: int
    kind: int


def round_key(seed: bytes, room: str, round_: int, member: str) -> bytes:
    """The key of a member's rain, sent to the page when the countdown starts; 16 bytes."""
    return derive(seed, "rain", room, round_, member)[:KEY_BYTES]


def content_key(seed: bytes, room: str, round_: int, member: str) -> bytes:
    """The key of what the packets hold; stays on the server until the seed is revealed; 16 bytes."""
    return derive(seed, "content", room, round_, member)[:KEY_BYTES]


def share(count: int, percent: int) -> int:
    """`percent` of `count`, rounded down."""
    return count * percent // 100


def _words(key: bytes, label: bytes, count: int) -> bytes:
    """At least `count` 16-bit words, big-endian."""
    blocks = range((count + _BLOCK_WORDS - 1) // _BLOCK_WORDS)
    return b"".join([sha256(key + label + block.to_bytes(4, "big")).digest() for block in blocks])


def _one_in_each(key: bytes, label: bytes, runs: int, length: int) -> list[int]:
    """One place in each of `runs` equal runs of [0, length), in order."""
    words = _words(key, label, runs)
    chosen = []
    for run in range(runs):
        first, after = run * length // runs, (run + 1) * length // runs
        word = words[2 * run] << 8 | words[2 * run + 1]
        chosen.append(first + ((after - first) * word >> 16))
    return chosen


class Rain:
    """The rain of one member in one round.

    Args:
        key: `round_key`.
        content: `content_key`.
        duration: ms.
        drops: N.
        bombs: B <= N.
        packets: how many of the N - B others hold something.
    """

    __slots__ = ("_drops", "_kinds", "_span", "_words")

    def __init__(
        self, key: bytes, content: bytes, duration: int, drops: int, bombs: int, packets: int
    ) -> None:
        self._span = duration - FALL_MIN_MS - FALL_SPREAD_MS
        self._drops = drops
        self._words = _words(key, b"drop", 4 * drops)
        kinds = bytearray(drops)
        for drop in _one_in_each(key, b"bomb", bombs, drops):
            kinds[drop] = Kind.BOMB
        others = [drop for drop, kind in enumerate(kinds) if not kind]
        for place in _one_in_each(content, b"packet", packets, len(others)):
            kinds[others[place]] = Kind.PACKET
        self._kinds = bytes(kinds)

    def drop(self, index: int) -> Drop:
        """Drop number `index`, 0 <= index < N."""
        return Drop(*self.window(index), self._kinds[index])

    def window(self, index: int) -> tuple[int, int]:
        """When drop number `index` appears and has gone."""
        jitter, fall = _TIMES(self._words, 8 * index)
        spawn = ((index << 16) + jitter) * self._span // (self._drops << 16)
        return spawn, spawn + FALL_MIN_MS + (fall * FALL_SPREAD_MS >> 16)

    def kind(self, index: int) -> int:
        """What drop number `index` is."""
        return self._kinds[index]
