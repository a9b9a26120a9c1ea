"""Who may call the ledger over HTTP: bearer tokens, compared in constant time."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ledger_client.http.problems import Refused

TOKEN_LENGTH = 32

_BEARER = HTTPBearer(auto_error=False, description="one of the ledger's tokens")
_Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


class Tokens:
    """The tokens that may write (and read), and those that may only read.

    Raises ValueError where nobody could write, or where a token is short enough to be guessed.
    """

    def __init__(self, writing: Iterable[str], reading: Iterable[str] = ()) -> None:
        writers, readers = list(writing), list(reading)
        if not writers:
            raise ValueError("the ledger needs at least one token that may write")
        if any(len(token) < TOKEN_LENGTH for token in (*writers, *readers)):
            raise ValueError(f"a token of the ledger has at least {TOKEN_LENGTH} characters")
        self._writing = [_digest(token) for token in writers]
        self._reading = [_digest(token) for token in readers]

    @classmethod
    def parse(cls, writing: str, reading: str = "") -> "Tokens":
        """Tokens from two lists with commas between them."""
        return cls(_listed(writing), _listed(reading))

    def may_read(self, shown: _Shown) -> None:
        """Raises Refused unless the request shows any of the tokens."""
        if not (_among(self._writing, shown) | _among(self._reading, shown)):
            raise Refused("unauthorized")

    def may_write(self, shown: _Shown) -> None:
        """Raises Refused unless the request shows a token that may write."""
        if not _among(self._writing, shown):
            raise Refused("read_only" if _among(self._reading, shown) else "unauthorized")


def _listed(tokens: str) -> list[str]:
    return [token.strip() for token in tokens.split(",") if token.strip()]


def _digest(token: str) -> bytes:
    # of one length, so that comparing tells nothing of the token's
    return hashlib.sha256(token.encode()).digest()


def _among(known: Iterable[bytes], shown: HTTPAuthorizationCredentials | None) -> bool:
    """Looks at every token, so that the time taken does not tell which one was nearly right."""
    if shown is None:
        return False
    digest = _digest(shown.credentials)
    return sum(hmac.compare_digest(digest, token) for token in known) > 0
