import hashlib
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger_client.entry import Kind, derived_id, entry_id, movement, payload_hash
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
    ],
)
def test_the_payload_hash_covers_everything_but_the_id(other: dict[str, object]) -> None:
    entry = earn("r1", 1, 1)
    assert payload_hash(replace(entry, **other)) != payload_hash(entry)
    assert payload_hash(replace(entry, id=UUID(int=1))) == payload_hash(entry)


def test_points_come_from_issuance_through_the_campaign_to_the_member() -> None:
    earned = earn("r1", 1, 1)
    assert movement(replace(earned, kind=Kind.FUND)) == ("issuance", "campaign:c-r1")
    assert movement(earned) == ("campaign:c-r1", "member:r1-m1")
