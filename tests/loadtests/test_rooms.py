from collections.abc import Mapping
from typing import Any

import pytest

from gameserver.games import game_named
from gameserver.games.game import MemberId, RoomId, Sender, SessionId
from gameserver.games.red_packet_rain.events import Grab
from loadtests.peers import echo
from loadtests.phases.quiz import live
from loadtests.phases.vote import VOTE
from loadtests.phases.wheel import WHEEL
from loadtests.rooms import GAME, QUIET, RAIN, ROUND_MS
from loadtests.seats import EPOCH, PACKET, member, session

SEED = bytes(32)


@pytest.mark.parametrize("config", [RAIN, QUIET])
def test_the_rooms_of_the_benchmark_fit_the_game(config: object) -> None:
    game = game_named(GAME)
    plan = game.plan(RoomId("r1"), game.config.model_validate(config), SEED, 0)
    assert plan.budget() > 0


@pytest.mark.parametrize(("game", "config"), [("lottery_wheel", WHEEL), ("vote", VOTE), ("quiz", live(3))])
def test_the_rooms_of_the_other_games_fit_them(game: str, config: Mapping[str, Any]) -> None:
    checked = game_named(game).config.model_validate(config)
    assert game_named(game).plan(RoomId("r1"), checked, SEED, 0).rule()


def test_every_drop_of_the_measured_rain_wins() -> None:
    game = game_named(GAME)
    plan = game.plan(RoomId("r1"), game.config.model_validate(RAIN), SEED, 0)
    public = plan.public()
    assert (public["bombs"], public["packets"]) == (0, public["drops"])
    now = public["first_starts_at"] + ROUND_MS // 2
    for drop in range(0, public["drops"], 100):
        _, _, kind, *_ = plan.arguments(
            Sender(MemberId(member(1)), SessionId("")), Grab(ref=1, drop=drop), now
        )
        assert kind == PACKET


def test_seats_are_numbered_alike_by_everybody() -> None:
    assert (member(10), session(10)) == ("m000000000a", f"s{EPOCH}-10")


def test_the_echo_answers_about_as_many_bytes_as_a_claim_has() -> None:
    assert echo.ANSWER.keys() == {"drop", "kind", "sum", "score", "amount", "prize", "unit", "receipt"}
