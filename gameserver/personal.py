"""What members tell so that a prize reaches them: sealed at rest, masked wherever it is only looked at.

AES-256-GCM with a random nonce; the room, prize and unit are authenticated with it, so that what is
sealed for one prize cannot be put beside another. The phone has a blind index: a keyed digest by which
equal numbers are found without opening anything.
"""

import hmac
import os
import re
import unicodedata
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gameserver.errors import Refused
from gameserver.fairness import derive

LEAST_KEY = 32
NONCE_BYTES = 12
VERSION = b"\x01"
INDEX_BYTES = 16
NAME_LENGTH, REGION_LENGTH, ADDRESS_LENGTH = 40, 100, 200
CODE_LENGTH = 10
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is read as another: no 0 O, 1 I L

_CHINESE = re.compile(r"(?:\+?86)?(1\d{10})")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SPACES = str.maketrans("", "", " -()\u00a0\u3000")
# what has no shape of its own, and what turns the direction of the text around it
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class Place(NamedTuple):
    """A unit of a prize in a room."""

    room: str
    prize: str
    unit: int


class Person(msgspec.Struct, array_like=True, frozen=True):
    """Who gets a prize, and where; `phone` is 1xxxxxxxxxx or E.164."""

    name: str
    phone: str
    region: str
    address: str

    def masked(self) -> "Person":
        """As it may be looked at: region whole, nothing else."""
        return Person(masked_name(self.name), masked_phone(self.phone), self.region, "****")


def masked_name(name: str) -> str:
    """The first character."""
    return f"{name[:1]}**"


def masked_phone(phone: str) -> str:
    """Such as 138****1234: four digits hidden, more where they are more, the last four shown."""
    shown = min(3, max(0, len(phone) - 8))
    return f"{phone[:shown]}****{phone[-4:]}"


def phone_of(text: str) -> str | None:
    """A Chinese mobile number (1xxxxxxxxxx) or any in E.164; None where it is neither."""
    bare = unicodedata.normalize("NFKC", text).translate(_SPACES)
    if not bare.isascii():
        return None
    if chinese := _CHINESE.fullmatch(bare):
        return chinese[1]
    return bare if _E164.fullmatch(bare) and not bare.startswith("+86") else None


def line_of(text: str, most: int) -> str | None:
    """A text of 1 to `most` characters on one line, its spaces trimmed; None where it is none."""
    trimmed = text.strip()
    fits = 1 <= len(trimmed) <= most and not any(
        unicodedata.category(sign) in _UNSEEN or unicodedata.bidirectional(sign) in _TURNING
        for sign in trimmed
    )
    return trimmed if fits else None


def person_of(name: str, phone: str, region: str, address: str) -> Person:
    """A person whose every field fits. Raises Refused("bad_request") with the fields that do not."""
    found = {
        "name": line_of(name, NAME_LENGTH),
        "phone": phone_of(phone),
        "region": line_of(region, REGION_LENGTH),
        "address": line_of(address, ADDRESS_LENGTH),
    }
    if wrong := {field: _EXPECTED[field] for field, value in found.items() if value is None}:
        raise Refused("bad_request", fields=wrong)
    return Person(*(value or "" for value in found.values()))


_EXPECTED = {
    "name": f"1 to {NAME_LENGTH} characters on one line",
    "phone": "a mobile number of 11 digits, or one that starts with + and the country",
    "region": f"1 to {REGION_LENGTH} characters on one line",
    "address": f"1 to {ADDRESS_LENGTH} characters on one line",
}


class Seal:
    """Seals and opens what members told; derives redemption codes.

    Args:
        secret: the server's secret key. With one that is too short nothing is sealed or opened:
            every verb raises Refused("no_secret_key").
    """

    def __init__(self, secret: bytes) -> None:
        self._usable = len(secret) >= LEAST_KEY
        self._cipher = AESGCM(derive(secret, "personal"))
        self._index = derive(secret, "phone-index")
        self._redeeming = derive(secret, "redemption")

    def seal(self, person: Person, place: Place) -> bytes:
        """Version, nonce, ciphertext."""
        self._check()
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, msgspec.msgpack.encode(person), _about(place))

    def open(self, sealed: bytes, place: Place) -> Person:
        """What was sealed for this place. Raises Refused("bad_seal") if it was not, or by another key."""
        self._check()
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != VERSION:
                raise InvalidTag
            return msgspec.msgpack.decode(self._cipher.decrypt(nonce, text, _about(place)), type=Person)
        except (InvalidTag, ValueError):
            raise Refused("bad_seal") from None

    def index(self, phone: str) -> bytes:
        """The blind index of a number as `phone_of` gives it: equal for equal numbers, and says no more."""
        self._check()
        return hmac.digest(self._index, phone.encode(), "sha256")[:INDEX_BYTES]

    def redemption_code(self, place: Place, attempt: int = 0) -> str:
        """Ten characters that nobody guesses (49 bits); `attempt` counts up where it is taken."""
        self._check()
        number = int.from_bytes(derive(self._redeeming, *place, attempt))
        letters = []
        for _ in range(CODE_LENGTH):  # of 256 bits the first ten digits are as good as even
            number, letter = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[letter])
        return "".join(letters)

    def _check(self) -> None:
        if not self._usable:
            raise Refused("no_secret_key")


def redemption_code_of(typed: str) -> str:
    """A code as somebody typed it: small letters, spaces and hyphens do not matter."""
    return unicodedata.normalize("NFKC", typed).upper().translate(_SPACES)


def _about(place: Place) -> bytes:
    return "|".join(map(str, place)).encode()
