"""The members' HTTP API."""

import asyncio
import secrets
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from msgspec.structs import asdict

from gameserver.errors import Refused
from gameserver.fairness import Receipts
from gameserver.games import games
from gameserver.games.game import MemberId, RoomId
from gameserver.http.forms import (
    DemoLogin,
    LoggedIn,
    Movement,
    Points,
    Reminder,
    RoomLine,
    RoomList,
    RoomPage,
    Statement,
    Ticket,
    TicketRequest,
    Won,
    WonList,
)
from gameserver.http.statement import CSV, statement_csv
from gameserver.http.tokens import Member, Tokens
from gameserver.records.database import Database
from gameserver.records.grants import MemberPrize, pending_points, prizes_of_member
from gameserver.records.rooms import Room, RoomState, get_room, list_rooms
from gameserver.rooms.hub import LIVE, Hub
from gameserver.rooms.opening import config_of, public_room
from gameserver.store.lane import TICKET_SECONDS, Guest
from ledger_client.ledger import Ledger

ENDED_SHOWN = 6
STATEMENT_LINES = 500


class MemberApi:
    """The routes, on what they need.

    Args:
        database: the record.
        hub: this process's rooms.
        ledger: where points are.
        tokens: members' tokens.
        receipts: signs grants.
        demo: whether anyone may log in by a name.
    """

    def __init__(
        self, database: Database, hub: Hub, ledger: Ledger, tokens: Tokens, receipts: Receipts, *, demo: bool
    ) -> None:
        self._database = database
        self._hub = hub
        self._ledger = ledger
        self._tokens = tokens
        self._receipts = receipts
        self._demo = demo

    def router(self) -> APIRouter:
        """The routes under /api."""
        router = APIRouter(prefix="/api", tags=["member"])

        def member(authorization: Annotated[str | None, Header()] = None) -> Member:
            return self._tokens.verify(authorization)

        Caller = Annotated[Member, Depends(member)]  # noqa: N806 - a type

        @router.post("/demo/login")
        async def demo_login(form: DemoLogin) -> LoggedIn:
            """A member for trying things out; only in demo mode."""
            if not self._demo:
                raise Refused("demo_only")
            token, new = self._tokens.issue(form.name)
            return LoggedIn(token=token, member=new.id, name=new.name)

        @router.post("/tickets")
        async def ticket(
            form: TicketRequest, authorization: Annotated[str | None, Header()] = None
        ) -> Ticket:
            """A ticket for one hello. A spectator needs no token and can only watch."""
            caller = None if form.spectator else self._tokens.verify(authorization)
            return await self._ticket(form.room, caller)

        @router.get("/rooms")
        async def rooms() -> RoomList:
            """Rooms that are open, then the newest that have ended."""
            live = await list_rooms(self._database, LIVE, 100)
            ended = await list_rooms(self._database, (RoomState.CLOSED,), ENDED_SHOWN)
            return RoomList(rooms=await asyncio.gather(*(self._line(room) for room in (*live, *ended))))

        @router.get("/rooms/{room}")
        async def room(room: str) -> RoomPage:
            """One room: config, rules, commitment, state. `room` may be a game's name."""
            return _page(await self._find(room))

        @router.get("/me/prizes")
        async def my_prizes(caller: Caller) -> WonList:
            """What the member has won, newest first."""
            won = await prizes_of_member(self._database, MemberId(caller.id))
            return WonList(prizes=[self._won(prize) for prize in won])

        @router.get("/me/points")
        async def my_points(caller: Caller) -> Points:
            """The member's points."""
            return await self._points(caller)

        @router.get("/me/points/statement")
        async def my_statement(
            caller: Caller, limit: Annotated[int, Query(ge=1, le=STATEMENT_LINES)] = 100
        ) -> Statement:
            """How the member's points moved, newest first."""
            lines = await self._ledger.statement(caller.id, limit)
            return Statement(movements=[Movement(**asdict(line)) for line in lines])

        @router.get("/me/points/statement.csv", response_class=StreamingResponse, responses=CSV)
        async def my_statement_csv(caller: Caller) -> Response:
            """The same as a file, whole and oldest first; times are ISO 8601, UTC."""
            return await statement_csv(self._ledger.statement_lines(caller.id))

        return router

    async def _points(self, caller: Member) -> Points:
        balance = await self._ledger.balance(caller.id)
        reminders = await self._ledger.reminders(caller.id, time.time_ns() // 1_000_000)
        return Points(
            available=balance.available,
            held=balance.held,
            pending=await pending_points(self._database, MemberId(caller.id)),
            expiring=balance.expiring,
            expires_at=balance.expires_at,
            reminders=[
                Reminder(campaign=one.campaign, points=one.points, expires_at=one.expires_at, days=one.days)
                for one in reminders
            ],
        )

    async def _find(self, room: str) -> Room:
        """A room by id, or the newest open one of a game by the game's name."""
        if room in games():
            for record in await list_rooms(self._database, LIVE, 200):
                if record.game == room:
                    return record
            raise Refused("not_found", f"no room of {room} is open")
        return await get_room(self._database, RoomId(room))

    async def _ticket(self, room: str, caller: Member | None) -> Ticket:
        record = await self._find(room)
        loaded = await self._hub.room(record.id)
        ticket = secrets.token_hex(16)
        guest = Guest(caller.id, caller.name, caller.levels, caller.tags) if caller else Guest("", "", [], [])
        await loaded.lane.store.put_ticket(ticket, guest)
        return Ticket(ticket=ticket, room=record.id, expires_in=TICKET_SECONDS)

    async def _line(self, record: Room) -> RoomLine:
        public: dict[str, Any] = public_room(record)
        try:
            loaded = await self._hub.room(record.id)
            public = loaded.public
            joined = await loaded.lane.store.joined()
        except Refused:  # ended long ago, or being rebuilt: the list still shows it
            joined = 0
        return RoomLine(
            joined=joined, **{name: public[name] for name in RoomLine.model_fields if name != "joined"}
        )

    def _won(self, prize: MemberPrize) -> Won:
        grant, listed = prize.grant, prize.listed or {}
        receipt = self._receipts.sign(
            grant.room,
            grant.prize,
            grant.unit,
            grant.amount,
            grant.member,
            grant.session,
            grant.ref,
            grant.epoch,
        )
        return Won(
            room=grant.room, room_title=prize.room_title, prize=grant.prize, name=listed.get("name", ""),
            kind=listed.get("kind", "points"), amount=grant.amount, unit=grant.unit, granted_at=grant.at,
            settled=prize.settled, refused=prize.refused, credited=prize.credited, receipt=receipt,
        )  # fmt: skip


def _page(record: Room) -> RoomPage:
    _, config = config_of(record)
    return RoomPage(
        **public_room(record),
        rules_text=config.rules_text,
        limits={
            "chances": config.chances.model_dump(),
            "wins": config.wins.model_dump(),
            "audience": config.audience.model_dump(exclude={"blocklist"}),
        },
        rule_version=record.rule_version,
        rule_hash=record.rule_hash,
        commitment=record.commitment,
        seed=record.seed.hex() if record.state is RoomState.CLOSED else None,
    )
