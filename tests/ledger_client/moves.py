"""One campaign, one lane, and movements on it by their kind; names are new, so tests share one database."""

from typing import Any
from uuid import UUID, uuid4

from ledger_client.entry import Entry, Kind, derived_id, purse_id, release_id
from ledger_client.ledger import LaneAt, Ledger, Outcome, Status
from ledger_client.terms import Terms
from tests.ledger_client.entries import new_room

AT = 1_790_000_000_000  # 2026-09-21T22:13:20+08:00
UNTIL = AT + 10**12  # of purses: no upkeep of this time ends them
DEFAULT = Terms()


class Moves:
    """Applies one entry at a time; members are called by short names that are made unique."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.room = new_room()
        self.campaign = f"c-{self.room}"
        self.lane = LaneAt(f"{self.room}.0", 1)

    async def under(self, terms: Terms = DEFAULT, budget: int = 1_000_000) -> None:
        """Funds the campaign and puts it under terms."""
        await self.ledger.fund(self.campaign, budget)
        await self.ledger.agree(self.campaign, terms)

    def member(self, name: str) -> str:
        """The whole name of a member."""
        return f"{self.room}-{name}"

    def entry(self, kind: Kind, amount: int, member: str = "m", **fields: Any) -> Entry:
        """An entry of the campaign with a new id, unless `fields` say otherwise."""
        whole: dict[str, Any] = {
            "id": uuid4(), "campaign": self.campaign, "room": self.room, "occurred_at": AT, "rule_version": 1,
        }  # fmt: skip
        if "to" in fields:
            fields["to"] = self.member(fields["to"])
        return Entry(kind=kind, amount=amount, member=self.member(member), **(whole | fields))

    async def outcome(self, entry: Entry) -> Outcome:
        """What becomes of one entry."""
        (outcome,) = await self.ledger.apply(self.lane, [entry])
        return outcome

    async def move(self, kind: Kind, amount: int, member: str = "m", **fields: Any) -> UUID:
        """Applies an entry that goes through; its id."""
        entry = self.entry(kind, amount, member, **fields)
        outcome = await self.outcome(entry)
        assert outcome.status is Status.APPLIED, outcome
        return entry.id

    async def purse(self, amount: int, member: str = "m", number: int = 1) -> UUID:
        """Opens a purse of `amount`; its id."""
        id_ = purse_id(self.lane.id, self.member(member), number)
        await self.move(Kind.HOLD, amount, member, about=id_, until=UNTIL)
        return id_

    async def release(self, purse: UUID, member: str = "m") -> None:
        """Gives back the rest of a purse."""
        await self.move(Kind.RELEASE, 0, member, id=release_id(purse), about=purse)

    async def suspend(self, amount: int, member: str = "m") -> UUID:
        """A spend that no purse can pay; its id."""
        entry = self.entry(Kind.SPEND, amount, member, about=derived_id(f"{self.room}|nothing"))
        assert (await self.outcome(entry)).status is Status.SUSPENSE
        return entry.id
