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
    """Which room, and whether only to watch (the big screen; no token needed) or to conduct it.

    `embed`: the page is shown inside another; reports count it as a channel of its own.
    """

    room: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    spectator: bool = False
    host: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        None, description="the room's host token, from `gameserver room host`"
    )
    embed: bool = False


class Ticket(BaseModel):
    """One use, in the first frame of a socket."""

    ticket: str
    room: str = Field(description="the room's id, also where a game's name was asked for")
    expires_in: int = Field(description="seconds")


class Why(BaseModel):
    """What would decide if the member began a play now; `code` is null where nothing stands in the way."""

    code: str | None = Field(description="a key of the refusal table")
    retry_ms: int | None = Field(description="when it changes by itself, if it does")
    resets_at: int | None = Field(description="the same as a moment")
    free: int | None = Field(description="free plays left; null where they are not limited or not counted")
    extra: int = Field(description="plays that were given beside the free ones")
    cost: int | None = Field(description="points of a play after those; null where none is sold")
    plays_left: int | None = Field(description="of all plays, free or not; null where they are not limited")


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


class AddressForm(_Form):
    """Where a prize is to be sent. What does not fit is told by field."""

    name: str = Field(max_length=1000, description="1 to 40 characters")
    phone: str = Field(max_length=1000, description="a Chinese mobile number, or one in E.164")
    region: str = Field(max_length=1000, description="province, city, district: 1 to 100 characters")
    address: str = Field(max_length=1000, description="street and number: 1 to 200 characters")


class Kept(BaseModel):
    """Where a prize is that is no points; all is null for points."""

    state: str | None = Field(
        None,
        description="given or code_needed; address_needed, to_ship, shipped, received; to_redeem, redeemed; "
        "expired, canceled",
    )
    code: str | None = Field(None, description="the coupon or code itself")
    code_expires_at: int | None = None
    redemption_code: str | None = Field(None, description="shown where the prize is fetched")
    claim_by: int | None = Field(None, description="end of the time to give an address or to fetch it")
    carrier: str | None = None
    tracking: str | None = Field(None, description="the carrier's number")
    address_masked: str | None = Field(None, description="what the member told, hardly readable")
    reason: str | None = Field(None, description="why it was canceled, in the words of the staff")


class Won(Kept):
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
