"""A circuit breaker: after so many failures in a row nothing is tried for a while, then one call tries."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class State(StrEnum):
    """Closed lets everything through, open nothing, half-open one call that decides which it will be."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitOpen(Exception):  # noqa: N818 - says which, not that something broke
    """Nothing was tried: too many calls have failed lately."""


class Breaker:
    """Counts failures in a row; see `State`.

    Args:
        failures: how many open it.
        open_s: seconds until one call may try.
        counted: what is a failure; other exceptions say nothing of the other side.
    """

    def __init__(self, failures: int, open_s: float, counted: type[Exception]) -> None:
        self._limit = failures
        self._open_s = open_s
        self._counted = counted
        self._failed = 0
        self._opened_at = 0.0
        self._state = State.CLOSED

    @property
    def state(self) -> State:
        """Where it stands; an open one whose time is over turns half-open with the next call."""
        return self._state

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call. Raises CircuitOpen instead of making it."""
        deciding = self._admit()
        try:
            yield
        except self._counted:
            self._failed += 1
            if deciding or (self._state is State.CLOSED and self._failed >= self._limit):
                self._open()
            raise
        except BaseException:
            # cancelled, or a bug of ours: the one that should decide has not
            if deciding:
                self._open()
            raise
        self._failed = 0
        self._state = State.CLOSED

    def _admit(self) -> bool:
        """Whether this call decides how it goes on."""
        if self._state is State.CLOSED:
            return False
        if self._state is State.HALF_OPEN or time.monotonic() < self._opened_at + self._open_s:
            raise CircuitOpen
        self._state = State.HALF_OPEN
        return True

    def _open(self) -> None:
        self._state = State.OPEN
        self._opened_at = time.monotonic()
