"""Every refusal and close code of the system, in one table each.

Members read messages from the page's own files by `code`; `message` here is for engineers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class CloseCode(IntEnum):
    """WebSocket close codes. 4000-4099: reconnect. 4100-4199: do not (each says why)."""

    RESTART = 4000  # this node restarts or is drained
    TOO_SLOW = 4001  # the reader did not take what it must not lose
    HELLO_TIMEOUT = 4002  # no hello within 5 s
    NO_PONG = 4003  # the peer did not answer a ping
    NOT_READY = 4004  # the room's state is not there: not open yet, or being rebuilt
    BAD_TICKET = 4100  # ticket unknown, used or expired: get a new one first
    BANNED = 4101
    ROOM_CLOSED = 4102
    REPLACED = 4103  # the same session was opened elsewhere
    BAD_HELLO = 4104  # the first frame was not a valid hello
    TOO_MANY_FRAMES = 4105
    UNKNOWN_ROOM = 4106


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line of the table: the HTTP status where it leaves over HTTP, and the engineers' text."""

    status: int
    message: str


REFUSALS: dict[str, Refusal] = {
    # frames
    "bad_frame": Refusal(400, "the frame is not valid JSON or MessagePack"),
    "unknown_op": Refusal(400, "this game has no such command"),
    "bad_field": Refusal(422, "a field is missing, unknown, or of the wrong type"),
    "hello_required": Refusal(400, "the first frame must be hello"),
    "hello_repeated": Refusal(400, "this connection has already said hello"),
    "bad_ticket": Refusal(401, "the ticket is unknown, used, or expired"),
    "spectator": Refusal(403, "a spectator only watches"),
    "not_host": Refusal(403, "a host's commands need the room's host token, and a host plays no game"),
    "too_many_in_flight": Refusal(429, "more unanswered commands than the answer memory holds"),
    # the gate, in the order in which it decides
    "session_unknown": Refusal(409, "the session is not known here: say hello again"),
    "ref_too_old": Refusal(409, "the ref is older than the answers kept; it was not executed"),
    "blocked": Refusal(403, "the member is on the block list"),
    "not_open": Refusal(409, "the room is not open yet"),
    "paused": Refusal(409, "the room is paused by its staff"),
    "closed": Refusal(409, "the room is closed"),
    "not_in_audience": Refusal(403, "the room is for other levels or tags"),
    "no_chance_left": Refusal(409, "no chance is left"),
    "rate_limited": Refusal(429, "too many commands"),
    "not_enough_points": Refusal(409, "the member has not the points that a play costs"),
    "win_limit": Refusal(409, "the member has won as often as the rules allow"),
    "points_cap": Refusal(409, "the member has got as many points as the campaign allows for now"),
    "sold_out": Refusal(409, "nothing is left"),
    # the house
    "lane_lost": Refusal(503, "the room's state is being rebuilt"),
    "store_down": Refusal(503, "the store does not answer"),
    "ledger_down": Refusal(503, "the ledger does not answer"),
    "record_down": Refusal(503, "the record does not answer"),
    "internal": Refusal(500, "an unexpected error; it was logged"),
    # callers of the points API
    "bad_signature": Refusal(401, "the caller is unknown or the signature does not hold"),
    "stale_request": Refusal(401, "the request was signed too long ago or ahead of time"),
    "not_allowed": Refusal(403, "the caller may not tell of such events"),
    "source_id_reused": Refusal(409, "another event was told under this id before"),
    "too_large": Refusal(413, "the body is larger than this path takes"),
    "caller_exists": Refusal(409, "there is a caller of that name already"),
    # pictures
    "bad_picture": Refusal(422, "the file is no picture that can be read"),
    "too_slow": Refusal(408, "the body took too long to arrive"),
    "media_down": Refusal(503, "the media store does not answer"),
    # contestants
    "signup_not_open": Refusal(409, "the room does not take sign-ups yet"),
    "signup_closed": Refusal(409, "the room takes no sign-ups, or none any more"),
    "signed_up": Refusal(409, "the member has signed up before"),
    "too_many_contestants": Refusal(409, "the room has as many contestants as can be numbered"),
    # HTTP
    "unauthorized": Refusal(401, "a valid bearer token is required"),
    "forbidden_origin": Refusal(403, "this origin may not open a socket"),
    "not_found": Refusal(404, "there is no such thing"),
    "bad_request": Refusal(422, "the request does not fit the documented form"),
    "method_not_allowed": Refusal(405, "this path does not take that method"),
    "demo_only": Refusal(404, "this exists only in demo mode"),
    "unknown_game": Refusal(404, "there is no such game"),
    "bad_config": Refusal(422, "the config does not fit the game's schema"),
    "bad_state": Refusal(409, "the room's state does not allow this"),
    "budget_too_small": Refusal(409, "the campaign's budget does not cover the room's points"),
    "bad_table": Refusal(422, "the table cannot be read, or rows of it do not fit"),
    "too_few_codes": Refusal(409, "the code pool has not as many free codes as are needed"),
    "claim_expired": Refusal(409, "the time to claim the prize is over"),
    "already_shipped": Refusal(409, "the prize is on its way already"),
    "already_redeemed": Refusal(409, "the redemption code has been used before"),
    "no_secret_key": Refusal(503, "set SECRET_KEY to at least 32 random characters, the same everywhere"),
    "bad_seal": Refusal(503, "it was sealed under another SECRET_KEY, or for another prize"),
    "reference_used": Refusal(409, "the reference was used before, for something else or in vain"),
    "ledger_refused": Refusal(409, "the ledger does not allow it"),
    "pages_missing": Refusal(503, "the pages are not built: run `make pages`"),
}


class Refused(Exception):  # noqa: N818 - an expected answer, not an error
    """An expected refusal. Anything else that is raised is a bug.

    Args:
        code: a key of `REFUSALS` or of the game's own table.
        message: overrides the table's text where a detail helps an engineer.
        retry_ms: milliseconds after which a repetition may succeed; None where it never will.
        fields: error text by dotted path of the offending field.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        retry_ms: int | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message or message_of(code)
        self.retry_ms = retry_ms
        self.fields = fields


def message_of(code: str) -> str:
    """The engineers' text of a code; games' own codes explain themselves in their folder."""
    line = REFUSALS.get(code)
    return line.message if line else code


def status_of(code: str) -> int:
    """The HTTP status of a code."""
    line = REFUSALS.get(code)
    return line.status if line else 409
