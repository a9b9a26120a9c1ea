from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameserver.errors import Refused
from gameserver.games.room_config import Audience, RoomConfig, ms
from gameserver.staff.lifecycle import validated
from tests.games.rains import rain

GAME = "red_packet_rain"


def problems(**fields: Any) -> dict[str, str]:
    """The error text by path of a config that must be refused."""
    with pytest.raises(Refused) as refused:
        validated(GAME, rain(**fields))
    assert refused.value.code == "bad_config"
    assert refused.value.fields
    for path, text in refused.value.fields.items():
        assert path in refused.value.message
        assert text in refused.value.message
    return dict(refused.value.fields)


def prize(**fields: Any) -> dict[str, Any]:
    return {"id": "mug", "name": "杯子", "kind": "physical", "stock": 1, **fields}


@pytest.mark.parametrize(
    ("fields", "path", "text"),
    [
        ({"titel": "x"}, "titel", "Extra inputs are not permitted"),
        ({"title": ""}, "title", "at least 1 character"),
        ({"title": None}, "title", "valid string"),
        ({"skin": {"accent": "red"}}, "skin.accent", "pattern"),
        ({"skin": {"color": "#ffffff"}}, "skin.color", "Extra inputs are not permitted"),
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown timezone 'Mars/Olympus'"),
        ({"timezone": "../etc/passwd"}, "timezone", "unknown timezone"),
        ({"timezone": ""}, "timezone", "unknown timezone"),
        ({"opens_at": "tomorrow"}, "opens_at", "datetime"),
        ({"opens_at": "2026-09-20T20:00:00"}, "opens_at", "timezone"),
        ({"audience": {"match": "some"}}, "audience.match", "everyone"),
        ({"audience": {"levels": "vip"}}, "audience.levels", "tuple"),
        ({"chances": {"free_per_day": -1}}, "chances.free_per_day", "greater than or equal to 0"),
        ({"wins": {"per_member": 0}}, "wins.per_member", "greater than or equal to 1"),
        ({"wins": {"min_interval_ms": -5}}, "wins.min_interval_ms", "greater than or equal to 0"),
        ({"limits": {"per_second": 0}}, "limits.per_second", "greater than or equal to 1"),
        ({"limits": {"burst": 1.5}}, "limits.burst", "integer"),
        ({"prizes": [prize(id="Mug!")]}, "prizes.0.id", "pattern"),
        ({"prizes": [prize(), prize(id="b", stock=0)]}, "prizes.1.stock", "greater than or equal to 1"),
        ({"prizes": [prize(value=-1)]}, "prizes.0.value", "greater than or equal to 0"),
        ({"prizes": [prize(kind="points")]}, "prizes.0", "a points prize needs a value of at least 1"),
        ({"prizes": [prize(kind="gold")]}, "prizes.0.kind", "points"),
        ({"prizes": [prize(colour=3)]}, "prizes.0.colour", "Extra inputs are not permitted"),
        ({"prizes": [prize(), prize()]}, "config", "prize ids must differ"),
        (
            {"opens_at": "2026-09-20T20:00:00+08:00", "closes_at": "2026-09-20T12:00:00Z"},
            "config",
            "closes_at must be later than opens_at",
        ),
    ],
)
def test_an_error_names_its_field(fields: dict[str, Any], path: str, text: str) -> None:
    found = problems(**fields)
    assert list(found) == [path]
    assert text in found[path]


def test_all_errors_are_told_at_once() -> None:
    assert set(problems(title="", timezone="Nowhere", limits={"burst": 0}, more=1)) == {
        "title",
        "timezone",
        "limits.burst",
        "more",
    }


def test_a_config_that_is_no_object_is_refused() -> None:
    for config in ([], "x", 3, None):
        with pytest.raises(Refused) as refused:
            validated(GAME, config)  # type: ignore[arg-type]
        assert refused.value.code == "bad_config"


def test_an_unknown_game_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused, match="unknown_game") as refused:
        validated("chess", {})
    assert GAME in refused.value.message


def test_a_config_comes_back_from_the_record_as_it_was() -> None:
    config = rain(prizes=[prize(per_member=2)], opens_at="2026-09-20T20:00:00+08:00")
    once = validated(GAME, config)
    assert validated(GAME, once.model_dump(mode="json")) == once


# the audience


sets = st.frozensets(st.sampled_from("abcd"))


@given(sets, sets, sets, sets)
def test_the_audience(
    levels: frozenset[str], tags: frozenset[str], my_level: frozenset[str], mine: frozenset[str]
) -> None:
    def admits(match: Any) -> bool:
        return Audience(match=match, levels=tuple(levels), tags=tuple(tags)).admits(my_level, mine)

    assert admits("everyone")
    assert admits("any_of") == any(x in levels for x in my_level) or any(x in tags for x in mine)
    wanted = [bool(levels & my_level)] if levels else []
    assert admits("all_of") == all([*wanted, *(tag in mine for tag in tags)])


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_milliseconds_know_the_offset(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    elsewhere = (moment + timedelta(minutes=minutes)).replace(tzinfo=None)
    assert ms(moment) == round((naive - datetime(1970, 1, 1)).total_seconds() * 1000)
    assert elsewhere - naive == timedelta(minutes=minutes)


def test_the_shared_part_alone_is_a_config() -> None:
    assert RoomConfig(title="x").timezone == "Asia/Shanghai"
