import io
import json

from rich.console import Console

from loadtests.figures import FIGURES, report, spreads, table, verdict
from loadtests.meters import spread

KEYS = {
    "claims.server_us", "claims.echo_us", "claims.valkey_us", "claims.per_s",
    "claims.p50_ms", "claims.p99_ms", "idle.connections", "idle.kb_per_connection",
    "fanout.us_per_recipient", "fanout.raw_us", "settlement.entries_per_s", "settlement.lag_p99_ms",
    "settlement.rules_per_s", "settlement.plain_per_s", "settlement.replay_per_s",
    "settlement.hot_campaign_per_s", "settlement.batch_p99_ms", "settlement.rss_mb_after_500k",
    "settlement.rss_mb_after_1m", "store.gate_bytes_per_member", "peers.node_us", "peers.starlette_us",
    "wheel.server_us", "wheel.valkey_us", "wheel.per_s", "vote.server_us", "vote.valkey_us", "vote.per_s",
    "vote.tally_age_p99_ms", "quiz.server_us", "quiz.answers_per_s", "quiz.reveal_to_last_phone_p99_ms",
}  # fmt: skip
GOOD = {
    "claims.server_us": 20.0, "claims.echo_us": 8.0, "claims.valkey_us": 16.0, "claims.per_s": 18_000,
    "claims.p50_ms": 3.0, "claims.p99_ms": 30.0, "idle.connections": 15_000, "idle.kb_per_connection": 14.0,
    "fanout.us_per_recipient": 7.0, "fanout.raw_us": 5.0, "settlement.entries_per_s": 15_000,
    "settlement.lag_p99_ms": 300.0, "store.gate_bytes_per_member": 500.0,
    "peers.node_us": 36.0, "peers.starlette_us": 140.0, "settlement.rules_per_s": 15_000,
    "settlement.plain_per_s": 30_000, "settlement.replay_per_s": 15_000,
    "settlement.hot_campaign_per_s": 13_500, "settlement.batch_p99_ms": 100.0,
    "settlement.rss_mb_after_500k": 100.0, "settlement.rss_mb_after_1m": 110.0,
    "wheel.server_us": 26.0, "wheel.valkey_us": 20.0, "wheel.per_s": 20_000,
    "vote.server_us": 26.0, "vote.valkey_us": 20.0, "vote.per_s": 20_000, "vote.tally_age_p99_ms": 260,
    "quiz.server_us": 26.0, "quiz.answers_per_s": 10_000, "quiz.reveal_to_last_phone_p99_ms": 200,
}  # fmt: skip
WORSE = {
    "claims.server_us": 24.1, "claims.valkey_us": 16.1, "claims.per_s": 17_999, "claims.p99_ms": 30.1,
    "idle.connections": 14_999, "idle.kb_per_connection": 14.1, "fanout.us_per_recipient": 7.1,
    "settlement.entries_per_s": 14_999, "settlement.lag_p99_ms": 301, "store.gate_bytes_per_member": 501,
    "peers.node_us": 35.9, "peers.starlette_us": 139.9, "settlement.rules_per_s": 14_999,
    "settlement.replay_per_s": 14_998, "settlement.hot_campaign_per_s": 13_499,
    "settlement.rss_mb_after_1m": 110.2, "wheel.server_us": 26.1, "vote.server_us": 26.1,
    "quiz.server_us": 26.1, "quiz.answers_per_s": 3_333,
}  # fmt: skip


def measured(values: dict[str, float]) -> dict[str, object]:
    return report(spreads({key: [value] for key, value in values.items()}), {"date": "today"})


def test_bench_json_has_exactly_the_promised_figures_as_flat_keys() -> None:
    assert {figure.key for figure in FIGURES} == KEYS
    written = json.loads(json.dumps(measured(GOOD)))
    assert written.keys() >= KEYS
    assert written.keys() - KEYS == {"spread", "missed", "date"}
    assert all(written[key] == GOOD[key] for key in KEYS)


def test_figures_at_their_bounds_are_met() -> None:
    assert measured(GOOD)["missed"] == []


def test_each_bound_is_missed_by_a_figure_that_is_a_little_worse() -> None:
    bounded = {figure.key for figure in FIGURES if figure.bound}
    assert bounded == WORSE.keys()
    for key, value in WORSE.items():
        assert key in measured({**GOOD, key: value})["missed"]  # type: ignore[operator]


def test_rules_must_keep_up_with_half_of_a_plain_insert() -> None:
    assert measured({**GOOD, "settlement.plain_per_s": 30_001})["missed"] == ["settlement.rules_per_s"]


def test_a_bound_that_needs_what_was_not_measured_says_nothing() -> None:
    node = next(figure for figure in FIGURES if figure.key == "peers.node_us")
    assert verdict(node, {"peers.node_us": 30.0}) is None
    assert measured({"peers.node_us": 30.0})["missed"] == []


def test_the_table_shows_the_median_its_spread_and_the_verdict() -> None:
    shown = Console(file=io.StringIO(), width=160)
    shown.print(table({"claims.per_s": spread([17_000.0, 19_000.0, 20_000.0])}))
    assert isinstance(shown.file, io.StringIO)
    line = next(line for line in shown.file.getvalue().splitlines() if "claims.per_s" in line)
    for part in ("19,000", "17,000 - 20,000", ">= 18,000", "yes"):
        assert part in line


def test_what_was_not_measured_is_not_in_the_table() -> None:
    shown = Console(file=io.StringIO(), width=160)
    shown.print(table({"claims.per_s": spread([1.0])}))
    assert isinstance(shown.file, io.StringIO)
    assert "idle" not in shown.file.getvalue()
