"""From the tap to the ledger: what members were shown is what they are paid."""

import asyncio
from collections import Counter

from gameserver.engines import Engines
from gameserver.fairness import Receipts, derive
from gameserver.games.game import MemberId, RoomId
from gameserver.records.grants import grants_of, prizes_of_member
from gameserver.store.keys import LaneKeys
from tests.node import SECRET, Member, Site, emptied, living, serving
from tests.page import Page

MEMBERS, TAPS = 5, 30


async def _play(site: Site, room: str, member: Member) -> tuple[Page, list[dict[str, object]]]:
    """A page that has tapped, with every win it was shown."""
    page = await site.join(room, member)
    wins = []
    for drop in page.drops(TAPS):
        answer = await page.ask("grab", drop=drop)
        assert answer["ev"] == "grabbed", answer
        wins.append(answer)
    return page, wins


async def _paid(site: Site, room: str, member: Member) -> int:
    """The member's points once nothing is on the way any more."""
    async with asyncio.timeout(30):
        # an entry leaves the outbox only after it is in the ledger
        while await site.redis.xlen(LaneKeys(RoomId(room)).outbox):
            await asyncio.sleep(0.02)
    answer = await site.http.get("/api/me/points", headers=member.bearer)
    assert answer.json()["pending"] == 0
    return int(answer.json()["available"])


async def test_every_win_that_was_shown_is_paid_once_and_nothing_else_is(engines: Engines) -> None:
    async with emptied(engines), living(engines) as live:
        room = await live.open_room(
            amounts={"mode": "double_mean", "total_points": 9000, "count": 300, "max": 90}
        )
        members = [await live.member(f"member {number}") for number in range(MEMBERS)]
        played = await asyncio.gather(*(_play(live, room.id, member) for member in members))
        shown = {member.id: wins for member, (_, wins) in zip(members, played, strict=True)}
        for member, (page, wins) in zip(members, played, strict=True):
            total = sum(int(str(win["amount"])) for win in wins)
            assert await _paid(live, room.id, member) == total == wins[-1]["sum"]
            assert (await live.stores.ledger.balance(member.id)).available == total
            settled: Counter[tuple[str, int]] = Counter()
            while settled.total() < len(wins):
                settled.update((prize, unit) for prize, unit in (await page.next(ev="settled"))["units"])
            assert settled == Counter((str(win["prize"]), win["unit"]) for win in wins)
        recorded = [grant async for grant in grants_of(live.stores.database, RoomId(room.id))]
        assert {(grant.member, grant.unit, grant.amount) for grant in recorded} == {
            (member, win["unit"], win["amount"]) for member, wins in shown.items() for win in wins
        }
        assert len(recorded) == MEMBERS * TAPS
        assert await live.redis.xlen(LaneKeys(room.id).outbox) == 0
        assert await live.stores.ledger.drift() == []


async def test_a_receipt_is_the_servers_own_and_a_forged_one_is_not(engines: Engines) -> None:
    async with emptied(engines), living(engines) as live:
        room, member = await live.open_room(), await live.member()
        page, wins = await _play(live, room.id, member)
        receipts = Receipts(derive(SECRET.encode(), "receipt"))
        for win in wins:
            grant = (room.id, win["prize"], win["unit"], win["amount"], member.id, page.session, win["re"], 1)
            assert receipts.holds(str(win["receipt"]), *grant)
            assert not receipts.holds(
                str(win["receipt"]), *grant[:3], int(str(win["amount"])) + 1, *grant[4:]
            )
            assert not Receipts(b"another key").holds(str(win["receipt"]), *grant)
        await _paid(live, room.id, member)
        prizes = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]
        assert {prize["receipt"] for prize in prizes} == {win["receipt"] for win in wins}
        assert all(prize["settled"] for prize in prizes)


async def test_a_server_killed_in_mid_round_pays_every_win_once_when_it_is_back(engines: Engines) -> None:
    async with emptied(engines):
        async with serving(engines) as first:
            room, member = await first.open_room(), await first.member()
            page, wins = await _play(first, room.id, member)
            session = page.session
            first.kill()
        async with serving(engines) as second:
            again = await second.join(room.id, member, session=session)
            assert again.session == session
            assert again.snapshot["game"]["mine"]["sum"] == wins[-1]["sum"]
            assert await _paid(second, room.id, member) == wins[-1]["sum"]
            won = await prizes_of_member(second.stores.database, MemberId(member.id))
            assert sorted(prize.grant.unit for prize in won) == sorted(int(str(win["unit"])) for win in wins)
            assert await second.stores.ledger.drift() == []
