"""50,000 racing commands on 1,000 units (GAMES.md, red_packet_rain)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from redis.asyncio import Redis

from tests.games.rains import BOMB, EMPTY, PACKET, grab, rain, raining
from tests.store.lanes import PlayedLane, Seat, unpacked

COMMANDS, UNITS, MEMBERS, CAP, CLIENTS, BATCH = 50_000, 1000, 250, 7, 5, 200
POINTS = 12_345
DROPS = 2000


@asynccontextmanager
async def another(lane: PlayedLane, valkey_url: str) -> AsyncIterator[PlayedLane]:
    """The same lane as another process has it: on a connection of its own."""
    redis = Redis.from_url(valkey_url)
    try:
        yield PlayedLane(redis, lane.record)
    finally:
        await redis.aclose()


async def play(lane: PlayedLane, taps: list[list[Any]], random: Random) -> list[tuple[list[Any], Any]]:
    """One process: batch after batch; every tenth is sent again, as after a lost reply."""
    told = []
    for first in range(0, len(taps), BATCH):
        batch = taps[first : first + BATCH]
        results = await lane.ask(*batch)
        if random.random() < 0.1:
            assert (await lane.ask(*batch))[-8:] == results[-8:]
        told += list(zip(batch, results, strict=True))
    return told


def tap(seat: Seat, random: Random) -> list[Any]:
    kind = random.choices((PACKET, EMPTY, BOMB), (80, 15, 5))[0]
    return grab(seat, random.randrange(DROPS), kind)


async def test_fifty_thousand_commands_on_a_thousand_units(redis: Redis, valkey_url: str) -> None:
    config = rain(
        drops_per_member=DROPS,
        max_grabs_per_round=CAP,
        amounts={"mode": "double_mean", "total_points": POINTS, "count": UNITS, "min": 1, "max": 100},
    )
    lane, random = await raining(redis, config), Random(7)
    # every member has two pages, each in another process
    phones, tablets = await lane.seats(MEMBERS), await lane.seats(MEMBERS)
    pages: list[list[Seat]] = [[] for _ in range(CLIENTS)]
    for number in range(MEMBERS):
        pages[number % CLIENTS].append(phones[number])
        pages[(number + 1) % CLIENTS].append(tablets[number])
    shares = [[tap(random.choice(own), random) for _ in range(COMMANDS // CLIENTS)] for own in pages]

    async def process(taps: list[list[Any]], seed: int) -> list[tuple[list[Any], Any]]:
        async with another(lane, valkey_url) as own:
            return await play(own, taps, Random(seed))

    told = [pair for part in await asyncio.gather(*map(process, shares, range(CLIENTS))) for pair in part]

    assert len(told) == COMMANDS
    shown = [(command[0], *won) for command, (kind, _, *rest) in told if kind == 1 for won in rest[0]]
    lines = [line for line in await lane.lines() if line[6][0] == "grab"]
    kept = [(grant[4], *grant[:4]) for line in lines for grant in line[7]]
    # every grant that was shown is in the outbox once, and the other way round
    assert Counter(shown) == Counter(kept)
    assert sorted(unit for _, _, unit, _, _ in kept) == list(range(1, UNITS + 1))
    assert sum(amount for _, _, _, amount, _ in kept) == POINTS
    by_member = Counter(member for member, *_ in kept)
    assert max(by_member.values()) <= CAP
    assert (await lane.stock())["packet"] == [UNITS, UNITS + 1, 3 * UNITS]
    # a command left one line or none, and no drop was taken twice by two pages of a member
    assert len({(line[0], line[1]) for line in lines}) == len(lines) == sum(1 for _, r in told if r[0] == 1)
    assert len({(line[2], line[6][2]) for line in lines}) == len(lines)
    refused = Counter(result[1] for _, result in told if result[0] == 0)
    assert set(refused) <= {"sold_out", "drop_taken", "grab_limit"}
    assert refused["sold_out"]
    assert refused["grab_limit"]
    assert refused["drop_taken"]


async def test_one_unit_and_everybody_at_once(redis: Redis, valkey_url: str) -> None:
    config = rain(amounts={"mode": "fixed", "count": 1, "amount": 9})
    lane = await raining(redis, config)
    seats = await lane.seats(400)

    async def process(own: list[Seat]) -> list[Any]:
        async with another(lane, valkey_url) as other:
            return [*await other.ask(*(grab(seat, 1) for seat in own))]

    parts = await asyncio.gather(*(process(seats[first : first + 50]) for first in range(0, 400, 50)))
    results = [result for part in parts for result in part]
    assert Counter(str(result[1]) if result[0] == 0 else "won" for result in results) == {
        "won": 1,
        "sold_out": 399,
    }
    assert [grant[:3] for grant in await lane.grants()] == [["packet", 1, 9]]


async def test_two_pages_of_one_member_race_for_one_drop(redis: Redis, valkey_url: str) -> None:
    lane = await raining(redis)
    pages = [await lane.seat("a") for _ in range(4)]

    async def process(seat: Seat) -> list[Any]:
        async with another(lane, valkey_url) as other:
            return [(await other.ask(grab(seat, drop)))[0] for drop in range(25)]

    results = await asyncio.gather(*map(process, pages))
    for by_page in zip(*results, strict=True):
        assert sorted(str(result[1]) for result in by_page if result[0] == 0) == ["drop_taken"] * 3
    entries = await redis.xrange(lane.keys.outbox)
    lines = [line for _, fields in entries for line in unpacked(fields[b"l"])]
    assert sum(len(line[7]) for line in lines) == 25


async def test_the_rounds_clock_of_many_processes_has_one_effect(redis: Redis, valkey_url: str) -> None:
    lane = await raining(redis)
    dues = lane.dues()[1:4]

    async def process(_: int) -> list[Any]:
        async with another(lane, valkey_url) as other:
            return [await other.clock(due) for due in dues]

    results = await asyncio.gather(*map(process, range(6)))
    assert all(result[0] == 1 for part in results for result in part)
    assert [line[:2] for line in await lane.lines()] == [["clock", ref] for ref in (1, 2, 3, 4)]
    names = [unpacked(fields[b"e"])[2] for _, fields in await redis.xrange(lane.keys.events)]
    assert names == ["round_opened", "round_closed"] * 2
