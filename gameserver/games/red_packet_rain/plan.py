"""The plan of one rain room: rounds, tables and events from (room, config, seed, opening time)."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from struct import pack
from typing import Any

from msgspec import to_builtins

from gameserver.errors import Refused
from gameserver.fairness import Draws, derive
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
    blob,
    masked,
)
from gameserver.games.red_packet_rain.amounts import allot
from gameserver.games.red_packet_rain.config import RainConfig
from gameserver.games.red_packet_rain.events import (
    Grab,
    Grabbed,
    Leader,
    Next,
    RoundClosed,
    RoundOpened,
    Tally,
)
from gameserver.games.red_packet_rain.rain import EARLY_MS, Rain, content_key, round_key, share
from gameserver.games.red_packet_rain.schedule import GRACE_MS, RoundTimes, current, schedule

PACKET = PrizeId("packet")  # the prize of ordinary packets: points
PLACE = PrizeId("place")  # the prize of score mode's places: points
_KINDS = ("empty", "packet", "bomb", "prize")  # rules.lua numbers them alike


class RainPlan:
    """See `gameserver.games.game.Plan`."""

    def __init__(self, room: RoomId, config: RainConfig, seed: bytes, opened_at: int) -> None:
        self._room = room
        self._config = config
        self._seed = seed
        self._rounds = schedule(config, opened_at)
        self._bombs = share(config.drops_per_member, config.bomb_share)
        self._packets = share(config.drops_per_member - self._bombs, config.packet_share)
        self._latest: RoundTimes | None = None
        # one rain per member and round: derived at the first tap, kept while the round is on
        self._rain = lru_cache(maxsize=32_768)(self._derive_rain)

    def _derive_rain(self, round_: int, member: MemberId) -> Rain:
        times = self._rounds[round_]
        return Rain(
            round_key(self._seed, self._room, round_, member),
            content_key(self._seed, self._room, round_, member),
            times.ends_at - times.starts_at,
            self._config.drops_per_member,
            self._bombs,
            self._packets,
        )

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads."""
        config = self._config
        score = config.score_mode
        return {
            "cap": config.max_grabs_per_round,
            "bomb": config.bomb_score,
            "packet": score.packet_score if score else 1,
            "late": config.late_join,
            "score": bool(score),
            "count": config.amounts.count if config.amounts else 0,
            "early": EARLY_MS,
            "grace": GRACE_MS,
            "tiers": [[tier.places, tier.points] for tier in score.tiers] if score else [],
        }

    def stock(self) -> Mapping[PrizeId, int]:
        """Units per prize over all rounds."""
        config = self._config
        stock = {PrizeId(prize): units for prize, units in config.stock().items()}
        if config.amounts:
            stock[PACKET] = config.amounts.count * len(self._rounds)
        if config.score_mode:
            stock[PLACE] = sum(tier.places for tier in config.score_mode.tiers) * len(self._rounds)
        return stock

    def budget(self) -> int:
        """Points of all rounds and rare packets."""
        config = self._config
        each = config.amounts.total() if config.amounts else 0
        if config.score_mode:
            each = sum(tier.places * tier.points for tier in config.score_mode.tiers)
        return each * len(self._rounds) + config.points()

    def ends_at(self) -> int:
        """Shortly after the last round, so that its result still goes out."""
        return self._rounds[-1].ends_at + 10 * GRACE_MS

    def public(self) -> Mapping[str, Any]:
        """What the page needs to draw the rain."""
        config = self._config
        return {
            "drops": config.drops_per_member,
            "bombs": self._bombs,
            "packets": self._packets,
            "cap": config.max_grabs_per_round,
            "bomb_score": config.bomb_score,
            "rounds": len(self._rounds),
            "packets_per_round": config.amounts.count if config.amounts else 0,
            "points_per_round": config.amounts.total() if config.amounts else 0,
            "late_join": config.late_join,
            "score_mode": config.score_mode.model_dump() if config.score_mode else None,
            "first_starts_at": self._rounds[0].starts_at,
            "last_ends_at": self._rounds[-1].ends_at,
        }

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """(round, drop, kind, from, to): the drop's window in server ms, checked by the rule's own clock.

        Between two rounds' windows lie at least three seconds, so `now` may be off by that and still name
        the right round.
        """
        assert isinstance(command, Grab)
        if command.drop >= self._config.drops_per_member:
            raise Refused("drop_unknown")
        times = self._times_at(now)
        if times is None or now < times.countdown_at:
            raise Refused("no_round", retry_ms=times.starts_at - now if times else None)
        rain, start = self._rain(times.round, sender.member), times.starts_at
        spawn, end = rain.window(command.drop)
        return (
            times.round,
            command.drop,
            rain.kind(command.drop),
            start + spawn + EARLY_MS,
            start + end + GRACE_MS,
        )

    def _times_at(self, now: int) -> RoundTimes | None:
        """`current`, looked up once a round."""
        latest = self._latest
        if latest is None or not latest.countdown_at <= now <= latest.ends_at:
            latest = self._latest = current(self._rounds, now)
        return latest

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """`body`: [drop, kind, sum, score]."""
        drop, kind, total, score = body
        if not granted:
            return Grabbed(re=re, drop=drop, kind=_KINDS[kind], sum=total, score=score)
        prize, unit, amount, receipt = granted[0]
        return Grabbed(
            re=re, drop=drop, kind=_KINDS[kind], sum=total, score=score,
            amount=amount, prize=prize, unit=unit, receipt=receipt,
        )  # fmt: skip

    def due(self, after: int) -> Due | None:
        """Opening (at the countdown) and closing (after the grace) of each round, in order."""
        closes = GRACE_MS + GRACE_MS // 5
        first = bisect_left(self._rounds, after - closes, key=lambda times: times.ends_at)
        for times in self._rounds[first : first + 2]:
            round_ = times.round
            if times.countdown_at > after:
                return Due(times.countdown_at, "open_round", 2 * round_ + 1, self._table(round_))
            if times.ends_at + closes > after:
                return Due(times.ends_at + closes, "close_round", _closing(round_), (round_,))
        return None

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """The table of a round is derived anew; it is never stored."""
        return self._table(fact[1])[1:] if fact[0] == "round_opened" else ()

    def _table(self, round_: int) -> tuple[Any, ...]:
        """(round, start, amounts as little-endian u32, rare packets as (place in sequence, prize, value))."""
        config = self._config
        draws = Draws(derive(self._seed, "amounts", self._room, round_))
        amounts = allot(config.amounts, draws) if config.amounts else []
        rounds = len(self._rounds)
        rare = [
            (prize.id, prize.points)
            for prize, units in zip(config.prizes, config.stock().values(), strict=True)
            # a prize's stock is spread over the rounds as evenly as whole units go
            for _ in range(units * (round_ + 1) // rounds - units * round_ // rounds)
        ]
        draws.shuffle(rare)
        places: set[int] = set()
        while len(places) < len(rare):
            places.add(draws.below(len(amounts) + len(rare)))
        table = [(place, *prize) for place, prize in zip(sorted(places), rare, strict=True)]
        return round_, self._rounds[round_].starts_at, blob(pack(f"<{len(amounts)}I", *amounts)), table

    def event(self, name: str, v: int, body: Raw) -> Event:
        """The tally: [round, left, joined, players, top]."""
        round_, left, joined, players, top = body
        return Tally(v=v, round=round_, left=left, joined=joined, players=players, top=_leaders(top))

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """`round_opened`: [round]. `round_closed`: [round, players, left, top]; `granted`: the place won."""
        if name == "round_opened":
            return self._opened(v, self._rounds[body[0]], member)
        round_, players, left, top = body
        following = self._rounds[round_ + 1] if round_ + 1 < len(self._rounds) else None
        _, total, score, packets, best, place = self._result(view, round_)
        won = granted.get(_closing(round_))
        closed = RoundClosed(
            v=v, round=round_, sum=total, score=score, packets=packets, best=best, place=place,
            players=players, left=left, top=_leaders(top), next=Next(*following) if following else None,
        )  # fmt: skip
        if won:
            closed.prize, closed.unit, closed.won, closed.receipt = won
        return closed

    def _result(self, view: Raw, round_: int) -> Raw:
        """[round, sum, score, packets, best, place] of a round; zeros for one who was not in it."""
        return next((sums for sums in view[:2] if sums and sums[0] == round_), (round_, 0, 0, 0, 0, 0))

    def _opened(self, v: int | None, times: RoundTimes, member: MemberId) -> RoundOpened:
        round_, countdown_at, starts_at, ends_at = times
        key = round_key(self._seed, self._room, round_, member).hex()
        return RoundOpened(
            v=v, round=round_, countdown_at=countdown_at, starts_at=starts_at, ends_at=ends_at, key=key
        )

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """The round on or next (its key once the countdown runs), what is taken, and the sums.

        `view`: [sums of the newest round played, sums of the one before, drops taken in the newest,
        points in all, packets in all, [[prize, units] ...]].
        """
        times = current(self._rounds, now)
        on = times if times and now >= times.countdown_at else None
        newest, before, taken, points, packets, prizes = view
        playing = bool(on and newest and newest[0] == on.round)
        return {
            "round": to_builtins(self._opened(None, on, member)) if on else None,
            "next": to_builtins(Next(*times)) if times and not on else None,
            "mine": _sums(newest) if playing else None,
            "last": _sums(before if playing else newest),
            "taken": list(taken) if playing else [],
            "points": points,
            "packets": packets,
            "prizes": dict(prizes),
        }


def _closing(round_: int) -> int:
    """The ref of the clock's command that closes a round."""
    return 2 * round_ + 2


def _leaders(top: Raw) -> list[Leader]:
    return [Leader(name=masked(name), sum=total) for name, total in top]


def _sums(sums: Raw) -> dict[str, int] | None:
    names = ("round", "sum", "score", "packets", "best", "place")
    return dict(zip(names, sums, strict=True)) if sums else None
