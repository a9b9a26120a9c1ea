"""What was loaded, granted and is left of each prize, and how often it was won."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple

from gameserver.games.game import PrizeId
from gameserver.games.report import Row, share
from gameserver.games.room_config import UNLIMITED, Prize
from gameserver.records.lanes import get_lanes, get_leases
from gameserver.records.reports import PrizeCounts, counts_by_prize
from gameserver.reports.reading import Reading
from gameserver.store.keys import LaneKeys
from gameserver.store.snapshot import snapshot

PRIZES: Final[Sequence[str]] = (
    "prize", "name", "kind", "value", "weight", "odds", "expected", "realised", "wins", "winners",
    "points", "points_credited", "worth_cents", "fulfilled", "loaded", "granted", "reserved", "returned",
    "left",
)  # fmt: skip
GOODS: Final = ("coupon", "physical", "code")
_NONE = PrizeCounts(0, 0, 0, 0, 0, 0)


class Stock(NamedTuple):
    """Units lent to the room, and those that its lane can still grant."""

    loaded: int
    left: int


async def prize_rows(reading: Reading) -> AsyncIterator[Row]:
    """One row a prize: those of the config in its order, then the game's own.

    Shares are in 100,000ths of the plays: `odds` by the weights of the config (members of a pool with other
    weights draw by those), `realised` as it came out after fallbacks. `expected` are the wins that the odds
    promise. loaded = granted + reserved + returned + left: `granted` are units on record, without those that
    were `returned` because nobody claimed them or staff canceled them; `reserved` are on their way from the
    lane to the record. They are empty where a prize has no stock.
    """
    counts = await counts_by_prize(reading.database, reading.record.id)
    stock, plays = await _stock(reading, counts), await reading.plays()
    listed = {PrizeId(prize.id): prize for prize in reading.config.prizes}
    total = sum(prize.weight for prize in listed.values())
    for id_ in [*listed, *sorted({*counts, *stock} - set(listed))]:
        prize, won = listed.get(id_), counts.get(id_, _NONE)
        yield (
            id_, *_described(prize), *_odds(prize, total, plays), share(won.units, plays) if total else None,
            won.units, won.winners, won.points, won.credited, worth(prize, won), won.fulfilled,
            *_conserved(won, stock.get(id_)),
        )  # fmt: skip


def _described(prize: Prize | None) -> Sequence[object]:
    if prize is None:  # the game's own: packets, places, right answers
        return None, "points", None, None
    return prize.name, prize.kind, prize.value, prize.weight or None


def _odds(prize: Prize | None, total: int, plays: int) -> tuple[int | None, int | None]:
    if prize is None or not total:
        return None, None
    return share(prize.weight, total), (plays * prize.weight + total // 2) // total


def worth(prize: Prize | None, won: PrizeCounts) -> int | None:
    """What the units that were won are worth in cents; None of what is no goods."""
    return won.units * prize.value if prize is not None and prize.kind in GOODS else None


def _conserved(won: PrizeCounts, stock: Stock | None) -> Sequence[int | None]:
    if stock is None or stock.loaded >= UNLIMITED:
        return None, won.units - won.returned, None, won.returned, None
    reserved = stock.loaded - stock.left - won.units
    return stock.loaded, won.units - won.returned, reserved, won.returned, stock.left


async def _stock(reading: Reading, counts: Mapping[PrizeId, PrizeCounts]) -> dict[PrizeId, Stock]:
    """As the lanes have it now; of a lane that is lost, what is not on record is left."""
    stock: dict[PrizeId, Stock] = {}
    for lane in await get_lanes(reading.database, reading.record.id):
        seen = await snapshot(reading.redis, LaneKeys(reading.record.id, lane.lane))
        held = seen.stock if seen.epoch == lane.epoch else {}
        for lease in await get_leases(reading.database, lane):
            loaded = lease.last_unit - lease.first_unit + 1
            if found := held.get(lease.prize):
                left = max(0, found.last_unit - found.next_unit + 1)
            else:
                left = loaded - counts.get(lease.prize, _NONE).units
            stock[lease.prize] = Stock(loaded, left)
    return stock
