"""Vote 投票."""

from collections.abc import Mapping
from typing import Any, ClassVar

from gameserver.games.game import Command, Event, RoomId
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
            "rules_text": "每人每天 5 票,每票可选 1 至 3 位选手;金卡会员每票计 2 票。",
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

    def demo(self) -> Mapping[str, Any]:
        """Twenty ballots a day."""
        ballots = {"per_day": 20, "choose_min": 1, "choose_max": 3}
        return {**self.example(), "title": "投票体验场", "ballots": ballots}


GAME = VoteGame()
