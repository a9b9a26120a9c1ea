from gameserver.records.database import Database
from gameserver.records.dead_letters import dead_letters, keep_letters
from ledger_client.embedded.dead_letters import Letter


async def test_letters_alone_are_kept_and_counted(engine: Database) -> None:
    letter = Letter("r1.0", b"\xc1", "undecodable")
    await keep_letters(engine, [letter, Letter("r1.0", b"\xc2", "undecodable")])
    await keep_letters(engine, [letter])
    assert sorted((kept.raw, kept.attempts) for kept in await dead_letters(engine)) == [
        (b"\xc1", 2),
        (b"\xc2", 1),
    ]
