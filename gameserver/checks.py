"""The comparisons of reconciliation: Redis against the record, the record against the ledger.

They are exact while the room is played, without stopping anything: Redis is read first, at one moment, and
the record after it, up to that very moment. What is under way between record and ledger lies between two
readings of the one side, taken before and after the other: a difference within them is none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from gameserver.games.game import MemberId, PrizeId, RoomId
from gameserver.line import Line, decode_line, purse_filled
from gameserver.records.counts import PrizeCount, entry_count, fills_of, paid_plays, stock_count
from gameserver.records.database import Database
from gameserver.records.grants import Grant, grants_of_line
from gameserver.records.lanes import Lane, get_lanes
from gameserver.records.rooms import Room, RoomState
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Sent
from gameserver.store.redis import Redis
from gameserver.store.snapshot import REBUILDING, OpenPurse, Snapshot, Stock, open_purses, snapshot
from ledger_client.entry import Kind, decode_entry, purse_id
from ledger_client.ledger import Ledger, Purse

LANE = "the lane's epoch in Redis"
LETTERS = 10_000
_NO_PRIZE = PrizeCount(0, 0, 0, 0)
_NO_STOCK = Stock(0, 0, 0)


class Mismatch(msgspec.Struct, frozen=True):
    """Two numbers that must be equal and are not: `what` of which `key`; `room` "" for the ledger's own."""

    room: str
    what: str
    key: str
    expected: int
    found: int

    @property
    def too_many(self) -> bool:
        """Whether more was found than there should be."""
        return self.found > self.expected


class Look:
    """What one look has compared, and what did not agree."""

    def __init__(self) -> None:
        self.checks = 0
        self.mismatches: list[Mismatch] = []

    def equal(self, room: str, what: str, key: str, expected: int, found: int) -> None:
        """`found` must be `expected`."""
        self.between(room, what, key, expected, expected, found)

    def between(self, room: str, what: str, key: str, least: int, most: int, found: int) -> None:
        """`found` must lie between what was counted before it and what was counted after it."""
        self.checks += 1
        if not least <= found <= most:
            expected = least if found < least else most
            self.mismatches.append(Mismatch(room, what, key, expected, found))


class Checks:
    """The comparisons.

    Args:
        database: the record.
        redis: the store; it must not decode replies.
        ledger: where points end.
    """

    def __init__(self, database: Database, redis: Redis, ledger: Ledger) -> None:
        self._database = database
        self._redis = redis
        self._ledger = ledger

    async def room(self, room: Room, look: Look) -> None:
        """Units and purses of an opened room: Redis against the record and the ledger."""
        for lane in await get_lanes(self._database, room.id):
            keys = LaneKeys(lane.room, lane.lane)
            if await self._stock(room, lane, keys, look) and _costs(room):
                await self._purses(lane, keys, look)

    async def entries(self, room: Room, look: Look) -> None:
        """Entries of an opened room: the record against the ledger. The ledger reads all of its entries."""
        lanes = [lane.name for lane in await get_lanes(self._database, room.id)]
        before = await entry_count(self._database, room.id)
        totals = [await self._ledger.totals(lane, Kind.EARN) for lane in lanes]
        after = await entry_count(self._database, room.id)
        entries = sum(total.applied + total.rejected + total.suspense for total in totals)
        credited = sum(total.credited for total in totals)
        look.between(room.id, "entries of grants in the ledger", room.id, before.decided, after.owed, entries)
        look.between(room.id, "points credited by the ledger", room.id, before.credited, after.most, credited)
        if _costs(room):
            spends = [await self._ledger.totals(lane, Kind.SPEND) for lane in lanes]
            spent = sum(total.applied + total.rejected + total.suspense for total in spends)
            most = await paid_plays(self._database, room.id)
            # one that is missing there is found by its purse, as long as that is open
            look.between(room.id, "paid plays in the ledger", room.id, 0, most, spent)

    async def books(self, look: Look) -> None:
        """The ledger against itself. Reads all of it."""
        look.checks += 1
        look.mismatches += [
            Mismatch("", drift.what, drift.key, drift.expected, drift.found)
            for drift in await self._ledger.drift()
        ]

    async def _stock(self, room: Room, lane: Lane, keys: LaneKeys, look: Look) -> bool:
        """Compares the units; whether Redis has the lane as it should be."""
        now = await snapshot(self._redis, keys)
        if now.state == REBUILDING or (room.state is RoomState.CLOSED and not now.epoch):
            return False
        unfinished = [grant for line in _lines(now.sent) for grant in grants_of_line(lane.room, line)]
        count = await stock_count(self._database, lane, now.last, unfinished)
        look.equal(room.id, LANE, lane.name, count.epoch, now.epoch)
        if now.epoch != count.epoch:
            return False
        owed = Counter(grant.prize for grant in count.owed)
        highest = _highest(count.owed)
        for prize in sorted(now.stock.keys() | count.prizes.keys()):
            lent, stock = count.prizes.get(prize, _NO_PRIZE), now.stock.get(prize, _NO_STOCK)
            # loaded = granted + passed over + left: three of the four are compared, the fourth follows
            next_unit = max(lent.first_unit, lent.highest + 1, highest.get(prize, 0) + 1)
            look.equal(room.id, "last unit lent", prize, lent.last_unit, stock.last_unit)
            look.equal(room.id, "units granted by Redis", prize, lent.units + owed[prize], stock.granted)
            look.equal(room.id, "next unit in Redis", prize, next_unit, stock.next_unit)
        return True

    async def _purses(self, lane: Lane, keys: LaneKeys, look: Look) -> None:
        """Points left in purses = points that came in - points spent, which the ledger knows or will."""
        before = {purse.id: purse for purse in await self._ledger.purses(lane.name)}
        seen = [
            await snapshot(self._redis, keys, members) async for members in open_purses(self._redis, keys)
        ]
        fills = [await self._fills(lane.room, now) for now in seen]
        after = {purse.id: purse for purse in await self._ledger.purses(lane.name)}
        aside = await self._spends_aside(lane) if before or after else Counter()
        for now, filled in zip(seen, fills, strict=True):
            spending = _spends(lane, now.sent)
            for member, purse in now.purses.items():
                id_ = purse_id(lane.name, member, purse.number)
                # one whose time is over pays nothing more, and the ledger takes it back by itself
                if purse.until > now.now:
                    under_way = spending[id_] + aside[id_]
                    _compare(
                        look,
                        lane,
                        member,
                        purse,
                        filled.get(member, 0),
                        before.get(id_),
                        after.get(id_),
                        under_way,
                    )

    async def _fills(self, room: RoomId, now: Snapshot) -> Mapping[MemberId, int]:
        """Points that came into each purse, as told by the record and by what is on its way there."""
        sessions = {f"p{purse.number}.{member}": member for member, purse in now.purses.items()}
        filled = await fills_of(self._database, room, list(sessions))
        for line, body in _bodies(now.sent):
            if line.session in sessions and (fill := purse_filled(line, body)):
                filled[line.session, line.ref] = fill.amount
        points: Counter[MemberId] = Counter()
        for (session, ref), amount in filled.items():
            # the record may have had a later fill by the time it was asked
            if ref <= now.purses[sessions[session]].fill:
                points[sessions[session]] += amount
        return points

    async def _spends_aside(self, lane: Lane) -> Counter[UUID]:
        """Points of spends, by purse, that the ledger has put aside for a person to see to."""
        aside: Counter[UUID] = Counter()
        for letter in await self._ledger.letters(LETTERS):
            if letter.source == lane.name:
                entry = decode_entry(bytes.fromhex(letter.raw))
                if entry.kind is Kind.SPEND and entry.about is not None:
                    aside[entry.about] += entry.amount
        return aside


def _compare(
    look: Look, lane: Lane, member: MemberId, purse: OpenPurse, filled: int,
    before: Purse | None, after: Purse | None, under_way: int,
) -> None:  # fmt: skip
    if before is None and after is None:
        look.equal(lane.room, "points in a purse that the ledger has not", member, 0, purse.left)
        return
    if after is None:
        return  # closed while we looked
    # what was spent before we looked has left the purse, and what has left it was spent or is on its way
    least, most = filled - after.used - under_way, filled - (before.used if before else 0)
    look.between(lane.room, "points left in a purse", member, least, most, purse.left)
    look.between(lane.room, "points given to a purse", member, 0, after.amount, filled)


def _bodies(sent: Sequence[Sent]) -> list[tuple[Line, bytes]]:
    """The lines of stream entries; what cannot be read becomes a dead letter, and is not counted here."""
    found = []
    for one in sent:
        for raw in one.lines or ():
            body = bytes(raw)
            try:
                found.append((decode_line(body), body))
            except msgspec.MsgspecError:
                continue
    return found


def _lines(sent: Sequence[Sent]) -> list[Line]:
    return [line for line, _ in _bodies(sent)]


def _spends(lane: Lane, sent: Sequence[Sent]) -> Counter[UUID]:
    """Points that plays in these entries cost, by purse; some may be in the ledger already."""
    spends: Counter[UUID] = Counter()
    for line in _lines(sent):
        if line.spent:
            spends[purse_id(lane.name, line.member, line.spent.number)] += line.spent.amount
    return spends


def _highest(grants: Sequence[Grant]) -> Mapping[PrizeId, int]:
    highest: dict[PrizeId, int] = {}
    for grant in grants:
        highest[grant.prize] = max(grant.unit, highest.get(grant.prize, 0))
    return highest


def _costs(room: Room) -> bool:
    """Whether plays of the room can cost points; otherwise it has no purses."""
    chances = room.config.get("chances") or {}
    return bool(chances.get("cost_points"))
