"""The import rules that name every game found, so that a new game needs no edit in pyproject.toml."""

import grimp
import pytest

from gameserver.games import games

GRAPH = grimp.build_graph("gameserver", "ledger_client")
HOUSE = ("gameserver.rooms", "gameserver.store", "gameserver.records", "gameserver.staff", "gameserver.http")


@pytest.mark.parametrize("name", games())
def test_a_game_imports_no_other_game(name: str) -> None:
    others = {f"gameserver.games.{other}" for other in games()} - {f"gameserver.games.{name}"}
    mine = GRAPH.find_descendants(f"gameserver.games.{name}") | {f"gameserver.games.{name}"}
    imported = {target for module in mine for target in GRAPH.find_modules_directly_imported_by(module)}
    assert not {target for target in imported for other in others if target.startswith(other)}


@pytest.mark.parametrize("name", games())
def test_the_house_names_no_game(name: str) -> None:
    game = f"gameserver.games.{name}"
    importers = {
        importer
        for module in GRAPH.find_descendants(game) | {game}
        for importer in GRAPH.find_modules_that_directly_import(module)
    }
    assert not {importer for importer in importers if importer.startswith((*HOUSE, "gameserver.websocket"))}
