"""The config of red_packet_rain (GAMES.md)."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from gameserver.games.room_config import AtOpen, Form, RoomConfig, number

FALL_MIN_MS = 2200
FALL_SPREAD_MS = 1000
MAX_PACKETS = 1_000_000  # in a round
MAX_RARE = 1000  # rare packets in a round: every tick of the round reads them
MAX_POINTS = 1_000_000  # in a packet: sums of a round stay exact in the ranking (rules.lua)


class Round(Form):
    """One round, or `times` equal rounds with the same gap before each."""

    start: AwareDatetime | None = Field(
        None,
        title="Start",
        description="When packets begin to fall; null: by gap",
        json_schema_extra={"unit": "time"},
    )
    gap_ms: int | None = number(
        "Gap",
        "From the end before (or the opening) to the countdown; null: by start",
        "ms",
        0,
        86_400_000,
        default=None,
    )
    times: int = number(
        "Times", "How often this round comes, each after the same gap", "rounds", 1, 10_000, default=1
    )
    countdown_ms: int = number("Countdown", "3-2-1 before packets fall", "ms", 3000, 10_000, default=5000)
    duration_ms: int = number("Duration", "How long packets fall", "ms", 5000, 60_000, default=15_000)

    @model_validator(mode="after")
    def _start_or_gap(self) -> "Round":
        if (self.start is None) == (self.gap_ms is None):
            raise ValueError("give exactly one of start and gap_ms")
        if self.start is not None and self.times != 1:
            raise ValueError("a round with a fixed start comes once; repeat it with gap_ms")
        return self


class Fixed(Form):
    """Every packet holds the same."""

    mode: Literal["fixed"] = Field(title="Mode", description="All packets alike")
    count: int = number("Packets", "Packets a round", "packets", 1, MAX_PACKETS)
    amount: int = number("Amount", "Points in each packet", "points", 1, MAX_POINTS)

    def total(self) -> int:
        """Points of one round."""
        return self.count * self.amount


class DoubleMean(Form):
    """Each packet is uniform in [min, 2 x remaining mean]; the last takes the rest."""

    mode: Literal["double_mean"] = Field(title="Mode", description="Random with an exact sum")
    total_points: int = number("Total", "Points a round, exactly", "points", 1, 10**12)
    count: int = number("Packets", "Packets a round", "packets", 1, MAX_PACKETS)
    min: int = number("Least", "Least in a packet", "points", 1, MAX_POINTS, default=1)
    max: int = number("Most", "Most in a packet", "points", 1, MAX_POINTS)

    @model_validator(mode="after")
    def _can_be_split(self) -> "DoubleMean":
        if not self.count * self.min <= self.total_points <= self.count * self.max:
            raise ValueError(
                f"{self.total_points} points cannot be split into {self.count} packets "
                f"of {self.min} to {self.max}"
            )
        return self

    def total(self) -> int:
        """Points of one round."""
        return self.total_points


class Tier(Form):
    """Some packets with the same amount."""

    amount: int = number("Amount", "Points in each packet", "points", 1, MAX_POINTS)
    count: int = number("Packets", "Packets with this amount", "packets", 1, MAX_PACKETS)


class Listed(Form):
    """Amounts given by hand, dealt in a random order."""

    mode: Literal["list"] = Field(title="Mode", description="Amounts by hand")
    tiers: tuple[Tier, ...] = Field(
        title="Tiers", description="Amounts and how many of each", min_length=1, max_length=1000
    )

    @property
    def count(self) -> int:
        """Packets a round."""
        return sum(tier.count for tier in self.tiers)

    @model_validator(mode="after")
    def _not_too_many(self) -> "Listed":
        if self.count > MAX_PACKETS:
            raise ValueError(f"a round has at most {MAX_PACKETS} packets, the tiers add up to {self.count}")
        return self

    def total(self) -> int:
        """Points of one round."""
        return sum(tier.amount * tier.count for tier in self.tiers)


class Place(Form):
    """Points for each of the next places."""

    places: int = number("Places", "How many places this tier covers", "places", 1, 1000)
    points: int = number("Points", "Points for each of them", "points", 1, 10**9)


class ScoreMode(Form):
    """No prize per tap: members score, then the first places win."""

    packet_score: int = number("Packet", "Score of a packet", "score", 1, 1000, default=10)
    tiers: tuple[Place, ...] = Field(
        title="Tiers", description="From the first place down", min_length=1, max_length=20
    )


class RainConfig(RoomConfig):
    """Red-packet rain."""

    rounds: tuple[Round, ...] = Field(
        title="Rounds", description="In order of time", min_length=1, max_length=200
    )
    drops_per_member: int = number("Drops", "Drops each member sees in a round", "drops", 5, 2000, default=60)
    packet_share: int = number(
        "Packet share", "How many of the drops that are no bombs hold something", "%", 1, 100, default=70
    )
    bomb_share: int = number("Bomb share", "How many of the drops are bombs", "%", 0, 50, default=10)
    bomb_score: int = number("Bomb", "Score that a bomb takes away", "score", 0, 1000, default=5)
    max_grabs_per_round: int = number(
        "Cap", "Packets that one member may win in a round", "packets", 1, 2000, default=20
    )
    amounts: Annotated[Fixed | DoubleMean | Listed, Field(discriminator="mode")] | None = Field(
        None, title="Amounts", description="What the packets of a round hold; null in score mode"
    )
    late_join: bool = Field(
        True, strict=True, title="Late join", description="Whether a round may be joined after its start"
    )
    score_mode: ScoreMode | None = Field(
        None, title="Score mode", description="Places win instead of packets"
    )

    @model_validator(mode="after")
    def _amounts_or_score(self) -> "RainConfig":
        if (self.amounts is None) == (self.score_mode is None):
            raise ValueError("give exactly one of amounts and score_mode")
        if self.score_mode is not None and self.prizes:
            raise ValueError("rare packets need amounts; score mode wins by places only")
        if any(prize.kind == "points" and prize.value > MAX_POINTS for prize in self.prizes):
            raise ValueError(f"a rare packet holds at most {MAX_POINTS} points")
        for prize in self.prizes:
            if prize.stock is None or prize.fallback or not isinstance(prize.release, AtOpen):
                raise ValueError(f"rare packet {prize.id!r} needs a stock; it has no release and no fallback")
        rounds = sum(line.times for line in self.rounds)
        if sum(-(-units // rounds) for units in self.stock().values()) > MAX_RARE:
            raise ValueError(f"a round has at most {MAX_RARE} rare packets: lower the prizes' stock")
        if any(prize.id == "packet" for prize in self.prizes):
            raise ValueError("the prize id 'packet' is the points in ordinary packets")
        return self
