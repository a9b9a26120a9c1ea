"""`gameserver media`: pictures that staff put into configs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from gameserver.app import Stores
from gameserver.cli.running import Port, Yes, err, out, with_stores
from gameserver.errors import Refused
from gameserver.media.pictures import Developing
from gameserver.media.store import key_of

cli = typer.Typer(no_args_is_help=True, help="Pictures.")


@cli.command("add")
def media_add(
    files: Annotated[
        list[Path],
        typer.Argument(help="JPEG, PNG, WebP or GIF, up to 8 MiB each.", exists=True, dir_okay=False),
    ],
    port: Port = 8000,
) -> None:
    """Keeps pictures and prints the path of each, in order; thumbnails end in -480.webp and -96.webp."""

    async def work(stores: Stores) -> None:
        developing = Developing()
        for file in track(files, "pictures", console=err, disable=not err.is_terminal):
            try:
                kept = await stores.media.keep(await developing.picture(file.read_bytes()))
            except Refused as refused:
                raise Refused(refused.code, f"{file}: {refused.message}") from None
            out.print(kept.url)

    with_stores(port, work)


@cli.command("remove")
def media_remove(
    url: Annotated[str, typer.Argument(help="The path of a picture, such as /media/….webp")],
    yes: Yes = False,
    port: Port = 8000,
) -> None:
    """Removes a picture in all sizes. Browsers that have seen it may keep their copies."""
    key = key_of(url)
    if key is None:
        raise Refused("not_found", "that is no path of a picture of ours")
    if not yes:
        typer.confirm(f"Remove {url} for good, wherever it is shown?", abort=True, err=True)

    async def work(stores: Stores) -> None:
        await stores.media.remove(key[:64])
        out.print("removed")

    with_stores(port, work)
