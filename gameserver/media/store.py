"""Where pictures are kept: a folder or an S3-compatible bucket, by URL.

Keys are content-addressed (`media/pictures.py`): an object is written once and never changed, so everyone may
keep it for ever, and the same picture sent again is one object.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from gameserver.errors import Refused
from gameserver.media.pictures import SMALL_SIDE, THUMB_SIDE, Picture

if TYPE_CHECKING:  # these names exist for type checkers only
    from obstore import Attributes, GetResult
    from obstore.store import ClientConfig, RetryConfig

log = structlog.get_logger()

PATH: Final = "/media/"
TYPE: Final = "image/webp"
PART_BYTES: Final = 2**16
RETRY_MS: Final = 2000
_KEY: Final = re.compile(rf"([0-9a-f]{{64}})(-{THUMB_SIDE}|-{SMALL_SIDE})?\.webp")
_CLIENT: Final["ClientConfig"] = {
    "allow_http": True,  # of an endpoint that its operator named so
    "timeout": timedelta(seconds=15),
    "connect_timeout": timedelta(seconds=3),
}
_RETRY: Final["RetryConfig"] = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}


class Kept(NamedTuple):
    """The addresses of a picture, such as `/media/….webp`, and its sides in pixels."""

    id: str
    url: str
    thumb: str
    small: str
    width: int
    height: int


class Opened(NamedTuple):
    """An object that is being read."""

    size: int
    parts: AsyncIterator[bytes]


def is_key(key: str) -> bool:
    """Whether a key can be one of ours."""
    return _KEY.fullmatch(key) is not None


def key_of(url: str) -> str | None:
    """The key of an address that we gave; None for any other address."""
    key = url.removeprefix(PATH)
    return key if url.startswith(PATH) and is_key(key) else None


def _keys(id_: str) -> tuple[str, str, str]:
    return f"{id_}.webp", f"{id_}-{THUMB_SIDE}.webp", f"{id_}-{SMALL_SIDE}.webp"


class MediaStore:
    """One folder or bucket. Every method raises Refused("media_down") where it does not answer.

    Args:
        url: `file:///folder` (made when it is first used) or `s3://bucket/prefix`, which takes keys, region
            and endpoint from the usual AWS variables, AWS_ENDPOINT_URL among them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: LocalStore | S3Store | None = None

    @property
    def _store(self) -> LocalStore | S3Store:
        if self._opened is None:
            if self._url.startswith("s3://"):
                self._opened = S3Store.from_url(self._url, client_options=_CLIENT, retry_config=_RETRY)
            else:
                folder = Path(unquote(urlsplit(self._url).path))
                self._opened = LocalStore(folder, mkdir=True)
        return self._opened

    async def keep(self, picture: Picture) -> Kept:
        """Keeps a picture in its three sizes; one that is kept already stays as it is."""
        full, thumb, small = keys = _keys(picture.id)
        with _reached():
            # the full one last: where it stands, its thumbs do
            await asyncio.gather(self._put(thumb, picture.thumb), self._put(small, picture.small))
            await self._put(full, picture.full)
        url, thumb_url, small_url = (PATH + key for key in keys)
        return Kept(picture.id, url, thumb_url, small_url, picture.width, picture.height)

    async def open(self, key: str) -> Opened:
        """An object, to be read in parts. Raises Refused("not_found")."""
        _check(key)
        with _reached(), _found():
            found = await obstore.get_async(self._store, key)
        return Opened(found.meta["size"], self._parts(found))

    async def size(self, key: str) -> int:
        """Bytes of an object. Raises Refused("not_found")."""
        _check(key)
        with _reached(), _found():
            return (await obstore.head_async(self._store, key))["size"]

    async def remove(self, id_: str) -> None:
        """Removes a picture in all sizes; copies in browsers stay. Raises Refused("not_found")."""
        full, *thumbs = _keys(id_)
        await self.size(full)
        with _reached():
            # the full one last: what was removed by half can be removed again
            for one in (*thumbs, full):
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._store, one)

    async def _put(self, key: str, body: bytes) -> None:
        # a folder keeps bytes and nothing beside them
        attributes: Attributes | None = {"Content-Type": TYPE} if isinstance(self._store, S3Store) else None
        try:
            await obstore.put_async(self._store, key, body, mode="create", attributes=attributes)
        except AlreadyExistsError:
            log.debug("kept already", key=key)

    async def _parts(self, found: "GetResult") -> AsyncIterator[bytes]:
        with _reached():
            async for part in found.stream(min_chunk_size=PART_BYTES):
                yield bytes(part)


def _check(key: str) -> None:
    if not is_key(key):
        raise Refused("not_found")


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("media down", error=str(error))
        raise Refused("media_down", retry_ms=RETRY_MS) from error


@contextmanager
def _found() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Refused("not_found") from None
