"""Members' bearer tokens, and the tokens of rooms' hosts: JWT, algorithm pinned."""

import secrets
import time

import jwt
import msgspec

from gameserver.errors import Refused
from gameserver.fairness import derive

ALGORITHM = "HS256"
DEMO_SECONDS = 30 * 24 * 3600
NAME_LENGTH = 24


class Member(msgspec.Struct, frozen=True):
    """Who a token speaks for."""

    id: str
    name: str
    levels: list[str]
    tags: list[str]


class Tokens:
    """Issues the demo's tokens and verifies all.

    Args:
        secret: the server's secret key.
    """

    def __init__(self, secret: str) -> None:
        self._key = derive(secret.encode(), "member-token")
        self._host_key = derive(secret.encode(), "host-token")

    def issue(self, name: str) -> tuple[str, Member]:
        """A demo member with a token for DEMO_SECONDS."""
        member = Member("m" + secrets.token_hex(5), name, [], [])
        claims = {"sub": member.id, "name": name, "exp": int(time.time()) + DEMO_SECONDS}
        return jwt.encode(claims, self._key, ALGORITHM), member

    def issue_host(self, room: str, seconds: int) -> str:
        """Lets whoever has it conduct that room, for so long."""
        return jwt.encode({"room": room, "exp": int(time.time()) + seconds}, self._host_key, ALGORITHM)

    def verify_host(self, token: str, room: str) -> None:
        """Raises Refused("unauthorized") where it is no host token of that room."""
        try:
            claims = jwt.decode(token, self._host_key, [ALGORITHM], options={"require": ["exp", "room"]})
        except jwt.PyJWTError as error:
            raise Refused("unauthorized", f"the host token does not hold: {error}") from None
        if claims["room"] != room:
            raise Refused("unauthorized", "the host token is another room's")

    def verify(self, authorization: str | None) -> Member:
        """The member of an `Authorization` header. Raises Refused("unauthorized")."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused("unauthorized")
        try:
            claims = jwt.decode(token.strip(), self._key, [ALGORITHM], options={"require": ["exp", "sub"]})
            return Member(
                id=_subject(claims["sub"]),
                name=_text(claims.get("name", ""), NAME_LENGTH),
                levels=[_text(level, 40) for level in claims.get("levels", [])],
                tags=[_text(tag, 40) for tag in claims.get("tags", [])],
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise Refused("unauthorized", f"the token does not hold: {error}") from None


def _subject(value: object) -> str:
    """A member's id. The empty one is the spectators' and the clocks'; hosts and staff begin with "!"."""
    id_ = _text(value, 64)
    if not id_ or id_.startswith("!"):
        raise ValueError("the subject is no member's id")
    return id_


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError("a claim is not printable text")
    return value[:longest]
