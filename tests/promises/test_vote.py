"""100,000 votes from 5,000 members on 20 contestants (GAMES.md, vote)."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import msgpack
from redis.asyncio import Redis

from gameserver.games.game import MemberId
from gameserver.records.database import Database
from gameserver.records.facts import lines_of
from gameserver.staff.contestants import recorded_standings, standings_of
from tests.games.votes import DAY, admitted, ballot, contestant, counts, order, states, voting
from tests.promises.test_race import another
from tests.promises.world import World, check_rebuilt, world
from tests.store.lanes import PlayedLane, Seat, server_ms, unpacked

MEMBERS, CONTESTANTS, VOTES = 5000, 20, 100_000
PER_DAY, EACH, CHOOSE, TRIES, BATCH = 4, 3, 6, 5, 250
TABLETS = 1500  # members with a second page
IDS = [contestant(number) for number in range(1, CONTESTANTS + 1)]
CONFIG = voting(
    ballots={"per_day": PER_DAY, "per_contestant_per_day": EACH, "choose_min": 1, "choose_max": CHOOSE},
    review={"votes_per_minute": 9000},
)


def choices(random: Random) -> list[str]:
    """Some are liked more than others."""
    liked = sorted(IDS, key=lambda id_: random.random() ** (1 + int(id_[1:]) % 3))
    return liked[-CHOOSE:]


async def tell(lane: PlayedLane, ballots: list[list[Any]], random: Random) -> list[tuple[list[Any], Any]]:
    """One process: batch after batch; some are sent again, as after a lost reply."""
    told = []
    for first in range(0, len(ballots), BATCH):
        batch = ballots[first : first + BATCH]
        results = await lane.ask(*batch, days=DAY)
        if random.random() < 0.1:
            assert (await lane.ask(*batch, days=DAY))[-8:] == results[-8:]
        told += list(zip(batch, results, strict=True))
    return told


async def stormed(lane: PlayedLane, valkey_url: str) -> list[tuple[list[Any], Any]]:
    """All try more often than they may; some from two pages at once, each in another process."""
    pages = (await lane.seats(MEMBERS), await lane.seats(TABLETS))

    async def process(seats: list[Seat], seed: int) -> list[tuple[list[Any], Any]]:
        random = Random(seed)
        ballots = [
            ballot(seat, *choices(random), weight=1 + int(seat.member[1:]) % 2)
            for _ in range(TRIES)
            for seat in seats
        ]
        async with another(lane, valkey_url) as own:
            return await tell(own, ballots, random)

    parts = await asyncio.gather(*(process(seats, seed) for seed, seats in enumerate(pages)))
    return [pair for part in parts for pair in part]


def check_caps(told: list[tuple[list[Any], Any]]) -> None:
    """Nobody voted more often than allowed, and nobody was refused what was allowed."""
    ballots: Counter[str] = Counter()
    named: Counter[tuple[str, str]] = Counter()
    for command, result in told:
        if result[0] == 1:
            ballots[command[0]] += 1
            named.update((command[0], id_) for id_ in command[6:])
    assert max(ballots.values()) == PER_DAY
    assert max(named.values()) == EACH
    refused: Counter[str] = Counter()
    for command, result in told:
        if result[0] == 0:
            refused[result[1]] += 1
            if result[1] == "ballot_limit":
                assert ballots[command[0]] == PER_DAY
            else:
                assert result[1] == "contestant_limit"
                assert EACH in [named[command[0], id_] for id_ in command[6:]]
    assert refused["ballot_limit"] > 0
    assert refused["contestant_limit"] > 0


def sums(facts: list[Any]) -> tuple[dict[str, int], dict[str, int]]:
    """(counted, kept) votes by contestant, from facts alone."""
    counted: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for kind, *rest in facts:
        if kind == "vote":
            weight, counts_, keeps, _ = rest
            counted.update(dict.fromkeys(counts_, weight))
            kept.update(dict.fromkeys(keeps, weight))
    return dict(counted), dict(kept)


def in_order(votes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(votes.items(), key=lambda line: (-line[1], line[0]))


async def recorded(here: World, lane: PlayedLane) -> list[Any]:
    """The facts in PostgreSQL."""
    return [msgpack.unpackb(line)[6] async for line in lines_of(here.database, lane.record.id, 0)]


async def on_screen(lane: PlayedLane) -> list[tuple[str, int]]:
    """The first ten as the tally tells them."""
    pubsub = lane.redis.pubsub()
    await pubsub.subscribe(lane.keys.channel)
    await lane.join("watcher")  # who comes in is told the tally
    await lane.quiet()
    top = None
    while top is None:
        message = await pubsub.get_message(timeout=5)
        if message and message["type"] == "message":
            events = [event for event in unpacked(message["data"])[1] if event[2] == "tally"]
            if events:
                told = lane.plan.event("tally", events[-1][0], events[-1][3])
                top = [(line.id, line.votes) for line in told.top]  # type: ignore[attr-defined]
    await pubsub.aclose()
    return top


async def test_a_hundred_thousand_votes_are_each_counted_once(
    redis: Redis, valkey_url: str, engine: Database
) -> None:
    async with world(engine, redis) as here:
        lane = await here.open("vote", CONFIG)
        await admitted(lane, CONTESTANTS)

        told = await stormed(lane, valkey_url)

        check_caps(told)
        lines = [line for line in await lane.lines() if line[6][0] == "vote"]
        accepted = [(command[0], command[1], command[2]) for command, result in told if result[0] == 1]
        assert Counter((line[2], line[0], line[1]) for line in lines) == Counter(accepted)
        counted, kept = sums([line[6] for line in lines])
        given: Counter[str] = Counter()
        for command, result in told:
            if result[0] == 1:
                given.update(dict.fromkeys(command[6:], command[5]))
        assert {id_: counted.get(id_, 0) + kept.get(id_, 0) for id_ in IDS} == dict(given)
        assert sum(len(command[6:]) for command, result in told if result[0] == 1) >= VOTES
        assert await counts(lane) == counted
        assert list((await counts(lane)).items()) == in_order(counted)
        assert await counts(lane, "kept") == kept

        await here.settle(lane)
        assert sums(await recorded(here, lane)) == (counted, kept)
        assert await on_screen(lane) == in_order(counted)[:10]


async def test_flushed_and_rebuilt_every_count_and_every_decision_is_the_same(
    redis: Redis, engine: Database
) -> None:
    async with world(engine, redis) as here:
        lane = await here.open("vote", {**CONFIG, "review": {"votes_per_minute": 30}})
        await admitted(lane, CONTESTANTS)
        random, seats = Random(5), await lane.seats(60)
        for part in range(3):
            await tell(lane, [ballot(seat, *choices(random)) for seat in seats], random)
            marked = [id_ for id_, state in (await states(lane)).items() if state.startswith("r")]
            assert marked
            await order(lane, ("clear_review", "remove_kept", "withdraw")[part], marked[0], "because")
        await lane.quiet()
        await here.settle(lane)
        before, now = await lane.dump(), await server_ms(redis)
        shown = [await snapshot(lane, seat.member, now) for seat in seats]
        numbers = await standings_of(lane.store)
        await redis.flushall()

        recorded_numbers = await recorded_standings(engine, lane.record.id)
        assert list(recorded_numbers.items()) == list(numbers.items())
        assert "growth" in {one.reason for one in numbers.values()}
        await here.lifecycle.rebuild(lane.record.id)

        rebuilt = await here.again(lane)
        check_rebuilt(before, await rebuilt.dump())
        assert [await snapshot(rebuilt, seat.member, now) for seat in seats] == shown
        kinds = Counter(fact[0] for fact in await recorded(here, lane))
        assert {"admitted", "vote", "kept_counted", "kept_removed", "withdrawn"} <= set(kinds)
        # and it goes on: what is under review keeps its votes apart
        review = next(id_ for id_, state in (await states(rebuilt)).items() if state.startswith("r"))
        had = (await counts(rebuilt, "kept")).get(review, 0)
        late = await rebuilt.seat("late")
        await rebuilt.ask(ballot(late, review), days=DAY)
        assert (await counts(rebuilt, "kept"))[review] == had + 1


async def snapshot(lane: PlayedLane, member: str, now: int) -> Mapping[str, Any]:
    ((view, _),) = await lane.store.views([MemberId(member)])
    return lane.plan.snapshot(MemberId(member), now, view)


async def test_growth_is_measured_over_a_minute(redis: Redis, engine: Database) -> None:
    """Votes of more than a minute ago do not count, those of just now do: told by a record of both."""
    async with world(engine, redis) as here:
        lane = await here.open("vote", {**CONFIG, "review": {"votes_per_minute": 5}})
        await admitted(lane, 2)
        seat = await lane.seat("ann")
        now = await server_ms(redis)

        def line(ref: int, at: int, id_: str) -> list[Any]:
            fact = ["vote", 1, [id_], [], []]
            return [seat.session, ref, "ann", at, DAY[0][1], [[id_], 1, False, False, False], fact, []]

        await redis.hset(lane.keys.room, "state", "rebuilding")
        old = [line(n, now - 70_000 if n < 5 else now - 30_000, "c0001") for n in range(1, 6)]
        fresh = [line(n, now - 1000, "c0002") for n in range(6, 11)]
        await lane.store.fold([(one, ()) for one in (*old, *fresh)])
        await lane.store.set_state("open", rebuilt=True)
        others = await lane.seats(2)
        for other in others:
            await lane.ask(ballot(other, "c0001", "c0002"), days=DAY)
        assert await states(lane) == {"c0001": "a", "c0002": "rgrowth"}
        assert await counts(lane) == {"c0001": 7, "c0002": 6}
        assert await counts(lane, "kept") == {"c0002": 1}
