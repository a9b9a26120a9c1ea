"""Which lanes this worker settles: PostgreSQL session advisory locks, gone when its connection goes."""

import asyncio

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gameserver.records.database import Database

_LOCK = text("select pg_try_advisory_lock(hashtextextended('settle:' || :name, 0))")
_UNLOCK = text("select pg_advisory_unlock(hashtextextended('settle:' || :name, 0))")
_ARE_YOU_THERE = text("select cast(:name as text) is not null")


class Claims:
    """All claims of one worker, on one connection of their own.

    Args:
        database: where the locks live.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None
        self._names: set[str] = set()
        self._turn = asyncio.Lock()

    async def claim(self, name: str) -> bool:
        """Whether the lane is this caller's now; False while anyone else has it, here or elsewhere."""
        async with self._turn:
            if name in self._names or not await self._ask(_LOCK, name):
                return False
            self._names.add(name)
            return True

    def holds(self, name: str) -> bool:
        """Whether the claim stands as far as is known; see `check`."""
        return name in self._names

    async def release(self, name: str) -> None:
        """Gives the lane to whoever asks next."""
        async with self._turn:
            if name in self._names:
                self._names.discard(name)
                await self._ask(_UNLOCK, name)

    async def check(self) -> None:
        """Makes sure of the connection. When it is lost so are all claims, and its error is raised."""
        async with self._turn:
            if self._names:
                await self._ask(_ARE_YOU_THERE, "")

    async def close(self) -> None:
        """Gives up all claims."""
        async with self._turn:
            await self._drop()

    async def _ask(self, question: TextClause, name: str) -> bool:
        try:
            if self._connection is None:
                opened = await self._database.connect()
                self._connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
            return bool((await self._connection.execute(question, {"name": name})).scalar_one())
        except BaseException:
            # cut short or broken: the connection's locks are unknown, so it goes and they go with it
            await self._drop()
            raise

    async def _drop(self) -> None:
        self._names.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            # never back into the pool: its locks would live on
            await connection.invalidate()
            await connection.close()
