"""What a person sees in the terminal once the demo is up."""

import sys

import segno
from rich.console import Console

from gameserver.settings import Settings

# the terminal itself: what a command prints beside a server in the same process is its own
out = Console(file=sys.__stdout__, highlight=False, soft_wrap=True)


def print_host(settings: Settings, room: str, token: str) -> None:
    """From where a room is conducted; whoever has the link may."""
    out.print(f"  Host of {room}  http://localhost:{settings.port}/screen/{room}#host={token}")


def print_welcome(settings: Settings, folder: object) -> None:
    """The links, and the lobby as a QR code for a phone."""
    address = f"http://localhost:{settings.port}"
    out.print()
    out.print(f"  Lobby        [bold]{address}/[/bold]")
    out.print(f"  Play         {address}/play/red_packet_rain   (lottery_wheel, quiz, vote)")
    out.print(f"  Big screen   {address}/screen/red_packet_rain")
    out.print(f"  API          {address}/openapi.json   metrics {address}/metrics")
    out.print(f"  Stores       {folder}/ (kept between runs)")
    out.print("  [dim]Ctrl-C stops. A phone needs: make run BIND=0.0.0.0, and this machine's address.[/dim]")
    out.print()
    segno.make(f"{address}/", micro=False).terminal(compact=True, border=2)
