"""The embedded ledger against the model of plain dicts: every kind, any order, any crash.

LEDGER_EXAMPLES=2000 runs longer, and every time other examples.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from ledger_client.embedded.audit import audit
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.embedded.tables import metadata
from ledger_client.entry import Entry, Kind, decode_entry, derived_id, purse_id
from ledger_client.errors import StaleEpoch, UnknownLetter
from ledger_client.ledger import DeadLetter, HoldAsk, LaneAt, Reminder, Upkept
from ledger_client.terms import Caps, Expiry, Reversal, Terms
from tests.ledger_client.model import ModelLedger, Put

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "0"))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEGAN = 1_790_000_000_000
MEMBERS, CAMPAIGNS = ("m1", "m2", "m3"), ("c1", "c2")
LANES = ("r1.0", "r2.0", "mall", "staff")
FUNDED = {"c1": 280, "c2": 70}  # soon used up

_T = TypeVar("_T")


class Draft(msgspec.Struct, frozen=True):
    """An entry to be: what it refers to is picked among what was sent when its turn comes.

    `stray`: refers to somebody else's, or says another amount. `poison`: an earn that cannot be stored.
    """

    kind: Kind
    member: str
    other: str
    campaign: str
    amount: int
    pick: int
    ago: int
    stray: bool
    poison: bool


class Crash(msgspec.Struct, frozen=True):
    """What happens at the statement number `at` of the next call: the caller gives up, or the server does."""

    how: str
    at: int


PLAYED = (
    [Kind.EARN] * 2 + [Kind.SPEND] * 3 + [Kind.REDEEM, Kind.TRANSFER] * 2 + [Kind.HOLD, Kind.RELEASE]
)  # fmt: skip
STAFFED = (
    [Kind.REVERSE] * 4 + [Kind.FREEZE, Kind.THAW, Kind.EXPIRE] * 2 + [Kind.COLLECT, Kind.WRITE_OFF, Kind.FUND]
)
MIRRORED = (Kind.EARN, Kind.SPEND, Kind.REDEEM, Kind.TRANSFER, Kind.EXPIRE, Kind.FUND)
picks = st.integers(0, 40)


def drafts(kinds: list[Kind]) -> st.SearchStrategy[Draft]:
    return st.builds(
        Draft,
        kind=st.sampled_from(kinds),
        member=st.sampled_from(MEMBERS),
        other=st.sampled_from(MEMBERS),
        campaign=st.sampled_from(CAMPAIGNS),
        amount=st.integers(1, 40),
        pick=picks,
        ago=st.sampled_from([0, 0, HOUR, 3 * DAY]),
        stray=st.sampled_from([False] * 7 + [True]),
        poison=st.sampled_from([False] * 4 + [True]),
    )


caps = st.sampled_from([None, 60, None, 90])
expiries = [(Expiry.MONTHLY, 0), (Expiry.FIXED, 1), (Expiry.YEAR_END, 0), (Expiry.NEVER, 12)]
drawn_terms = st.builds(
    lambda expiry, **others: Terms(expiry=expiry[0], months=expiry[1], **others),
    st.sampled_from(expiries),
    timezone=st.sampled_from(["Asia/Shanghai", "America/New_York"]),
    caps=st.builds(Caps, day=caps, month=caps, year=caps),
    reversal=st.sampled_from([Reversal.DEBT, Reversal.REFUSE]),
    transfer_per_day=st.sampled_from([80, 200, 20, None]),
)
lanes = st.sampled_from(LANES)
later = st.sampled_from([0, 0, MINUTE, HOUR, DAY, 35 * DAY])
crashes = st.one_of(
    st.none(), st.none(), st.builds(Crash, how=st.sampled_from(["cancel", "kill"]), at=st.integers(0, 20))
)


def put(letter: DeadLetter) -> Put:
    return letter.source, decode_entry(bytes.fromhex(letter.raw)), letter.reason


class Bank:
    """The real ledger on a loop of its own, and what can happen to it in the middle of a call."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self.engine: AsyncEngine = create_async_engine(url, pool_size=1)
        self._killer: AsyncEngine = create_async_engine(url, pool_size=1, isolation_level="AUTOCOMMIT")
        self.ledger = EmbeddedLedger(self.engine)
        self._crash: Crash | None = None
        self._statements = 0
        self._task: asyncio.Task[Any] | None = None
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._statement)
        event.listen(self.engine.sync_engine, "commit", self._statement)

    def close(self) -> None:
        self.run(self.engine.dispose())
        self.run(self._killer.dispose())
        self._loop.close()

    def run(self, call: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run_until_complete(call)

    def crashing(self, call: Coroutine[Any, Any, _T], crash: Crash | None) -> _T | None:
        """The call's answer; None where its caller gave up."""
        self._crash, self._statements = crash, 0
        self._task = task = self._loop.create_task(call)
        try:
            return self._loop.run_until_complete(task)
        except asyncio.CancelledError:
            return None
        finally:
            self._crash = None

    def _statement(self, connection: Any, *_: object) -> None:
        if self._crash is not None and self._statements == self._crash.at:
            if self._crash.how == "cancel":
                assert self._task is not None
                self._task.cancel()
            else:
                pid = connection.connection.driver_connection.get_server_pid()
                await_only(self._kill(pid))
        self._statements += 1

    async def _kill(self, pid: int) -> None:
        async with self._killer.connect() as connection:
            killed = text("select pg_terminate_backend(:pid, 5000)")
            assert (await connection.execute(killed, {"pid": pid})).scalar_one()

    async def rows(self, *queries: str) -> list[list[tuple[Any, ...]]]:
        async with self.engine.connect() as connection:
            return [[tuple(row) for row in await connection.execute(text(query))] for query in queries]

    async def empty(self) -> None:
        async with self.engine.begin() as connection:
            for table in metadata.sorted_tables:
                await connection.execute(table.delete())


class Machine(RuleBasedStateMachine):
    bank: Bank

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelLedger()
        self.now = BEGAN
        self.sent: list[Entry] = []
        self.purses: list[Entry] = []
        self.reminded: set[tuple[object, ...]] = set()
        self.bank.run(self.bank.empty())

    @initialize(terms=st.tuples(drawn_terms, drawn_terms))
    def begin(self, terms: tuple[Terms, Terms]) -> None:
        """Everybody has points and an open purse."""
        for campaign, under in zip(CAMPAIGNS, terms, strict=True):
            self.agree(campaign, under)
        nobody = Draft(Kind.FUND, "", "", CAMPAIGNS[0], 1, 1, 0, False, False)
        entries: list[Entry] = []
        for campaign in CAMPAIGNS:
            fund = replace(nobody, campaign=campaign, amount=FUNDED[campaign])
            entries.append(self._entry(fund, entries))
        for kind, amount in ((Kind.EARN, 60), (Kind.HOLD, 20)):
            for member in MEMBERS:
                entries.append(self._entry(replace(nobody, kind=kind, member=member, amount=amount), entries))
        self._apply(LaneAt("staff", 1), entries, None)

    @rule(campaign=st.sampled_from(CAMPAIGNS), terms=drawn_terms)
    def agree(self, campaign: str, terms: Terms) -> None:
        self.model.agree(campaign, terms)
        self.bank.run(self.bank.ledger.agree(campaign, terms))
        assert self.bank.run(self.bank.ledger.terms(campaign)) == terms

    @rule(lane=lanes, batch=st.lists(drafts(PLAYED), min_size=1, max_size=6), later=later, crash=crashes)
    def play(self, lane: str, batch: list[Draft], later: int, crash: Crash | None) -> None:
        self.apply(lane, batch, later, crash)

    @rule(lane=lanes, batch=st.lists(drafts([Kind.EARN]), min_size=1, max_size=8), later=later, crash=crashes)
    def earn(self, lane: str, batch: list[Draft], later: int, crash: Crash | None) -> None:
        """What rooms send most: batches of nothing else, which the ledger has a shorter way for."""
        self.apply(lane, batch, later, crash)

    @rule(lane=lanes, batch=st.lists(drafts(STAFFED), min_size=1, max_size=4), later=later, crash=crashes)
    def decide(self, lane: str, batch: list[Draft], later: int, crash: Crash | None) -> None:
        self.apply(lane, batch, later, crash)

    @rule(
        lane=lanes,
        batch=st.lists(drafts(PLAYED + STAFFED), min_size=1, max_size=6),
        later=later,
        crash=crashes,
    )
    def apply(self, lane: str, batch: list[Draft], later: int, crash: Crash | None) -> None:
        self.now += later
        entries: list[Entry] = []
        for draft in batch:
            entries.append(self._entry(draft, entries))
        self._apply(LaneAt(lane, self.model.epochs.get(lane, 1)), entries, crash)

    @rule(lane=lanes, again=st.lists(picks, min_size=1, max_size=4), changed=st.integers(0, 3), crash=crashes)
    def send_again(self, lane: str, again: list[int], changed: int, crash: Crash | None) -> None:
        """Old entries on any lane, as they were, or under the same id with another payload."""
        entries = [self.sent[pick % len(self.sent)] for pick in again]
        if changed == 3:
            known = [entry for entry in entries if entry.id in self.model.told]
            entries = [replace(entry, amount=entry.amount + 1) for entry in known] or entries
        self._apply(LaneAt(lane, self.model.epochs.get(lane, 1)), entries, crash)

    @rule(
        lane=lanes,
        asks=st.lists(
            st.tuples(
                st.sampled_from(MEMBERS), st.integers(1, 2), st.integers(0, 2), st.integers(1, 50),
                st.integers(1, 9),
            ),
            min_size=1,
            max_size=3,
        ),
        crash=crashes,
    )  # fmt: skip
    def hold(self, lane: str, asks: list[tuple[str, int, int, int, int]], crash: Crash | None) -> None:
        at = LaneAt(lane, self.model.epochs.get(lane, 1))
        asked = [
            HoldAsk(
                purse_id(lane, member, n), number, member, CAMPAIGNS[0], "r", wanted, step,
                self.now + 30 * MINUTE, self.now,
            )
            for member, n, number, wanted, step in asks
        ]  # fmt: skip
        for ask in asked:
            purse = Entry(ask.id, Kind.HOLD, ask.member, ask.campaign, ask.room, 1, 0, 0, about=ask.id)
            if purse not in self.purses:
                self.purses.append(purse)
        told = self.bank.crashing(self.bank.ledger.hold(at, asked), crash)
        expected = self.model.hold(at, asked)
        if told is not None:
            assert told == expected
        # whatever became of it: the same asks again are told the same
        assert self.bank.run(self.bank.ledger.hold(at, asked)) == self.model.hold(at, asked)

    @rule(lane=lanes, batch=st.lists(drafts(PLAYED), min_size=1, max_size=2))
    def take_over(self, lane: str, batch: list[Draft]) -> None:
        """A new worker raises the lane's epoch; the old one is refused and changes nothing."""
        old = self.model.epochs.get(lane, 1)
        entry = self._entry(batch[0], [])
        self._apply(LaneAt(lane, old + 1), [entry], None)
        stale = [self._entry(draft, []) for draft in batch]
        for refused in (self.model.apply, lambda *call: self.bank.run(self.bank.ledger.apply(*call))):
            with pytest.raises(StaleEpoch):
                refused(LaneAt(lane, old), stale)

    @rule(later=st.sampled_from([0, 35 * MINUTE, 41 * MINUTE, DAY, 40 * DAY, 400 * DAY]), crash=crashes)
    def upkeep(self, later: int, crash: Crash | None) -> None:
        self.now += later
        told = [self.bank.crashing(self.bank.ledger.upkeep(self.now), crash)]
        expected = self.model.upkeep(self.now)
        if crash:
            told.append(self.bank.run(self.bank.ledger.upkeep(self.now)))
        kept = [one for one in told if one is not None]
        done = tuple(map(sum, zip(*(one[:3] for one in map(msgspec.structs.astuple, kept)), strict=True)))
        assert done in ([expected, (0, 0, 0)] if crash else [expected])
        self._check_reminders([reminder for one in kept for reminder in one.reminders])
        assert self.bank.run(self.bank.ledger.upkeep(self.now)) == Upkept(0, 0, 0, [])

    @precondition(lambda self: any(self.model.letters.values()))
    @rule(pick=picks)
    def resolve(self, pick: int) -> None:
        """Somebody has dealt with what was put aside; those that wait for it wait no longer."""
        letters = self.bank.run(self.bank.ledger.letters(limit=1000))
        letter = sorted(letters, key=lambda letter: letter.id)[pick % len(letters)]
        self.model.resolve(put(letter))
        self.bank.run(self.bank.ledger.resolve(letter.id))
        with pytest.raises(UnknownLetter):
            self.bank.run(self.bank.ledger.resolve(letter.id))

    @invariant()
    def the_books_are_the_models(self) -> None:
        self.bank.run(self._compare())

    # what the steps share

    def _apply(self, lane: LaneAt, entries: list[Entry], crash: Crash | None) -> None:
        answers = [self.bank.crashing(self.bank.ledger.apply(lane, entries), crash)]
        if crash:
            # whatever became of it: the same batch again
            answers.append(self.bank.run(self.bank.ledger.apply(lane, entries)))
        first, *later = [answer for answer in answers if answer is not None]
        expected = self.model.apply(lane, entries)
        if first != expected:
            # it died at its commit and was done, all of it; this is the answer to the second time, which
            # may differ: what was parked can go through
            assert crash
            assert first == self.model.apply(lane, entries)
        for again in later:
            assert again == self.model.apply(lane, entries)
        self.sent += entries

    def _entry(self, draft: Draft, batch: list[Entry]) -> Entry:
        id_ = derived_id(f"{len(self.sent)}|{len(batch)}|{draft.kind}")
        entry = Entry(
            id_, draft.kind, draft.member, draft.campaign, "r", draft.amount, self.now - draft.ago, 1,
        )  # fmt: skip
        match draft.kind:
            case Kind.FUND:
                entry = replace(entry, member="")
            case Kind.EARN:
                entry = replace(entry, rule_version=2**40 if draft.poison else 1)
            case Kind.TRANSFER:
                entry = replace(entry, to=draft.other)
            case Kind.HOLD | Kind.SPEND | Kind.RELEASE:
                entry = self._in_purse(draft, entry)
            case Kind.REVERSE:
                moved = self._moved(batch)
                mirrored = [one for one in moved if one.kind in MIRRORED]
                entry = self._about(draft, entry, moved if draft.stray else mirrored, "reverses")
            case Kind.COLLECT | Kind.WRITE_OFF:
                spent = [one for one in self._moved(batch) if one.kind is Kind.SPEND]
                entry = self._about(draft, entry, spent, "about")
            case Kind.FREEZE:
                earned = [one for one in self._moved(batch) if one.kind is Kind.EARN]
                entry = self._about(draft, entry, earned, "about")
            case Kind.THAW:
                frozen = [one for one in [*self.sent, *batch] if one.kind is Kind.FREEZE]
                named = [replace(one, id=one.about or one.id) for one in frozen]
                entry = self._about(draft, entry, named, "about")
            case Kind.EXPIRE:
                entry = self._about(draft, entry, self._lots(), "about")
                lot = self.model.lots.get(entry.about) if entry.about else None
                if lot is not None and not draft.stray:
                    entry = replace(entry, occurred_at=max(entry.occurred_at, lot.expires_at or 0))
        return entry

    def _moved(self, batch: list[Entry]) -> list[Entry]:
        """What moved points, and what of this batch or of what was put aside may."""
        told = self.model.told
        moved = [one for one in self.sent if one.id in told and told[one.id][1].credited]
        return moved + self.model.waiting() + batch

    def _lots(self) -> list[Entry]:
        """The lots as the entries that might have earned them."""
        return [
            Entry(id_, Kind.EARN, lot.member, lot.campaign, "r", max(1, lot.left), 0, 0)
            for id_, lot in self.model.lots.items()
            if lot.left and lot.expires_at
        ]

    def _in_purse(self, draft: Draft, entry: Entry) -> Entry:
        until = self.now + 30 * MINUTE if draft.kind is Kind.HOLD else None
        if (draft.kind is Kind.HOLD and draft.pick % 2) or not self.purses:
            new = replace(entry, about=derived_id(f"{entry.id}|purse"), until=until)
            self.purses.append(new)
            return new
        open_ = [
            one for one in self.purses if one.about in self.model.holds and self.model.holds[one.about].open
        ]
        among = self.purses if draft.stray or not open_ else open_
        purse = among[-1 - draft.pick // 2 % len(among)]
        member = draft.other if draft.stray else purse.member
        amount = draft.amount % 9 + 1 if draft.kind is Kind.SPEND else draft.amount
        about = replace(entry, about=purse.about, member=member, campaign=purse.campaign)
        return replace(about, amount=amount, until=until)

    def _about(self, draft: Draft, entry: Entry, among: list[Entry], what: str) -> Entry:
        """An entry about one of those, in its member's name and of its amount, unless it strays."""
        if not among:
            return replace(entry, **{what: derived_id(f"{entry.id}|nothing")})
        one = among[-1 - draft.pick % len(among)]
        about = replace(entry, member=one.member, campaign=one.campaign, **{what: one.id})
        if draft.stray:
            return replace(about, member=draft.other)
        return replace(about, amount=max(1, one.amount))

    def _check_reminders(self, reminders: list[Reminder]) -> None:
        for told in reminders:
            key = told.member, told.campaign, told.expires_at, told.days
            assert key not in self.reminded
            self.reminded.add(key)
            assert self.now < told.expires_at <= self.now + told.days * DAY
            assert told.points == sum(
                lot.left for lot in self.model.lots.values()
                if (lot.member, lot.campaign, lot.expires_at) == key[:3]
            )  # fmt: skip

    async def _compare(self) -> None:
        bank, model = self.bank, self.model
        accounts, lots, holds = await bank.rows(
            "select id, posted, held from ledger.account where posted <> 0 or held <> 0",
            "select id, member, campaign, expires_at, remaining from ledger.lot where remaining > 0",
            "select id, kind, member, lane, amount, used, until, state = 'open' from ledger.hold",
        )
        frozen = {f"member:{member}": points for member, points in model.frozen.items() if points}
        moved = {name for name, points in model.posted.items() if points}
        assert {id_: (posted, held) for id_, posted, held in accounts} == {
            name: (model.posted[name], frozen.get(name, 0)) for name in moved | frozen.keys()
        }
        assert {lot[0]: lot[1:] for lot in lots} == {
            id_: (lot.member, lot.campaign, lot.expires_at, lot.left)
            for id_, lot in model.lots.items()
            if lot.left
        }
        assert {hold[0]: hold[1:] for hold in holds} == {
            id_: (hold.kind, hold.member, hold.lane, hold.amount, hold.used, hold.until, hold.open)
            for id_, hold in model.holds.items()
        }
        letters = await bank.ledger.letters(limit=1000)
        assert {put(letter) for letter in letters} == {one for one, waits in model.letters.items() if waits}
        for member in MEMBERS:
            balance = await bank.ledger.balance(member)
            assert (balance.available, balance.held) == (model.available(member), model.held(member))
        assert await bank.ledger.drift() == []
        assert await audit(bank.engine) == []


@pytest.fixture
def bank(engine: AsyncEngine, database_url: str) -> Iterator[Bank]:
    bank = Bank(engine.url.render_as_string(hide_password=False))
    yield bank
    bank.close()


def test_the_ledger_does_what_plain_dicts_do_through_any_crash(bank: Bank) -> None:
    class OnThisBank(Machine):
        pass

    OnThisBank.bank = bank
    run_state_machine_as_test(
        OnThisBank,
        settings=settings(
            max_examples=EXAMPLES or 25,
            stateful_step_count=25,
            derandomize=not EXAMPLES,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
