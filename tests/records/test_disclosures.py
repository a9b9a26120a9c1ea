from gameserver.games.game import RoomId
from gameserver.records.database import Database
from gameserver.records.disclosures import disclose, disclosures
from tests.records.rooms import opened


async def test_who_looks_is_on_record_under_a_number_of_its_own(engine: Database) -> None:
    (_, one), (_, other) = await opened(engine), await opened(engine)
    first = await disclose(engine, one.room, staff="ann", reason="寄奖品", at=5)
    second = await disclose(engine, one.room, staff="ben", reason="an audit", at=6)
    third = await disclose(engine, other.room, staff="ann", reason="寄奖品", at=7)
    assert first[1:] == (one.room, "ann", "寄奖品", 5)
    assert first.id < second.id < third.id
    assert await disclosures(engine) == [third, second, first]
    assert await disclosures(engine, one.room) == [second, first]
    assert await disclosures(engine, id_=second.id) == [second]
    assert await disclosures(engine, other.room, second.id) == []
    assert await disclosures(engine, limit=1) == [third]
    assert await disclosures(engine, RoomId("r999")) == []
