"""What the packets of a round hold, allotted to unit numbers from the seed before the round starts."""

from gameserver.fairness import Draws
from gameserver.games.red_packet_rain.config import DoubleMean, Fixed, Listed


def allot(amounts: Fixed | DoubleMean | Listed, draws: Draws) -> list[int]:
    """Points per packet in unit order; their sum is `amounts.total()` exactly."""
    match amounts:
        case Fixed():
            return [amounts.amount] * amounts.count
        case Listed():
            dealt = [tier.amount for tier in amounts.tiers for _ in range(tier.count)]
        case DoubleMean():
            dealt = _double_mean(amounts, draws)
    draws.shuffle(dealt)
    return dealt


def _double_mean(amounts: DoubleMean, draws: Draws) -> list[int]:
    """The double-mean method of chat red packets; bounds keep what remains splittable."""
    left, dealt = amounts.total_points, []
    for others in range(amounts.count - 1, 0, -1):
        low = max(amounts.min, left - others * amounts.max)
        high = min(amounts.max, left - others * amounts.min, max(low, 2 * left // (others + 1)))
        amount = draws.between(low, high)
        dealt.append(amount)
        left -= amount
    return [*dealt, left]
