"""Question banks: named lists of questions, from which rooms are filled."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.errors import Refused
from gameserver.games.questions import AnyQuestion, Question
from gameserver.records.database import Database
from gameserver.records.tables import question as table
from gameserver.records.tables import question_bank
from ledger_client.embedded.dead_letters import NOW

WRITTEN_AT_ONCE = 500

_QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(Question)


class Banked(NamedTuple):
    """A question under its id, unique in its bank."""

    id: str
    question: AnyQuestion


class Bank(NamedTuple):
    """A bank's name, how many questions it has, and when (ms) it was last changed."""

    id: str
    questions: int
    changed_at: int


async def change_bank(
    database: Database,
    bank: str,
    choose: Callable[[Sequence[Banked]], Sequence[Banked]],
    *,
    replace: bool,
    told: Callable[[int], None] = lambda stored: None,
) -> int:
    """Adds questions to a bank, or replaces all of it, in one transaction; returns how many it has then.

    `choose` is given the questions that stay (none with `replace`) and gives those that are added; what it
    raises leaves the bank as it was. `told` hears how many are stored so far. A bank that is not there yet
    is made. Changes of one bank come one after another.
    """
    async with database.begin() as connection:
        made = upsert(question_bank).values(id=bank)
        # the row is locked even where it says what it said before
        await connection.execute(made.on_conflict_do_update(index_elements=["id"], set_={"changed_at": NOW}))
        if replace:
            await connection.execute(delete(table).where(table.c.bank == bank))
        staying = await _questions(connection, bank)
        added = choose(staying)
        last = select(func.coalesce(func.max(table.c.place), 0)).where(table.c.bank == bank)
        place = (await connection.execute(last)).scalar_one()
        for start in range(0, len(added), WRITTEN_AT_ONCE):
            rows = [
                {"bank": bank, "id": one.id, "place": place + number, "question": _written(one.question)}
                for number, one in enumerate(added[start : start + WRITTEN_AT_ONCE], start + 1)
            ]
            await connection.execute(insert(table), rows)
            told(start + len(rows))
        return len(staying) + len(added)


def _written(question: AnyQuestion) -> object:
    return _QUESTION.dump_python(question, mode="json")


async def _questions(connection: AsyncConnection, bank: str) -> list[Banked]:
    query = select(table.c.id, table.c.question).where(table.c.bank == bank).order_by(table.c.place)
    return [
        Banked(row.id, _QUESTION.validate_python(row.question)) for row in await connection.execute(query)
    ]


async def get_questions(database: Database, bank: str) -> list[Banked]:
    """All of a bank, in order. Raises Refused("not_found")."""
    async with database.connect() as connection:
        known = await connection.execute(select(question_bank.c.id).where(question_bank.c.id == bank))
        if known.one_or_none() is None:
            raise _unknown(bank)
        return await _questions(connection, bank)


async def list_banks(database: Database) -> list[Bank]:
    """All banks by name."""
    count = func.count(table.c.id)
    query = (
        select(question_bank.c.id, count, question_bank.c.changed_at)
        .outerjoin(table, table.c.bank == question_bank.c.id)
        .group_by(question_bank.c.id)
        .order_by(question_bank.c.id)
    )
    async with database.connect() as connection:
        return [Bank(*row) for row in await connection.execute(query)]


async def delete_bank(database: Database, bank: str) -> int:
    """Ends a bank with its questions and returns how many; rooms keep theirs. Raises Refused("not_found")."""
    async with database.begin() as connection:
        # an import that is under way ends first
        locked = update(question_bank).where(question_bank.c.id == bank).values(changed_at=NOW)
        if not (await connection.execute(locked)).rowcount:
            raise _unknown(bank)
        gone = await connection.execute(delete(table).where(table.c.bank == bank))
        await connection.execute(delete(question_bank).where(question_bank.c.id == bank))
        return gone.rowcount


def _unknown(bank: str) -> Refused:
    return Refused("not_found", f"there is no question bank {bank!r}")
