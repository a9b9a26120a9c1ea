"""Arrays as PostgreSQL writes them: one text a column instead of one value a row.

The driver encodes an array value by value, which was a third of a batch's CPU time here; PostgreSQL reads
the text in C. Statements unnest them (see `unnest`): in a condition the text would be read for each row.
"""

from collections.abc import Iterable
from uuid import UUID


def unnest(**columns: str) -> str:
    """The SQL that makes rows of such arrays: parameters and their types by name, such as `ids="uuid"`.

    Only `bytea` goes as the driver's own array: as text it would be twice as long.
    """
    arrays = [
        f"cast({f':{name}' if kind == 'bytea' else f'cast(:{name} as text)'} as {kind}[])"
        for name, kind in columns.items()
    ]
    return f"unnest({', '.join(arrays)})"


def numbers(values: Iterable[int | None]) -> str:
    """Of integers; None is null."""
    return "{" + ",".join(["null" if value is None else str(value) for value in values]) + "}"


def uuids(values: Iterable[UUID | None]) -> str:
    """Of UUIDs; None is null."""
    return "{" + ",".join(["null" if value is None else f"{value.int:032x}" for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """Of texts, whatever is in them; None is null."""
    return "{" + ",".join(["null" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
