"""Lottery wheel, GAMES.md: what a spin gives."""

from collections.abc import Mapping
from typing import Any

from tests.games.wheels import points, prize, wheel

# what tests/test_every_game.py plays until nothing is left
SCARCE: Mapping[str, Any] = wheel(
    prize("mug", 5, stock=3),
    points("lots", 30, 50, stock=20, fallback="mug"),
    chances={"free_total": 20},
    ten_draw=True,
)
