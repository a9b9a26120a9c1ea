"""Entries: the immutable lines owed to the ledger, and their ids. Pure."""

import hashlib
from enum import StrEnum
from uuid import UUID

import msgspec

_VERSION_AND_VARIANT = ~(0xF << 76 | 0x3 << 62)
_VERSION_8 = 0x8 << 76 | 0x2 << 62


class Kind(StrEnum):
    """What moves the points, and between which accounts: see `movement`."""

    FUND = "fund"
    EARN = "earn"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One movement of `amount` points, at least 1.

    `occurred_at` in ms is when it was decided, under `rule_version`; `member` and `room` are "" where
    none is concerned; `reverses` is the entry that this one mirrors.
    """

    id: UUID
    kind: Kind
    member: str
    campaign: str
    room: str
    amount: int
    occurred_at: int
    rule_version: int
    reverses: UUID | None = None


def derived_id(name: str) -> UUID:
    """UUIDv8 (RFC 9562, 5.8) of the first 128 bits of SHA-256 over the name."""
    digest = hashlib.sha256(name.encode()).digest()
    return UUID(int=int.from_bytes(digest[:16]) & _VERSION_AND_VARIANT | _VERSION_8)


def entry_id(room: str, session: str, ref: int, line: int) -> UUID:
    """The id of what line number `line` of the command (room, session, ref) owes."""
    return derived_id(f"{room}|{session}|{ref}|{line}")


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


def encode_entry(entry: Entry) -> bytes:
    """The whole entry as a MessagePack map."""
    return _encode(entry)


def payload_hash(entry: Entry) -> bytes:
    """SHA-256 of everything but the id: the same id must always carry the same."""
    payload = (
        entry.kind, entry.member, entry.campaign, entry.room, entry.amount, entry.occurred_at,
        entry.rule_version, entry.reverses,
    )  # fmt: skip
    return hashlib.sha256(_encode(payload)).digest()


def movement(entry: Entry) -> tuple[str, str]:
    """The accounts that the entry takes from and gives to."""
    if entry.kind is Kind.EARN:
        return "campaign:" + entry.campaign, "member:" + entry.member
    return "issuance", "campaign:" + entry.campaign
