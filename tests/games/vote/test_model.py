"""The rule against the plain model: the same answers to any play, and the same state."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from gameserver.games.contests import Tallies
from gameserver.staff.contestants import standings_of
from tests.games.vote.model import VoteModel
from tests.games.votes import ballot, contestant, counts, order, states, voting
from tests.store.lanes import opened

MEMBERS, CONTESTANTS, STEPS, DAYS = 4, 6, 250, (20_261_122, 20_261_123, 20_261_124)
OPS = ("admit", "admit", "withdraw", "review", "review", "clear_review", "remove_kept")


def limits(random: Random) -> dict[str, int | None]:
    return {
        "per_day": random.choice([None, 3, 8]),
        "total": random.choice([None, 9, 20]),
        "per_contestant_per_day": random.choice([None, 1, 2, 4]),
    }


@pytest.mark.parametrize("seed", range(12))
async def test_any_play_comes_to_what_the_model_says(redis: Redis, seed: int) -> None:
    random = Random(seed)
    ballots = limits(random)
    model = VoteModel(ballots["per_day"], ballots["total"], ballots["per_contestant_per_day"])
    lane = await opened(redis, voting(ballots={**ballots, "choose_max": 4}), game="vote")
    seats = [seat for _ in range(2) for seat in await lane.seats(MEMBERS)]
    ids = [contestant(number) for number in range(1, CONTESTANTS + 1)]
    day = DAYS[0]
    for step in range(STEPS):
        if random.random() < 0.1:
            op, id_ = random.choice(OPS), random.choice(ids)
            given: list[Any] = [[[id_, int(id_[1:])]]] if op == "admit" else [id_, "why"]
            assert ((await order(lane, op, *given))[0] == 1) is model.order(op, id_), (step, op, id_)
            continue
        if random.random() < 0.02:
            day = DAYS[min(DAYS.index(day) + 1, 2)]
        # several in one tick see each other
        batch, expected = [], []
        for _ in range(random.randint(1, 5)):
            seat, weight = random.choice(seats), random.randint(1, 3)
            choices = random.sample(ids, random.randint(1, 4))
            batch.append(ballot(seat, *choices, weight=weight))
            expected.append(model.vote(seat.member, day, weight, choices))
        results = await lane.ask(*batch, days=[(0, day)])
        assert [result[1] for result in results] == expected, step
        if random.random() < 0.2:
            assert await lane.ask(*batch, days=[(0, day)]) == results
    assert list((await counts(lane)).items()) == model.ranking()
    for ranking, expected_votes in (("kept", model.kept), ("removed", model.removed)):
        assert +Counter(await counts(lane, ranking)) == +expected_votes
    assert {id_: state[0] for id_, state in (await states(lane)).items()} == model.states
    tallies = Tallies()
    for line in await lane.lines():
        tallies.take(line[6])
    assert list(tallies.standings().items()) == list((await standings_of(lane.store)).items())
    for seat in seats[:MEMBERS]:
        view = (await lane.join(seat.member, days=[(0, day)])).view
        assert (view[2], view[4]) == (model.ballots[seat.member], model.listed())
        if view[0] == day:
            assert view[1] == model.by_day[seat.member, day]
            named = {
                id_: n for (member, on, id_), n in model.named.items() if (member, on) == (seat.member, day)
            }
            assert dict(view[3]) == named
