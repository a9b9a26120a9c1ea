"""What all commands share: where they print, the stores they run on, and how expected errors are told."""

import asyncio
import getpass
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import structlog
import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gameserver.app import Stores, known_secret
from gameserver.engines import EngineError, addresses, var_folder
from gameserver.errors import Refused
from gameserver.logs import configure
from gameserver.personal import line_of
from gameserver.settings import Settings
from gameserver.staff.fulfilment import REASON_LENGTH

# lines are never broken: a pipe has no width
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_pipe = Console(highlight=False, soft_wrap=True, width=500)

Port = Annotated[
    int, typer.Option("--port", envvar="PORT", help="Port; also tells which embedded stores are meant.")
]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
By = Annotated[str, typer.Option("--by", help="Who does it; else the one who is logged in here.")]
MemberArgument = Annotated[str, typer.Argument(help="A member's id.")]


def staff_name(by: str) -> str:
    """Who does it: as said, else the account on this machine."""
    return by.strip() or getpass.getuser()


def _reason(value: str) -> str:
    if line_of(value, REASON_LENGTH) is None:
        raise typer.BadParameter(f"1 to {REASON_LENGTH} characters on one line")
    return value.strip()


Reason = Annotated[str, typer.Option("--reason", help="Why; it stays on record.", callback=_reason)]


def print_table(table: Table, empty: str = "") -> None:
    """A table, or in words that it is empty; whole where it goes into a pipe."""
    if table.row_count:
        (out if out.is_terminal else _pipe).print(table)
    else:
        out.print(empty)


def with_stores(port: int, work: Callable[[Stores], Coroutine[Any, Any, None]]) -> None:
    """Runs on the stores of the environment, else on those that a running `make run` keeps for the port."""
    settings = Settings(port=port)
    running = addresses(var_folder(port))
    complete = settings.model_copy(
        update={
            "redis_url": settings.redis_url or running.redis_url,
            "database_url": settings.database_url or running.database_url,
            "secret_key": settings.secret_key or known_secret(var_folder(port)),
        }
    )

    if not structlog.is_configured():
        configure()  # what is logged on the way is no part of what is printed

    async def run() -> None:
        stores = Stores(complete, connections=4)
        try:
            await work(stores)
        finally:
            await stores.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def read_file(file: Path) -> str:
    """A file's text; `-` is standard input. Raises Refused("bad_config")."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad_config", f"cannot read {file}: {error}") from None


def fail(error: Exception) -> NoReturn:
    """Tells an expected error in one line (and one for each field), and exits with code 1."""
    if isinstance(error, Refused):
        # what people wrote is told as it is: [/] is no markup of ours
        told = "" if error.fields else f": {escape(error.message)}"
        err.print(f"[red]{error.code}[/red]{told}")
        for path, why in (error.fields or {}).items():
            err.print(escape(f"  {path}: {why}"))
    elif isinstance(error, EngineError):
        err.print(f"[red]error[/red]: {error}")
    else:
        err.print(f"[red]error[/red]: the stores do not answer ({error}). Is the server running? See --port.")
    sys.exit(1)
