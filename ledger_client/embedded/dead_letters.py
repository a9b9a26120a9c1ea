"""What could not be stored as it came: kept whole, for a person to resolve. One table per schema."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import SchemaItem

NOW = text("(extract(epoch from clock_timestamp()) * 1000)::bigint")


class Letter(NamedTuple):
    """Raw bytes from `source` (a lane, such as "r42.0") and why they were put aside.

    `more`: the values of the columns that the schema's table has beside the shared ones.
    """

    source: str
    raw: bytes
    reason: str
    more: Mapping[str, Any] = {}

    @property
    def id(self) -> bytes:
        """The same letter brought again is counted, not kept twice."""
        head = f"{self.source}|{self.reason}|".encode()
        return hashlib.sha256(head + self.raw).digest()


def dead_letter_table(metadata: MetaData, *more: SchemaItem) -> Table:
    """`attempts` is how often the letter was brought; times are Unix ms; `more` columns and indexes."""
    return Table(
        "dead_letter",
        metadata,
        Column("id", LargeBinary, primary_key=True),
        Column("source", Text, nullable=False),
        Column("raw", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False, server_default="1"),
        Column("at", BigInteger, nullable=False, server_default=NOW),
        Column("resolved_at", BigInteger),
        *more,
    )


async def bury(connection: AsyncConnection, table: Table, letters: Sequence[Letter]) -> None:
    """Keeps the letters within the caller's transaction."""
    for letter in letters:
        kept = insert(table).values(
            id=letter.id, source=letter.source, raw=letter.raw, reason=letter.reason, **letter.more
        )
        again = kept.on_conflict_do_update(index_elements=["id"], set_={"attempts": table.c.attempts + 1})
        await connection.execute(again)
