"""The terms of a campaign: the timezone of its days, how much may be earned, when points expire. Pure."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

Points = Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class Expiry(StrEnum):
    """When a lot expires. All at local midnight: a day, month or year counts whole."""

    NEVER = "never"
    FIXED = "fixed"  # `months` after the day of earning
    MONTHLY = "monthly"  # `months` after the end of the month of earning: one date for all of a month
    YEAR_END = "year_end"  # at the end of the year of earning, or `months` / 12 years later


class Reversal(StrEnum):
    """What becomes of a reversal whose points are spent."""

    REFUSE = "refuse"
    DEBT = "debt"  # the member's balance goes below zero, and what is earned next pays it


class Caps(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Points one member may earn in the campaign per local day, month and year; None: no cap."""

    day: Points | None = None
    month: Points | None = None
    year: Points | None = None

    @property
    def any(self) -> bool:
        """Whether anything is capped."""
        return self.day is not None or self.month is not None or self.year is not None


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`transfer_per_day`: points one member may give to others per local day; None: no transfers.

    `remind_days`: how many days before an expiry its member is told.
    """

    timezone: str = "Asia/Shanghai"
    caps: Caps = Caps()
    expiry: Expiry = Expiry.NEVER
    months: Annotated[int, msgspec.Meta(ge=0, le=600)] = 12
    reversal: Reversal = Reversal.REFUSE
    transfer_per_day: Points | None = None
    remind_days: tuple[Annotated[int, msgspec.Meta(ge=1, le=365)], ...] = (30, 7, 1)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # not found, no name at all, a folder of zones
            raise ValueError(f"there is no timezone {self.timezone!r}") from None
        if self.expiry is Expiry.FIXED and self.months < 1:
            raise ValueError("a fixed expiry needs at least one month")
        if self.expiry is Expiry.YEAR_END and self.months % 12:
            raise ValueError("a year-end expiry takes whole years: months must be a multiple of 12")


def encode_terms(terms: Terms) -> bytes:
    """Terms as JSON; what is at its default is left out."""
    return msgspec.json.encode(terms)


@lru_cache(maxsize=1024)
def decode_terms(raw: bytes | str) -> Terms:
    """Terms from JSON. Raises msgspec.ValidationError saying which field does not fit."""
    return msgspec.json.decode(raw, type=Terms)
