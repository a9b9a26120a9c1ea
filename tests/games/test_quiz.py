"""Quiz, GAMES.md."""

from collections.abc import Mapping
from typing import Any

from tests.games.quizzes import solo

GIFT = {"id": "gift", "name": "礼品", "kind": "physical", "stock": 5}
# what tests/test_every_game.py plays until nothing is left
SCARCE: Mapping[str, Any] = solo(pass_prize="gift", prizes=[GIFT])
