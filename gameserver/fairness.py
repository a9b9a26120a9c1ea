"""Commitment, draws and receipts. Pure; everything here can be recomputed by anyone from the seed.

Sources: commitment and HMAC draws follow the provably-fair scheme of FAIRNESS.md; rejection sampling
instead of a modulo keeps every outcome equally likely.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

SEED_BYTES = 32
RECEIPT_HEX = 32  # the first 128 bits


def commitment(seed: bytes) -> str:
    """SHA-256 of the seed, lower-case hex: published before the opening."""
    return hashlib.sha256(seed).hexdigest()


def canonical(rules: Mapping[str, Any]) -> bytes:
    """Canonical JSON (RFC 8785) of rules that hold only strings, integers, booleans, null and lists.

    With those types keys sorted by UTF-16 code units, no spaces and UTF-8 are all that RFC 8785 asks for.
    Raises TypeError for floats, whose text would be a matter of its own.
    """
    return json.dumps(_ordered(rules), separators=(",", ":"), ensure_ascii=False).encode()


def _ordered(value: Any) -> Any:
    if isinstance(value, float):
        raise TypeError("rules hold no floats")
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(part) for part in value] if isinstance(value, list | tuple) else value


def rule_hash(rules: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical rules, lower-case hex."""
    return hashlib.sha256(canonical(rules)).hexdigest()


def derive(seed: bytes, *parts: object) -> bytes:
    """HMAC-SHA256(seed, parts joined by "|"): 32 bytes for one purpose."""
    return hmac.digest(seed, "|".join(map(str, parts)).encode(), "sha256")


@lru_cache(maxsize=256)
def _keyed(seed: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The inner and the outer hash of HMAC-SHA256 (RFC 2104), each past the block of its key (SEED_BYTES).

    They are copied for each draw, so that the key is paid for once: a third of what `hmac` costs.
    """
    block = seed.ljust(64, b"\0")
    return hashlib.sha256(bytes(x ^ 0x36 for x in block)), hashlib.sha256(bytes(x ^ 0x5C for x in block))


def draw(seed: bytes, room: str, member: str, session: str, ref: int, n: int, bound: int) -> int:
    """The n-th number in [0, bound) of a command, every value equally likely; bound from 1 to 2^32.

    HMAC-SHA256(seed, "draw|room|member|session|ref|n"), then "...|n|1", "...|n|2" and so on: the first of
    their 32-bit words below the largest multiple of `bound`, modulo `bound`. The session belongs to it
    because refs begin anew in each: a member could ask for a lucky one again.
    """
    limit, block, parts = 2**32 - 2**32 % bound, 0, f"draw|{room}|{member}|{session}|{ref}|{n}"
    while True:
        inner, outer = _keyed(seed)
        inner, outer = inner.copy(), outer.copy()
        inner.update((f"{parts}|{block}" if block else parts).encode())
        outer.update(inner.digest())
        digest = outer.digest()
        for at in range(0, len(digest), 4):
            word = int.from_bytes(digest[at : at + 4], "big")
            if word < limit:
                return word % bound
        block += 1


class Draws:
    """A stream of unbiased integers from a key: HMAC-SHA256(key, counter), eight 32-bit words a block."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._block = 0
        self._words: list[int] = []

    def below(self, bound: int) -> int:
        """An integer in [0, bound), every value equally likely; bound from 1 to 2^32."""
        limit = 2**32 - 2**32 % bound
        while True:
            if not self._words:
                digest = hmac.digest(self._key, self._block.to_bytes(8, "big"), "sha256")
                self._words = [int.from_bytes(digest[i : i + 4], "big") for i in range(28, -4, -4)]
                self._block += 1
            word = self._words.pop()
            if word < limit:
                return word % bound

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return low + self.below(high - low + 1)

    def shuffle(self, items: list[Any]) -> None:
        """Fisher-Yates in place."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


class Receipts:
    """Signs grants. A receipt is HMAC-SHA256(key, room|prize|unit|amount|member|session|ref|epoch)."""

    def __init__(self, key: bytes) -> None:
        # a keyed digest is copied for each receipt: the key schedule is paid once
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)

    def sign(
        self, room: str, prize: str, unit: int, amount: int, member: str, session: str, ref: int, epoch: int
    ) -> str:
        """The receipt of one grant, 32 hex digits."""
        keyed = self._keyed.copy()
        keyed.update(f"{room}|{prize}|{unit}|{amount}|{member}|{session}|{ref}|{epoch}".encode())
        return keyed.hexdigest()[:RECEIPT_HEX]

    def holds(self, receipt: str, *grant: Any) -> bool:
        """Whether the receipt was signed for exactly this grant (arguments as of `sign`)."""
        return hmac.compare_digest(self.sign(*grant).encode(), receipt.encode())
