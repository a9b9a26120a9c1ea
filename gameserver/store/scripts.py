"""The Redis function libraries: one per game, from the prelude, the game's rules and the registration."""

import hashlib
from functools import cache
from importlib.resources import files

from redis.asyncio import Redis

from gameserver.games import game_named, rules_of
from gameserver.games.game import Game

_LUA = files("gameserver.store") / "lua"
# one chunk of Lua in the end: a part uses the locals of those before it
PRELUDE = (
    "lane", "members", "purse", "chances", "for_rules", "prizes", "applying", "places", "deciding",
    "writing", "functions",
)  # fmt: skip


class Library:
    """One game's functions.

    Attributes:
        text: what FUNCTION LOAD gets.
        suffix: ends every function's name: the game and a hash of everything it runs.
    """

    def __init__(self, game: Game) -> None:
        parts = [
            *((_LUA / "prelude" / f"{part}.lua").read_text(encoding="utf-8") for part in PRELUDE),
            rules_of(game),
            (_LUA / "register.lua").read_text(encoding="utf-8"),
        ]
        body = "\n".join(parts)
        self.suffix = f"{game.name}_{hashlib.sha256(body.encode()).hexdigest()[:12]}"
        self.text = f"#!lua name=gameserver_{self.suffix}\n{body.replace('@name@', self.suffix)}"

    def function(self, verb: str) -> str:
        """The full name of `tick`, `open`, `set_state`, `views`, `clock`, `explain`, `fold` or
        `close_purses`."""
        return f"{verb}_{self.suffix}"

    async def load(self, redis: Redis) -> None:
        """Loads the library; loading it again changes nothing."""
        await redis.function_load(self.text, replace=True)


@cache
def _library(name: str) -> Library:
    return Library(game_named(name))


def library_of(game: Game) -> Library:
    """The library of a game, built once."""
    return _library(game.name)
