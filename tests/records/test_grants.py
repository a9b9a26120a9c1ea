from gameserver.games.game import MemberId
from gameserver.records.batches import record
from gameserver.records.database import Database
from gameserver.records.grants import (
    Given,
    given_by_prize,
    mark_settled,
    pending_points,
    prizes_of_member,
    settle_entries,
)
from ledger_client.ledger import Outcome, Status
from tests.records.lines import body_of, placed
from tests.records.rooms import opened

MEMBER = MemberId("m1")


async def test_a_member_sees_their_prizes_newest_first_and_what_is_pending(engine: Database) -> None:
    _, lane = await opened(engine)
    won = [("packet", 1, 30, 1, "m1"), ("mug", 1, 0, 1, "m1"), ("packet", 2, 7, 1, "m2")]
    lines = [placed(body_of("s1", n + 1, [grant], at=100 + n), n) for n, grant in enumerate(won)]
    recorded = await record(engine, lane, lines)
    assert await pending_points(engine, MEMBER) == 30

    await mark_settled(
        engine, lane.room, recorded.grants[:2], [(recorded.grants[2], "budget_exhausted")], 500
    )
    await mark_settled(engine, lane.room, recorded.grants[:2], [], 900)

    mug, packet = await prizes_of_member(engine, MEMBER)
    assert (mug.grant, mug.room_title, mug.settled, mug.refused) == (recorded.grants[1], "周年庆", True, None)
    assert mug.listed == {"id": "mug", "name": "杯子", "kind": "physical", "value": 0}
    assert (packet.grant, packet.listed) == (recorded.grants[0], None)
    assert [prize.grant.prize for prize in await prizes_of_member(engine, MEMBER, limit=1)] == ["mug"]
    (lost,) = await prizes_of_member(engine, MemberId("m2"))
    assert (lost.settled, lost.refused) == (False, "budget_exhausted")
    assert [await pending_points(engine, MemberId(member)) for member in ("m1", "m2", "m3")] == [0, 0, 0]


async def test_a_room_counts_what_it_gave_by_prize(engine: Database) -> None:
    _, lane = await opened(engine)
    won = [("packet", 1, 30, 1, "m1"), ("packet", 2, 7, 1, "m2"), ("mug", 1, 0, 1, "m1")]
    await record(engine, lane, [placed(body_of("s1", n + 1, [grant]), n) for n, grant in enumerate(won)])
    assert await given_by_prize(engine, lane.room) == {"packet": Given(2, 37), "mug": Given(1, 0)}


async def test_what_the_ledger_credited_in_part_or_after_all_is_told(engine: Database) -> None:
    _, lane = await opened(engine)
    won = [("packet", unit, 30, 1, "m1") for unit in (1, 2, 3)]
    lines = [placed(body_of("s1", n + 1, [grant], at=100 + n), n) for n, grant in enumerate(won)]
    cut, dead, late = (await record(engine, lane, lines)).grants
    refused = [(dead, "unstorable"), (late, "unstorable")]
    await mark_settled(engine, lane.room, [cut], refused, 500, [(cut, 12, "daily_cap")])
    assert await pending_points(engine, MEMBER) == 0

    assert cut.entry_id is not None
    assert dead.entry_id is not None
    assert late.entry_id is not None
    outcomes = [
        Outcome(cut.entry_id, Status.ALREADY, "daily_cap", 12),
        Outcome(dead.entry_id, Status.APPLIED, None, 30),
        Outcome(late.entry_id, Status.APPLIED, "monthly_cap", 7),
    ]
    assert await settle_entries(engine, outcomes, 900) == 2  # the first was settled before
    assert await settle_entries(engine, outcomes, 950) == 0
    told = [
        (prize.settled, prize.credited, prize.refused) for prize in await prizes_of_member(engine, MEMBER)
    ]
    assert told == [(True, 7, "monthly_cap"), (True, None, None), (True, 12, "daily_cap")]
