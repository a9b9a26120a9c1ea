import pytest
from sqlalchemy import text

from gameserver.records.claims import Claims
from gameserver.records.database import Database, passes


async def test_a_lane_has_one_worker_at_a_time(engine: Database) -> None:
    one, other = Claims(engine), Claims(engine)
    try:
        assert await one.claim("r1.0")
        assert not await one.claim("r1.0")
        assert not await other.claim("r1.0")
        assert await other.claim("r2.0")
        await one.release("r1.0")
        assert await other.claim("r1.0")
        await other.close()
        assert await one.claim("r1.0")
        assert await one.claim("r2.0")
    finally:
        await one.close()
        await other.close()


async def test_a_lost_connection_loses_its_claims_and_says_so(engine: Database) -> None:
    one, other = Claims(engine), Claims(engine)
    try:
        assert await one.claim("r1.0")
        async with engine.begin() as connection:
            await connection.execute(
                text("select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'")
            )
        with pytest.raises(Exception) as lost:  # noqa: PT011 - `passes` is what tells its kind
            await one.check()
        assert passes(lost.value)
        assert not one.holds("r1.0")
        assert await other.claim("r1.0")
        assert not await one.claim("r1.0")
    finally:
        await one.close()
        await other.close()
