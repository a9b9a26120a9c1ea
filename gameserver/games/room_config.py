"""The part of a room's config that every game shares. Field names and units: GAMES.md.

Every field carries a title, a description and, where it measures something, a unit: the console draws
its forms from the JSON Schema.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator


def number(title: str, description: str, unit: str, ge: int, le: int, **more: Any) -> Any:
    """A bounded integer field with its unit in the schema."""
    schema: dict[str, Any] = {"unit": unit}
    return Field(
        title=title, description=description, ge=ge, le=le, strict=True, json_schema_extra=schema, **more
    )


LONGEST_MS = 366 * 86_400_000  # a room without an end of its own
MAX_CHANCES = 1000  # extra plays in one grant
UNLIMITED = 10**9  # units of a prize that has no stock


class Form(BaseModel):
    """A frozen form that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown timezone {name!r}") from error
    return name


Timezone = Annotated[str, AfterValidator(_known_timezone)]


class Skin(Form):
    """How the room looks."""

    cover: str | None = Field(None, title="Cover", description="URL of the cover picture", max_length=500)
    accent: str = Field(
        "#d4142c", title="Accent", description="Main colour, as #rrggbb", pattern=r"^#[0-9a-fA-F]{6}$"
    )


class Eligible(Form):
    """Some of the members, by the levels and tags of their tokens."""

    match: Literal["everyone", "any_of", "all_of"] = Field(
        "everyone", title="Match", description="Whether any or all of the lists must fit"
    )
    levels: tuple[str, ...] = Field((), title="Levels", description="Member levels", max_length=50)
    tags: tuple[str, ...] = Field((), title="Tags", description="Member tags", max_length=50)

    def admits(self, levels: frozenset[str], tags: frozenset[str]) -> bool:
        """Whether a member with these levels and tags is one of them."""
        level = bool(levels & set(self.levels))
        wanted = set(self.tags)
        match self.match:
            case "everyone":
                return True
            case "any_of":
                return level or bool(tags & wanted)
            case "all_of":
                return (level or not self.levels) and wanted <= tags


class Audience(Eligible):
    """Who may play."""

    blocklist: tuple[str, ...] = Field((), title="Block list", description="Member ids", max_length=10000)


class Chances(Form):
    """How often a member may play; null means unlimited."""

    free_per_day: int | None = number(
        "Free per day", "Plays a day in the room's timezone", "plays", 0, 1000, default=None
    )
    free_total: int | None = number("Free in all", "Plays in the whole room", "plays", 0, 10000, default=None)
    cost_points: int | None = number(
        "Cost", "Price of each play after the free ones; null: none is sold", "points", 1, 10**6, default=None
    )
    max_per_day: int | None = number(
        "Most per day", "Plays a day, free or paid for", "plays", 1, 10000, default=None
    )
    max_total: int | None = number(
        "Most in all", "Plays in the whole room, free or paid for", "plays", 1, 100000, default=None
    )

    @property
    def by_day(self) -> bool:
        """Whether it matters what day it is."""
        return self.free_per_day is not None or self.max_per_day is not None

    @model_validator(mode="after")
    def _a_cost_begins_somewhere(self) -> "Chances":
        if self.cost_points is not None and self.free_per_day is None and self.free_total is None:
            raise ValueError("cost_points needs free_per_day or free_total (0: every play costs)")
        return self


class Wins(Form):
    """Caps on winning; null means unlimited."""

    per_member: int | None = number(
        "Per member", "Grants of one member in the whole room", "grants", 1, 100000, default=None
    )
    per_day: int | None = number(
        "Per day", "Grants of the whole room in one day", "grants", 1, 10**9, default=None
    )
    min_interval_ms: int = number(
        "Interval", "Least time between two grants of a member", "ms", 0, 86_400_000, default=0
    )


class Limits(Form):
    """The member's command rate (GCRA: a steady rate and what may come at once)."""

    per_second: int = number("Rate", "Commands a second of one member", "commands/s", 1, 1000, default=15)
    burst: int = number("Burst", "Commands at once", "commands", 1, 1000, default=15)


class AtOpen(Form):
    """All units from the opening on."""

    mode: Literal["at_open"] = Field(title="Mode", description="All units from the opening on")


class Linear(Form):
    """Units come out one by one, evenly over the room's window."""

    mode: Literal["linear"] = Field(title="Mode", description="Evenly over the room's window")


class ReleaseStep(Form):
    """Units that come out at one moment."""

    at: AwareDatetime = Field(title="At", description="ISO 8601 with offset")
    units: int = number("Units", "Units that come out then", "units", 1, 10**7)


class ReleaseList(Form):
    """Units come out at listed moments."""

    mode: Literal["list"] = Field(title="Mode", description="At listed moments")
    steps: tuple[ReleaseStep, ...] = Field(
        title="Steps", description="When how many units come out", min_length=1, max_length=100
    )


Release = Annotated[AtOpen | Linear | ReleaseList, Field(discriminator="mode")]


class Prize(Form):
    """A thing to win."""

    id: str = Field(title="Id", description="Short id, unique in the room", pattern=r"^[a-z0-9_]{1,16}$")
    name: str = Field(title="Name", description="As members see it", min_length=1, max_length=60)
    image: str | None = Field(None, title="Image", description="URL of a picture", max_length=500)
    kind: Literal["points", "coupon", "physical", "code", "chance", "none"] = Field(
        title="Kind",
        description="points go to the ledger, chance is extra plays, none is a thank you",
    )
    value: int = number(
        "Value", "Points; plays of kind chance; else worth in cents", "points", 0, 10**9, default=0
    )
    stock: int | None = number(
        "Stock", "Units; null: unlimited, for points, chance and none", "units", 1, 10**7, default=None
    )
    weight: int = number(
        "Weight", "Share in the draw, where the game draws by weight", "shares", 0, 10**9, default=0
    )
    per_member: int | None = number("Per member", "Units one member may win", "units", 1, 10**6, default=None)
    per_day: int | None = number(
        "Per day", "Units of the whole room in one day", "units", 1, 10**7, default=None
    )
    release: Release = Field(AtOpen(mode="at_open"), title="Release", description="When units may be won")
    fallback: str | None = Field(
        None, title="Fallback", description="Id of the prize given when this one is sold out or capped",
        max_length=16,
    )  # fmt: skip
    pool: str | None = Field(
        None, title="Code pool", description="Where codes come from, for code and coupon", max_length=60
    )
    delivery: Literal["ship", "on_site"] = Field(
        "ship", title="Delivery", description="Shipped to an address, or handed out on the spot"
    )
    claim_days: int = number(
        "Claim within", "Days to give an address or to fetch it", "days", 1, 365, default=7
    )

    @property
    def points(self) -> int:
        """Points of one unit."""
        return self.value if self.kind == "points" else 0

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Prize":
        if self.kind in ("points", "chance") and self.value < 1:
            raise ValueError(f"a {self.kind} prize needs a value of at least 1")
        if self.kind == "chance" and self.value > MAX_CHANCES:
            raise ValueError(f"a chance prize gives at most {MAX_CHANCES} plays")
        if self.stock is None and self.kind in ("coupon", "physical", "code"):
            raise ValueError(f"a {self.kind} prize needs a stock")
        if self.kind == "none" and (self.stock, self.per_member, self.per_day) != (None, None, None):
            raise ValueError("a prize of kind none has no stock and no caps")
        if self.kind == "code" and self.pool is None:
            raise ValueError("a code prize needs a code pool")
        return self

    @model_validator(mode="after")
    def _a_list_releases_all(self) -> "Prize":
        if self.release.mode == "linear" and self.stock is None:
            raise ValueError("release over the window needs a stock")
        if self.release.mode == "list" and sum(step.units for step in self.release.steps) != self.stock:
            raise ValueError("the units of the release steps must sum to the stock")
        return self


class RoomConfig(Form):
    """What every game's config starts with."""

    title: str = Field(title="Title", description="As members see it", min_length=1, max_length=60)
    rules_text: str = Field("", title="Rules", description="Rules in the members' words", max_length=20000)
    organiser: str = Field(
        "", title="Organiser", description="Who runs it and answers appeals", max_length=200
    )
    skin: Skin = Field(Skin(), title="Skin", description="Cover and colours")
    opens_at: AwareDatetime | None = Field(
        None, title="Opens at", description="ISO 8601 with offset; null: when staff open it"
    )
    closes_at: AwareDatetime | None = Field(
        None, title="Closes at", description="ISO 8601 with offset; null: when the game has ended"
    )
    timezone: Timezone = Field(
        "Asia/Shanghai", title="Timezone", description="IANA name; days and times use it"
    )
    audience: Audience = Field(Audience(), title="Audience", description="Who may play")
    chances: Chances = Field(Chances(), title="Chances", description="How often a member may play")
    wins: Wins = Field(Wins(), title="Wins", description="Caps on winning")
    limits: Limits = Field(Limits(), title="Limits", description="Command rate of one member")
    prizes: tuple[Prize, ...] = Field((), title="Prizes", description="Things to win", max_length=50)
    points_budget: int | None = number(
        "Points budget",
        "Points that prizes without a stock may pay in all",
        "points",
        1,
        10**12,
        default=None,
    )

    @model_validator(mode="after")
    def _window_is_forward(self) -> "RoomConfig":
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at must be later than opens_at")
        return self

    @model_validator(mode="after")
    def _prize_ids_differ(self) -> "RoomConfig":
        ids = [prize.id for prize in self.prizes]
        if len(set(ids)) != len(ids):
            raise ValueError("prize ids must differ")
        return self

    @model_validator(mode="after")
    def _fallbacks_end(self) -> "RoomConfig":
        following = {prize.id: prize.fallback for prize in self.prizes}
        for prize in self.prizes:
            seen, at = {prize.id}, prize.fallback
            while at is not None:
                if at not in following:
                    raise ValueError(f"prize {prize.id!r} falls back to {at!r}, which is no prize")
                if at in seen:
                    raise ValueError(f"the fallbacks of prize {prize.id!r} go round in a circle")
                seen.add(at)
                at = following[at]
        return self

    @model_validator(mode="after")
    def _unlimited_points_have_a_budget(self) -> "RoomConfig":
        unlimited = [prize for prize in self.prizes if prize.kind == "points" and prize.stock is None]
        if len(unlimited) > 1:
            raise ValueError("only one prize of points may be without a stock")
        if unlimited and (self.points_budget or 0) < unlimited[0].value:
            raise ValueError("points without a stock need a points_budget of at least their value")
        return self

    @property
    def by_day(self) -> bool:
        """Whether the room must know what day it is."""
        capped = self.wins.per_day is not None or any(prize.per_day for prize in self.prizes)
        return capped or self.chances.by_day

    def stock(self) -> dict[str, int]:
        """Units by prize; prizes of kind none have none."""
        return {prize.id: self._units(prize) for prize in self.prizes if prize.kind != "none"}

    def points(self) -> int:
        """Points that the prizes can pay at most."""
        return sum(self._units(prize) * prize.points for prize in self.prizes)

    def _units(self, prize: Prize) -> int:
        if prize.stock is not None:
            return prize.stock
        return (self.points_budget or 0) // prize.value if prize.kind == "points" else UNLIMITED


def ms(moment: datetime) -> int:
    """Unix milliseconds of a moment."""
    return round(moment.timestamp() * 1000)
