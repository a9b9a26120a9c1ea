"""Pictures over HTTP: members send them, anyone may look at them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from gameserver.errors import Refused
from gameserver.games.game import MemberId
from gameserver.http.bodies import body_up_to
from gameserver.http.tokens import Member, Tokens
from gameserver.media.pictures import MAX_BYTES, Developing
from gameserver.media.store import TYPE, MediaStore, is_key
from gameserver.store.uploads import Uploads

SEND_SECONDS: Final = 90
MOST_AT_ONCE: Final = 32  # bodies in the memory of one process
MOST_OF_ONE: Final = 4
RETRY_MS: Final = 2000

HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-disposition": "inline",
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "the copy at hand is still right"},
}


class Uploaded(BaseModel):
    """A picture as it is kept: WebP, upright, without what the file said of its place and maker."""

    id: str = Field(description="the same for the same picture")
    url: str = Field(description="path on this server; the longest side has at most 2048 pixels")
    thumb: str = Field(description="the same with at most 480")
    small: str = Field(description="the same with at most 96")
    width: int = Field(description="pixels, of `url`")
    height: int


class MediaApi:
    """The routes, on what they need.

    Args:
        media: where pictures are kept.
        uploads: how much members have sent.
        tokens: members' tokens.
    """

    def __init__(self, media: MediaStore, uploads: Uploads, tokens: Tokens) -> None:
        self._media = media
        self._uploads = uploads
        self._tokens = tokens
        self._developing = Developing()
        self._sending: Counter[str] = Counter()

    def router(self) -> APIRouter:
        """POST /api/media and GET /media/{key}."""
        router = APIRouter(tags=["media"])

        def member(authorization: Annotated[str | None, Header()] = None) -> Member:
            return self._tokens.verify(authorization)

        @router.post("/api/media", openapi_extra=_BODY)
        async def send(request: Request, caller: Annotated[Member, Depends(member)]) -> Uploaded:
            """Keeps a picture: JPEG, PNG, WebP or GIF by content, up to 8 MiB and 40 megapixels."""
            with self._place(caller.id):
                return await self._keep(request, MemberId(caller.id))

        @router.get("/media/{key}", response_class=StreamingResponse, responses=_PICTURE)
        async def picture(key: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
            """A picture; it never changes."""
            return await self._picture(key, if_none_match)

        @router.head("/media/{key}", include_in_schema=False)
        async def size(key: str) -> Response:
            length = await self._media.size(key)
            return Response(headers=_headers(key, length), media_type=TYPE)

        return router

    def close(self) -> None:
        """Ends the threads."""
        self._developing.close()

    @contextmanager
    def _place(self, member: str) -> Iterator[None]:
        """One of the places for bodies under way. Raises Refused("rate_limited")."""
        if self._sending.total() >= MOST_AT_ONCE or self._sending[member] >= MOST_OF_ONE:
            raise Refused("rate_limited", "too many uploads at once", retry_ms=RETRY_MS)
        self._sending[member] += 1
        try:
            yield
        finally:
            self._sending[member] -= 1
            if not self._sending[member]:
                del self._sending[member]

    async def _keep(self, request: Request, member: MemberId) -> Uploaded:
        await self._uploads.begin(member)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                body = await body_up_to(request, MAX_BYTES)
        except TimeoutError:
            raise Refused("too_slow", f"a picture must arrive within {SEND_SECONDS} s") from None
        await self._uploads.take(member, len(body))
        kept = await self._media.keep(await self._developing.picture(body))
        return Uploaded(**kept._asdict())

    async def _picture(self, key: str, if_none_match: str | None) -> Response:
        if not is_key(key):
            raise Refused("not_found")
        if if_none_match is not None and _holds(key, if_none_match):
            return Response(status_code=304, headers=_headers(key))
        opened = await self._media.open(key)
        return StreamingResponse(opened.parts, headers=_headers(key, opened.size), media_type=TYPE)


def _headers(key: str, size: int | None = None) -> dict[str, str]:
    length = {} if size is None else {"content-length": str(size)}
    return {**HEADERS, **length, "etag": _etag(key)}


def _etag(key: str) -> str:
    return f'"{key.removesuffix(".webp")}"'


def _holds(key: str, if_none_match: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(tags & {_etag(key), "*"})
