"""The hash chain of a lane: each stored entry is sealed with all that came before it. Pure.

    link(0) = 32 zero bytes
    link(n) = SHA-256(link(n-1) | id | payload hash | verdict)

The verdict is the status, and "|" and the reason where there is one. Whoever edits, drops or
reorders a stored entry breaks every link from there on.
"""

import hashlib

from ledger_client.ledger import Outcome

START = bytes(32)


def link(before: bytes, outcome: Outcome, payload: bytes) -> bytes:
    """The link of the entry that `outcome` is about, whose payload hash is `payload`; 32 bytes."""
    verdict = outcome.status if outcome.reason is None else f"{outcome.status.value}|{outcome.reason}"
    return hashlib.sha256(before + outcome.id.bytes + payload + verdict.encode()).digest()
