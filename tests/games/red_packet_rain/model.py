"""Red-packet rain and its gate as a plain model: dicts and lists, one command after the other.

Written from GAMES.md and DESIGN.md, not from the Lua; server time is what the real lane said it was.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gameserver.games.red_packet_rain.config import RainConfig

EMPTY, PACKET, BOMB, PRIZE = range(4)
ANSWERS, SESSIONS, GIVEN = 8, 4, 8
MOMENTS = 2**20  # equal sums: the earlier is ahead, by ms since the start
Result = list[Any]


@dataclass
class Sums:
    """A member's numbers of one round."""

    round: int
    sum: int = 0
    score: int = 0
    packets: int = 0
    best: int = 0


@dataclass
class Page:
    id: str
    ref: int = 0
    answers: list[tuple[int, Result]] = field(default_factory=list)


@dataclass
class Person:
    joined: int
    name: str = ""
    rate: float = 0
    won_at: int = 0
    wins: int = 0
    chances: int = 0
    day: int = 0
    day_chances: int = 0
    owned: Counter[str] = field(default_factory=Counter)
    given: list[Any] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    sums: Sums | None = None
    before: Sums | None = None
    taken: set[int] = field(default_factory=set)
    points: int = 0
    packets: int = 0

    def page(self, id_: str) -> Page | None:
        return next((page for page in self.pages if page.id == id_), None)


@dataclass
class Table:
    """What a round holds: ordinary amounts, and rare packets by their place in the whole sequence."""

    start: int
    amounts: list[int]
    rare: list[tuple[int, str, int]]

    def sequence(self) -> list[tuple[str, int]]:
        rare = {place: (prize, value) for place, prize, value in self.rare}
        ordinary = iter(self.amounts)
        length = len(self.amounts) + len(rare)
        return [rare[place] if place in rare else ("packet", next(ordinary)) for place in range(length)]


class RainModel:
    """The whole lane. Every method takes the server time of its tick."""

    def __init__(self, config: RainConfig, stock: dict[str, int], tables: list[Table]) -> None:
        self.config = config
        self.tables = tables
        self.people = {"": Person(0, pages=[Page("clock")])}
        self.tickets: dict[str, tuple[str, str]] = {}
        self.state = "open"
        self.window = (0, 2**62)
        self.stock = {prize: [0, 1, units] for prize, units in stock.items()}
        self.opened: int | None = None
        self.closed = -1
        self.ahead: list[tuple[str, int]] = []  # packets not reached yet
        self.waiting: list[tuple[str, int]] = []  # rare ones that somebody could not take
        self.ranks: dict[int, dict[str, int]] = {}
        self.sessions = 0
        self.wins_of_day = (0, 0)
        self.lines: list[list[Any]] = []
        self.day = self.now = 0

    # one command

    def answer(self, command: list[Any], now: int, day: int) -> Result:
        self.now, self.day = now, day
        if command[3] == "join":
            return self._join(*command[5:8])
        member, session, ref = command[:3]
        person = self.people.get(member)
        page = person.page(session) if person else None
        if person is None or page is None:
            return [0, "session_unknown", False]
        if ref <= page.ref:
            return next((given for old, given in page.answers if old == ref), [0, "ref_too_old", False])
        result = self._decided(person, *command)
        page.ref = ref
        page.answers = [*page.answers, (ref, result)][-ANSWERS:]
        return result

    def _decided(
        self, person: Person, member: str, session: str, ref: int, op: str, deny: Any, *rest: Any
    ) -> Result:
        code, retry = self._gate(person, deny, rest) if session != "clock" else (None, False)
        decide = {"grab": self._grab, "open_round": self._open, "close_round": self._close}[op]
        body, fact, grants = None, None, []
        if code is None:
            code, retry, body, fact, grants = decide(person, member, *rest)
        if code is not None:
            return [0, code, math.ceil(retry) if retry else False]
        if session != "clock":
            person.rate = max(person.rate, self.now) + 1000 / self.config.limits.per_second
        self.lines.append([session, ref, member, self.now, self.day, body, fact, grants])
        for grant in grants:
            self._granted(grant, session, ref, member)
        return [1, body, [grant[:4] for grant in grants if grant[4] == member]]

    def _gate(  # noqa: PLR0911 - one line a reason, in their order
        self, person: Person, deny: Any, rest: Any
    ) -> tuple[str | None, Any]:
        if deny == "blocked":
            return deny, False
        if self.state in ("paused", "closed"):
            return self.state, False
        if self.now > self.window[1]:
            return "closed", False
        if self.now < self.window[0]:
            return "not_open", self.window[0] - self.now
        if deny:
            return deny, rest[0]
        if (person.sums is None or person.sums.round != rest[0]) and self._no_chance(person):
            return "no_chance_left", False
        interval = 1000 / self.config.limits.per_second
        late = person.rate - self.now - interval * (self.config.limits.burst - 1)
        return ("rate_limited", late) if late > 0 else (None, False)

    def _granted(self, grant: list[Any], session: str, ref: int, asker: str) -> None:
        prize, unit, amount, epoch, member = grant
        owner = self.people[member]
        self.stock[prize][0] += 1
        self.stock[prize][1] = max(self.stock[prize][1], unit + 1)
        owner.wins += 1
        owner.won_at = self.now
        if any(listed.id == prize for listed in self.config.prizes):
            owner.owned[prize] += 1
        if member != asker:
            owner.given = [*owner.given, [prize, unit, amount, epoch, session, ref]][-GIVEN:]
        if self.config.wins.per_day:
            day, count = self.wins_of_day
            self.wins_of_day = (self.day, count + 1 if day == self.day else 1)

    # sessions

    def _join(self, ticket: str, wanted: Any, since: Any) -> Result:
        if ticket not in self.tickets:
            return [0, "bad_ticket", False]
        member, name = self.tickets.pop(ticket)
        person = self.people.get(member)
        if member == "":
            return [2, "", [], self._view("", Person(0)), []]
        page = person.page(wanted) if person and wanted else None
        if page is None:
            person = self.people.setdefault(member, Person(self.now))
            self.sessions += 1
            page = Page(f"s1-{self.sessions}")
            person.name = name
            person.pages = [*person.pages, page][-SESSIONS:]
            self.lines.append([page.id, 0, member, self.now, self.day, False, ["joined", name, "", ""], []])
        assert person is not None
        answers = [[ref, result] for ref, result in page.answers]
        return [2, page.id, person.given, self._view(member, person), answers]

    def _view(self, member: str, person: Person) -> Any:
        if person.sums is None:
            return [False, False, [], 0, 0, []]
        sums = [
            [it.round, it.sum, it.score, it.packets, it.best, self.place(it.round, member)] if it else False
            for it in (person.sums, person.before)
        ]
        owned = [[prize, units] for prize, units in sorted(person.owned.items())]
        return [*sums, sorted(person.taken), person.points, person.packets, owned]

    # the rule

    def _grab(  # noqa: PLR0911 - one line a reason, in their order
        self, person: Person, member: str, round_: int, drop: int, kind: int, start: int, end: int
    ) -> tuple[Any, ...]:
        config = self.config
        if self.opened != round_:
            return "no_round", False, None, None, []
        if self.now < start:
            return "too_early", start - self.now, None, None, []
        if self.now > end:
            return "too_late", False, None, None, []
        if not config.late_join and person.joined > self.tables[round_].start:
            return "late_join", False, None, None, []
        playing = person.sums is not None and person.sums.round == round_
        if playing and drop in person.taken:
            return "drop_taken", False, None, None, []
        sums = person.sums if playing and person.sums else Sums(round_)
        won, passed, waited = None, 0, 0
        if kind == PACKET:
            code, retry = self._no_win(person, sums)
            if code:
                return code, retry, None, None, []
            if not config.score_mode:
                won, passed, waited = self._next_packet(person)
                if won is None:
                    return "sold_out", False, None, None, []
        grants = [self._unit(round_, member, *won)] if won else []
        self._play(person, round_, drop, kind, won)
        if won:
            kind = PACKET if won[0] == "packet" else PRIZE
            self._move(passed, waited)
        self._rank(member, person)
        assert person.sums
        body = [drop, kind, person.sums.sum, person.sums.score]
        return None, False, body, ["grab", round_, drop, kind, passed, waited], grants

    def _no_chance(self, person: Person) -> bool:
        chances = self.config.chances
        today = person.day_chances if person.day == self.day else 0
        in_all = chances.free_total is not None and person.chances >= chances.free_total
        return in_all or (chances.free_per_day is not None and today >= chances.free_per_day)

    def _no_win(self, person: Person, sums: Sums) -> tuple[str | None, Any]:
        wins = self.config.wins
        if sums.packets >= self.config.max_grabs_per_round:
            return "grab_limit", False
        if self.config.score_mode:
            return None, False
        if wins.per_member is not None and person.wins >= wins.per_member:
            return "win_limit", False
        if self._left_today() <= 0:
            return "win_limit", False
        if self.now - person.won_at < wins.min_interval_ms:
            return "win_limit", wins.min_interval_ms - (self.now - person.won_at)
        return None, False

    def _may_place(self, person: Person) -> bool:
        wins = self.config.wins
        enough = wins.per_member is not None and person.wins >= wins.per_member
        return not enough and self.now - person.won_at >= wins.min_interval_ms

    def _left_today(self) -> float:
        day, count = self.wins_of_day
        most = self.config.wins.per_day
        return math.inf if most is None else most - (count if day == self.day else 0)

    def _may_own(self, person: Person, prize: str) -> bool:
        most = next((listed.per_member for listed in self.config.prizes if listed.id == prize), None)
        return most is None or person.owned[prize] < most

    def _next_packet(self, person: Person) -> tuple[tuple[str, int] | None, int, int]:
        """What the member gets, how many were passed over for it, and its place among those that waited."""
        for place, packet in enumerate(self.waiting):
            if self._may_own(person, packet[0]):
                return packet, 0, place + 1
        for passed, packet in enumerate(self.ahead):
            if packet[0] == "packet" or self._may_own(person, packet[0]):
                return packet, passed, 0
        return None, 0, 0

    def _move(self, passed: int, waited: int) -> None:
        if waited:
            del self.waiting[waited - 1]
            return
        self.waiting += self.ahead[:passed]
        del self.ahead[: passed + 1]

    def _unit(self, round_: int, member: str, prize: str, amount: int) -> list[Any]:
        if prize != "packet":
            return [prize, self.stock[prize][1], amount, 1, member]
        count = len(self.tables[round_].amounts)
        given = count - sum(1 for packet in self.ahead if packet[0] == "packet")
        return ["packet", round_ * count + given + 1, amount, 1, member]

    def _play(self, person: Person, round_: int, drop: int, kind: int, won: tuple[str, int] | None) -> None:
        if person.sums is None or person.sums.round != round_:
            person.before, person.sums, person.taken = person.sums, Sums(round_), set()
            person.chances += 1
            person.day_chances = person.day_chances + 1 if person.day == self.day else 1
            person.day = self.day
        sums = person.sums
        person.taken.add(drop)
        if kind == PACKET:
            sums.packets += 1
            person.packets += 1
            sums.score += self.config.score_mode.packet_score if self.config.score_mode else 1
        if kind == BOMB:
            sums.score = max(0, sums.score - self.config.bomb_score)
        if won:
            sums.sum += won[1]
            person.points += won[1]
            sums.best = max(sums.best, won[1])

    def _rank(self, member: str, person: Person) -> None:
        assert person.sums
        value = person.sums.score if self.config.score_mode else person.sums.sum
        if value or self.config.score_mode:
            late = min(max(self.now - self.tables[person.sums.round].start, 0), MOMENTS - 1)
            ranks = self.ranks.setdefault(person.sums.round, {})
            ranks[member] = value * MOMENTS + MOMENTS - 1 - late

    def ranking(self, round_: int) -> list[str]:
        scores = self.ranks.get(round_, {})
        return sorted(scores, key=lambda member: (scores[member], member), reverse=True)

    def place(self, round_: int, member: str) -> int:
        ranking = self.ranking(round_)
        return ranking.index(member) + 1 if member in ranking else 0

    # the clock

    def _open(self, _: Person, __: str, round_: int, *table: Any) -> tuple[Any, ...]:
        if self.opened is not None and self.opened >= round_:
            return "no_round", False, None, None, []
        self.opened, self.closed = round_, -1
        self.ahead, self.waiting = self.tables[round_].sequence(), []
        self.ranks.pop(round_ - 2, None)
        return None, False, False, ["round_opened", round_], []

    def _close(self, _: Person, __: str, round_: int) -> tuple[Any, ...]:
        if self.opened != round_ or self.closed == round_:
            return "no_round", False, None, None, []
        self.closed = round_
        ranking, grants = self.ranking(round_), []
        if self.config.score_mode:
            points = [tier.points for tier in self.config.score_mode.tiers for _ in range(tier.places)]
            first, most = self.stock["place"][1], self._left_today()
            winners = [member for member in ranking if self._may_place(self.people[member])]
            for at, (won, member) in enumerate(zip(points, winners, strict=False)):
                if at < most:
                    grants.append(["place", first + at, won, 1, member])
                    self.people[member].points += won
        left = len(self.ahead) + len(self.waiting)
        given = len(self.tables[round_].amounts) - sum(1 for packet in self.ahead if packet[0] == "packet")
        return None, False, False, ["round_closed", round_, len(ranking), left, given], grants
