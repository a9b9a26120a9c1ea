"""What the ledger's HTTP API takes and gives beside the structs of the contract, and where its bounds are.

Fields are named as in `ledger_client.entry` and `ledger_client.ledger`; ids are UUIDs as text, times are ms.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger_client.entry import Entry
from ledger_client.ledger import HoldAsk, LaneAt, Outcome

MAX_BODY = 4 * 1024 * 1024
MAX_ENTRIES = 2000
MAX_LINES = 100_000
# what JSON's readers keep exact
MAX_MS = 2**53 - 1
MAX_POINTS = 10**12
MAX_NAME = 80
# control characters: none of ours has them, and PostgreSQL keeps no NUL
NAME_PATTERN = r"^[^\x00-\x1f\x7f]*$"

_INT64 = Meta(ge=-(2**63), le=2**63 - 1)
_Int64 = Annotated[int, _INT64]
_Name = Annotated[str, Meta(max_length=MAX_NAME, pattern=NAME_PATTERN)]
_Named = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
_Points = Annotated[int, Meta(ge=1, le=MAX_POINTS)]
_Ms = Annotated[int, Meta(ge=0, le=MAX_MS)]


class EntryForm(Entry, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One movement; what `about`, `until`, `to` and `reverses` mean depends on the kind.

    Only its form is judged here. Values that the books cannot take (no amount, an endless name) get the
    outcome "dead" of their own, so that one bad entry never holds up its whole batch.
    """

    amount: _Int64
    occurred_at: _Int64
    rule_version: _Int64
    until: _Int64 | None = None


class LaneForm(LaneAt, frozen=True, forbid_unknown_fields=True):
    """Who speaks ("r42.0", "mall"), under which epoch, up to which id of its outbox."""

    id: _Named
    epoch: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    outbox_id: Annotated[str, Meta(pattern=r"^[0-9]{1,20}-[0-9]{1,20}$")] = "0-0"


class HoldForm(HoldAsk, frozen=True, forbid_unknown_fields=True):
    """Asks for points in a purse; number 0 opens it, 1, 2 ... top it up."""

    number: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    member: _Named
    campaign: _Name
    room: _Name
    wanted: _Points
    step: _Points
    until: _Ms
    occurred_at: _Ms


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of a lane: all of it is applied, or nothing."""

    lane: LaneForm
    entries: Annotated[list[EntryForm], Meta(max_length=MAX_ENTRIES)]


class Asks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks of a lane for points in purses."""

    lane: LaneForm
    asks: Annotated[list[HoldForm], Meta(max_length=MAX_ENTRIES)]


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a campaign is to be funded with, in all."""

    budget: Annotated[int, Meta(ge=0, le=MAX_POINTS)]


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to when upkeep is done."""

    now: _Ms


class Funded(msgspec.Struct, frozen=True):
    """What a campaign was funded with, in all."""

    funded: int


class Owned(msgspec.Struct, frozen=True):
    """What a member owned at a time, available and held."""

    owned: int


class Health(msgspec.Struct, frozen=True):
    """The process turns."""

    status: str = "ok"


Outcomes = list[Outcome]
