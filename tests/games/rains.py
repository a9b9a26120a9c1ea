"""Configs and taps of red-packet rain for tests."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from tests.store.lanes import PlayedLane, Seat, opened

EMPTY, PACKET, BOMB, PRIZE = range(4)
ALWAYS = (0, 2**50)  # a drop's window in server ms that no test leaves


def rain(**fields: Any) -> dict[str, Any]:
    """A config of three rounds of 100 packets with 5 points each, and no limit that a test would meet."""
    return {
        "title": "rain",
        "rounds": [{"gap_ms": 0, "countdown_ms": 3000, "duration_ms": 60_000, "times": 3}],
        "drops_per_member": 200,
        "max_grabs_per_round": 2000,
        "amounts": {"mode": "fixed", "count": 100, "amount": 5},
        "limits": {"per_second": 1000, "burst": 1000},
        **fields,
    }


def scored(tiers: Sequence[tuple[int, int]] = ((1, 100), (2, 50)), **fields: Any) -> dict[str, Any]:
    """The same in score mode; `tiers` are (places, points)."""
    places = [{"places": places, "points": points} for places, points in tiers]
    return rain(amounts=None, score_mode={"packet_score": 10, "tiers": places}, **fields)


async def raining(redis: Redis, config: dict[str, Any] | None = None, **how: Any) -> PlayedLane:
    """A lane whose first round is open."""
    lane = await opened(redis, config or rain(), **how)
    result = await lane.clock(lane.dues()[0])
    assert result[0] == 1
    return lane


def grab(
    seat: Seat,
    drop: int,
    kind: int = PACKET,
    *,
    round_: int = 0,
    window: tuple[int, int] = ALWAYS,
    deny: str | bool = False,
    ref: int | None = None,
) -> list[Any]:
    """A tap as `Session` and `RainPlan.arguments` would send it."""
    return seat.asks("grab", round_, drop, kind, *window, deny=deny, ref=ref)
