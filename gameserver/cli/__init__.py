"""The command line. `gameserver --help` lists the commands."""

import sys

import typer
from pydantic import ValidationError

from gameserver.cli import (
    callers,
    campaigns,
    codes,
    contestants,
    fulfilment,
    ledger,
    media,
    members,
    questions,
    reports,
    rooms,
    servers,
    verify,
)
from gameserver.cli.running import err, fail
from gameserver.engines import EngineError
from gameserver.errors import Refused
from gameserver.records.database import passes
from gameserver.store.redis import RedisError
from ledger_client.errors import LedgerAway

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Campaign game server."
)
for command in (
    servers.demo, servers.serve, servers.settle, servers.migrate, members.play, reports.report,
    verify.verify,
):  # fmt: skip
    cli.command()(command)
cli.add_typer(rooms.cli, name="room")
cli.add_typer(ledger.cli, name="ledger")
cli.add_typer(campaigns.cli, name="campaign")
cli.add_typer(callers.cli, name="caller")
cli.add_typer(codes.cli, name="codes")
cli.add_typer(fulfilment.cli, name="prizes")
cli.add_typer(contestants.cli, name="contestants")
cli.add_typer(media.cli, name="media")
cli.add_typer(questions.cli, name="questions")


def main() -> None:
    """Entry point: expected errors become one line and exit code 1."""
    try:
        cli(standalone_mode=True)
    except (EngineError, Refused) as error:
        fail(error)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            err.print(f"[red]error[/red]: {'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}")
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, RedisError | OSError | LedgerAway) and not passes(error):
            raise
        fail(error)
