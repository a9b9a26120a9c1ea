"""Rule: no more frames from one connection than a page can honestly send."""

PER_SECOND = 30
BURST = 60


class FrameRate:
    """A token bucket of one connection, counted in frames.

    Args:
        per_second: the steady rate.
        burst: what may come at once.
    """

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        self._rate = per_second
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def admits(self, now: float) -> bool:
        """Whether one more frame may pass at `now` (seconds, monotonic)."""
        left = self._left + (now - self._at) * self._rate
        self._at = now
        left = min(left, self._burst)
        if left < 1:
            self._left = left
            return False
        self._left = left - 1
        return True
