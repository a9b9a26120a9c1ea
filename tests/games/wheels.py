"""Configs and spins of the lottery wheel for tests."""

from collections.abc import Mapping
from typing import Any

from gameserver.games.game import MemberId, Sender, SessionId
from gameserver.games.lottery_wheel.events import Spin
from tests.store.lanes import PlayedLane, Seat

WHEEL = "lottery_wheel"
THANKS: Mapping[str, Any] = {"id": "thanks", "name": "谢谢参与", "kind": "none", "weight": 50}


def prize(id_: str, weight: int, **fields: Any) -> dict[str, Any]:
    """A physical prize that falls back to the thank you."""
    return {
        "id": id_, "name": id_, "kind": "physical", "stock": 10**6, "weight": weight, "fallback": "thanks",
        **fields,
    }  # fmt: skip


def points(id_: str, weight: int, value: int, **fields: Any) -> dict[str, Any]:
    return prize(id_, weight, kind="points", value=value, **fields)


def wheel(*prizes: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A config without any limit that a test would meet."""
    return {
        "title": "wheel",
        "prizes": [*(prizes or (prize("mug", 50),)), THANKS],
        "limits": {"per_second": 1000, "burst": 1000},
        **fields,
    }


def spin(
    lane: PlayedLane,
    seat: Seat,
    times: int = 1,
    *,
    levels: frozenset[str] = frozenset(),
    tags: frozenset[str] = frozenset(),
    ref: int | None = None,
) -> list[Any]:
    """A spin as `Session` would submit it, with what the plan draws for it."""
    if ref is None:
        seat.ref = ref = seat.ref + 1
    sender = Sender(MemberId(seat.member), SessionId(seat.session), levels, tags)
    arguments = lane.plan.arguments(sender, Spin(ref=ref, times=times), 0)
    return [seat.member, seat.session, ref, "spin", False, *arguments]


def rigged(seat: Seat, *drawn: int, pity: tuple[int, ...] = (), pool: int = 0) -> list[Any]:
    """A spin whose draws are given: places of the prizes from 1."""
    return seat.asks("spin", len(drawn), pool, *drawn, *pity)
