"""Every error of the ledger's HTTP API: its codes, their statuses, and how they are written."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

AWAY_RETRY_MS = 1000


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every error of the API; `message` is for engineers, `fields` is text by dotted path."""

    code: str
    message: str
    retry_ms: int | None = None
    fields: dict[str, str] | None = None


class _Line(NamedTuple):
    status: int
    message: str


PROBLEMS: dict[str, _Line] = {
    "unauthorized": _Line(401, "a valid bearer token is required"),
    "read_only": _Line(403, "this token may only read"),
    "not_found": _Line(404, "there is no such path"),
    "unknown_letter": _Line(404, "there is no unresolved letter of that id"),
    "method_not_allowed": _Line(405, "this path does not take that method"),
    "stale_epoch": _Line(409, "the lane was taken over by a worker of a newer epoch"),
    "too_large": _Line(413, "the body is larger than 4 MB"),
    "bad_request": _Line(422, "the request does not fit the documented form"),
    "internal": _Line(500, "an unexpected error; it was logged"),
    "ledger_away": _Line(503, "the ledger cannot take anything now; repeat the same request later"),
}


class Refused(Exception):  # noqa: N818 - an expected answer, not an error
    """A request is answered with a problem.

    Args:
        code: a key of `PROBLEMS`.
        message: overrides the table's text where a detail helps an engineer.
        retry_ms: milliseconds after which a repetition may succeed.
        fields: error text by dotted path of the offending field.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        retry_ms: int | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        line = PROBLEMS[code]
        super().__init__(code)
        self.status = line.status
        self.problem = Problem(code, message or line.message, retry_ms, dict(fields) if fields else None)
