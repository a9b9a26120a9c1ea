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


class Audience(Form):
    """Who may play; levels and tags come from the member's token."""

    match: Literal["everyone", "any_of", "all_of"] = Field(
        "everyone", title="Match", description="Whether any or all of the lists must fit"
    )
    levels: tuple[str, ...] = Field((), title="Levels", description="Member levels", max_length=50)
    tags: tuple[str, ...] = Field((), title="Tags", description="Member tags", max_length=50)
    blocklist: tuple[str, ...] = Field((), title="Block list", description="Member ids", max_length=10000)

    def admits(self, levels: frozenset[str], tags: frozenset[str]) -> bool:
        """Whether a member with these levels and tags may play."""
        level = bool(levels & set(self.levels))
        wanted = set(self.tags)
        match self.match:
            case "everyone":
                return True
            case "any_of":
                return level or bool(tags & wanted)
            case "all_of":
                return (level or not self.levels) and wanted <= tags


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


class Prize(Form):
    """A thing to win."""

    id: str = Field(title="Id", description="Short id, unique in the room", pattern=r"^[a-z0-9_]{1,16}$")
    name: str = Field(title="Name", description="As members see it", min_length=1, max_length=60)
    image: str | None = Field(None, title="Image", description="URL of a picture", max_length=500)
    kind: Literal["points", "coupon", "physical"] = Field(
        title="Kind", description="points are settled into the ledger"
    )
    value: int = number("Value", "Points, or worth in cents", "points", 0, 10**9, default=0)
    stock: int = number("Stock", "Units", "units", 1, 10**7)
    per_member: int | None = number("Per member", "Units one member may win", "units", 1, 10**6, default=None)

    @model_validator(mode="after")
    def _points_have_value(self) -> "Prize":
        if self.kind == "points" and self.value < 1:
            raise ValueError("a points prize needs a value of at least 1")
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


def ms(moment: datetime) -> int:
    """Unix milliseconds of a moment."""
    return round(moment.timestamp() * 1000)
