"""What is measured with: CPU seconds and memory of processes and of Redis, percentiles, spreads."""

import asyncio
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import psutil
from redis.asyncio import Redis

KIB = 1024
LOOK_SECONDS = 1.0


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used; resolution 10 ms on Linux."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_kb(pid: int) -> float:
    """Resident memory of a process in KiB."""
    return psutil.Process(pid).memory_info().rss / KIB


async def others_percent() -> float:
    """How much of all cores other programs use just now, while nothing of ours runs."""
    psutil.cpu_percent()
    await asyncio.sleep(LOOK_SECONDS)
    return psutil.cpu_percent()


async def store_cpu_seconds(redis: Redis) -> float:
    """User and system time that the Redis server has used."""
    used: Mapping[str, float] = await redis.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


def percentile(values: Iterable[float], percent: float) -> float:
    """By nearest rank: the least value that `percent` of all values do not exceed. 0 where there are none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


class Spread(NamedTuple):
    """The runs of one figure."""

    median: float
    least: float
    most: float
    runs: int


def spread(values: Sequence[float]) -> Spread:
    """Of at least one run."""
    return Spread(statistics.median(values), min(values), max(values), len(values))
