"""The wheel, its prizes and its chances as a plain model: dicts and lists, one spin after the other.

Written from GAMES.md and DESIGN.md, not from the Lua; server time is what the real lane said it was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any

from gameserver.games.lottery_wheel.config import WheelConfig, WheelPrize
from gameserver.games.room_config import Linear, ReleaseList, ms

Result = list[Any]
NONE = "none"


@dataclass
class Purse:
    number: int = 0
    fill: int = 0
    left: int = 0
    until: int = 0
    paid: int = 0


@dataclass
class Person:
    plays: int = 0
    missed: int = 0
    points: int = 0
    won: list[tuple[str, int, int]] = field(default_factory=list)
    owned: Counter[str] = field(default_factory=Counter)
    wins: int = 0
    won_at: int = 0
    chances: int = 0
    day: int = 0
    day_chances: int = 0
    gifts: int = 0
    gifts_used: int = 0
    purse: Purse = field(default_factory=Purse)


@dataclass
class Spins:
    """What a command has come to so far: nothing of it counts before all of it does."""

    plays: int
    missed: int
    told: list[int] = field(default_factory=list)
    won: list[str] = field(default_factory=list)


class WheelModel:
    """The whole lane; `window` are the ms from and until which the room takes spins."""

    def __init__(self, config: WheelConfig, window: tuple[int, int]) -> None:
        self.config = config
        self.window = window
        self.prizes = {prize.id: prize for prize in config.prizes}
        self.ids = list(self.prizes)
        self.units = config.stock()
        self.people: dict[str, Person] = {}
        self.waiting: Counter[str] = Counter()  # gifts for those who have not come in yet
        self.granted: Counter[str] = Counter()
        self.granted_on: Counter[tuple[str, int]] = Counter()
        self.last_day: dict[str, int] = {}
        self.wins_on: Counter[int] = Counter()
        self.plays = 0
        self.recent: list[list[Any]] = []
        self.day = self.now = 0

    # who plays

    def joins(self, member: str) -> None:
        if member not in self.people:
            self.people[member] = Person(gifts=self.waiting.pop(member, 0) if self.counts else 0)

    def gives(self, member: str, plays: int) -> None:
        if member in self.people:
            self.people[member].gifts += plays
        else:
            self.waiting[member] += plays

    def fills(self, member: str, points: int, until: int) -> Result:
        purse = self.people[member].purse
        purse.fill = purse.fill + 1 if purse.number else 0
        purse.number, purse.left, purse.until = 1, purse.left + points, until
        return [1, [purse.number, purse.fill, purse.left, purse.until, purse.paid], []]

    # chances

    @property
    def counts(self) -> bool:
        return bool(self.config.chances.model_dump(exclude_none=True))

    def _left(self, person: Person, per_day: int | None, in_all: int | None, used: int) -> int | None:
        today = person.day_chances if person.day == self.day else 0
        limits = [per_day - today] if per_day is not None else []
        limits += [in_all - used] if in_all is not None else []
        return max(0, min(limits)) if limits else None

    def free(self, person: Person) -> int | None:
        chances = self.config.chances
        used = person.chances - person.purse.paid - person.gifts_used
        return self._left(person, chances.free_per_day, chances.free_total, used)

    def most(self, person: Person) -> int | None:
        chances = self.config.chances
        return self._left(person, chances.max_per_day, chances.max_total, person.chances)

    def _no_chance(self, person: Person, times: int) -> bool:
        most, free = self.most(person), self.free(person)
        if most is not None and most < times:
            return True
        gifts = person.gifts - person.gifts_used
        return self.config.chances.cost_points is None and free is not None and free + gifts < times

    def _to_pay(self, person: Person, times: int) -> int:
        free = self.free(person)
        if self.config.chances.cost_points is None or free is None:
            return 0
        return max(0, times - free - (person.gifts - person.gifts_used))

    # one command

    def spin(self, member: str, drawn: Sequence[int], pity: Sequence[int], now: int, day: int) -> Result:
        self.now, self.day = now, day
        person, times = self.people[member], len(drawn)
        paid = 0
        if self.counts:
            if self._no_chance(person, times):
                return [0, "no_chance_left", False]
            paid = self._to_pay(person, times)
            if paid and person.purse.left < paid * (self.config.chances.cost_points or 0):
                return [0, "purse_needed", self._standing(person, paid)]
        code, retry = self._no_win(person)
        if code:
            return [0, code, retry]
        spins = Spins(person.plays, person.missed)
        for number, place in enumerate(drawn):
            due = self.config.pity is not None and spins.missed >= self.config.pity.after
            code = self._one(person, spins, pity[number] if due else place, due)
            if code:
                return [0, code, False]
        return self._done(member, person, spins, paid)

    def _standing(self, person: Person, paid: int) -> list[Any]:
        purse, most = person.purse, self.most(person)
        opened = purse.until > self.now
        return [purse.number, purse.fill, opened, False if most is None else most, paid, purse.left]

    def _no_win(self, person: Person) -> tuple[str | None, Any]:
        wins = self.config.wins
        if wins.per_member is not None and person.wins >= wins.per_member:
            return "win_limit", False
        if wins.per_day is not None and self.wins_on[self.day] >= wins.per_day:
            return "win_limit", False
        wait = wins.min_interval_ms - (self.now - person.won_at)
        return ("win_limit", wait) if wait > 0 else (None, False)

    def _one(self, person: Person, spins: Spins, place: int, due: bool) -> str | None:
        """One spin; the code of a refusal where nothing can be given."""
        wanted = self.ids[place - 1]
        if due and self.config.pity:
            there = [id_ for id_ in (wanted, *self.config.pity.prizes) if self._there(person, spins, id_)]
            wanted = there[0] if there else wanted
        while self.prizes[wanted].unlock_after > spins.plays:
            wanted = self._fallback(wanted)
        given: str | None = wanted
        while given and self.prizes[given].kind != NONE:
            if self._room_for_a_win(person, spins) and self._there(person, spins, given):
                break
            given = self.prizes[given].fallback
        if given is None:
            return "sold_out" if self._room_for_a_win(person, spins) else "win_limit"
        if self.prizes[given].kind != NONE:
            spins.won.append(given)
        spins.plays += 1
        pity = self.config.pity
        spins.missed = min(spins.missed + 1, pity.after) if pity and given not in pity.prizes else 0
        spins.told += [place, self.ids.index(given) + 1, int(due)]
        return None

    def _fallback(self, id_: str) -> str:
        fallback = self.prizes[id_].fallback
        assert fallback
        return fallback

    def _room_for_a_win(self, person: Person, spins: Spins) -> bool:
        wins, more = self.config.wins, len(spins.won)
        if not more:
            return True
        if wins.min_interval_ms:
            return False
        of_member = wins.per_member is None or person.wins + more < wins.per_member
        return of_member and (wins.per_day is None or self.wins_on[self.day] + more < wins.per_day)

    def _there(self, person: Person, spins: Spins, id_: str) -> bool:
        prize, more = self.prizes[id_], spins.won.count(id_)
        if prize.per_member is not None and person.owned[id_] + more >= prize.per_member:
            return False
        if prize.per_day is not None and self.granted_on[id_, self.day] + more >= prize.per_day:
            return False
        return self.granted[id_] + more < min(self.units[id_], self._released(prize))

    def _released(self, prize: WheelPrize) -> int:
        match prize.release:
            case Linear():
                opens, closes = self.window
                assert prize.stock
                return min(prize.stock, floor(prize.stock * (self.now - opens) / (closes - opens)) + 1)
            case ReleaseList(steps=steps):
                return sum(step.units for step in steps if ms(step.at) <= self.now)
        return self.units[prize.id]

    # what it changes

    def _done(self, member: str, person: Person, spins: Spins, paid: int) -> Result:
        times = spins.plays - person.plays
        free = self.free(person)
        grants = [self._grant(member, person, id_) for id_ in spins.won]
        if self.counts:
            person.gifts_used += 0 if free is None else max(0, times - paid - free)
            person.chances += times
            person.day_chances = person.day_chances + times if person.day == self.day else times
            person.day = self.day
            person.purse.paid += paid
            person.purse.left -= paid * (self.config.chances.cost_points or 0)
        person.plays, person.missed = spins.plays, spins.missed
        self.plays += times
        result = [1, [person.plays, person.missed, *spins.told], grants]
        return [*result, self._told(person, paid)] if self.counts else result

    def _grant(self, member: str, person: Person, id_: str) -> list[Any]:
        prize = self.prizes[id_]
        self.granted[id_] += 1
        self.granted_on[id_, self.day] += 1
        self.last_day[id_] = self.day
        self.wins_on[self.day] += 1
        unit, amount = self.granted[id_], prize.value if prize.kind == "points" else 0
        person.owned[id_] += 1
        person.wins += 1
        person.won_at = self.now
        person.points += amount
        person.gifts += prize.value if prize.kind == "chance" else 0
        person.won = [(id_, unit, self.now), *person.won][:20]
        self.recent = [[member, self.ids.index(id_) + 1], *self.recent][:10]
        return [id_, unit, amount, 1]

    def _told(self, person: Person, paid: int) -> list[Any]:
        free, most, purse = self.free(person), self.most(person), person.purse
        shown = purse if self.config.chances.cost_points else Purse()
        return [
            paid * (self.config.chances.cost_points or 0), False if free is None else free, shown.left,
            shown.number, shown.fill, False if most is None else most, person.gifts - person.gifts_used,
        ]  # fmt: skip

    # what is shown

    def left(self) -> list[int]:
        return [
            prize.stock - self.granted[prize.id] for prize in self.config.prizes if prize.stock is not None
        ]

    def view(self, member: str) -> list[Any]:
        person = self.people.get(member, Person())
        wins = [
            number
            for id_, unit, at in person.won
            for number in (self.ids.index(id_) + 1, unit, (at - self.window[0]) // 2000)
        ]
        owned = [[id_, units] for id_, units in sorted(person.owned.items())]
        return [person.plays, person.missed, person.points, wins, self.left(), owned]
