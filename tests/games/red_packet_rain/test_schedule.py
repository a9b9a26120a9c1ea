from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameserver.games.game import Due
from gameserver.games.red_packet_rain.config import RainConfig
from gameserver.games.red_packet_rain.plan import RainPlan
from gameserver.games.red_packet_rain.schedule import GRACE_MS, current, schedule
from tests.games.rains import rain
from tests.store.lanes import SEED

OPENED_AT = 1_790_000_000_000


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


@st.composite
def configs(draw: st.DrawFn) -> RainConfig:
    rounds: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        line: dict[str, Any] = {
            "countdown_ms": draw(st.integers(3000, 10_000)),
            "duration_ms": draw(st.integers(5000, 60_000)),
        }
        if draw(st.booleans()):
            line |= {"gap_ms": draw(st.integers(0, 60_000)), "times": draw(st.integers(1, 4))}
        else:
            line["start"] = iso(OPENED_AT + draw(st.integers(-60_000, 300_000)))
        rounds.append(line)
    amounts = {"mode": "fixed", "count": 1, "amount": 1}
    opens_at = draw(st.none() | st.integers(-60_000, 60_000).map(lambda late: iso(OPENED_AT + late)))
    return RainConfig.model_validate(rain(rounds=rounds, amounts=amounts, opens_at=opens_at))


def plan_of(config: RainConfig) -> RainPlan:
    return RainPlan("r1", config, SEED, OPENED_AT)  # type: ignore[arg-type]


def all_dues(plan: RainPlan, after: int = 0) -> list[Due]:
    dues = []
    while (due := plan.due(after)) is not None:
        dues.append(due)
        after = due.at
    return dues


@given(configs())
def test_rounds_come_in_order_and_never_overlap(config: RainConfig) -> None:
    rounds = schedule(config, OPENED_AT)
    assert [times.round for times in rounds] == list(range(sum(line.times for line in config.rounds)))
    assert all(times.countdown_at < times.starts_at < times.ends_at for times in rounds)
    assert rounds[0].countdown_at >= OPENED_AT
    # a round is closed, with its grace, before the next one's countdown
    assert all(before.ends_at + GRACE_MS < after.countdown_at for before, after in pairwise(rounds))


@given(configs())
def test_rounds_are_as_long_as_configured_and_start_when_they_should(config: RainConfig) -> None:
    lines = [line for line in config.rounds for _ in range(line.times)]
    end = max(OPENED_AT, round(config.opens_at.timestamp() * 1000)) if config.opens_at else OPENED_AT
    for line, times in zip(lines, schedule(config, OPENED_AT), strict=True):
        assert times.starts_at - times.countdown_at == line.countdown_ms
        assert times.ends_at - times.starts_at == line.duration_ms
        earliest = end + 2 * GRACE_MS
        if line.gap_ms is not None:
            assert times.countdown_at == max(end + line.gap_ms, earliest)
        elif line.start is not None:
            assert times.starts_at == max(round(line.start.timestamp() * 1000), earliest + line.countdown_ms)
        end = times.ends_at


@given(configs(), st.integers(-100_000, 900_000))
def test_the_current_round_is_the_first_that_is_not_over(config: RainConfig, offset: int) -> None:
    rounds, now = schedule(config, OPENED_AT), OPENED_AT + offset
    found = current(rounds, now)
    left = [times for times in rounds if now <= times.ends_at + GRACE_MS - 1]
    assert found == (left[0] if left else None)


@given(configs())
def test_the_clock_opens_and_closes_every_round_once_in_order(config: RainConfig) -> None:
    plan = plan_of(config)
    dues, rounds = all_dues(plan), schedule(config, OPENED_AT)
    assert [due.op for due in dues] == ["open_round", "close_round"] * len(rounds)
    assert [due.arguments[0] for due in dues] == [n // 2 for n in range(2 * len(rounds))]
    assert [due.ref for due in dues] == list(range(1, len(dues) + 1))
    assert all(before.at < after.at for before, after in pairwise(dues))
    for due, times in zip(dues[::2], rounds, strict=True):
        assert due.at == times.countdown_at
    for due, times in zip(dues[1::2], rounds, strict=True):
        assert due.at > times.ends_at + GRACE_MS
    assert dues[-1].at < plan.ends_at()


@settings(max_examples=50)
@given(configs(), st.lists(st.integers(-100_000, 900_000), min_size=1, max_size=20))
def test_a_restart_at_any_time_is_offered_what_is_due_then(config: RainConfig, offsets: list[int]) -> None:
    plan = plan_of(config)
    dues = [(due.at, due.op, due.ref) for due in all_dues(plan)]
    edges = [at + shift for at, _, _ in dues for shift in (-1, 0, 1)]
    for after in (*(OPENED_AT + offset for offset in offsets), *edges):
        left = [due for due in dues if due[0] > after]
        offered = [(due.at, due.op, due.ref) for due in all_dues(plan, after)]
        assert offered == left


@given(configs())
def test_a_round_before_and_after_a_restart_has_the_same_table(config: RainConfig) -> None:
    assert all_dues(plan_of(config)) == all_dues(plan_of(config))
    for due in all_dues(plan_of(config))[::2]:
        assert plan_of(config).revive(("round_opened", due.arguments[0])) == due.arguments[1:]


def test_times_are_read_with_their_offset() -> None:
    moment = datetime(2026, 9, 20, 20, 0, tzinfo=timezone(timedelta(hours=8)))
    config = RainConfig.model_validate(
        rain(rounds=[{"start": moment.isoformat()}], amounts={"mode": "fixed", "count": 1, "amount": 1})
    )
    before = round(moment.timestamp() * 1000) - 3_600_000
    assert schedule(config, before)[0].starts_at == round(
        datetime(2026, 9, 20, 12, tzinfo=UTC).timestamp() * 1000
    )


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        RainConfig.model_validate(rain(rounds=[{"start": "2026-09-20T20:00:00"}]))
