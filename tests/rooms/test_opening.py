from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from gameserver.records.rooms import RoomState
from gameserver.rooms.opening import plan_of, public_room, rule_of, window_of
from ledger_client.terms import Caps, Terms
from tests.games.rains import rain, scored
from tests.store.lanes import record_of

OPENED_AT = 1_790_000_000_000


def at(shift: int) -> str:
    return datetime.fromtimestamp((OPENED_AT + shift) / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("fields", "opens", "closes"),
    [
        ({}, 0, None),
        ({"opens_at": at(5000)}, 5000, None),
        ({"closes_at": at(60_000)}, 0, 60_000),
        ({"closes_at": at(10**9)}, 0, None),
        ({"opens_at": at(-5000), "closes_at": at(100)}, -5000, 100),
    ],
)
def test_the_window(fields: dict[str, Any], opens: int, closes: int | None) -> None:
    record = record_of("red_packet_rain", rain(**fields), OPENED_AT)
    plan = plan_of(record)
    expected = plan.ends_at() if closes is None else OPENED_AT + closes
    assert window_of(record, plan) == (OPENED_AT + opens, expected)


def test_the_rule_holds_the_limits_as_they_are_configured() -> None:
    config = rain(
        limits={"per_second": 4, "burst": 3}, wins={"per_member": 2}, chances={"free_per_day": 1},
        prizes=[{"id": "mug", "name": "m", "kind": "physical", "stock": 1}],
    )  # fmt: skip
    record = record_of("red_packet_rain", config, OPENED_AT)
    rule = rule_of(record, plan_of(record), Terms())
    assert rule["gcra"] == {"interval": 250, "tolerance": 500}
    assert rule["wins"] == {"per_member": 2, "min_interval_ms": 0}
    assert rule["chances"] == {"free_per_day": 1}
    assert rule["counted"] == {"mug": True}
    assert "points_caps" not in rule


def test_the_rule_holds_the_caps_that_run_by_the_rooms_days() -> None:
    record = record_of("red_packet_rain", rain(timezone="Asia/Tokyo"), OPENED_AT)
    caps = Caps(day=12, year=900)
    rule = rule_of(record, plan_of(record), Terms(timezone="Asia/Tokyo", caps=caps))
    assert rule["points_caps"] == {"day": 12, "year": 900}
    # another day than the room's: only the ledger can tell
    elsewhere = rule_of(record, plan_of(record), Terms(timezone="Asia/Shanghai", caps=caps))
    assert "points_caps" not in elsewhere


@pytest.mark.parametrize("config", [rain(), scored()])
def test_the_public_room_tells_no_secret(config: dict[str, Any]) -> None:
    blocked = {**config, "audience": {"blocklist": ["m-secret"]}, "wins": {"per_day": 77777}}
    record = record_of("red_packet_rain", blocked, OPENED_AT)
    public = public_room(record)
    told = str(public)
    assert "m-secret" not in told
    assert "77777" not in told
    assert record.seed.hex() not in told
    assert public["state"] == "open"
    assert public["play"] == plan_of(record).public()


def test_a_draft_has_a_face_too() -> None:
    record = replace(
        record_of("red_packet_rain", rain(opens_at=at(5000)), OPENED_AT),
        state=RoomState.DRAFT,
        opened_at=None,
    )
    public = public_room(record)
    assert (public["state"], public["play"], public["opens_at"]) == ("draft", None, OPENED_AT + 5000)
    assert public["closes_at"] is None
