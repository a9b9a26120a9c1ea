"""Earn entries for tests; rooms are named anew so that tests share one database."""

import secrets

from ledger_client.entry import Entry, Kind, entry_id
from ledger_client.ledger import LaneAt


def earn(
    room: str, n: int, amount: int, member: str = "m1", campaign: str | None = None, line: int = 0
) -> Entry:
    id_ = entry_id(room, "s1", n, line)
    return Entry(
        id_, Kind.EARN, f"{room}-{member}", campaign or f"c-{room}", room, amount, 1_790_000_000_000, 1
    )


def new_room() -> str:
    return "r" + secrets.token_hex(6)


def lane(room: str, epoch: int = 1) -> LaneAt:
    return LaneAt(f"{room}.0", epoch, "1-0")
