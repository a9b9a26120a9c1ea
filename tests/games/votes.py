"""Vote rooms for tests: their configs, orders of staff and ballots."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from gameserver.games.game import HOST
from tests.store.lanes import PlayedLane, Seat, opened

NUMBERS = 65_536
DAY = [(0, 20_261_122)]


def voting(**fields: Any) -> dict[str, Any]:
    """A config without any limit."""
    return {
        "title": "vote",
        "ballots": {"choose_max": 3},
        "limits": {"per_second": 1000, "burst": 1000},
        **fields,
    }


def contestant(number: int) -> str:
    return f"c{number:04}"


async def order(lane: PlayedLane, op: str, *arguments: Any) -> Any:
    """The result of staff's next order."""
    number = await lane.store.ordered() + 1
    return (await lane.ask([HOST, "staff", number, op, False, *arguments]))[0]


async def admitted(lane: PlayedLane, count: int, first: int = 1) -> None:
    """Contestants c0001, c0002, ... are in the list."""
    numbers = range(first, first + count)
    result = await order(lane, "admit", [[contestant(number), number] for number in numbers])
    assert result[0] == 1, result


async def voting_lane(redis: Redis, contestants: int = 5, **fields: Any) -> PlayedLane:
    lane = await opened(redis, voting(**fields), game="vote")
    await admitted(lane, contestants)
    return lane


def ballot(seat: Seat, *choices: str, weight: int = 1) -> list[Any]:
    """A ballot as the plan would submit it."""
    return seat.asks("vote", weight, *choices)


async def voted(
    lane: PlayedLane, seat: Seat, *choices: str, weight: int = 1, days: Sequence[tuple[int, int]] = DAY
) -> Any:
    """The code of the refusal, or the answer's body: choices, weight, left today, left in all, counts."""
    result = (await lane.ask(ballot(seat, *choices, weight=weight), days=days))[0]
    return result[1]


async def counts(lane: PlayedLane, ranking: str = "counted") -> dict[str, int]:
    """Votes by contestant, in the order of the ranking."""
    share = NUMBERS if ranking == "counted" else 1
    return {id_: score // share for id_, score in await lane.store.ranking(ranking, 10_000)}


async def states(lane: PlayedLane) -> dict[str, str]:
    """Letter and reason by contestant."""
    found = await lane.redis.hgetall(f"{lane.keys.tag}:contestants")
    return {id_.decode(): state.decode() for id_, state in found.items()}
