"""Times as people write and read them: ISO 8601, in this machine's timezone where they name none."""

import time
from datetime import datetime


def shown(at: int) -> str:
    """A moment in ms as local time with its offset."""
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(timespec="seconds")


def moment(text: str) -> int:
    """The moment in ms of a text such as 2026-11-21 or 2026-11-21T08:00+08:00. Raises ValueError."""
    return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)


def now() -> int:
    """This moment in ms."""
    return time.time_ns() // 1_000_000
