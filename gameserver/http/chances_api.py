"""Plays given by outside events, over HTTP, told by signed callers (http/signatures.py)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gameserver.errors import Refused
from gameserver.games.game import RoomId
from gameserver.games.room_config import MAX_CHANCES
from gameserver.http.signatures import documented, signed_route
from gameserver.records.callers import Caller
from gameserver.records.database import Database
from gameserver.records.orders import Order
from gameserver.staff.orders import Orders

KIND = "chances"  # what a caller must be allowed to tell


def _text(longest: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")


class ChancesForm(BaseModel):
    """Plays for a member beside the free ones, told once under (`source`, `source_id`)."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, _text(40)] = Field(description="the system that something happened in")
    source_id: Annotated[str, _text(128)] = Field(description="its id there; the same again changes nothing")
    room: Annotated[str, _text(40)]
    member: Annotated[
        str,
        StringConstraints(max_length=64, pattern=r"^[^!\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"),
    ]
    chances: int = Field(strict=True, ge=1, le=MAX_CHANCES, description="plays")


class ChancesAnswer(BaseModel):
    """`given`: the member has them; `waiting`: they will, once the room can hear of it."""

    source_id: str
    status: Literal["given", "waiting"]
    room: str
    number: int = Field(description="of the room's order")


def chances_api(database: Database, orders: Orders) -> APIRouter:
    """POST /api/chances."""
    router = APIRouter(prefix="/api", tags=["callers"], route_class=signed_route(database))

    @router.post(
        "/chances",
        dependencies=[Depends(documented)],
        responses={202: {"model": ChancesAnswer, "description": "kept; the room will hear of it"}},
    )
    async def give(request: Request, response: Response, form: ChancesForm) -> ChancesAnswer:
        """Gives a member plays, once by source and source_id."""
        caller: Caller = request.state.caller
        if not caller.may_tell(form.source, KIND):
            raise Refused("not_allowed")
        order = await orders.give(
            RoomId(form.room), "give_chances", [form.member, form.chances], form.source, form.source_id
        )
        if order.done_at is None:
            response.status_code = 202
        return _answer(form, order)

    return router


def _answer(form: ChancesForm, order: Order) -> ChancesAnswer:
    status: Literal["given", "waiting"] = "waiting" if order.done_at is None else "given"
    return ChancesAnswer(source_id=form.source_id, status=status, room=order.room, number=order.number)
