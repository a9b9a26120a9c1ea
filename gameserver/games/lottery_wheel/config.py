"""The config of lottery_wheel (GAMES.md)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from gameserver.games.room_config import Eligible, Form, Prize, RoomConfig, Wins, number

TEN = 10  # spins of a ten-draw
MAX_WEIGHTS = 2**32 - 1  # what one draw can tell apart (fairness.draw)

PrizeKey = Annotated[str, Field(max_length=16)]
Weight = Annotated[int, Field(ge=0, le=10**9, strict=True)]
Weights = dict[PrizeKey, Weight]


class WheelPrize(Prize):
    """A prize that may have to be unlocked."""

    unlock_after: int = number(
        "Unlocked after", "Plays of the member before it can be won", "plays", 0, 1000, default=0
    )


class Pool(Form):
    """Other weights for some of the members."""

    audience: Eligible = Field(title="Audience", description="Whose draws it is")
    weights: Weights = Field(
        title="Weights",
        description="Shares in the draw by prize id; prizes that are not named: 0",
        min_length=1,
        max_length=12,
        json_schema_extra={"unit": "shares"},
    )


class Pity(Form):
    """After so many plays without one of these prizes, the next play draws one of them."""

    after: int = number("After", "Plays in a row without one of these prizes", "plays", 1, 1000)
    prizes: tuple[PrizeKey, ...] = Field(
        title="Prizes", description="Ids of the prizes that are drawn then", min_length=1, max_length=12
    )
    weights: Weights | None = Field(
        None,
        title="Weights",
        description="Their shares in that draw by prize id; null: their own weights",
        max_length=12,
        json_schema_extra={"unit": "shares"},
    )


class WheelConfig(RoomConfig):
    """Lottery wheel."""

    appearance: Literal["wheel", "grid", "scratch", "egg", "flip", "slot", "blind_box"] = Field(
        "wheel", title="Appearance", description="How a spin looks; the rule is the same for all"
    )
    prizes: tuple[WheelPrize, ...] = Field(
        title="Prizes", description="What a spin may give", min_length=2, max_length=12
    )
    pools: tuple[Pool, ...] = Field(
        (),
        title="Pools",
        description="Other weights for some members: the first pool that admits a member counts",
        max_length=10,
    )
    pity: Pity | None = Field(None, title="Pity", description="Promises a prize after bad luck; null: none")
    ten_draw: bool = Field(
        False, strict=True, title="Ten-draw", description="Whether ten spins may be made at once"
    )

    @field_validator("prizes", mode="after")
    @classmethod
    def _one_prize_ends_every_draw(cls, prizes: tuple[WheelPrize, ...]) -> tuple[WheelPrize, ...]:
        last = [prize for prize in prizes if prize.fallback is None]
        if len(last) != 1:
            named = ", ".join(prize.id for prize in last) or "none"
            raise ValueError(
                f"exactly one prize must be without a fallback, so that every draw ends: {named}"
            )
        if last[0].kind not in ("none", "points", "chance") or last[0].stock is not None:
            raise ValueError(
                f"the last fallback {last[0].id!r} must be of kind none, or points or chance without a stock"
            )
        if (last[0].per_member, last[0].per_day, last[0].unlock_after) != (None, None, 0):
            raise ValueError(f"the last fallback {last[0].id!r} must always be there: no caps, no unlock")
        _check_total(sum(prize.weight for prize in prizes), "the weights")
        return prizes

    @field_validator("prizes", mode="after")
    @classmethod
    def _fallbacks_are_unlocked_as_soon(cls, prizes: tuple[WheelPrize, ...]) -> tuple[WheelPrize, ...]:
        by_id = {prize.id: prize for prize in prizes}
        for prize in prizes:
            fallback = by_id.get(prize.fallback or "")
            if fallback and fallback.unlock_after > prize.unlock_after:
                raise ValueError(f"{prize.id!r} falls back to {fallback.id!r}, which is locked for longer")
        return prizes

    @field_validator("pools", mode="after")
    @classmethod
    def _pools_draw_known_prizes(cls, pools: tuple[Pool, ...], info: ValidationInfo) -> tuple[Pool, ...]:
        for number_, pool in enumerate(pools, 1):
            _check_weights(pool.weights, _prizes(info), f"the weights of pool {number_}")
        if any(pool.audience.match == "everyone" for pool in pools[:-1]):
            raise ValueError("only the last pool may be for everyone: those after it would never be used")
        return pools

    @field_validator("pity", mode="after")
    @classmethod
    def _pity_draws_prizes(cls, pity: Pity | None, info: ValidationInfo) -> Pity | None:
        known = _prizes(info)
        if pity is None or not known:
            return pity
        for id_ in pity.prizes:
            if id_ not in known:
                raise ValueError(f"{id_!r} is no prize")
            if known[id_].kind == "none":
                raise ValueError(f"{id_!r} is of kind none, which is no prize to promise")
            if known[id_].unlock_after > pity.after:
                raise ValueError(f"{id_!r} would still be locked after {pity.after} plays")
        if len(set(pity.prizes)) != len(pity.prizes):
            raise ValueError("its prizes must differ")
        if pity.weights and not set(pity.weights) <= set(pity.prizes):
            raise ValueError("its weights must be of its prizes")
        _check_weights(pity_weights(pity, known), known, "its weights")
        return pity

    @field_validator("ten_draw", mode="after")
    @classmethod
    def _ten_wins_are_allowed(cls, ten_draw: bool, info: ValidationInfo) -> bool:
        wins = info.data.get("wins", Wins())
        caps = [cap for cap in (wins.per_member, wins.per_day) if cap is not None]
        if ten_draw and (min(caps, default=TEN) < TEN or wins.min_interval_ms > 0):
            raise ValueError(f"a ten-draw may win {TEN} prizes at once, which the caps on wins do not allow")
        return ten_draw


def pity_weights(pity: Pity, prizes: Mapping[str, WheelPrize]) -> dict[str, int]:
    """The shares of the draw that pity makes, by prize id."""
    return pity.weights or {id_: prizes[id_].weight for id_ in pity.prizes}


def _prizes(info: ValidationInfo) -> dict[str, WheelPrize]:
    """The prizes by id; none where they were refused themselves."""
    return {prize.id: prize for prize in info.data.get("prizes", ())}


def _check_weights(weights: Weights, prizes: Mapping[str, WheelPrize], what: str) -> None:
    if not prizes:
        return
    if unknown := [id_ for id_ in weights if id_ not in prizes]:
        raise ValueError(f"{what} name {unknown[0]!r}, which is no prize")
    _check_total(sum(weights.values()), what)


def _check_total(total: int, what: str) -> None:
    if not 1 <= total <= MAX_WEIGHTS:
        raise ValueError(f"{what} must sum to 1 to {MAX_WEIGHTS}, not {total}")
