"""The embedded engines: a real Valkey and a real PostgreSQL under one folder, for one owner at a time.

For the demo, development and small one-machine use; a deployment brings its own servers.
"""

import hashlib
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gameserver.engine_process import EngineError
from gameserver.records.embedded import database_url, postgres
from gameserver.store.embedded import redis_url, valkey

__all__ = ["EngineError", "Engines", "addresses", "engines", "var_folder"]

DEFAULT_PORT = 8000
LONGEST_SOCKET_NAME = len("/postgres/.s.PGSQL.5432.lock")
SOCKET_PATH_LIMIT = 103  # bytes a unix socket path may have on macOS; 107 on Linux


@dataclass(frozen=True, slots=True)
class Engines:
    """The addresses of running engines."""

    redis_url: str
    database_url: str


def var_folder(port: int) -> Path:
    """Where a copy on this port keeps its stores: copies on different ports run beside each other."""
    return Path("var") if port == DEFAULT_PORT else Path("var") / f"port-{port}"


def addresses(var: Path) -> Engines:
    """Where the engines of `var` listen while their owner runs."""
    sockets = _socket_folder(var.resolve())
    return Engines(redis_url(sockets), database_url(sockets))


@contextmanager
def engines(var: Path) -> Iterator[Engines]:
    """Run both engines on the folder `var`, ready to use, and stop them at the end.

    Engines that a killed owner left running are taken over. While the block lasts, SIGTERM leaves it
    as SystemExit, so that it stops the engines too, and SIGHUP does as SIGTERM.

    Raises EngineError: folder in use or not writable, platform not supported, engine does not start.
    """
    if sys.platform == "win32":
        raise EngineError("the embedded engines need Linux or macOS: set REDIS_URL and DATABASE_URL")
    var = var.resolve()
    with _signals_leave(), _sole_owner(var), _sockets(var) as sockets:
        store = valkey(var / "valkey", sockets)
        with store.running():
            record = postgres(var / "postgres", sockets)
            with record.running():
                store.wait_ready()
                record.wait_ready()
                yield Engines(redis_url(sockets), database_url(sockets))


@contextmanager
def _sole_owner(var: Path) -> Iterator[None]:
    """Hold the folder's lock. The system frees it however the owner ends; engines do not inherit it."""
    import fcntl

    try:
        var.mkdir(parents=True, exist_ok=True)
        lock = (var / "lock").open("a+")
    except OSError as error:
        raise EngineError(
            f"cannot keep anything in {var}: {error.strerror}. Make it a writable folder or choose another."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise EngineError(
                f"{var} is in use by process {lock.read().strip()}: stop that one, or run this one "
                "on another port (PORT=8001)."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _socket_folder(var: Path) -> Path:
    name = "gameserver-" + hashlib.sha256(f"{os.geteuid()}:{var}".encode()).hexdigest()[:16]
    room = SOCKET_PATH_LIMIT - LONGEST_SOCKET_NAME - len(name) - 1
    base = tempfile.gettempdir()
    return Path(base if len(base.encode()) <= room else "/tmp", name)


@contextmanager
def _sockets(var: Path) -> Iterator[Path]:
    """A folder for the sockets with a short path, always the same one for the same `var` and user."""
    folder = _socket_folder(var)
    try:
        folder.mkdir(mode=0o711, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise EngineError(f"cannot make {folder} for the sockets: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise EngineError(f"{folder} belongs to somebody else: remove it, or set TMPDIR to a folder of yours")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _signals_leave() -> Iterator[None]:
    """By default these signals would end the process on the spot and leave the engines running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {signal.SIGTERM: _leave, signal.SIGHUP: _terminate}
    ours = {number: handler for number, handler in handlers.items() if _is_default(number)}
    for number, handler in ours.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _is_default(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_DFL


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """A closed terminal asks a server within the block to drain, as SIGTERM does."""
    signal.raise_signal(signal.SIGTERM)
