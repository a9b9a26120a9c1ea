from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters, keep_letters, letters_of, resolve_letters
from ledger_client.embedded.dead_letters import Letter


async def test_letters_alone_are_kept_and_counted(engine: Database) -> None:
    letter = Letter("r1.0", b"\xc1", "undecodable")
    await keep_letters(engine, [letter, Letter("r1.0", b"\xc2", "undecodable")])
    await keep_letters(engine, [letter])
    assert sorted((kept.raw, kept.attempts) for kept in await dead_letters(engine)) == [
        (b"\xc1", 2),
        (b"\xc2", 1),
    ]


async def test_a_line_has_a_letter_for_each_reason_until_they_are_resolved(engine: Database) -> None:
    first, second = Letter("r1.0", b"\xc1", "undecodable"), Letter("r1.0", b"\xc1", "line_mismatch")
    await keep_letters(engine, [first, second, first, Letter("r2.0", b"\xc1", "undecodable")])
    assert await letters_of(engine, "r1.0", b"\xc1") == {first.id: 2, second.id: 1}
    await resolve_letters(engine, [first.id], 7)
    assert await letters_of(engine, "r1.0", b"\xc1") == {second.id: 1}
    assert {kept.id for kept in await dead_letters(engine)} >= {second.id}
    assert first.id not in {kept.id for kept in await dead_letters(engine)}
