"""Vote 投票."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gameserver.games.game import Command, Demo, Event, RoomId
from gameserver.games.room_config import RoomConfig
from gameserver.games.vote.config import VoteConfig
from gameserver.games.vote.events import ContestantsChanged, Tally, Vote, Voted
from gameserver.games.vote.plan import VotePlan
from gameserver.games.vote.player import VotePlayer


class VoteGame:
    """See `gameserver.games.game.Game`."""

    name: ClassVar[str] = "vote"
    config: ClassVar[type[RoomConfig]] = VoteConfig
    commands: ClassVar[tuple[type[Command], ...]] = (Vote,)
    host_commands: ClassVar[tuple[type[Command], ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    events: ClassVar[tuple[type[Event], ...]] = (Voted, ContestantsChanged, Tally)
    personal: ClassVar[frozenset[str]] = frozenset()
    refusals: ClassVar[Mapping[str, str]] = {
        "not_voting_yet": "voting has not begun yet",
        "contestant_unknown": "one of the choices is not in the list of contestants",
        "contestant_state": "the contestant's state does not allow this",
        "too_few_choices": "a ballot of this room names more contestants",
        "too_many_choices": "a ballot of this room names fewer contestants",
        "same_choice": "a ballot names each contestant once",
        "ballot_limit": "the member has used all ballots, of the day or in all",
        "contestant_limit": "the member has named this contestant as often as a day allows",
    }

    def plan(self, room: RoomId, config: Any, seed: bytes, opened_at: int) -> VotePlan:
        """Plans a room."""
        return VotePlan(config, opened_at)

    def player(self, public: Mapping[str, Any], snapshot: Mapping[str, Any]) -> VotePlayer:
        """Votes for anyone while a ballot is left."""
        return VotePlayer(public, snapshot)

    def example(self) -> Mapping[str, Any]:
        """Five ballots a day, each for one to three contestants, with sign-up."""
        return {
            "title": "最美员工评选",
            "rules_text": "每人每天 5 票，每票可选 1 至 3 位选手；金卡会员每票计 2 票。",
            "organiser": "会员中心",
            "ballots": {
                "per_day": 5,
                "per_contestant_per_day": 3,
                "choose_min": 1,
                "choose_max": 3,
                "weights": [{"level": "gold", "weight": 2}],
            },
            "results": "always",
            "signup": {"media_max": 3, "text_max": 300},
            "groups": ["门店", "总部"],
            "review": {"votes_per_minute": 600},
        }

    def demos(self) -> Sequence[Demo]:
        """Twenty ballots a day for eight contestants, and whoever signs up."""
        ballots = {"per_day": 20, "choose_min": 1, "choose_max": 3}
        config = {**self.example(), "title": "投票体验场", "ballots": ballots}
        return [Demo(config, contestants=_CONTESTANTS)]


_CONTESTANTS = (
    ("林晓彤", "门店", "十年如一日，每天第一个到店。"),
    ("陈建国", "门店", "顾客说他修得好每一台咖啡机。"),
    ("王雨桐", "门店", "记得住两百位熟客的口味。"),
    ("赵一鸣", "总部", "让发货时间从三天变成一天。"),
    ("刘芳", "总部", "接过一万个客服电话，没有一次挂断。"),
    ("周子轩", "总部", "把旧纸箱变成了儿童乐园。"),
    ("吴佳慧", "门店", "雨天门口总有她备好的伞。"),
    ("孙浩然", "总部", "他的周报大家都会读完。"),
)


GAME = VoteGame()
