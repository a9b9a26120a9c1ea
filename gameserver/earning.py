"""What an outside event earns under a campaign's rules. Pure; whole numbers, rounded once, at the end.

    points = floor(eligible / cents_per_point x band x level x birthday x boosts)      of a rate
    points = floor(fixed x level x birthday x boosts)                                  of a fixed rule

The multipliers are multiplied with each other and together bounded by `max_percent`; nothing is rounded
before the end. Eligible is the part of the amount that earns: where some items are excluded or redeemed,
the amount in the proportion of the others' prices, so that a discount on the whole order is borne by all.
A band multiplies the whole eligible amount that lies in it and not only what exceeds its border, as
retail members' programmes do.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from gameserver.games.game import CampaignId, MemberId
from ledger_client.calendar import periods
from ledger_client.terms import Caps, Expiry, Terms

MAX_CENTS = 10**10
MAX_ITEMS = 500
RETURN, FREEZE, THAW = "return", "freeze", "thaw"
FOLLOWING = frozenset({RETURN, FREEZE, THAW})
"""Kinds that earn nothing and are about an earlier event: take its points back, hold them, free them."""

EventKind = Annotated[str, Meta(pattern="^[a-z_]{1,32}$", description="such as purchase, sign_in, review")]
Percent = Annotated[int, Meta(ge=1, le=10_000, description="100 leaves the points as they are; at most x100")]
Cents = Annotated[int, Meta(ge=0, le=MAX_CENTS, description="in cents (fen)")]
Local = Annotated[
    datetime, Meta(tz=False, description="local time in the campaign's timezone, such as 2026-11-11T00:00:00")
]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Names = Annotated[frozenset[Name], Meta(max_length=10_000, description="their share earns nothing")]


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Eligible amounts of `from_cents` and more earn `percent` of the rate; the next band ends this one."""

    from_cents: Cents
    percent: Annotated[int, Meta(ge=0, le=10_000, description="of the rate; 0: nothing")]


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point for every `cents_per_point`; below the first band as it is."""

    cents_per_point: Annotated[int, Meta(ge=1, le=10**9, description="100: one point per yuan")]
    bands: Annotated[tuple[Band, ...], Meta(max_length=50, description="with rising borders")] = ()

    def __post_init__(self) -> None:
        borders = [band.from_cents for band in self.bands]
        if borders != sorted(set(borders)):
            raise ValueError("bands must have rising borders")

    def band(self, cents: Fraction) -> Band | None:
        """The band in which an amount lies."""
        return next((band for band in reversed(self.bands) if cents >= band.from_cents), None)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one kind of event earns: exactly one of `fixed` points and a `rate` by amount.

    `multiplied`: whether level, birthday and boosts hold for it.
    """

    fixed: Annotated[int, Meta(ge=0, le=10**9, description="points")] | None = None
    rate: Rate | None = None
    multiplied: bool = True

    def __post_init__(self) -> None:
        if (self.fixed is None) == (self.rate is None):
            raise ValueError("give exactly one of fixed and rate")


class Boost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A multiplier from `starts` until before `ends`; `kinds` empty: of every kind of event."""

    name: Name
    starts: Local
    ends: Local
    percent: Percent
    kinds: Annotated[tuple[EventKind, ...], Meta(max_length=50)] = ()

    def __post_init__(self) -> None:
        if self.starts >= self.ends:
            raise ValueError("a boost must end after it starts")

    def holds(self, kind: str, at: int, timezone: str) -> bool:
        """Whether an event at `at` (ms) is boosted."""
        if self.kinds and kind not in self.kinds:
            return False
        return _instant(self.starts, timezone) <= at < _instant(self.ends, timezone)


def _instant(local: datetime, timezone: str) -> int:
    return round(local.replace(tzinfo=ZoneInfo(timezone)).timestamp() * 1000)


class Earning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a campaign's outside events earn. A kind without a rule is refused; an unknown level earns 100%."""

    events: Annotated[dict[EventKind, Rule], Meta(max_length=100, description="the rule of each kind")]
    levels: Annotated[dict[Name, Percent], Meta(max_length=100, description="by the member's level")] = {}
    birthday_percent: Annotated[Percent, Meta(description="in the month of the member's birthday")] = 100
    boosts: Annotated[tuple[Boost, ...], Meta(max_length=100)] = ()
    max_percent: Annotated[int, Meta(ge=1, le=10_000, description="of all multipliers together")] = 1000
    excluded_skus: Names = frozenset()
    excluded_categories: Names = frozenset()

    def __post_init__(self) -> None:
        if taken := FOLLOWING & self.events.keys():
            raise ValueError(f"{', '.join(sorted(taken))}: about earlier events, and earns nothing itself")


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that a campaign's outside events are decided by; the terms bind the ledger too."""

    earning: Earning
    terms: Terms = Terms()


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of an order: `redeemed`: it was paid with points."""

    sku: str
    category: str
    amount_cents: int
    redeemed: bool = False


class OutsideEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a caller tells: `occurred_at` in ms, `birthday` MM-DD, `refers_to` an earlier event's source id.

    `amount_cents`: the whole order after discounts, with the items that were paid with points.
    """

    source: str
    source_id: str
    kind: str
    member: MemberId
    campaign: CampaignId
    occurred_at: int
    amount_cents: int | None = None
    items: tuple[Item, ...] = ()
    level: str = ""
    birthday: str = ""
    refers_to: str | None = None

    @property
    def paid_cents(self) -> int | None:
        """What was paid: the amount, else the items' sum; None where neither is told."""
        if self.amount_cents is not None or not self.items:
            return self.amount_cents
        return sum(item.amount_cents for item in self.items)


class Because(StrEnum):
    """The steps of a decision."""

    NO_RULE = "no_rule"
    FIXED = "fixed"  # points
    RATE = "rate"  # cents per point
    PAID = "paid"  # cents
    EXCLUDED = "excluded"  # cents of such items
    REDEEMED = "redeemed"  # cents of such items
    ELIGIBLE = "eligible"  # cents, rounded down
    BAND = "band"  # percent
    LEVEL = "level"  # percent
    BIRTHDAY = "birthday"  # percent
    BOOST = "boost"  # percent
    MAX = "max"  # percent


class Why(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step; the unit of `value` goes with the step."""

    step: Because
    value: int = 0
    name: str = ""


class Decision(msgspec.Struct, frozen=True):
    """`points` are earned: `base` (rounded down) times `multiplier` percent (rounded down), exactly `why`."""

    points: int
    base: int
    multiplier: int
    rule_version: int
    why: tuple[Why, ...]


def decide(rules: Rules, version: int, event: OutsideEvent) -> Decision:
    """What an event earns under version `version` of the rules."""
    rule = rules.earning.events.get(event.kind)
    if rule is None:
        return Decision(0, 0, 100, version, (Why(Because.NO_RULE, name=event.kind),))
    why: list[Why] = []
    percents: list[int] = []
    if rule.rate is not None:
        why.append(Why(Because.RATE, rule.rate.cents_per_point))
        cents = _eligible(rules.earning, event, why)
        if band := rule.rate.band(cents):
            why.append(Why(Because.BAND, band.percent))
            percents.append(band.percent)
        base = cents / rule.rate.cents_per_point
    else:
        base = Fraction(rule.fixed or 0)
        why.append(Why(Because.FIXED, rule.fixed or 0))
    if rule.multiplied:
        for step in _multipliers(rules, event):
            why.append(step)
            percents.append(step.value)
    multiplier = _product(percents, rules.earning.max_percent, why)
    return Decision(int(base * multiplier), int(base), int(multiplier * 100), version, tuple(why))


def _eligible(earning: Earning, event: OutsideEvent, why: list[Why]) -> Fraction:
    paid = event.paid_cents or 0
    why.append(Why(Because.PAID, paid))
    listed = sum(item.amount_cents for item in event.items)
    redeemed = sum(item.amount_cents for item in event.items if item.redeemed)
    excluded = sum(
        item.amount_cents
        for item in event.items
        if not item.redeemed
        and (item.sku in earning.excluded_skus or item.category in earning.excluded_categories)
    )
    barren = {Because.REDEEMED: redeemed, Because.EXCLUDED: excluded}
    why.extend(Why(step, cents) for step, cents in barren.items() if cents)
    if not redeemed + excluded:
        return Fraction(paid)
    cents = paid * Fraction(listed - redeemed - excluded, listed)
    why.append(Why(Because.ELIGIBLE, int(cents)))
    return cents


def _multipliers(rules: Rules, event: OutsideEvent) -> Iterator[Why]:
    earning, timezone = rules.earning, rules.terms.timezone
    if event.level in earning.levels:
        yield Why(Because.LEVEL, earning.levels[event.level], event.level)
    month = periods(timezone, event.occurred_at).month[-2:]
    if earning.birthday_percent != 100 and event.birthday[:2] == month:
        yield Why(Because.BIRTHDAY, earning.birthday_percent)
    for boost in earning.boosts:
        if boost.holds(event.kind, event.occurred_at, timezone):
            yield Why(Because.BOOST, boost.percent, boost.name)


def _product(percents: list[int], most: int, why: list[Why]) -> Fraction:
    product = Fraction(1)
    for percent in percents:
        product *= Fraction(percent, 100)
    if product > Fraction(most, 100):
        why.append(Why(Because.MAX, most))
        return Fraction(most, 100)
    return product


EXAMPLE = Rules(
    earning=Earning(
        events={
            "purchase": Rule(rate=Rate(100, (Band(100_00, 150), Band(200_01, 200)))),
            "sign_in": Rule(fixed=5, multiplied=False),
            "review": Rule(fixed=20),
            "invitation": Rule(fixed=100, multiplied=False),
        },
        levels={"silver": 110, "gold": 120},
        birthday_percent=200,
        boosts=(Boost("double eleven", datetime(2026, 11, 11), datetime(2026, 11, 12), 300, ("purchase",)),),
        excluded_categories=frozenset({"tobacco", "gift_card"}),
    ),
    terms=Terms(caps=Caps(day=500, year=20_000), expiry=Expiry.FIXED),
)  # fmt: skip
