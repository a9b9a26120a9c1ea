"""What staff do with code pools: import them, and get back what rooms did not give. Times in ms."""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

import structlog

from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.personal import line_of
from gameserver.records.code_pools import NewCode, add_codes, lock_pool
from gameserver.records.codes import give_back, rooms_holding_codes
from gameserver.records.database import Database
from gameserver.records.lanes import get_lanes
from gameserver.settlement import LINGER_MS
from gameserver.sheets import Errors
from gameserver.store.keys import LaneKeys
from gameserver.store.outbox import Outbox
from gameserver.store.redis import Redis

log = structlog.get_logger()

POOL_LENGTH, CODE_LENGTH = 60, 200
AT_ONCE = 5000
_CODE = ("code", "codes", "券码", "兑换码", "卡密")
_EXPIRES_AT = ("expires_at", "expires", "到期", "到期时间", "有效期")

Told = Callable[[int], None]


async def import_codes(
    database: Database,
    campaign: CampaignId,
    pool: str,
    rows: Sequence[Sequence[str]],
    now: int,
    told: Told = lambda codes: None,
) -> int:
    """Adds a table of codes to a pool, made where it is new: all of them, or none where one does not fit.

    Args:
        database: the record.
        campaign: whose pool it is.
        pool: its name, 1 to 60 characters.
        rows: a code each, and when it expires where it does (ISO 8601; a day counts whole); a heading
            may say which column is which.
        now: what expires before it is refused.
        told: hears how many were added so far.

    Returns how many were added. Raises Refused: not_found, bad_config (the name), bad_table by row.
    """
    name = line_of(pool, POOL_LENGTH)
    if name is None:
        raise Refused("bad_config", f"a pool's name has 1 to {POOL_LENGTH} characters on one line")
    errors = Errors()
    codes = _codes(rows, now, errors)
    added = 0
    async with database.begin() as connection:
        await lock_pool(connection, campaign, name, make=True)
        for start in range(0, len(codes), AT_ONCE):
            part = codes[start : start + AT_ONCE]
            there = await add_codes(connection, campaign, name, [code for _, code in part])
            for row, code in part:
                if code.code in there:
                    errors.add(row, "the pool has it already", "code")
            added += len(part)
            told(added)
        if not codes:
            errors.add(1, "there is no code in the table")
        errors.check()  # leaving by an error undoes all of it
    return added


def _codes(rows: Sequence[Sequence[str]], now: int, errors: Errors) -> list[tuple[int, NewCode]]:
    """The codes by row; what does not fit is noted."""
    first = [text.casefold() for text in rows[0]] if rows else []
    headed = any(text in _CODE for text in first)
    at = next((n for n, text in enumerate(first) if text in _CODE), 0)
    expiry = next((n for n, text in enumerate(first) if text in _EXPIRES_AT), None if headed else 1)
    found: list[tuple[int, NewCode]] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if not any(row) or (headed and number == 1):
            continue
        code = line_of(row[at], CODE_LENGTH) if at < len(row) else None
        if code is None:
            errors.add(number, f"a code has 1 to {CODE_LENGTH} characters on one line", "code")
            continue
        if (before := seen.setdefault(code, number)) != number:
            errors.add(number, f"the same as in row {before}", "code")
            continue
        try:
            expires_at = _expiry(row[expiry] if expiry is not None and expiry < len(row) else "")
        except ValueError:
            errors.add(number, "a time such as 2027-01-31 or 2027-01-31T18:00+08:00", "expires_at")
            continue
        if expires_at is not None and expires_at <= now:
            errors.add(number, "it has expired already", "expires_at")
            continue
        found.append((number, NewCode(code, expires_at)))
    return found


def _expiry(text: str) -> int | None:
    """When a code expires; a day is over at its end. Times without an offset are of this machine."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.time() == time.min and "T" not in text and ":" not in text:
        moment += timedelta(days=1)
    return round(moment.astimezone().timestamp() * 1000)


async def return_unused(database: Database, redis: Redis, now: int) -> int:
    """Frees the codes that rooms which are over for a while did not give; how many.

    A room whose outbox holds something, or of which something was put aside, keeps its codes.
    """
    returned = 0
    for room in await rooms_holding_codes(database, now - LINGER_MS):
        lanes = await get_lanes(database, room)
        if not any([await Outbox(redis, LaneKeys(room, lane.lane)).waiting() for lane in lanes]):
            codes = await give_back(database, room, now)
            log.info("codes given back", room=room, codes=codes)
            returned += codes
    return returned
