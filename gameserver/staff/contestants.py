"""What staff do with the contestants of a room. What changes the list is one transaction with its order."""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from gameserver.errors import Refused
from gameserver.games.contests import RANKINGS, STATES, ContestConfig, Standing, Tallies, standings
from gameserver.games.game import MemberId, RoomId
from gameserver.records import contestants as record
from gameserver.records.contestants import Contestant, ContestantState, Work, contestant_id
from gameserver.records.database import Database
from gameserver.records.facts import lines_of
from gameserver.records.orders import Order, add_order
from gameserver.records.rooms import Room, RoomState, get_room
from gameserver.rooms.opening import config_of
from gameserver.staff.lifecycle import FACT
from gameserver.staff.orders import Orders
from gameserver.store.lane import LaneStore
from gameserver.works import REASON_MOST, name_of

ADMITTED_AT_ONCE = 500
Verdict = Literal["mark", "count", "remove"]
_OPS: dict[Verdict, str] = {"mark": "review", "count": "clear_review", "remove": "remove_kept"}
_decode = msgspec.msgpack.Decoder().decode


def contest_of(room: Room) -> ContestConfig:
    """The config of a room that has contestants. Raises Refused("not_found") for any other room."""
    _, config = config_of(room)
    if not isinstance(config, ContestConfig):
        raise Refused("not_found", f"room {room.id} has no contestants")
    return config


async def standings_of(store: LaneStore) -> dict[str, Standing]:
    """The lane's numbers and states by contestant, in the order of the ranking.

    Raises Refused: lane_lost, store_down.
    """
    return standings(*await store.standings(RANKINGS, STATES))


async def recorded_standings(database: Database, room: RoomId) -> dict[str, Standing]:
    """The same from the record, for a room whose lane is gone; reads every line of it."""
    tallies = Tallies()
    async for body in lines_of(database, room):
        tallies.take(_decode(body)[FACT])
    return tallies.standings()


class Contestants:
    """The verbs of staff. All raise Refused("not_found") for unknown rooms and contestants.

    Args:
        database: the record.
        orders: bring the list to the lane.
    """

    def __init__(self, database: Database, orders: Orders) -> None:
        self._database = database
        self._orders = orders

    async def room(self, room: RoomId) -> tuple[Room, ContestConfig]:
        """A room that has contestants."""
        found = await get_room(self._database, room)
        return found, contest_of(found)

    async def enter(self, room: RoomId, works: Sequence[Work]) -> list[Contestant]:
        """New contestants in their order, all or none. Raises Refused: bad_state, too_many_contestants."""
        await self._changeable(room)
        async with self._database.begin() as connection:
            entered = await record.enter(connection, room, works)
            for first in range(0, len(entered), ADMITTED_AT_ONCE):
                part = entered[first : first + ADMITTED_AT_ONCE]
                await add_order(connection, room, "admit", [_admitted(part)])
        await self._orders.deliver(room)
        return entered

    async def approve(self, room: RoomId, names: Collection[str]) -> list[Contestant]:
        """Into the list, all of them or none: who signed up, or who was withdrawn.

        Returns those for whom it is new. Raises Refused: bad_state, contestant_state, too_many_contestants.
        """
        await self._changeable(room)
        entries = [(await record.find_contestant(self._database, room, name)).entry for name in names]
        async with self._database.begin() as connection:
            approved = await record.decide(connection, room, entries, ContestantState.APPROVED)
            if approved:
                await add_order(connection, room, "admit", [_admitted(approved)])
        await self._orders.deliver(room)
        return approved

    async def reject(self, room: RoomId, name: str, reason: str) -> None:
        """A sign-up that is not taken; its member reads why. Raises Refused: bad_state, contestant_state."""
        await self._changeable(room)
        why = _reason(reason)
        found = await record.find_contestant(self._database, room, name)
        async with self._database.begin() as connection:
            await record.decide(connection, room, [found.entry], ContestantState.REJECTED, why)

    async def withdraw(self, room: RoomId, name: str, reason: str) -> None:
        """Out of the list; votes stay what they are. Raises Refused: bad_state, contestant_state."""
        await self._changeable(room)
        why = _reason(reason)
        found = await record.find_contestant(self._database, room, name)
        async with self._database.begin() as connection:
            gone = await record.decide(connection, room, [found.entry], ContestantState.WITHDRAWN, why)
            for one in gone:
                await add_order(connection, room, "withdraw", [one.id, why])
        await self._orders.deliver(room)

    async def review(self, room: RoomId, name: str, verdict: Verdict, reason: str) -> Order:
        """Puts a contestant under review, or decides on all votes that were kept in one, also after the end.

        Returns the order, which waits while the lane cannot hear it. Raises Refused: bad_state for a draft,
        contestant_state where the contestant is under review already, or not yet.
        """
        found, _ = await self.room(room)
        if found.state is RoomState.DRAFT:
            raise Refused("bad_state", f"room {room} has never been opened")
        one = await record.find_contestant(self._database, room, name)
        if one.id is None:
            raise Refused("contestant_state", f"{name} is {one.state}")
        order = await self._orders.give(room, _OPS[verdict], [one.id, _reason(reason)])
        if order.refused:
            raise Refused(order.refused, f"{one.id} is not in a state in which that could be done")
        return order

    async def list(self, room: RoomId, states: Collection[ContestantState]) -> list[Contestant]:
        """Entries in one of `states`."""
        await self.room(room)
        return await record.list_contestants(self._database, room, states)

    async def sign_up(self, room: RoomId, member: MemberId, work: Work) -> Contestant:
        """A member's entry, which waits for staff. Raises Refused("signed_up")."""
        return await record.sign_up(self._database, room, member, work)

    async def signed_up(self, room: RoomId, member: MemberId) -> Contestant | None:
        """What a member has sent in, if anything."""
        await self.room(room)
        return await record.signed_up(self._database, room, member)

    async def _changeable(self, room: RoomId) -> None:
        found, _ = await self.room(room)
        if found.state is RoomState.CLOSED:
            raise Refused("bad_state", f"room {room} is closed: its list does not change any more")


def _admitted(contestants: Sequence[Contestant]) -> list[list[str | int]]:
    return [[contestant_id(one.number), one.number] for one in contestants if one.number is not None]


def _reason(text: str) -> str:
    try:
        return name_of(text, REASON_MOST)
    except ValueError as error:
        raise Refused("bad_request", f"reason: {error}", fields={"reason": str(error)}) from None
