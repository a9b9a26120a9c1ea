"""The plan of one vote room: windows, weights and events from (config, opening time)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gameserver.errors import Refused
from gameserver.games.game import Command, Due, Event, Granted, MemberId, PrizeId, Raw, Sender
from gameserver.games.room_config import LONGEST_MS, ms
from gameserver.games.vote.config import VoteConfig
from gameserver.games.vote.events import ContestantsChanged, Standing, Tally, Vote, Voted

RESULTS = ("always", "after_voting", "at_end")  # rules.lua numbers them alike, from 1


class VotePlan:
    """See `gameserver.games.game.Plan`."""

    def __init__(self, config: VoteConfig, opened_at: int) -> None:
        self._config = config
        self._opened_at = opened_at
        self._zone = ZoneInfo(config.timezone)
        self._weights = {line.level: line.weight for line in config.ballots.weights}
        self._fewest, self._most = config.ballots.choose_min, config.ballots.choose_max

    def rule(self) -> Mapping[str, Any]:
        """What rules.lua reads."""
        ballots, config = self._config.ballots, self._config
        return {
            "per_day": ballots.per_day or False,
            "total": ballots.total or False,
            "each": ballots.per_contestant_per_day or False,
            "opens": ms(config.voting_opens_at) if config.voting_opens_at else 0,
            "growth": config.review.votes_per_minute or False,
            "results": RESULTS.index(config.results) + 1,
        }

    def stock(self) -> Mapping[PrizeId, int]:
        """A vote gives nothing."""
        return {}

    def budget(self) -> int:
        """A vote gives no points."""
        return 0

    def ends_at(self) -> int:
        """A vote ends when the room closes."""
        return self._opened_at + LONGEST_MS

    def public(self) -> Mapping[str, Any]:
        """What the page needs beside the list of contestants."""
        config, signup = self._config, self._config.signup
        return {
            "ballots": config.ballots.model_dump(exclude={"weights"}),
            "weights": [line.model_dump() for line in config.ballots.weights],
            "results": config.results,
            "signup": {
                "opens_at": ms(signup.opens_at) if signup.opens_at else None,
                "closes_at": ms(signup.closes_at) if signup.closes_at else None,
                "media_max": signup.media_max,
                "text_max": signup.text_max,
            }
            if signup
            else None,
            "voting_opens_at": self._voting_opens_at(),
            "groups": list(config.groups),
            "votes_per_minute": config.review.votes_per_minute,
        }

    def arguments(self, sender: Sender, command: Command, now: int) -> tuple[Any, ...]:
        """(weight, contestant ...)."""
        assert isinstance(command, Vote)
        choices = command.choices
        if len(choices) < self._fewest:
            raise Refused("too_few_choices")
        if len(choices) > self._most:
            raise Refused("too_many_choices")
        if len(set(choices)) < len(choices):
            raise Refused("same_choice")
        return self._weight(sender.levels), *choices

    def _weight(self, levels: frozenset[str]) -> int:
        weights = self._weights
        if not weights or not levels:
            return 1
        return max((weights[level] for level in levels if level in weights), default=1)

    def answer(self, member: MemberId, re: int, body: Raw, granted: Sequence[Granted]) -> Event:
        """`body`: [choices, weight, left today | false, left in all | false, counted of each | false]."""
        choices, weight, left_today, left_total, counted = body
        return Voted(
            re=re,
            choices=list(choices),
            weight=weight,
            left_today=_or_none(left_today),
            left_total=_or_none(left_total),
            votes=dict(zip(choices, counted, strict=True)) if counted else None,
        )

    def due(self, after: int) -> Due | None:
        """A vote's clock has nothing to do."""
        return None

    def revive(self, fact: Raw) -> tuple[Any, ...]:
        """A fact of a vote says all."""
        return ()

    def event(self, name: str, v: int, body: Raw) -> Event:
        """`contestants_changed`: [contestants]; the tally: see rules.lua, `tally`."""
        if name == "contestants_changed":
            return ContestantsChanged(v=v, contestants=body[0])
        joined, ballots, votes, top, under_review, contestants = body
        return Tally(
            v=v, joined=joined, ballots=ballots, votes=votes,
            top=[Standing(id=id_, votes=counted) for id_, counted in top],
            under_review=list(under_review), contestants=contestants,
        )  # fmt: skip

    def personal(
        self, name: str, v: int, body: Raw, member: MemberId, view: Raw, granted: Mapping[int, Granted]
    ) -> Event:
        """A vote tells everybody the same."""
        raise AssertionError(name)

    def snapshot(self, member: MemberId, now: int, view: Raw) -> Mapping[str, Any]:
        """The member's ballots, and the numbers where the member may see them.

        `view`: [day of the last ballot, ballots on it, ballots in all, [[contestant, ballots] ...] on it,
        [[contestant, counted] ...] | false].
        """
        day, today, total, named, counted = view
        if day not in (0, self.day_at(now)):  # 0: the lane was told no days
            today, named = 0, ()
        ballots = self._config.ballots
        return {
            "today": dict(named),
            "left_today": None if ballots.per_day is None else max(0, ballots.per_day - today),
            "left_total": None if ballots.total is None else max(0, ballots.total - total),
            "voted": total > 0,
            "votes": None if counted is False else dict(counted),
            "voting_opens_at": self._voting_opens_at(),
            "closes_at": ms(self._config.closes_at) if self._config.closes_at else self.ends_at(),
        }

    def day_at(self, now: int) -> int:
        """The day in the room's timezone as yyyymmdd."""
        day = datetime.fromtimestamp(now / 1000, self._zone)
        return day.year * 10_000 + day.month * 100 + day.day

    def _voting_opens_at(self) -> int | None:
        opens = self._config.voting_opens_at
        return ms(opens) if opens else None


def _or_none(left: int | bool) -> int | None:
    return None if left is False else left
