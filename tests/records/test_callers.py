import pytest

from gameserver.errors import Refused
from gameserver.records.callers import add_caller, find_caller, list_callers, revoke_caller
from gameserver.records.database import Database

SOURCES, KINDS = frozenset({"pos", "app"}), frozenset({"purchase"})


async def test_a_caller_is_found_with_a_secret_of_its_own_until_it_is_revoked(engine: Database) -> None:
    till = await add_caller(engine, "till", SOURCES, KINDS)
    other = await add_caller(engine, "other", SOURCES, KINDS)
    assert len(bytes.fromhex(till.secret)) == 32
    assert till.secret != other.secret
    assert await find_caller(engine, "till") == till
    revoked = await revoke_caller(engine, "till")
    assert revoked.revoked_at is not None
    assert await revoke_caller(engine, "till") == revoked  # the time stays the first one
    assert await find_caller(engine, "till") is None
    assert await list_callers(engine) == [other, revoked]


async def test_a_name_is_given_once_even_after_its_end(engine: Database) -> None:
    """Else a new secret would speak for events that the old one told."""
    first = await add_caller(engine, "till", SOURCES, KINDS)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await add_caller(engine, "till", SOURCES, KINDS)
        assert refused.value.code == "caller_exists"
        await revoke_caller(engine, "till")
    assert (await list_callers(engine))[0].secret == first.secret


@pytest.mark.parametrize("name", ["", "nobody", "till\0", "TILL", "till' or true --"])
async def test_nobody_else_is_found(engine: Database, name: str) -> None:
    await add_caller(engine, "till", SOURCES, KINDS)
    assert await find_caller(engine, name) is None


async def test_who_does_not_exist_cannot_be_revoked(engine: Database) -> None:
    with pytest.raises(Refused) as refused:
        await revoke_caller(engine, "nobody")
    assert refused.value.code == "not_found"


async def test_a_caller_speaks_only_for_its_sources_and_kinds(engine: Database) -> None:
    till = await add_caller(engine, "till", SOURCES, KINDS)
    assert till.may_tell("pos", "purchase")
    assert not till.may_tell("mall", "purchase")
    assert not till.may_tell("pos", "return")
