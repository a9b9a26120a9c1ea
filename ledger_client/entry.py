"""Entries: the immutable lines owed to the ledger, and their ids. Pure."""

import hashlib
from enum import StrEnum
from uuid import UUID

import msgspec

_VERSION_AND_VARIANT = ~(0xF << 76 | 0x3 << 62)
_VERSION_8 = 0x8 << 76 | 0x2 << 62


class Kind(StrEnum):
    """What moves the points, and between which accounts."""

    FUND = "fund"  # issuance -> campaign
    EARN = "earn"  # campaign -> member, plus a lot; cut by the campaign's caps
    HOLD = "hold"  # member -> purse `about`, until `until`
    SPEND = "spend"  # purse `about` -> redeemed; from suspense where the purse cannot pay
    RELEASE = "release"  # purse `about` -> member, all that is left
    REDEEM = "redeem"  # member -> redeemed
    EXPIRE = "expire"  # member -> expired: what is left of the lot `about`
    FREEZE = "freeze"  # available -> held, under the id `about` (an entry, or any of the caller's)
    THAW = "thaw"  # held -> available: the freeze `about`
    REVERSE = "reverse"  # the mirror of the entry `reverses`, once
    TRANSFER = "transfer"  # member -> member `to`
    COLLECT = "collect"  # member -> suspense: pays the suspended entry `about`
    WRITE_OFF = "write_off"  # issuance -> suspense: forgives the suspended entry `about`


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One movement of `amount` points, at least 1 (a release may say 0).

    `occurred_at` in ms is when it was decided, under `rule_version`; `member`, `campaign` and `room` are
    "" where none is concerned; what `about`, `until` (ms), `to` and `reverses` mean, `Kind` says.
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
    about: UUID | None = None
    until: int | None = None
    to: str | None = None


def derived_id(name: str) -> UUID:
    """UUIDv8 (RFC 9562, 5.8) of the first 128 bits of SHA-256 over the name."""
    digest = hashlib.sha256(name.encode()).digest()
    return UUID(int=int.from_bytes(digest[:16]) & _VERSION_AND_VARIANT | _VERSION_8)


def entry_id(room: str, session: str, ref: int, line: int) -> UUID:
    """The id of what line number `line` of the command (room, session, ref) owes."""
    return derived_id(f"{room}|{session}|{ref}|{line}")


def spend_id(room: str, session: str, ref: int) -> UUID:
    """The id of what the command (room, session, ref) cost its member."""
    return derived_id(f"{room}|{session}|{ref}|spend")


def purse_id(lane: str, member: str, number: int) -> UUID:
    """The id of a member's purse number `number`, from 1, in a lane such as "r42.0"."""
    return derived_id(f"{lane}|{member}|purse|{number}")


def top_up_id(purse: UUID, number: int) -> UUID:
    """The id of the hold that fills a purse: number 0 opens it, the others top it up."""
    return derived_id(f"{purse}|{number}")


def release_id(purse: UUID) -> UUID:
    """The id of what gives back the rest of a purse, whoever asks for it."""
    return derived_id(f"{purse}|release")


_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(Entry).decode


def encode_entry(entry: Entry) -> bytes:
    """The whole entry as a MessagePack map."""
    return _encode(entry)


def decode_entry(raw: bytes) -> Entry:
    """An entry from `encode_entry`. Raises msgspec.MsgspecError."""
    return _decode(raw)


def payload_hash(entry: Entry) -> bytes:
    """SHA-256 of everything but the id: the same id must always carry the same."""
    payload: tuple[object, ...] = (
        entry.kind, entry.member, entry.campaign, entry.room, entry.amount, entry.occurred_at,
        entry.rule_version, entry.reverses,
    )  # fmt: skip
    # as first written: an entry without the later fields keeps the hash that it always had
    if entry.about is not None or entry.until is not None or entry.to is not None:
        payload = (*payload, entry.about, entry.until, entry.to)
    return hashlib.sha256(_encode(payload)).digest()
