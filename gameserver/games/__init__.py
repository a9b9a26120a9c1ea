"""Discovery: a game is a folder here with `GAME` in it. Nothing else names games."""

import importlib
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path

from gameserver.errors import Refused
from gameserver.games.game import Game
from gameserver.games.report import GameReports, each_line

_FOLDER = Path(__file__).parent


@cache
def games() -> dict[str, Game]:
    """All games by name, in alphabetical order."""
    found = {}
    for module in sorted(m.name for m in pkgutil.iter_modules([str(_FOLDER)]) if m.ispkg):
        game: Game = importlib.import_module(f"{__name__}.{module}").GAME
        found[game.name] = game
    return found


def game_named(name: str) -> Game:
    """The game of that name. Raises Refused("unknown_game")."""
    try:
        return games()[name]
    except KeyError:
        known = ", ".join(games())
        raise Refused("unknown_game", f"there is no game {name!r}; there are: {known}") from None


@cache
def reports_of(name: str) -> GameReports:
    """What a game tells reports of its own (games/report.py); most have a `report.py`."""
    module = f"{__name__}.{game_named(name).name}.report"
    if importlib.util.find_spec(module) is None:
        return GameReports(each_line, {})
    found = importlib.import_module(module)
    return GameReports(found.plays, found.REPORTS)


def rules_of(game: Game) -> str:
    """The text of the game's rules.lua and, after it, of its parts in rules/, which know its locals only."""
    folder = _FOLDER / game.name
    whole = (folder / "rules.lua").read_text(encoding="utf-8")
    parts = [part.read_text(encoding="utf-8") for part in sorted((folder / "rules").glob("*.lua"))]
    return "\n".join([whole, *(f"do\n{part}end\n" for part in parts)])
