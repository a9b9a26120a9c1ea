"""Contestants over HTTP: the list with its numbers, and members who sign up."""

import time
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from gameserver.errors import Refused
from gameserver.games.contests import ContestConfig, Signup
from gameserver.games.game import MemberId, RoomId
from gameserver.games.room_config import ms
from gameserver.http.contestant_lists import ContestantLists, Line, Listing
from gameserver.http.tokens import Member, Tokens
from gameserver.media.store import PATH, MediaStore
from gameserver.records.contestants import Contestant as Entry
from gameserver.records.contestants import Work
from gameserver.records.rooms import Room, RoomState
from gameserver.rooms.hub import Hub
from gameserver.staff.contestants import Contestants
from gameserver.works import group_of, name_of, own_picture, text_of

PAGE = 50
MOST_A_PAGE = 200
SEARCH_MOST = 40
MAX_SEED = 2**53 - 1
_NO_STORE = {"cache-control": "no-store"}
_STATES = {RoomState.DRAFT: "not_open", RoomState.PAUSED: "paused", RoomState.CLOSED: "closed"}

Order = Literal["number", "newest", "votes", "random"]


class Pictured(BaseModel):
    """Addresses of a picture, whole and small."""

    url: str
    thumb: str


class Contestant(BaseModel):
    """One of the list. Numbers are null where the caller may not see them yet."""

    id: str = Field(description="as ballots name it")
    number: int
    name: str
    cover: str | None
    thumb: str | None
    group: str
    text: str
    media: list[Pictured]
    votes: int | None = Field(description="votes that count")
    raw: int | None = Field(description="all votes given: counted, removed, and those kept apart in a review")
    counted: int | None
    removed: int | None
    state: Literal["approved", "under_review"]
    reason: str | None = Field(description="of the review, or of the last decision on kept votes")


class ContestantList(BaseModel):
    """A page of the list."""

    contestants: list[Contestant]
    total: int = Field(description="contestants that fit the search, on all pages")
    next: str | None = Field(description="what to ask for with `after`; null on the last page")
    order: Order = Field(description="by number where votes were asked for and may not be seen yet")


class SignupForm(BaseModel):
    """What a member shows of themselves."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    text: str = Field("", max_length=10_000)
    group: str = Field("", max_length=200)
    media: list[Annotated[str, Field(max_length=500)]] = Field(
        default_factory=list, max_length=50, description="ids or urls that POST /api/media gave"
    )


class SignedUp(BaseModel):
    """One's own sign-up."""

    state: Literal["pending", "approved", "rejected", "withdrawn"]
    reason: str | None
    id: str | None = Field(description="the contestant's, once approved")
    number: int | None
    name: str
    text: str
    group: str
    media: list[Pictured]
    sent_at: int


class ContestantsApi:
    """The routes, on what they need.

    Args:
        lists: what is shown.
        hub: this process's rooms.
        contestants: where sign-ups go.
        media: where the pictures of sign-ups are.
        tokens: members' tokens.
    """

    def __init__(
        self, lists: ContestantLists, hub: Hub, contestants: Contestants, media: MediaStore, tokens: Tokens
    ) -> None:
        self._lists = lists
        self._hub = hub
        self._contestants = contestants
        self._media = media
        self._tokens = tokens

    def router(self) -> APIRouter:
        """The routes under /api/rooms/{room}."""
        router = APIRouter(prefix="/api/rooms/{room}", tags=["contestants"])

        def guest(authorization: Annotated[str | None, Header()] = None) -> Member | None:
            return self._tokens.verify(authorization) if authorization else None

        def member(authorization: Annotated[str | None, Header()] = None) -> Member:
            return self._tokens.verify(authorization)

        Guest = Annotated[Member | None, Depends(guest)]  # noqa: N806 - a type
        Caller = Annotated[Member, Depends(member)]  # noqa: N806 - a type

        @router.get("/contestants", response_model=ContestantList)
        async def contestants(
            room: str,
            caller: Guest,
            order: Order = "number",
            search: Annotated[str, Query(max_length=SEARCH_MOST)] = "",
            group: Annotated[str, Query(max_length=SEARCH_MOST)] = "",
            seed: Annotated[int, Query(ge=0, le=MAX_SEED)] = 0,
            after: Annotated[str, Query(max_length=10)] = "",
            limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = PAGE,
        ) -> Response:
            """The list, page by page. `search` looks in names, and for a number."""
            listing = await self._lists.of(RoomId(room))
            shows = await self._shows(listing, caller)
            by: Order = order if shows or order != "votes" else "number"
            lines = _found(listing.ordered(by, seed), search.strip(), group)
            page, following = _page(lines, after, limit)
            return _json(
                {
                    "contestants": [_shown(listing, line, shows=shows) for line in page],
                    "total": len(lines),
                    "next": following,
                    "order": by,
                }
            )

        @router.get("/contestants/{contestant}", response_model=Contestant)
        async def contestant(room: str, contestant: str, caller: Guest) -> Response:
            """One contestant."""
            listing = await self._lists.of(RoomId(room))
            line = listing.line(contestant)
            if line is None:
                raise Refused("not_found", f"room {room} has no contestant {contestant!r} in its list")
            return _json(_shown(listing, line, shows=await self._shows(listing, caller)))

        @router.post("/signups")
        async def sign_up(room: str, form: SignupForm, caller: Caller) -> SignedUp:
            """Puts the member forward; staff look at it. Once a member, and again after a rejection."""
            record, config = await self._contestants.room(RoomId(room))
            signup = _admitted(record, config, caller)
            work = await self._work(form, signup, config)
            return _signed_up(await self._contestants.sign_up(record.id, MemberId(caller.id), work))

        @router.get("/signups")
        async def my_sign_up(room: str, caller: Caller) -> SignedUp:
            """The member's own sign-up, and what became of it."""
            found = await self._contestants.signed_up(RoomId(room), MemberId(caller.id))
            if found is None:
                raise Refused("not_found", "the member has not signed up")
            return _signed_up(found)

        return router

    async def _shows(self, listing: Listing, caller: Member | None) -> bool:
        """Whether the caller may see the numbers, as the lane's own view decides."""
        if not listing.has_counts:
            return False
        if listing.config.results == "always" or listing.room.state is RoomState.CLOSED:
            return True
        loaded = await self._hub.room(listing.room.id)
        member = MemberId(caller.id if caller else "")
        ((view, _),) = await loaded.lane.store.views([member])
        return loaded.plan.snapshot(member, loaded.now(), view)["votes"] is not None

    async def _work(self, form: SignupForm, signup: Signup, config: ContestConfig) -> Work:
        """What the form shows. Raises Refused("bad_request") with what is wrong by field."""
        wrong: dict[str, str] = {}

        def checked(field: str, check: Any, *arguments: Any) -> Any:
            try:
                return check(*arguments)
            except ValueError as error:
                wrong[field] = str(error)

        name = checked("name", name_of, form.name)
        text = checked("text", text_of, form.text, signup.text_max)
        group = checked("group", group_of, form.group, config.groups)
        if len(form.media) > signup.media_max:
            wrong["media"] = f"at most {signup.media_max} pictures are allowed"
        pictures = [checked(f"media.{at}", own_picture, url) for at, url in enumerate(form.media)]
        if not wrong:
            for at, picture in enumerate(pictures):
                if not await self._is_there(picture.url):
                    wrong[f"media.{at}"] = "there is no such picture"
        if wrong:
            raise Refused("bad_request", fields=wrong)
        first = pictures[0] if pictures else None
        return Work(
            name=name,
            text=text,
            group=group,
            cover=first.url if first else None,
            thumb=first.thumb if first else None,
            media=tuple(pictures),
        )

    async def _is_there(self, url: str) -> bool:
        try:
            await self._media.size(url.removeprefix(PATH))
        except Refused as refused:
            if refused.code != "not_found":
                raise
            return False
        return True


def _admitted(room: Room, config: ContestConfig, caller: Member) -> Signup:
    """The room's sign-up, where the member may take part in it now."""
    if caller.id in config.audience.blocklist:
        raise Refused("blocked")
    if room.state is not RoomState.OPEN:
        raise Refused(_STATES[room.state])
    signup, now = config.signup, time.time_ns() // 1_000_000
    if signup is None or (signup.closes_at and now > ms(signup.closes_at)):
        raise Refused("signup_closed")
    opens = signup.opens_at or config.opens_at
    if opens and now < ms(opens):
        raise Refused("signup_not_open", retry_ms=ms(opens) - now)
    if config.closes_at and now > ms(config.closes_at):
        raise Refused("closed")
    if not config.audience.admits(frozenset(caller.levels), frozenset(caller.tags)):
        raise Refused("not_in_audience")
    return signup


def _found(lines: list[Line], search: str, group: str) -> list[Line]:
    if group:
        lines = [line for line in lines if line.contestant.work.group == group]
    if search:
        wanted = search.casefold()
        digits = wanted.removeprefix("c").removeprefix("#")
        number = int(digits) if digits.isascii() and digits.isdigit() else None
        lines = [line for line in lines if wanted in line.folded or line.number == number]
    return lines


def _page(lines: list[Line], after: str, limit: int) -> tuple[list[Line], str | None]:
    """The lines after one, and what the page after them comes after; nothing after one that is gone."""
    first = 0
    if after:
        first = next((at + 1 for at, line in enumerate(lines) if line.id == after), len(lines))
    page = lines[first : first + limit]
    return page, page[-1].id if first + limit < len(lines) else None


def _shown(listing: Listing, line: Line, *, shows: bool) -> dict[str, Any]:
    work, standing = line.contestant.work, listing.standing(line)
    return {
        "id": line.id,
        "number": line.number,
        "name": work.name,
        "cover": work.cover,
        "thumb": work.thumb,
        "group": work.group,
        "text": work.text,
        "media": work.media,
        "votes": standing.counted if shows else None,
        "raw": standing.raw if shows else None,
        "counted": standing.counted if shows else None,
        "removed": standing.removed if shows else None,
        "state": "under_review" if standing.state == "under_review" else "approved",
        "reason": standing.reason if standing.state != "withdrawn" else None,
    }


def _signed_up(entry: Entry) -> SignedUp:
    work = entry.work
    return SignedUp(
        state=entry.state.value,
        reason=entry.reason,
        id=entry.id,
        number=entry.number,
        name=work.name,
        text=work.text,
        group=work.group,
        media=[Pictured(url=picture.url, thumb=picture.thumb) for picture in work.media],
        sent_at=entry.created_at,
    )


def _json(shown: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(shown), media_type="application/json", headers=_NO_STORE)
