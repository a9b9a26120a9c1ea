"""When the rounds of a room run: fixed at the opening, the same on every node."""

from bisect import bisect_right
from typing import NamedTuple

from gameserver.games.red_packet_rain.config import RainConfig
from gameserver.games.room_config import ms

GRACE_MS = 250  # a grab may arrive this much after its drop has gone (GAMES.md)


class RoundTimes(NamedTuple):
    """Server times in ms of one round, numbered from 0."""

    round: int
    countdown_at: int
    starts_at: int
    ends_at: int


def schedule(config: RainConfig, opened_at: int) -> list[RoundTimes]:
    """All rounds in order. A round that would overlap the one before starts right after it."""
    rounds: list[RoundTimes] = []
    end = max(opened_at, ms(config.opens_at)) if config.opens_at else opened_at
    for line in config.rounds:
        for _ in range(line.times):
            wanted = ms(line.start) - line.countdown_ms if line.start else end + (line.gap_ms or 0)
            # the round before is closed only after its grace
            countdown = max(wanted, end + 2 * GRACE_MS)
            start = countdown + line.countdown_ms
            end = start + line.duration_ms
            rounds.append(RoundTimes(len(rounds), countdown, start, end))
    return rounds


def current(rounds: list[RoundTimes], now: int) -> RoundTimes | None:
    """The round whose countdown or play is on at `now`, else the next one, else None."""
    index = bisect_right(rounds, now - GRACE_MS, key=lambda times: times.ends_at)
    return rounds[index] if index < len(rounds) else None
