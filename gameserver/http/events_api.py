"""Outside events over HTTP, told by signed callers (http/signatures.py)."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from gameserver.earning import MAX_CENTS, MAX_ITEMS, Because, Item, OutsideEvent
from gameserver.errors import Refused
from gameserver.events import Events, shown
from gameserver.games.game import CampaignId, MemberId
from gameserver.http.signatures import Handler, documented, signed_route
from gameserver.records.callers import Caller
from gameserver.records.database import Database
from gameserver.records.events import EventStatus, KnownEvent

MAX_EVENTS = 500
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def _text(longest: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")


def _is_iso(value: object) -> object:
    # a bare number would be taken for seconds or milliseconds, as it happens to be large or small
    if not isinstance(value, str) or "T" not in value:
        raise ValueError("give ISO 8601 with an offset, such as 2026-11-11T09:30:00+08:00")
    return value


def _after_earliest(value: datetime) -> datetime:
    if value < EARLIEST:
        raise ValueError(f"lies before {EARLIEST.year}")
    return value


def _is_day(value: str) -> str:
    if value:
        date.fromisoformat(f"2000-{value}")  # a leap year: 02-29 is a birthday
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_is_iso), AfterValidator(_after_earliest)]
Cents = Annotated[int, Field(strict=True, ge=0, le=MAX_CENTS)]
Kind = Annotated[str, StringConstraints(pattern="^[a-z_]{1,32}$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ItemForm(_Form):
    """A line of an order."""

    sku: Annotated[str, _text(80)]
    category: Annotated[str, StringConstraints(max_length=80)] = ""
    amount_cents: Cents
    redeemed: bool = Field(False, strict=True, description="it was paid with points")


class EventForm(_Form):
    """Something that happened outside, told once under (`source`, `source_id`)."""

    source: Annotated[str, _text(40)] = Field(description="the system that it happened in")
    source_id: Annotated[str, _text(128)] = Field(description="its id there; the same again changes nothing")
    kind: Kind = Field(description="as the campaign's rules name it, or return, freeze, thaw")
    member: Annotated[str, _text(64)]
    campaign: Annotated[str, _text(40)]
    occurred_at: Moment = Field(description="ISO 8601 with an offset; days of caps run by it")
    amount_cents: Cents | None = Field(
        None,
        description="the whole order after discounts, with items paid with points; else the items' sum",
    )
    items: list[ItemForm] = Field([], max_length=MAX_ITEMS)
    level: Annotated[str, StringConstraints(max_length=80)] = Field("", description="the member's level then")
    birthday: Annotated[str, StringConstraints(pattern=r"^(\d\d-\d\d)?$"), AfterValidator(_is_day)] = Field(
        "", description="the member's, as MM-DD"
    )
    refers_to: Annotated[str, _text(128)] | None = Field(
        None, description="of a return, freeze or thaw: the source_id of the event that it is about"
    )

    def event(self) -> OutsideEvent:
        """As the house reads it."""
        return OutsideEvent(
            source=self.source, source_id=self.source_id, kind=self.kind, member=MemberId(self.member),
            campaign=CampaignId(self.campaign), occurred_at=round(self.occurred_at.timestamp() * 1000),
            amount_cents=self.amount_cents,
            items=tuple(Item(x.sku, x.category, x.amount_cents, x.redeemed) for x in self.items),
            level=self.level, birthday=self.birthday, refers_to=self.refers_to,
        )  # fmt: skip


class WhyLine(BaseModel):
    """A step of the decision: the unit of `value` goes with the step (points, cents, percent)."""

    step: Because
    value: int
    name: str = Field(description="of the level, boost or kind")


class ShownCut(BaseModel):
    """For the member: "12 of 20 credited: daily_cap"."""

    asked: int
    credited: int
    cap: str


class EventAnswer(BaseModel):
    """What became of an event; pending: it is kept, and applied as soon as the ledger is back.

    `refused` stands only in the answer to an array: that event was not kept and may be told again.
    """

    source_id: str
    status: Literal["applied", "pending", "rejected", "refused"]
    points: int = Field(0, description="what was decided; of a return, freeze or thaw: what it is about")
    credited: int = Field(0, description="points that the ledger moved")
    reason: str | None = Field(None, description="a code: why rejected or refused, or what cut the points")
    message: str | None = Field(None, description="for engineers, of a refused event")
    fields: dict[str, str] | None = Field(None, description="text by field, of a refused event")
    entry_id: UUID | None = Field(None, description="of the ledger's entry")
    rule_version: int | None = Field(None, description="of the campaign's rules that decided")
    why: list[WhyLine] = []
    shown: ShownCut | None = Field(None, description="what to tell the member where a cap cut")


def _shape(body: object) -> str:
    return "events" if isinstance(body, list) else "event"


Told = Annotated[
    Annotated[EventForm, Tag("event")]
    | Annotated[list[EventForm], Field(min_length=1, max_length=MAX_EVENTS), Tag("events")],
    Discriminator(_shape),
    Body(description=f"one event, or up to {MAX_EVENTS} of them in an array"),
]


def _plain_places(signed: type[APIRoute]) -> type[APIRoute]:
    """Errors of the body by their places in it: "3.kind" and not "events.3.kind"."""

    class PlainPlaces(signed):  # type: ignore[valid-type,misc] # a class made for one database
        def get_route_handler(self) -> Handler:
            handle: Handler = super().get_route_handler()

            async def told(request: Request) -> Response:
                try:
                    return await handle(request)
                except RequestValidationError as error:
                    raise RequestValidationError([_untagged(problem) for problem in error.errors()]) from None

            return told

    return PlainPlaces


def _untagged(problem: dict[str, Any]) -> dict[str, Any]:
    where, *path = problem["loc"]
    if where == "body" and path and path[0] in ("event", "events"):
        path = path[1:]
    return {**problem, "loc": (where, *path)}


def events_api(database: Database, events: Events) -> APIRouter:
    """POST /api/points/events."""
    router = APIRouter(
        prefix="/api/points", tags=["callers"], route_class=_plain_places(signed_route(database))
    )

    @router.post(
        "/events",
        dependencies=[Depends(documented)],
        response_model_exclude_none=True,
        responses={202: {"model": EventAnswer | list[EventAnswer], "description": "kept; (partly) pending"}},
    )
    async def tell(request: Request, response: Response, told: Told) -> EventAnswer | list[EventAnswer]:
        """Tells of what happened outside, once by source and source_id; an array is answered in order."""
        caller: Caller = request.state.caller
        forms = told if isinstance(told, list) else [told]
        answers = await events.take(caller, [form.event() for form in forms])
        if any(isinstance(one, KnownEvent) and one.status is EventStatus.PENDING for one in answers):
            response.status_code = 202
        if isinstance(told, list):
            return [_answer(form, answer) for form, answer in zip(forms, answers, strict=True)]
        if isinstance(answers[0], Refused):
            raise answers[0]
        return _answer(told, answers[0])

    return router


def _answer(form: EventForm, answer: KnownEvent | Refused) -> EventAnswer:
    if isinstance(answer, Refused):
        fields = dict(answer.fields) if answer.fields else None
        return EventAnswer(
            source_id=form.source_id,
            status="refused",
            reason=answer.code,
            message=answer.message,
            fields=fields,
        )
    cut = shown(answer)
    return EventAnswer(
        source_id=form.source_id,
        status=answer.status.value,
        points=answer.decision.points,
        credited=answer.credited,
        reason=answer.reason,
        entry_id=answer.entry_id,
        rule_version=answer.decision.rule_version,
        why=[WhyLine(step=why.step, value=why.value, name=why.name) for why in answer.decision.why],
        shown=ShownCut(**cut._asdict()) if cut else None,
    )
