"""Lottery wheel 大转盘."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gameserver.games.game import Command, Demo, Event, RoomId
from gameserver.games.lottery_wheel.config import WheelConfig
from gameserver.games.lottery_wheel.events import Spin, Spun, Tally
from gameserver.games.lottery_wheel.plan import WheelPlan
from gameserver.games.lottery_wheel.player import WheelPlayer
from gameserver.games.room_config import RoomConfig


class LotteryWheel:
    """See `gameserver.games.game.Game`."""

    name: ClassVar[str] = "lottery_wheel"
    config: ClassVar[type[RoomConfig]] = WheelConfig
    commands: ClassVar[tuple[type[Command], ...]] = (Spin,)
    host_commands: ClassVar[tuple[type[Command], ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[type[Event], ...]] = (Spun, Tally)
    personal: ClassVar[frozenset[str]] = frozenset()
    refusals: ClassVar[Mapping[str, str]] = {
        "times_not_offered": "a command is one spin, or ten where the room offers ten-draws",
    }

    def plan(self, room: RoomId, config: Any, seed: bytes, opened_at: int) -> WheelPlan:
        """Plans a room."""
        return WheelPlan(room, config, seed, opened_at)

    def player(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> WheelPlayer:
        """Spins as long as there are chances."""
        return WheelPlayer(public, snapshot)

    def example(self) -> Mapping[str, Any]:
        """Three free spins a day; a mug is promised after twenty plays without a prize that is handed out."""
        return {
            "title": "会员日大转盘",
            "rules_text": "每人每天 3 次免费抽奖机会，奖品数量有限，抽完为止。概率与奖品数量见规则页。",
            "organiser": "会员中心",
            "chances": {"free_per_day": 3},
            "prizes": [
                {
                    "id": "headphones", "name": "降噪耳机", "kind": "physical", "value": 89_900, "stock": 5,
                    "weight": 10, "per_member": 1, "release": {"mode": "linear"}, "fallback": "points_20",
                },
                {
                    "id": "mug", "name": "纪念马克杯", "kind": "physical", "value": 3900, "stock": 200,
                    "weight": 290, "per_member": 1, "per_day": 50, "fallback": "points_20",
                },
                {
                    "id": "points_188", "name": "188 积分", "kind": "points", "value": 188, "stock": 300,
                    "weight": 700, "fallback": "points_20",
                },
                {
                    "id": "points_20", "name": "20 积分", "kind": "points", "value": 20, "stock": 5000,
                    "weight": 3000, "fallback": "thanks",
                },
                {"id": "thanks", "name": "谢谢参与", "kind": "none", "weight": 6000},
            ],
            "pity": {"after": 20, "prizes": ["mug"]},
        }  # fmt: skip

    def demos(self) -> Sequence[Demo]:
        """One room a skin."""
        return [
            Demo({**_SHOWN, "title": f"{title}体验场", "appearance": appearance})
            for appearance, title in _TITLES.items()
        ]


_TITLES = {
    "wheel": "大转盘", "grid": "九宫格", "scratch": "刮刮卡", "egg": "砸金蛋", "flip": "翻牌",
    "slot": "老虎机", "blind_box": "福袋",
}  # fmt: skip

# five free spins a day, extra ones among the prizes, ten-draws, and a prize to unlock
_SHOWN: Mapping[str, Any] = {
    "rules_text": "每人每天 5 次免费抽奖。抽满 3 次解锁大奖；连续 8 次未中实物，下一次必得。",
    "organiser": "会员中心",
    "chances": {"free_per_day": 5},
    "prizes": [
        {
            "id": "console", "name": "掌上游戏机", "kind": "physical", "value": 209_900, "stock": 20,
            "weight": 100, "per_member": 1, "unlock_after": 3, "fallback": "points_88",
        },
        {
            "id": "bag", "name": "帆布袋", "kind": "physical", "value": 2900, "stock": 2000,
            "weight": 900, "delivery": "on_site", "fallback": "points_10",
        },
        {
            "id": "points_88", "name": "88 积分", "kind": "points", "value": 88, "stock": 5000,
            "weight": 1500, "fallback": "points_10",
        },
        {
            "id": "points_10", "name": "10 积分", "kind": "points", "value": 10, "weight": 3500,
            "fallback": "thanks",
        },
        {
            "id": "again", "name": "再来两次", "kind": "chance", "value": 2, "weight": 1000,
            "fallback": "thanks",
        },
        {"id": "thanks", "name": "谢谢参与", "kind": "none", "weight": 3000},
    ],
    "points_budget": 500_000,
    "pity": {"after": 8, "prizes": ["console", "bag"], "weights": {"console": 1, "bag": 9}},
    "ten_draw": True,
}  # fmt: skip


GAME = LotteryWheel()
