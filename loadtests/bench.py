"""The benchmark: `python -m loadtests.bench`. Starts everything itself, prints a table, writes bench.json."""

import contextlib
import json
import os
import platform
import resource
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from gameserver.app import Stores
from gameserver.engine_process import EngineError
from gameserver.engines import Engines, engines
from gameserver.errors import Refused
from gameserver.settings import Settings
from loadtests.figures import FOOTNOTES, report, spreads, table
from loadtests.meters import others_percent
from loadtests.phases.claims import claims
from loadtests.phases.fanout import fanout
from loadtests.phases.gate import gate
from loadtests.phases.idle import idle
from loadtests.phases.ledger import ledger
from loadtests.phases.memory import memory
from loadtests.phases.phase import Bench, Phase
from loadtests.phases.quiz import quiz
from loadtests.phases.settlement import settlement
from loadtests.phases.vote import vote
from loadtests.phases.wheel import wheel
from loadtests.processes import NODE_PEER, Broken, Programs, bring_node_modules
from loadtests.rooms import valkey_version

REPETITIONS = 3
QUIET_PERCENT = 10
PHASES: Mapping[str, Phase] = {
    "claims": claims,
    "wheel": wheel,
    "vote": vote,
    "quiz": quiz,
    "fanout": fanout,
    "idle": idle,
    "settlement": settlement,
    "ledger": ledger,
    "memory": memory,
    "gate": gate,
}
ONCE = frozenset({"memory"})  # a million entries take minutes, and the figure does not waver
PYTHON_PARTS = ("picows", "uvicorn", "uvloop", "msgspec", "redis", "hiredis", "starlette", "asyncpg")
NODE_PARTS = ("ws", "ioredis", "msgpackr")

WIDTH = 120
out, err = Console(highlight=False, width=WIDTH), Console(stderr=True, highlight=False)


def main(
    quick: Annotated[
        bool, typer.Option("--quick", help="One short look at each; not for comparing.")
    ] = False,
    only: Annotated[str, typer.Option(help=f"Some of {','.join(PHASES)}.")] = "",
    to: Annotated[Path, typer.Option("--out", help="Where the figures go.")] = Path("bench.json"),
) -> None:
    """Measures what the design promises, on this machine."""
    names = [name.strip() for name in only.split(",")] if only else list(PHASES)
    if unknown := [name for name in names if name not in PHASES]:
        raise typer.BadParameter(f"no phase {unknown[0]!r}; there are: {', '.join(PHASES)}")
    _raise_open_files()
    folder = Path(tempfile.mkdtemp(prefix="gameserver-bench-"))
    log = folder / "programs.log"
    try:
        with engines(folder / "var") as running:
            measured = uvloop.run(_run(running, log, names, quick))
    except (Broken, EngineError, Refused) as error:
        err.print(f"[red]error[/red]: {error}")
        if log.exists():
            kept = Path("bench.log")
            shutil.copy(log, kept)
            err.print(f"what the programs said is in {kept}")
        raise typer.Exit(1) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    to.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    out.print(f"written to {to}")


def _raise_open_files() -> None:
    """Every connection is an open file here and in the server."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _run(running: Engines, log: Path, names: Sequence[str], quick: bool) -> dict[str, object]:
    began = time.time()
    stores = Stores(Settings(redis_url=running.redis_url, database_url=running.database_url))
    try:
        await stores.migrate()
        if "claims" in names:
            await bring_node_modules()
        runs, others = await _repeat(stores, Programs(running, log), names, quick)
        about = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            "took_s": round(time.time() - began),
            "quick": quick,
            "others_percent": round(others),
            "machine": f"{os.cpu_count()} shared cores",
            "versions": await _versions(stores),
        }
    finally:
        await stores.close()
    measured = spreads(runs)
    out.print(table(measured))
    for footnote in FOOTNOTES:
        out.print(f"[dim]- {footnote}[/dim]")
    if others > QUIET_PERCENT:
        out.print(f"[yellow]other programs used up to {others:.0f} % of this machine: measure again[/yellow]")
    return report(measured, about)


async def _repeat(
    stores: Stores, programs: Programs, names: Sequence[str], quick: bool
) -> tuple[Mapping[str, list[float]], float]:
    """All repetitions of each phase, and the most that other programs used between them (percent)."""
    repetitions = 1 if quick else REPETITIONS
    runs: dict[str, list[float]] = defaultdict(list)
    others: list[float] = []
    columns = (TextColumn("{task.description:<40}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("starting", total=sum(1 if name in ONCE else repetitions for name in names))

        def say(words: str) -> None:
            progress.update(task, description=words)
            if not err.is_terminal:
                err.print(words)

        bench = Bench(stores, programs, say, quick)
        for name in names:
            for _ in range(1 if name in ONCE else repetitions):
                others.append(await others_percent())
                for key, value in (await PHASES[name](bench)).items():
                    runs[key].append(value)
                progress.advance(task)
    return runs, max(others)


async def _versions(stores: Stores) -> dict[str, str]:
    async with stores.database.connect() as connection:
        postgres = (await connection.execute(text("show server_version"))).scalar_one()
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PYTHON_PARTS},
        "valkey": await valkey_version(stores.redis),
        "postgres": str(postgres),
        **_node_versions(),
    }


def _node_versions() -> dict[str, str]:
    node = shutil.which("node")
    if node is None:
        return {}
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    found = {"node": said.stdout.strip()}
    for name in NODE_PARTS:
        manifest = NODE_PEER / "node_modules" / name / "package.json"
        if manifest.exists():
            found[name] = json.loads(manifest.read_text())["version"]
    return found


if __name__ == "__main__":
    typer.run(main)
