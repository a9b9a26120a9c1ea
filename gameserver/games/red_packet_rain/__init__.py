"""Red-packet rain 红包雨."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gameserver.games.game import Command, Demo, Event, RoomId
from gameserver.games.red_packet_rain.config import RainConfig
from gameserver.games.red_packet_rain.events import Grab, Grabbed, RoundClosed, RoundOpened, Tally
from gameserver.games.red_packet_rain.plan import RainPlan
from gameserver.games.red_packet_rain.player import RainPlayer
from gameserver.games.room_config import RoomConfig


class RedPacketRain:
    """See `gameserver.games.game.Game`."""

    name: ClassVar[str] = "red_packet_rain"
    config: ClassVar[type[RoomConfig]] = RainConfig
    commands: ClassVar[tuple[type[Command], ...]] = (Grab,)
    host_commands: ClassVar[tuple[type[Command], ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[type[Event], ...]] = (Grabbed, RoundOpened, RoundClosed, Tally)
    personal: ClassVar[frozenset[str]] = frozenset({"round_opened", "round_closed"})
    refusals: ClassVar[Mapping[str, str]] = {
        "no_round": "no round is on",
        "drop_unknown": "the rain has no such drop",
        "too_early": "the drop has not appeared yet",
        "too_late": "the drop has gone",
        "drop_taken": "the drop was taken before",
        "grab_limit": "the member has all the packets a round allows",
        "late_join": "the round began before the member joined",
    }

    def plan(self, room: RoomId, config: Any, seed: bytes, opened_at: int) -> RainPlan:
        """Plans a room."""
        return RainPlan(room, config, seed, opened_at)

    def player(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> RainPlayer:
        """Taps every drop that is no bomb."""
        return RainPlayer(public, snapshot)

    def example(self) -> Mapping[str, Any]:
        """Three rounds of 500 packets that hold 10,000 points each."""
        return {
            "title": "周年庆红包雨",
            "rules_text": "点击下落的红包即可获得积分，小心炸弹。每轮最多 20 个红包。",
            "organiser": "会员中心",
            "rounds": [{"gap_ms": 30_000, "countdown_ms": 5000, "duration_ms": 15_000, "times": 3}],
            "drops_per_member": 60,
            "packet_share": 70,
            "bomb_share": 10,
            "max_grabs_per_round": 20,
            "amounts": {"mode": "double_mean", "total_points": 10_000, "count": 500, "min": 1, "max": 200},
        }

    def demos(self) -> Sequence[Demo]:
        """A round every half minute for half a day."""
        gap = {"gap_ms": 12_000, "countdown_ms": 5000, "duration_ms": 15_000, "times": 1300}
        return [Demo({**self.example(), "title": "红包雨体验场", "rounds": [gap]})]


GAME = RedPacketRain()
