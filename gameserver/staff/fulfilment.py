"""What staff do with goods: addresses for shipping, parcels, handing out on the spot. Times in ms."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gameserver.errors import Refused
from gameserver.games.game import PrizeId, RoomId
from gameserver.personal import Person, Place, Seal, line_of
from gameserver.records.database import Database
from gameserver.records.disclosures import Disclosure, disclose
from gameserver.records.fulfilment import Fulfilment, State, fulfilments_of_room
from gameserver.records.goods import goods_of
from gameserver.records.handover import Parcel, keep_redemption_code, ship
from gameserver.records.rooms import Room, get_room
from gameserver.sheets import Errors, table_file

CARRIER_LENGTH, TRACKING_LENGTH, REASON_LENGTH = 40, 60, 200
TOLD_EVERY = 500
COLUMNS = (
    "room", "prize", "name", "unit", "member", "won_at", "state", "claim_by", "receiver", "phone", "region",
    "address", "carrier", "tracking", "shipped_at", "ended_at", "staff", "reason",
    "export",
)  # fmt: skip
_HEADINGS = {
    "room": ("room", "房间"),
    "prize": ("prize", "奖品"),
    "unit": ("unit", "编号"),
    "carrier": ("carrier", "快递公司"),
    "tracking": ("tracking", "number", "快递单号"),
}
_NEEDED = ("prize", "unit", "carrier", "tracking")
_WHY_NOT = {
    "": "there is no such unit",
    State.ADDRESS_NEEDED: "there is no address yet",
    State.RECEIVED: "it is received already",
}

Told = Callable[[int], None]


async def goods_of_room(
    database: Database, room: RoomId, state: State | None = None
) -> AsyncIterator[Fulfilment]:
    """A room's granted goods and codes by prize and unit. Raises Refused("not_found")."""
    record = await get_room(database, room)
    async for one in fulfilments_of_room(database, room, list(goods_of(record.config)), state):
        yield one


def receiver(seal: Seal, one: Fulfilment, *, masked: bool = True) -> Person | None:
    """Who gets it, where the member has told. Raises Refused: bad_seal, no_secret_key."""
    if one.sealed is None:
        return None
    person = seal.open(one.sealed, one.place)
    return person.masked() if masked else person


async def with_redemption_code(database: Database, seal: Seal, one: Fulfilment) -> str | None:
    """The code with which a prize is fetched, kept from the first time that it is asked for."""
    if one.state is not State.TO_REDEEM or one.redemption_code is not None:
        return one.redemption_code
    attempt, kept = 0, None
    while kept is None:
        kept = await keep_redemption_code(database, one.place, seal.redemption_code(one.place, attempt))
        attempt += 1
    return kept


async def ship_one(
    database: Database, place: Place, carrier: str, tracking: str, *, staff: str, at: int
) -> None:
    """Notes one parcel; of one that is on its way the number is mended.

    Raises Refused: not_found, bad_state, bad_config (a text that does not fit).
    """
    names = line_of(carrier, CARRIER_LENGTH), line_of(tracking, TRACKING_LENGTH)
    if names[0] is None or names[1] is None:
        raise Refused(
            "bad_config", f"a carrier has 1 to {CARRIER_LENGTH} characters, a number {TRACKING_LENGTH}"
        )
    async with database.begin() as connection:
        parcel = Parcel(PrizeId(place.prize), place.unit, names[0], names[1])
        left = await ship(connection, RoomId(place.room), [parcel], staff=staff, at=at)
    for why in left.values():
        raise Refused("bad_state" if why else "not_found", _why_not(why))


async def import_tracking(
    database: Database, room: RoomId, rows: Sequence[Sequence[str]], *, staff: str, at: int
) -> int:
    """Notes the parcels of a table: all of them, or none where a row does not fit.

    The columns prize, unit, carrier and tracking are found by the heading; others are left alone, so an
    export may be filled in and given back. Rows with neither carrier nor number are left out. Doing it
    again changes nothing. Returns how many parcels. Raises Refused: not_found, bad_table by row and column.
    """
    await get_room(database, room)
    errors = Errors()
    parcels = _parcels(room, rows, errors)
    async with database.begin() as connection:
        left = await ship(connection, room, [one for _, one in parcels], staff=staff, at=at)
        for number, parcel in parcels:
            if (why := left.get((parcel.prize, parcel.unit))) is not None:
                errors.add(number, _why_not(why), "unit")
        errors.check()  # leaving by an error undoes all of it
    return len(parcels)


def _why_not(state: str) -> str:
    return _WHY_NOT.get(state, f"it is {state}")


def _parcels(room: RoomId, rows: Sequence[Sequence[str]], errors: Errors) -> list[tuple[int, Parcel]]:
    heading = [text.casefold() for text in rows[0]] if rows else []
    at = {
        name: next((n for n, text in enumerate(heading) if text in headings), None)
        for name, headings in _HEADINGS.items()
    }
    if missing := [name for name in _NEEDED if at[name] is None]:
        raise Refused("bad_table", fields={"row 1": f"no column {', '.join(missing)}"})
    found: list[tuple[int, Parcel]] = []
    seen: dict[tuple[str, int], int] = {}
    for number, row in enumerate(rows[1:], 2):
        cells = {
            name: row[place] if place is not None and place < len(row) else "" for name, place in at.items()
        }
        if not cells["carrier"] and not cells["tracking"]:
            continue
        if (parcel := _parcel(room, cells, number, errors)) is None:
            continue
        before = seen.setdefault((parcel.prize, parcel.unit), number)
        if before != number:
            errors.add(number, f"the same as in row {before}", "unit")
        else:
            found.append((number, parcel))
    return found


def _parcel(room: RoomId, cells: dict[str, str], row: int, errors: Errors) -> Parcel | None:
    carrier = line_of(cells["carrier"], CARRIER_LENGTH)
    tracking = line_of(cells["tracking"], TRACKING_LENGTH)
    unit = cells["unit"]
    wrong = {
        "room": f"this is a row of room {cells['room']}" if cells["room"] not in ("", room) else None,
        "prize": "it is empty" if not line_of(cells["prize"], 16) else None,
        "unit": "a whole number" if not (unit.isascii() and unit.isdigit() and len(unit) < 18) else None,
        "carrier": f"1 to {CARRIER_LENGTH} characters on one line" if carrier is None else None,
        "tracking": f"1 to {TRACKING_LENGTH} characters on one line" if tracking is None else None,
    }
    for column, why in wrong.items():
        if why:
            errors.add(row, why, column)
    if any(wrong.values()):
        return None
    return Parcel(PrizeId(cells["prize"]), int(unit), carrier or "", tracking or "")


class Exported(NamedTuple):
    """How many rows a table has; `disclosure` where it shows people in clear."""

    rows: int
    disclosure: Disclosure | None


async def export(
    database: Database,
    seal: Seal,
    room: RoomId,
    file: Path,
    *,
    staff: str,
    reason: str | None,
    at: int,
    state: State | None = None,
    told: Told = lambda rows: None,
) -> Exported:
    """Writes a room's goods as a table, row by row.

    With a `reason` people and addresses are in clear. Then that `staff` looked is on record before the file
    is begun, and every row says which export it is of, by whom, when and why, so that some rows that were
    copied out of it say it too. Without a reason people are masked.
    Raises Refused: not_found, bad_table (the file), bad_config (the reason), bad_seal, no_secret_key.
    """
    record = await get_room(database, room)
    zone = ZoneInfo(record.config.get("timezone", "Asia/Shanghai"))
    disclosure, mark = None, ""
    if reason is not None:
        if (why := line_of(reason, REASON_LENGTH)) is None:
            raise Refused("bad_config", f"a reason has 1 to {REASON_LENGTH} characters on one line")
        disclosure = await disclose(database, room, staff=staff, reason=why, at=at)
        mark = f"export {disclosure.id}, {staff}, {_moment(at, zone)}, {why}"
    written = 0
    with table_file(file, COLUMNS, mark=mark) as table:
        async for one in goods_of_room(database, room, state):
            table.write([*_row(record, zone, one, receiver(seal, one, masked=not mark)), mark or None])
            written += 1
            if written % TOLD_EVERY == 0:
                told(written)
    told(written)
    return Exported(written, disclosure)


def _row(record: Room, zone: ZoneInfo, one: Fulfilment, person: Person | None) -> list[object]:
    names = {prize["id"]: prize["name"] for prize in record.config["prizes"]}
    told = (person.name, person.phone, person.region, person.address) if person else (None,) * 4
    return [
        one.room, one.prize, names.get(one.prize), one.unit, one.member, _moment(one.won_at, zone),
        one.state.value, _moment(one.claim_by, zone), *told, one.carrier, one.tracking,
        _moment(one.shipped_at, zone), _moment(one.ended_at, zone), one.staff, one.reason,
    ]  # fmt: skip


def _moment(at: int | None, zone: ZoneInfo) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="seconds")
