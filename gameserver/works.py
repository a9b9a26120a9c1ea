"""What a contestant shows, as it is taken in: bounded texts without control characters, and pictures."""

import re
from collections.abc import Sequence
from typing import Final

from gameserver.media.store import PATH, key_of
from gameserver.records.contestants import Picture

NAME_MOST: Final = 40
TEXT_MOST: Final = 2000
MEDIA_MOST: Final = 20
URL_MOST: Final = 500
REASON_MOST: Final = 200
_ID_LENGTH: Final = 64
# what a line of text cannot hold; a text may have line breaks and tabs
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_URL = re.compile(r"https://[^\s\"'<>\\]+")


def name_of(text: str, most: int = NAME_MOST) -> str:
    """One line. Raises ValueError with what is wrong."""
    line = text.strip()
    if not 1 <= len(line) <= most:
        raise ValueError(f"1 to {most} characters are needed")
    if _CONTROLS.search(line):
        raise ValueError("a line break or a control character is in it")
    return line


def text_of(text: str, most: int = TEXT_MOST) -> str:
    """A text of any number of lines, which may be empty. Raises ValueError with what is wrong."""
    kept = text.replace("\r\n", "\n").strip()
    if len(kept) > most:
        raise ValueError(f"at most {most} characters are allowed")
    if _CONTROLS.search(kept.replace("\n", "").replace("\t", "")):
        raise ValueError("a control character is in it")
    return kept


def group_of(text: str, groups: Sequence[str]) -> str:
    """One of the room's groups, or "". Raises ValueError with what is wrong."""
    group = text.strip()
    if group and group not in groups:
        known = ", ".join(groups)
        raise ValueError(f"the room's groups are: {known}" if groups else "the room has no groups")
    return group


def own_picture(url: str) -> Picture:
    """A picture of the media store, by its address in any size or by its id. Raises ValueError."""
    key = key_of(url if url.startswith(PATH) else f"{PATH}{url}.webp")
    if key is None:
        raise ValueError("no picture that was sent to this server")
    id_ = key[:_ID_LENGTH]
    return Picture(f"{PATH}{id_}.webp", f"{PATH}{id_}-480.webp")


def any_picture(url: str) -> Picture:
    """The same, or a picture at any https address. Raises ValueError."""
    if url.startswith("https://"):
        if len(url) > URL_MOST or not _URL.fullmatch(url):
            raise ValueError(f"no address of at most {URL_MOST} characters")
        return Picture(url, url)
    return own_picture(url)
