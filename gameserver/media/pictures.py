"""Pictures from outside, made anew: nothing of the bytes that came in is ever served.

What a file is called or says of itself does not count; its content decides. Decoding to pixels and encoding
those drops what else a file may carry: places and names (EXIF, XMP), scripts, a second file behind the first.
"""

import asyncio
import hashlib
import io
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from PIL import Image, ImageCms, ImageOps

from gameserver.errors import Refused

MAX_BYTES: Final = 8 * 2**20
MAX_PIXELS: Final = 40_000_000
MAX_WAITING: Final = 16
LONGEST_SIDE: Final = 2048
THUMB_SIDE: Final = 480
SMALL_SIDE: Final = 96
SECONDS: Final = 20.0
THREADS: Final = 2
RETRY_MS: Final = 2000

QUALITY: Final = 82  # of 100
EFFORT: Final = 4  # of 6: more costs time and saves little
MAX_PROFILE_BYTES: Final = 2**16

_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_SRGB: Final = ImageCms.createProfile("sRGB")


class Picture(NamedTuple):
    """A picture as it is kept: WebP in three sizes, sides in pixels.

    `id` is the SHA-256 of the largest in hex, so that the same picture sent again is the same one.
    """

    id: str
    full: bytes
    thumb: bytes
    small: bytes
    width: int
    height: int


class Developing:
    """Makes pictures on a few threads of their own: decoders run outside the interpreter's lock.

    Args:
        threads: pictures made at once; one of MAX_PIXELS takes some 200 MB while it is made.
        seconds: how long one may take, waiting included.
    """

    def __init__(self, threads: int = THREADS, seconds: float = SECONDS) -> None:
        self._threads = ThreadPoolExecutor(threads, "picture")
        self._seconds = seconds
        self._most = threads + MAX_WAITING
        self._in_hand = 0

    async def picture(self, body: bytes) -> Picture:
        """A file's picture. Raises Refused: bad_picture, too_large, rate_limited (too many wait already)."""
        if self._in_hand >= self._most:
            raise Refused("rate_limited", "too many pictures wait to be made", retry_ms=RETRY_MS)
        deadline = time.monotonic() + self._seconds
        self._in_hand += 1
        making = self._threads.submit(developed, body, deadline)
        # a thread cannot be stopped: it keeps its place until it is done, whoever has stopped waiting
        making.add_done_callback(partial(self._leave, asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(making), self._seconds)
        except TimeoutError:
            raise Refused("bad_picture", f"the picture takes more than {self._seconds:g} s") from None

    def _leave(self, loop: asyncio.AbstractEventLoop, _: "Future[Picture]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._left)

    def _left(self) -> None:
        self._in_hand -= 1

    def close(self) -> None:
        """Takes no more; what is being made is finished in the background."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def developed(body: bytes, deadline: float) -> Picture:
    """Decodes, turns and shrinks a picture, and encodes it anew; blocks for up to seconds.

    Args:
        body: the file: JPEG, PNG, WebP or GIF; of a moving one the first frame counts.
        deadline: of `time.monotonic`; looked at between the steps.

    Raises Refused: bad_picture, too_large.
    """
    if len(body) > MAX_BYTES:
        raise Refused("too_large", f"a picture has at most {MAX_BYTES} bytes")
    kind = kind_of(body)
    if kind is None:
        raise Refused("bad_picture", "neither JPEG, PNG, WebP nor GIF")
    try:
        full = _decoded(body, kind, deadline)
        file, thumb, small = (
            _encoded(full, side, deadline) for side in (LONGEST_SIDE, THUMB_SIDE, SMALL_SIDE)
        )
    except Refused:
        raise
    except Image.DecompressionBombError:  # the library's own limit is met first where a size is absurd
        raise _too_many_pixels() from None
    except Exception as error:  # a decoder that is fed hostile bytes raises whatever it likes
        raise Refused("bad_picture", f"the {kind} cannot be decoded: {type(error).__name__}") from error
    return Picture(hashlib.sha256(file).hexdigest(), file, thumb, small, full.width, full.height)


def kind_of(body: bytes) -> str | None:
    """JPEG, PNG, GIF or WEBP by a file's first bytes; None for anything else."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for magic, kind in _MAGIC if body.startswith(magic)), None)


def _decoded(body: bytes, kind: str, deadline: float) -> Image.Image:
    """The pixels, upright, in sRGB, no side longer than LONGEST_SIDE."""
    image: Image.Image = Image.open(io.BytesIO(body), formats=[kind])
    _check_pixels(image)  # only the header was read so far
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG's decoder halves for nothing
    image.load()
    _check_time(deadline)
    _check_pixels(image)
    colours = _in_srgb(image)
    colours.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    _check_time(deadline)
    return ImageOps.exif_transpose(colours)


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> Refused:
    return Refused("too_large", f"a picture has at most {MAX_PIXELS} pixels")


def _check_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Refused("bad_picture", "the picture takes too long")


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGB or RGBA. Phones write wider colours with a profile, which would look dull without it."""
    if image.mode.startswith("I"):  # 16 bits of grey: converting would cut and not scale
        image = image.convert("I").point(lambda grey: grey / 256).convert("L")
    profile = image.info.get("icc_profile")
    if image.mode in ("RGB", "CMYK") and profile and len(profile) <= MAX_PROFILE_BYTES:
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the colours as they stand
        else:
            if converted is not None:
                return converted
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _encoded(image: Image.Image, side: int, deadline: float) -> bytes:
    """WebP, no side longer than `side`."""
    _check_time(deadline)
    sized = image.copy()
    sized.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    file = io.BytesIO()
    sized.save(file, "WEBP", quality=QUALITY, method=EFFORT)
    return file.getvalue()
