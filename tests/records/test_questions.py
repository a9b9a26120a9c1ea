"""Question banks in the record: whole or not at all, in order, one change after another."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameserver.errors import Refused
from gameserver.games.questions import AnyQuestion
from gameserver.records.database import Database
from gameserver.records.questions import Banked, change_bank, delete_bank, get_questions, list_banks
from tests.games.asked import question, questions, samples


def numbered(asked: Sequence[AnyQuestion], first: int = 1) -> list[Banked]:
    return [Banked(f"q{number}", one) for number, one in enumerate(asked, first)]


def many(count: int) -> list[AnyQuestion]:
    return [question(kind="text", text=str(number), right=["a"]) for number in range(count)]


async def store(database: Database, bank: str, banked: Sequence[Banked], *, replace: bool = True) -> int:
    return await change_bank(database, bank, lambda _: banked, replace=replace)


async def test_a_bank_keeps_its_questions_whole_and_in_order(engine: Database) -> None:
    banked = list(reversed(numbered(samples())))
    assert await store(engine, "诗词", banked) == 6
    assert await get_questions(engine, "诗词") == banked
    more = numbered(many(3), 100)
    assert await store(engine, "诗词", more, replace=False) == 9
    assert await get_questions(engine, "诗词") == banked + more
    assert await store(engine, "诗词", more) == 3
    assert await get_questions(engine, "诗词") == more


@settings(max_examples=30)
@given(st.lists(questions(), min_size=1, max_size=5))
async def test_any_question_comes_back_as_it_was(engine: Database, asked: list[AnyQuestion]) -> None:
    await store(engine, "any", numbered(asked))
    assert await get_questions(engine, "any") == numbered(asked)


async def test_who_chooses_sees_what_stays_and_what_it_refuses_leaves_the_bank_as_it_was(
    engine: Database,
) -> None:
    banked, seen = numbered(samples()), []

    def refuse(staying: Sequence[Banked]) -> Sequence[Banked]:
        seen.append(list(staying))
        raise Refused("bad_table")

    await store(engine, "poems", banked)
    before = await list_banks(engine)
    for bank, replace in (("poems", False), ("poems", True), ("new", False)):
        with pytest.raises(Refused):
            await change_bank(engine, bank, refuse, replace=replace)
    assert seen == [banked, [], []]
    assert await get_questions(engine, "poems") == banked
    assert await list_banks(engine) == before


async def test_what_fails_in_the_middle_of_thousands_leaves_nothing_behind(engine: Database) -> None:
    told: list[int] = []
    banked = numbered(many(1200))
    doubled = [*banked, banked[0]]
    with pytest.raises(Exception, match="question_pkey"):
        await change_bank(engine, "large", lambda _: doubled, replace=False, told=told.append)
    assert told == [500, 1000]
    assert await list_banks(engine) == []
    assert await change_bank(engine, "large", lambda _: banked, replace=False, told=told.append) == 1200
    assert told == [500, 1000, 500, 1000, 1200]
    assert await get_questions(engine, "large") == banked


async def test_changes_of_one_bank_come_one_after_another(engine: Database) -> None:
    """Each gives the next number; two that saw the same bank would give the same one."""

    def next_one(staying: Sequence[Banked]) -> Sequence[Banked]:
        return numbered(many(1), len(staying) + 1)

    counts = await asyncio.gather(
        *(change_bank(engine, "busy", next_one, replace=False) for _ in range(8)),
    )
    assert sorted(counts) == list(range(1, 9))
    assert [one.id for one in await get_questions(engine, "busy")] == [f"q{n}" for n in range(1, 9)]


async def test_banks_are_listed_by_name_and_end_with_their_questions(engine: Database) -> None:
    await store(engine, "b", numbered(samples()))
    await store(engine, "a", [])
    await store(engine, "c", numbered(many(1)))
    assert [(bank.id, bank.questions) for bank in await list_banks(engine)] == [("a", 0), ("b", 6), ("c", 1)]
    assert await delete_bank(engine, "b") == 6
    assert [bank.id for bank in await list_banks(engine)] == ["a", "c"]
    assert await get_questions(engine, "a") == []
    assert len(await get_questions(engine, "c")) == 1
    for unknown in (get_questions(engine, "b"), delete_bank(engine, "b")):
        with pytest.raises(Refused, match="not_found"):
            await unknown
