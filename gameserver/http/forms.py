"""What the HTTP API takes and gives: the OpenAPI document is made of these. Times in ms, points integer."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gameserver.http.tokens import NAME_LENGTH
from ledger_client.entry import Kind


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Every error of the API."""

    code: str = Field(description="a key of the refusal table")
    message: str = Field(description="for engineers")
    retry_ms: int | None = Field(None, description="when to try again")
    fields: dict[str, str] | None = Field(None, description="text by dotted path")


class DemoLogin(_Form):
    """A name to play under."""

    name: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
        ),
    ]


class LoggedIn(BaseModel):
    """A demo member."""

    token: str
    member: str
    name: str


class TicketRequest(_Form):
    """Which room, and whether only to watch (the big screen; no token needed)."""

    room: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    spectator: bool = False


class Ticket(BaseModel):
    """One use, in the first frame of a socket."""

    ticket: str
    room: str = Field(description="the room's id, also where a game's name was asked for")
    expires_in: int = Field(description="seconds")


class RoomLine(BaseModel):
    """A room in the list."""

    id: str
    game: str
    title: str
    state: str
    timezone: str
    opens_at: int | None
    closes_at: int | None
    joined: int
    skin: dict[str, Any]


class RoomList(BaseModel):
    """Rooms that are open, then some that have ended."""

    rooms: list[RoomLine]


class RoomPage(BaseModel):
    """One room in public. `seed` is null until it is closed; it must hash to `commitment`."""

    id: str
    game: str
    title: str
    organiser: str
    skin: dict[str, Any]
    timezone: str
    state: str
    opens_at: int | None
    closes_at: int | None
    opened_at: int | None
    cost: int | None = Field(description="points that a play costs once the free ones are used up")
    play: dict[str, Any] | None
    prizes: list[dict[str, Any]]
    rules_text: str
    limits: dict[str, Any]
    rule_version: int
    rule_hash: str
    commitment: str
    seed: str | None


class Won(BaseModel):
    """A grant of the member."""

    room: str
    room_title: str
    prize: str
    name: str = Field(description="empty for the game's own prizes, which the page names")
    kind: str
    amount: int
    unit: int
    granted_at: int
    settled: bool
    refused: str | None = Field(description="why the ledger did not take it, or not all of it")
    credited: int | None = Field(description="points that were credited, where that is less than the amount")
    receipt: str


class WonList(BaseModel):
    """Newest first."""

    prizes: list[Won]


class Reminder(BaseModel):
    """Points of a campaign that expire soon, at the first moment at which they are gone."""

    campaign: str
    points: int
    expires_at: int
    days: int = Field(description="it is at most so many days away when the member is told")


class Points(BaseModel):
    """Of the ledger, and what is granted but not settled yet."""

    available: int = Field(description="free to use; below 0 where more was taken back than was left")
    held: int = Field(description="in play, or frozen")
    pending: int
    expiring: int = Field(description="of the available ones, within 30 days")
    expires_at: int | None = Field(description="when the first of them do")
    reminders: list[Reminder]


class Movement(BaseModel):
    """A line of a statement: how it changed what the member owns, available and held."""

    entry_id: UUID
    kind: Kind
    campaign: str
    room: str
    amount: int = Field(description="signed; 0 where points only change between available and held")
    moved: int
    asked: int
    reason: str | None = Field(description="why fewer were moved than asked")
    balance: int = Field(description="what the member owned after it")
    occurred_at: int
    applied_at: int


class Statement(BaseModel):
    """Newest first."""

    movements: list[Movement]


class Health(BaseModel):
    """`ok`, or what is wrong."""

    status: str
    checks: dict[str, str] = {}
