import hashlib
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from ledger_client.entry import Kind, decode_entry, derived_id, encode_entry, entry_id, payload_hash
from tests.ledger_client.entries import earn


def test_an_id_is_the_hash_of_its_command_as_uuid_version_8() -> None:
    id_ = entry_id("r1", "s1", 7, 0)
    assert (id_.version, id_.variant) == (8, "specified in RFC 4122")
    digest = hashlib.sha256(b"r1|s1|7|0").hexdigest()[:32]
    expected = UUID(digest[:12] + "8" + digest[13:16] + id_.hex[16] + digest[17:])
    assert id_ == expected == derived_id("r1|s1|7|0")


def test_every_part_of_the_command_changes_the_id() -> None:
    commands = [
        ("r1", "s1", 7, 0),
        ("r2", "s1", 7, 0),
        ("r1", "s2", 7, 0),
        ("r1", "s1", 8, 0),
        ("r1", "s1", 7, 1),
    ]
    assert len({entry_id(*command) for command in commands}) == len(commands)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": Kind.FUND},
        {"member": "m2"},
        {"campaign": "c2"},
        {"room": "r2"},
        {"amount": 2},
        {"occurred_at": 5},
        {"rule_version": 9},
        {"reverses": UUID(int=1)},
        {"about": UUID(int=1)},
        {"until": 5},
        {"to": "m2"},
    ],
)
def test_the_payload_hash_covers_everything_but_the_id(other: dict[str, object]) -> None:
    entry = earn("r1", 1, 1)
    assert payload_hash(replace(entry, **other)) != payload_hash(entry)
    assert payload_hash(replace(entry, id=UUID(int=1))) == payload_hash(entry)


def test_an_entry_without_the_later_fields_keeps_the_hash_that_it_had() -> None:
    entry = earn("r1", 1, 1)
    payload = (
        entry.kind, entry.member, entry.campaign, entry.room, entry.amount, entry.occurred_at,
        entry.rule_version, entry.reverses,
    )  # fmt: skip
    assert payload_hash(entry) == hashlib.sha256(msgspec.msgpack.encode(payload)).digest()


def test_an_entry_comes_back_from_its_bytes() -> None:
    entry = replace(earn("r1", 1, 1), about=UUID(int=7), until=5, to="m2", reverses=UUID(int=8))
    assert decode_entry(encode_entry(entry)) == entry
