"""The config of vote (GAMES.md)."""

from pydantic import AwareDatetime, Field, model_validator

from gameserver.games.contests import ContestConfig
from gameserver.games.room_config import Form, number

MAX_CHOICES = 20


class LevelWeight(Form):
    """What a ballot of members of a level counts."""

    level: str = Field(
        title="Level", description="A member level, as the token names it", min_length=1, max_length=40
    )
    weight: int = number("Weight", "Votes that each choice of a ballot counts", "votes", 1, 1000)


class Ballots(Form):
    """How often a member may vote; null means unlimited. A ballot is one answer with one or more choices."""

    per_day: int | None = number(
        "Per day", "Ballots of a member a day, in the room's timezone", "ballots", 1, 10_000, default=None
    )
    total: int | None = number(
        "In all", "Ballots of a member in the whole room", "ballots", 1, 100_000, default=None
    )
    per_contestant_per_day: int | None = number(
        "Per contestant and day",
        "Ballots of a member a day that may name the same contestant",
        "ballots",
        1,
        10_000,
        default=None,
    )
    choose_min: int = number(
        "Choose at least",
        "Contestants that a ballot names at least",
        "contestants",
        1,
        MAX_CHOICES,
        default=1,
    )
    choose_max: int = number(
        "Choose at most", "Contestants that a ballot names at most", "contestants", 1, MAX_CHOICES, default=1
    )
    weights: tuple[LevelWeight, ...] = Field(
        (),
        title="Weights",
        description="The highest of a member's levels counts; 1 without any",
        max_length=20,
    )

    @model_validator(mode="after")
    def _choices_are_a_range(self) -> "Ballots":
        if self.choose_min > self.choose_max:
            raise ValueError("choose_min must not be more than choose_max")
        return self

    @model_validator(mode="after")
    def _levels_differ(self) -> "Ballots":
        levels = [line.level for line in self.weights]
        if len(set(levels)) != len(levels):
            raise ValueError("levels of weights must differ")
        return self


class Review(Form):
    """When votes come unusually fast they are kept apart until staff have looked."""

    votes_per_minute: int | None = number(
        "Growth",
        "More counted votes of a contestant within a minute put it under review; null: only staff do",
        "votes",
        1,
        10**7,
        default=None,
    )


class VoteConfig(ContestConfig):
    """Vote."""

    ballots: Ballots = Field(title="Ballots", description="How often members vote, and what it counts")
    voting_opens_at: AwareDatetime | None = Field(
        None, title="Voting opens at", description="ISO 8601 with offset; null: with the room"
    )
    review: Review = Field(Review(), title="Review", description="What counts as unusual growth")

    @model_validator(mode="after")
    def _votes_before_the_end(self) -> "VoteConfig":
        if self.voting_opens_at and self.closes_at and self.closes_at <= self.voting_opens_at:
            raise ValueError("closes_at must be later than voting_opens_at")
        return self

    @model_validator(mode="after")
    def _nothing_is_won(self) -> "VoteConfig":
        if self.prizes:
            raise ValueError("a vote gives no prizes")
        return self

    @property
    def by_day(self) -> bool:
        """A member's ballots are shown by day, whatever the limits are."""
        return True
