"""What was shown to members, held against the record and the ledger."""

from collections.abc import Iterable, Mapping

from gameserver.games.game import MemberId
from gameserver.records.dead_letters import dead_letters
from gameserver.records.grants import Grant, grants_of, pending_points
from gameserver.records.lanes import get_lanes
from gameserver.records.rooms import Room
from ledger_client.embedded.audit import audit
from tests.node import Site
from tests.page import Event

Win = tuple[str, int, int]
"""Prize, unit, amount."""


def wins_of(events: Iterable[Event]) -> list[Win]:
    """The wins among answers."""
    return sorted((one["prize"], one["unit"], one["amount"]) for one in events if one.get("unit"))


async def settled(site: Site, room: Room) -> None:
    """Returns when nothing waits in the room's outbox, whoever settles it."""
    (lane,) = await get_lanes(site.stores.database, room.id)
    await site.stores.settlement.drain(lane)


async def assert_paid(site: Site, room: Room, shown: Mapping[str, Iterable[Event]]) -> list[Grant]:
    """Every win a member (by id) was shown is one grant and one ledger entry, and the other way round."""
    await settled(site, room)
    database, ledger = site.stores.database, site.stores.ledger
    granted: dict[str, list[Win]] = {member: [] for member in shown}
    grants = [grant async for grant in grants_of(database, room.id)]
    for grant in grants:
        granted[grant.member].append((grant.prize, grant.unit, grant.amount))
    for member, events in shown.items():
        wins = wins_of(events)
        assert sorted(granted[member]) == wins
        assert (await ledger.balance(member)).available == sum(amount for _, _, amount in wins)
        assert await pending_points(database, MemberId(member)) == 0
    assert len({(grant.prize, grant.unit) for grant in grants}) == len(grants)
    assert await ledger.drift() == []
    assert await audit(database) == []
    assert await dead_letters(database) == []
    return grants
