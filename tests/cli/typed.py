"""Commands as they are typed, and what they print."""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Mapping
from typing import NamedTuple
from unittest.mock import patch

from gameserver.cli import main
from tests.node import ROOT
from tests.page import PATIENCE_S


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an expected error."""
        assert self.code == 1, self
        assert self.out == ""
        (line,) = self.err.strip().splitlines()
        return line

    @property
    def fields(self) -> dict[str, str]:
        """The code in the first line, then a line for each field."""
        assert self.code == 1, self
        code, *lines = self.err.strip().splitlines()
        assert code == "bad_config"
        return dict(line.strip().split(": ", 1) for line in lines)


async def run(environment: Mapping[str, str], *words: str, given: str | None = None) -> Said:
    """`gameserver WORDS`, as typed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameserver", *words,
        cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            out, err = await process.communicate(given.encode() if given is not None else None)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Said(process.returncode, out.decode(), err.decode())


async def run_here(environment: Mapping[str, str], *words: str, given: str | None = None) -> Said:
    """The same on a thread of this process, which takes no second to start; one at a time."""
    async with _ONE, asyncio.timeout(2 * PATIENCE_S):
        return await asyncio.to_thread(_typed, environment, words, given or "")


def _typed(environment: Mapping[str, str], words: tuple[str, ...], given: str) -> Said:
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.multiple(sys, argv=["gameserver", *words], stdin=io.StringIO(given)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Said(code, *(file.buffer.getvalue().decode() for file in (out, err)))  # type: ignore[attr-defined]


_ONE = asyncio.Lock()
