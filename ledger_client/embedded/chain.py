"""The hash chain of a lane: each stored entry is sealed with all that came before it. Pure.

    link(0) = 32 zero bytes
    link(n) = SHA-256(link(n-1) | id | payload hash | verdict)

The verdict is the status, "|" and the reason where there is one, "|" and the points credited where those
are neither none nor all. Whoever edits, drops or reorders a stored entry breaks every link from there on.
"""

import hashlib
from typing import NamedTuple

from ledger_client.entry import Entry
from ledger_client.ledger import Outcome

START = bytes(32)


class Hashed(NamedTuple):
    """An entry and its payload hash."""

    entry: Entry
    hash: bytes


class Chain(NamedTuple):
    """Where a lane's chain stands: how many entries it has stored, and the last link."""

    entries: int
    head: bytes


def link(before: bytes, outcome: Outcome, payload: bytes, amount: int) -> bytes:
    """The link of the entry of `amount` that `outcome` is about; `payload` is its hash. 32 bytes."""
    verdict = outcome.status.value
    if outcome.reason is not None:
        verdict += f"|{outcome.reason}"
    if outcome.credited not in (0, amount):
        verdict += f"|{outcome.credited}"
    return hashlib.sha256(before + outcome.id.bytes + payload + verdict.encode()).digest()
