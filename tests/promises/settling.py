"""Settlement workers as processes of their own, quickly started and killed without a word."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess

from gameserver.app import Stores
from gameserver.engines import Engines
from gameserver.settings import Settings

# the server of forks has imported everything before: a worker is there in milliseconds
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


def _settle(engines: Engines) -> None:
    asyncio.run(_work(engines))


async def _work(engines: Engines) -> None:
    """What `gameserver settle` does until it is told to stop, which here nobody does."""
    stores = Stores(Settings(redis_url=engines.redis_url, database_url=engines.database_url))
    await stores.work(asyncio.Event())


@contextmanager
def worker(engines: Engines) -> Iterator[ForkServerProcess]:
    """A worker; killed (SIGKILL) when the block ends."""
    process = _FORKS.Process(target=_settle, args=(engines,), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
