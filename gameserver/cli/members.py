"""A member in the terminal."""

import asyncio
import contextlib
from typing import Annotated

import typer

from gameserver import play as terminal
from gameserver.cli.running import Port


def play(
    room: Annotated[str, typer.Argument(help="A room's id or a game's name.")],
    name: Annotated[str, typer.Option(help="The name to play under.")] = "terminal",
    server: Annotated[str, typer.Option(help="The server's address.")] = "",
    seconds: Annotated[float, typer.Option(help="How long to play.")] = 60.0,
    port: Port = 8000,
) -> None:
    """A member in the terminal: joins, plays what comes and prints every event."""
    address = server or f"http://127.0.0.1:{port}"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(terminal.play(address.rstrip("/"), room, name, seconds))
