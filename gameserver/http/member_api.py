"""The members' HTTP API."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from msgspec.structs import asdict

from gameserver.errors import Refused
from gameserver.fairness import Receipts
from gameserver.games import games
from gameserver.games.game import HOST, MemberId, RoomId
from gameserver.http.forms import (
    DemoLogin,
    Kept,
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
    Why,
    Won,
    WonList,
)
from gameserver.http.fulfilment_api import kept_of_member
from gameserver.http.statement import CSV, statement_csv
from gameserver.http.tokens import Member, Tokens
from gameserver.http.visits import Visits
from gameserver.personal import Place, Seal
from gameserver.records.database import Database
from gameserver.records.grants import MemberPrize, pending_points, prizes_of_member
from gameserver.records.rooms import Room, RoomState, get_room, list_rooms
from gameserver.rooms.explaining import Explained, explained
from gameserver.rooms.hub import LIVE, Hub
from gameserver.rooms.opening import TERMS, config_of, public_room
from gameserver.rooms.room import Room as LoadedRoom
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
        visits: tells channels and networks apart.
        receipts: signs grants.
        seal: opens what members told.
        demo: whether anyone may log in by a name.
    """

    def __init__(
        self,
        database: Database,
        hub: Hub,
        ledger: Ledger,
        tokens: Tokens,
        visits: Visits,
        receipts: Receipts,
        seal: Seal,
        *,
        demo: bool,
    ) -> None:
        self._database = database
        self._hub = hub
        self._ledger = ledger
        self._tokens = tokens
        self._visits = visits
        self._receipts = receipts
        self._seal = seal
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
            form: TicketRequest, request: Request, authorization: Annotated[str | None, Header()] = None
        ) -> Ticket:
            """A ticket for one hello. A spectator needs no token and can only watch."""
            record = await self._find(form.room)
            return await self._ticket(record, self._guest(record, form, request, authorization))

        @router.get("/rooms/{room}/why")
        async def why(room: str, caller: Caller, plays: Annotated[int, Query(ge=1, le=10)] = 1) -> Why:
            """Why the member cannot play now: the deciding step, and when it resets."""
            record = await self._find(room)
            loaded = await self._hub.room(record.id)
            guest = Guest(caller.id, caller.name, caller.levels, caller.tags)
            found = await explained(loaded, guest, plays)
            if await self._short_of_points(loaded, found, caller, plays):
                found = found._replace(code="not_enough_points")
            return _why(loaded, found)

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
            kept = await kept_of_member(self._database, self._seal, MemberId(caller.id))
            return WonList(prizes=[self._won(prize, kept) for prize in won])

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

    async def _short_of_points(self, room: LoadedRoom, found: Explained, caller: Member, plays: int) -> bool:
        """Whether nothing but the price of the plays stands in the way."""
        cost, play = room.config.chances.cost_points, found.play
        if found.code or not cost or play is None or play.free is False:
            return False
        paid = plays - play.free - play.extra
        if paid <= 0 or play.left >= paid * cost:
            return False
        return play.left + (await self._ledger.balance(caller.id)).available < paid * cost

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

    def _guest(self, record: Room, form: TicketRequest, request: Request, authorization: str | None) -> Guest:
        """Who asks for a ticket. Raises Refused("unauthorized")."""
        if form.host is not None:
            self._tokens.verify_host(form.host, record.id)
            return Guest(HOST, "", [], [])
        if form.spectator:
            return Guest("", "", [], [])
        caller, visit = self._tokens.verify(authorization), self._visits.of(request, embed=form.embed)
        return Guest(caller.id, caller.name, caller.levels, caller.tags, *visit)

    async def _ticket(self, record: Room, guest: Guest) -> Ticket:
        loaded = await self._hub.room(record.id)
        ticket = secrets.token_hex(16)
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

    def _won(self, prize: MemberPrize, kept: Mapping[Place, Kept]) -> Won:
        grant, listed = prize.grant, prize.listed or {}
        here = kept.get(Place(grant.room, grant.prize, grant.unit), Kept())
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
            **here.model_dump(),
        )  # fmt: skip


def _why(room: LoadedRoom, found: Explained) -> Why:
    play, retry_ms = found.play, found.retry_ms
    return Why(
        code=found.code,
        retry_ms=retry_ms,
        resets_at=room.now() + retry_ms if retry_ms is not None else None,
        free=None if play is None or play.free is False else int(play.free),
        extra=play.extra if play else 0,
        cost=room.config.chances.cost_points,
        plays_left=None if play is None or play.plays is False else int(play.plays),
    )


def _page(record: Room) -> RoomPage:
    _, config = config_of(record)
    terms = [prize.model_dump(include=TERMS, mode="json") for prize in config.prizes]
    return RoomPage(
        **public_room(record) | {"prizes": terms},
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
