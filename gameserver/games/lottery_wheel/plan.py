"""The plan of one wheel: what a spin draws, and how it is told."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from gameserver.errors import Refused
from gameserver.fairness import draw
from gameserver.games.game import (
    Command,
    Due,
    Event,
    Granted,
    MemberId,
    PrizeId,
    Raw,
    RoomId,
    Sender,
    masked,
)
from gameserver.games.lottery_wheel.config import TEN, WheelConfig, pity_weights
from gameserver.games.lottery_wheel.events import Drawn, Spin, Spun, Tally, Winner
from gameserver.games.lottery_wheel.odds import Weighting
from gameserver.games.room_config import LONGEST_MS, ms

AUDIENCES = 1024  # combinations of levels and tags whose pool is remembered
STEP_MS = 2000  # how exactly rules.lua remembers when a win was


class WheelPlan:
    """See `gameserver.games.game.Plan`.

    Prizes have places from 1, in the order of the config: what goes to rules.lua and comes from it.
    """

    def __init__(self, room: RoomId, config: WheelConfig, seed: bytes, opened_at: int) -> None:
        self._room = room
        self._config = config
        self._seed = seed
        self._opened_at = opened_at
        self._opens = ms(config.opens_at) if config.opens_at else opened_at
        self._ids = [prize.id for prize in config.prizes]
        self._values = [prize.value if prize.kind in ("points", "chance") else 0 for prize in config.prizes]
        self._granted = [prize.kind != "none" for prize in config.prizes]
        self._counted = [prize.id for prize in config.prizes if prize.stock is not None]
        base = Weighting(self._ids, {prize.id: prize.weight for prize in config.prizes})
        self._draws = (base, *(Weighting(self._ids, pool.weights) for pool in config.pools))
        by_id = {prize.id: prize for prize in config.prizes}
        pity = config.pity
        self._pity = Weighting(self._ids, pity_weights(pity, by_id)) if pity else None
        self._pool_of = lru_cache(AUDIENCES)(self._find_pool)

    def _find_pool(self, levels: frozenset[str], tags: frozenset[str]) -> int:
        """The number of the first pool that admits these, from 1; 0 is the base."""
        pools = enumerate(self._config.pools, 1)
        return next((number for number, pool in pools if pool.audience.admits(levels, tags)), 0)

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads."""
        config, places = self._config, {id_: place for place, id_ in enumerate(self._ids, 1)}
        pity = config.pity
        return {
            "ids": self._ids,
            "places": places,
            "unlock": [prize.unlock_after for prize in config.prizes],
            "fallback": [places[prize.fallback] if prize.fallback else 0 for prize in config.prizes],
            "after": pity.after if pity else 0,
            "promised": [places[id_] for id_ in pity.prizes] if pity else [],
            "counted": self._counted,
        }

    def stock(self) -> Mapping[PrizeId, int]:
        """Units per prize."""
        return {PrizeId(id_): units for id_, units in self._config.stock().items()}

    def budget(self) -> int:
        """Points of all prizes."""
        return self._config.points()

    def ends_at(self) -> int:
        """The window's end, or the longest that a room may be open."""
        closes = self._config.closes_at
        return ms(closes) if closes else self._opened_at + LONGEST_MS

    def public(self) -> Mapping[str, Any]:
        """Prizes and odds, exactly as they are drawn."""
        config, (base, *pools) = self._config, self._draws
        odds = base.odds()
        shown = {"id", "name", "image", "kind", "value", "weight", "fallback", "unlock_after", "per_member"}
        prizes = [
            {**prize.model_dump(include={*shown, "per_day", "stock"}), "odds": odds[prize.id]}
            for prize in config.prizes
        ]
        return {
            "appearance": config.appearance,
            "prizes": prizes,
            "pools": [
                {"audience": pool.audience.model_dump(), "weights": drawn.weights(), "odds": drawn.odds()}
                for pool, drawn in zip(config.pools, pools, strict=True)
            ],
            "pity": self._public_pity(),
            "ten_draw": config.ten_draw,
            "recent": True,
        }

    def _public_pity(self) -> Mapping[str, Any] | None:
        pity = self._config.pity
        if pity is None or self._pity is None:
            return None
        weights = self._pity.weights()
        return {
            "after": pity.after,
            "prizes": pity.prizes,
            "weights": {id_: weights[id_] for id_ in pity.prizes},
        }

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """(times, pool, the place drawn for each spin ..., and with pity the place it drew for each ...).

        Spin n of a command draws number 2n, and number 2n + 1 for pity.
        """
        assert isinstance(command, Spin)
        times, pity = command.times, self._pity
        if times != 1 and not (times == TEN and self._config.ten_draw):
            raise Refused("times_not_offered")
        pool = self._pool_of(sender.levels, sender.tags) if self._config.pools else 0
        drawn = self._drawn(sender, command, 0, self._draws[pool])
        if pity:
            drawn += self._drawn(sender, command, 1, pity)
        return times, pool, *drawn

    def _drawn(self, sender: Sender, command: Spin, first: int, weighting: Weighting) -> list[int]:
        """A place for each spin, from every other number of the command's draws."""
        if weighting.only:
            return [weighting.only] * command.times
        seed, room, total = self._seed, self._room, weighting.total
        member, session, ref = sender.member, sender.session, command.ref
        return [
            weighting.place(draw(seed, room, member, session, ref, number, total))
            for number in range(first, first + 2 * command.times, 2)
        ]

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """`body`: [plays, plays without pity's prizes, (drawn, given, whether by pity) of each spin ...]."""
        plays, missed, *told = body
        wins, results = iter(granted), []
        for at in range(0, len(told), 3):
            drawn, given, pity = told[at : at + 3]
            result = Drawn(prize=self._ids[given - 1], drawn=self._ids[drawn - 1], pity=pity == 1)
            if self._granted[given - 1]:
                _, result.unit, amount, result.receipt = next(wins)
                result.amount = amount or self._values[given - 1] or None
            results.append(result)
        return Spun(re=re, results=results, plays=plays, until_pity=self._until_pity(missed))

    def _until_pity(self, missed: int) -> int | None:
        return self._config.pity.after - missed if self._config.pity else None

    def due(self, after: int) -> Due | None:
        """A wheel has no clock of its own."""
        return None

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """A line holds all that it changes."""
        return ()

    def event(self, name: str, v: int, body: Raw) -> Event:
        """The tally: [joined, plays, wins, [[name, place] ...], [units left of each counted prize ...]]."""
        joined, plays, wins, recent, left = body
        winners = [Winner(name=masked(winner), prize=self._ids[place - 1]) for winner, place in recent]
        return Tally(v=v, joined=joined, plays=plays, wins=wins, recent=winners, left=self._left(left))

    def _left(self, left: Raw) -> dict[str, int]:
        return dict(zip(self._counted, left, strict=True))

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """A wheel tells nothing that differs by member but answers."""
        raise AssertionError(name)

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """The member's plays and wins, newest first, and what is left.

        `view`: [plays, plays without pity's prizes, points won, [place, unit, step of each win ...],
        [units left of each counted prize ...], [[prize, units] ...]].
        """
        plays, missed, points, wins, left, owned = view
        return {
            "plays": plays,
            "until_pity": self._until_pity(missed),
            "wins": [self._win(*wins[at : at + 3]) for at in range(0, len(wins), 3)],
            "left": self._left(left),
            "points": points,
            "prizes": dict(owned),
        }

    def _win(self, place: int, unit: int, step: int) -> dict[str, Any]:
        at = self._opens + step * STEP_MS
        return {"prize": self._ids[place - 1], "amount": self._values[place - 1], "unit": unit, "at": at}
