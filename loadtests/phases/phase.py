"""What a phase of the benchmark gets and gives."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gameserver.app import Stores
from loadtests.processes import Programs


class Bench(NamedTuple):
    """The run.

    Attributes:
        stores: of the benchmark's own process, on the engines of this run.
        programs: starts servers, peers and storms there.
        say: tells the terminal what is going on.
        quick: whether a short look is enough.
    """

    stores: Stores
    programs: Programs
    say: Callable[[str], None]
    quick: bool


Phase = Callable[[Bench], Awaitable[dict[str, float]]]
"""One repetition: figures by key."""
