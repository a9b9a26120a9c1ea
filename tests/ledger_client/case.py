"""A campaign, a room and its lane of their own in any ledger, and entries of them."""

from msgspec.structs import replace

from ledger_client.entry import Entry, Kind, derived_id, purse_id
from ledger_client.ledger import HoldAsk, LaneAt, Ledger, Outcome, Status
from tests.ledger_client.entries import new_room

MINUTE_MS, DAY_MS = 60_000, 86_400_000
AT = 1_790_000_000_000  # 2026-09-21 22:13:20 in Shanghai


class Case:
    """A campaign, a room and its lane of their own, and entries of them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.room = new_room()
        self.campaign = f"c-{self.room}"
        self.member, self.other = f"{self.room}-m1", f"{self.room}-m2"
        self.lane = LaneAt(f"{self.room}.0", 1, "7-0")
        self.purse = purse_id(self.lane.id, self.member, 1)
        self._made = 0

    def entry(self, kind: Kind, amount: int, **fields: object) -> Entry:
        self._made += 1
        id_ = derived_id(f"{self.room}|{self._made}")
        entry = Entry(id_, kind, self.member, self.campaign, self.room, amount, AT + self._made, 1)
        return replace(entry, **fields)

    def ask(self, number: int, wanted: int, step: int = 1, **fields: object) -> HoldAsk:
        until = AT + 30 * MINUTE_MS
        ask = HoldAsk(self.purse, number, self.member, self.campaign, self.room, wanted, step, until, AT)
        return replace(ask, **fields)

    async def apply(self, *entries: Entry) -> list[Outcome]:
        outcomes = await self.ledger.apply(self.lane, entries)
        assert [outcome.id for outcome in outcomes] == [entry.id for entry in entries]
        return outcomes

    async def becomes(self, entry: Entry) -> tuple[Status, str | None, int]:
        (outcome,) = await self.apply(entry)
        return outcome.status, outcome.reason, outcome.credited

    async def earned(self, points: int, **fields: object) -> Entry:
        """An earn that is applied, under a budget that has room for it."""
        await self.ledger.fund(self.campaign, 1_000_000)
        entry = self.entry(Kind.EARN, points, **fields)
        assert await self.becomes(entry) == (Status.APPLIED, None, points)
        return entry

    async def owns(self, available: int, held: int = 0, member: str | None = None) -> None:
        balance = await self.ledger.balance(member or self.member)
        assert (balance.available, balance.held) == (available, held)
