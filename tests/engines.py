"""Real engines for tests, owned by a process of their own: `python -m tests.engines FOLDER [--discard]`.

That process prints the addresses as one line of JSON and holds the engines until its input ends. The
input ends however the test run ends, so nothing outlives a run. `--discard` deletes the folder then.
"""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gameserver.engines import EngineError, Engines, engines

ROOT = Path(__file__).parent.parent


@dataclass
class EngineOwner:
    """The owning process and what it owns."""

    process: subprocess.Popen[str]
    engines: Engines


@contextmanager
def owning(folder: Path, *flags: str) -> Iterator[EngineOwner]:
    """Start an owner and let it stop its engines at the end. Raises EngineError with what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), *flags],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C ends the tests first, then the servers under them
    ) as process:
        assert process.stdout
        assert process.stderr
        if not (addresses := process.stdout.readline()):
            raise EngineError(process.stderr.read().strip())
        yield EngineOwner(process, Engines(**json.loads(addresses)))
        process.communicate()  # closes its input and waits for its end


def main(folder: Path, *, discard: bool) -> int:
    # signals as in a terminal, even if the tests run in the background or under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with engines(folder) as addresses:
            print(json.dumps(dataclasses.asdict(addresses)), flush=True)
            sys.stdin.read()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if discard:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), discard="--discard" in sys.argv))
