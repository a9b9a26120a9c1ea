"""What the benchmark must reach: the keys of bench.json, their bounds, and the table."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from rich.table import Table

from loadtests.meters import Spread, spread

Medians = Mapping[str, float]


class Bound(NamedTuple):
    """A bound in words, and whether medians keep it; it may compare figures of the same run."""

    words: str
    kept: Callable[[Medians], bool]
    needs: tuple[str, ...]


class Figure(NamedTuple):
    """One key of bench.json."""

    key: str
    words: str
    unit: str
    digits: int
    bound: Bound | None = None


def at_most(key: str, limit: float, words: str) -> Bound:
    return Bound(words, lambda medians: medians[key] <= limit, (key,))


def at_least(key: str, limit: float, words: str) -> Bound:
    return Bound(words, lambda medians: medians[key] >= limit, (key,))


def at_most_times(key: str, factor: float, other: str, words: str) -> Bound:
    return Bound(words, lambda medians: medians[key] <= factor * medians[other], (key, other))


def at_least_times(key: str, factor: float, other: str, words: str) -> Bound:
    return Bound(words, lambda medians: medians[key] >= factor * medians[other], (key, other))


_RULES = Bound(
    ">= 15,000, 0.5 x plain",
    lambda medians: medians["settlement.rules_per_s"] >= max(15_000, 0.5 * medians["settlement.plain_per_s"]),
    ("settlement.rules_per_s", "settlement.plain_per_s"),
)

# the numbers are those of DESIGN.md, "What good looks like"
FIGURES: Sequence[Figure] = (
    Figure(
        "claims.server_us", "server CPU a claim", "us", 1,
        at_most_times("claims.server_us", 3, "claims.echo_us", "<= 3 x echo"),
    ),
    Figure("claims.echo_us", "bare picows echo, CPU a message", "us", 1),
    Figure("claims.valkey_us", "Valkey CPU a claim", "us", 1, at_most("claims.valkey_us", 16, "<= 16")),
    Figure("claims.per_s", "claims a second", "1/s", 0, at_least("claims.per_s", 18_000, ">= 18,000")),
    Figure("claims.p50_ms", "latency p50 at half of that", "ms", 1),
    Figure("claims.p99_ms", "latency p99 at half of that", "ms", 1, at_most("claims.p99_ms", 30, "<= 30")),
    Figure(
        "peers.node_us", "Node ws + ioredis, the same rule", "us", 1,
        at_least_times("peers.node_us", 1.8, "claims.server_us", ">= 1.8 x server"),
    ),
    Figure(
        "peers.starlette_us", "Starlette + redis-py, the same rule", "us", 1,
        at_least_times("peers.starlette_us", 7, "claims.server_us", ">= 7 x server"),
    ),
    Figure(
        "wheel.server_us", "server CPU a spin", "us", 1,
        at_most_times("wheel.server_us", 1.3, "claims.server_us", "<= 1.3 x claim"),
    ),
    Figure("wheel.valkey_us", "Valkey CPU a spin", "us", 1),
    Figure("wheel.per_s", "spins a second", "1/s", 0),
    Figure(
        "vote.server_us", "server CPU a ballot", "us", 1,
        at_most_times("vote.server_us", 1.3, "claims.server_us", "<= 1.3 x claim"),
    ),
    Figure("vote.valkey_us", "Valkey CPU a ballot", "us", 1),
    Figure("vote.per_s", "ballots a second", "1/s", 0),
    Figure("vote.tally_age_p99_ms", "from a ballot to the tally with it, p99", "ms", 0),
    Figure(
        "quiz.server_us", "server CPU a live answer", "us", 1,
        at_most_times("quiz.server_us", 1.3, "claims.server_us", "<= 1.3 x claim"),
    ),
    Figure(
        "quiz.answers_per_s", "answers a second, all phones at once", "1/s", 0,
        at_least("quiz.answers_per_s", 3_334, ">= 10,000 in 3 s"),
    ),
    Figure("quiz.reveal_to_last_phone_p99_ms", "from the reveal to the last of 2,000 phones", "ms", 0),
    Figure("idle.connections", "idle connections", "", 0, at_least("idle.connections", 15_000, ">= 15,000")),
    Figure(
        "idle.kb_per_connection", "memory of each", "KB", 1, at_most("idle.kb_per_connection", 14, "<= 14")
    ),
    Figure(
        "fanout.us_per_recipient", "fan-out CPU a recipient", "us", 2,
        at_most_times("fanout.us_per_recipient", 1.4, "fanout.raw_us", "<= 1.4 x raw"),
    ),
    Figure("fanout.raw_us", "bare picows, the same bytes", "us", 2),
    Figure(
        "settlement.entries_per_s", "entries settled a second", "1/s", 0,
        at_least("settlement.entries_per_s", 15_000, ">= 15,000"),
    ),
    Figure(
        "settlement.lag_p99_ms", "settlement lag p99 at 3,000/s", "ms", 0,
        at_most("settlement.lag_p99_ms", 300, "<= 300"),
    ),
    Figure(
        "settlement.rules_per_s", "the ledger with all rules", "1/s", 0, _RULES,
    ),
    Figure("settlement.plain_per_s", "the same rows, plainly inserted", "1/s", 0),
    Figure(
        "settlement.replay_per_s", "the same entries again", "1/s", 0,
        at_least_times("settlement.replay_per_s", 1, "settlement.rules_per_s", ">= rules"),
    ),
    Figure(
        "settlement.hot_campaign_per_s", "all entries of one campaign", "1/s", 0,
        at_least_times("settlement.hot_campaign_per_s", 0.9, "settlement.rules_per_s", ">= 0.9 x rules"),
    ),
    Figure("settlement.batch_p99_ms", "a batch of 1,000, two lanes at once", "ms", 0),
    Figure("settlement.rss_mb_after_500k", "the worker's memory after 500,000", "MB", 0),
    Figure(
        "settlement.rss_mb_after_1m", "the worker's memory after 1,000,000", "MB", 0,
        at_most_times("settlement.rss_mb_after_1m", 1.1, "settlement.rss_mb_after_500k", "<= 1.1 x before"),
    ),
    Figure(
        "store.gate_bytes_per_member", "Redis bytes a member", "B", 0,
        at_most("store.gate_bytes_per_member", 500, "<= 500"),
    ),
)  # fmt: skip

FOOTNOTES: Sequence[str] = (
    "Generator, server and Valkey (fsync always) share the machine; no settlement worker runs beside claims.",
    "A claim's server CPU includes the tally to every connection, four times a second; no peer does that.",
    "The peers call the same function in Redis with one command a call, derive no drop and check no frame; "
    "their answers carry the signed receipt too.",
    "The ledger's figures are of its own process and PostgreSQL's, without outbox and record; plain inserts "
    "the same rows into tables of the same shape, skips known ids and decides nothing.",
    "Latency counts from the moment a tap was due, at a steady rate over all connections.",
)


def spreads(runs: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    """What was measured, in the order of FIGURES."""
    return {figure.key: spread(runs[figure.key]) for figure in FIGURES if runs.get(figure.key)}


def verdict(figure: Figure, medians: Medians) -> bool | None:
    """Whether the bound is kept; None where there is none, or not all of it was measured."""
    if figure.bound is None or not all(key in medians for key in figure.bound.needs):
        return None
    return figure.bound.kept(medians)


def table(measured: Mapping[str, Spread]) -> Table:
    """For the terminal."""
    medians = {key: one.median for key, one in measured.items()}
    shown = Table(box=None, pad_edge=False)
    shown.add_column("figure", no_wrap=True)
    for heading in ("median", "spread", "bound"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("met", no_wrap=True)
    shown.add_column("what it is", no_wrap=True)
    for figure in FIGURES:
        one = measured.get(figure.key)
        if one is None:
            continue
        met = verdict(figure, medians)
        words = figure.bound.words if figure.bound else ""
        shown.add_row(
            figure.key, f"{_number(one.median, figure)} {figure.unit}",
            f"{_number(one.least, figure)} - {_number(one.most, figure)}", words,
            "" if met is None else "[green]yes[/green]" if met else "[red]no[/red]", figure.words,
        )  # fmt: skip
    return shown


def _number(value: float, figure: Figure) -> str:
    return f"{value:,.{figure.digits}f}"


def report(measured: Mapping[str, Spread], about: Mapping[str, object]) -> dict[str, object]:
    """The content of bench.json: medians by key, then spreads, missed bounds and what it was measured on."""
    medians = {key: one.median for key, one in measured.items()}
    digits = {figure.key: figure.digits for figure in FIGURES}
    return {
        **{key: round(value, digits[key]) for key, value in medians.items()},
        "spread": {key: [round(one.least, 2), round(one.most, 2), one.runs] for key, one in measured.items()},
        "missed": [figure.key for figure in FIGURES if verdict(figure, medians) is False],
        **about,
    }
