"""What members of a wheel send and are told."""

from typing import Annotated

import msgspec

from gameserver.games.game import Command, Event


class Spin(Command, tag="spin"):
    """One spin, or ten at once where the room offers it."""

    times: Annotated[int, msgspec.Meta(ge=1, le=10)]


class Drawn(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One spin's result.

    `drawn` is the prize that the draw said; `prize` is the one given, which differs where a fallback stands
    in. `amount` is in points, or plays for kind chance. `pity`: bad luck had lasted long enough.
    """

    prize: str
    drawn: str
    unit: int | None = None
    amount: int | None = None
    receipt: str | None = None
    pity: bool = False


class Spun(Event, tag="spun", kw_only=True):
    """The results in the order of the spins.

    `plays` are the member's in all; `until_pity` is how many plays may still go without one of pity's
    prizes before the next draws among them: 0 is now.
    """

    results: list[Drawn]
    plays: int
    until_pity: int | None


class Winner(msgspec.Struct):
    """Somebody who won; `name` is masked."""

    name: str
    prize: str


class Tally(Event, tag="tally", kw_only=True):
    """The room at a glance; conflated. `recent`: the last ten wins, newest first; `left`: units by prize."""

    joined: int
    plays: int
    wins: int
    recent: list[Winner]
    left: dict[str, int]
