import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import Redis
from sqlalchemy import make_url

from gameserver.engines import EngineError, Engines, addresses, engines, var_folder
from tests.engines import EngineOwner, owning


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the tests that may find it as another test left it: stopped."""
    return tmp_path_factory.mktemp("engines") / "var"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A folder of one test, whose engines are stopped even if the test leaves them orphaned."""
    yield tmp_path / "var"
    with engines(tmp_path / "var"):
        pass


async def connect(served: Engines) -> asyncpg.Connection:
    url = make_url(served.database_url)
    return await asyncpg.connect(host=url.query["host"], user=url.username, database=url.database)


async def note(served: Engines, word: str) -> None:
    """Write a word into both engines."""
    Redis.from_url(served.redis_url).sadd("words", word)
    connection = await connect(served)
    await connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
    await connection.execute("INSERT INTO words VALUES ($1)", word)
    await connection.close()


async def assert_noted(served: Engines, word: str) -> None:
    assert Redis.from_url(served.redis_url).sismember("words", word)
    connection = await connect(served)
    assert await connection.fetchval("SELECT count(*) FROM words WHERE word = $1", word) == 1
    await connection.close()


def processes(var: Path) -> set[psutil.Process]:
    """The two servers, as they name themselves."""
    files = (var / "valkey" / "valkey.pid", var / "postgres" / "postmaster.pid")
    return {psutil.Process(int(file.read_text().split()[0])) for file in files}


def kill(owner: EngineOwner) -> None:
    owner.process.kill()
    owner.process.wait()


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def kill_all(found: set[psutil.Process]) -> None:
    for process in found:
        process.kill()
    while not all(has_ended(process) for process in found):
        os.sched_yield()


async def test_engines_serve_on_sockets_only_and_write_before_they_answer(var: Path) -> None:
    with owning(var) as owner:
        assert addresses(var) == owner.engines
        store = Redis.from_url(owner.engines.redis_url, decode_responses=True)
        expected = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "save": "",
            "port": "0",
        }
        assert store.config_get(*expected) == expected
        connection = await connect(owner.engines)
        settings = {
            name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")
        }
        assert settings == {"fsync": "on", "synchronous_commit": "on"}
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()


async def test_a_clean_stop_ends_the_servers_and_keeps_the_words(var: Path) -> None:
    with owning(var) as owner:
        await note(owner.engines, "kept")
        served = processes(var)
    assert all(has_ended(process) for process in served)
    with owning(var) as owner:
        await assert_noted(owner.engines, "kept")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signalled_owner_stops_its_servers(var: Path, number: signal.Signals) -> None:
    with owning(var) as owner:
        served = processes(var)
        owner.process.send_signal(number)
        owner.process.wait()
        assert all(has_ended(process) for process in served)


async def test_servers_of_a_killed_owner_are_taken_over(var: Path) -> None:
    with owning(var) as owner:
        await note(owner.engines, "adopted")
        orphans = processes(var)
        kill(owner)
    with owning(var) as heir:
        assert processes(var) == orphans
        await assert_noted(heir.engines, "adopted")
    assert all(has_ended(process) for process in orphans)


async def test_all_killed_at_once_start_again_with_every_word(var: Path) -> None:
    with owning(var) as owner:
        await note(owner.engines, "survived")
        served = processes(var)
        kill(owner)
        kill_all(served)
    files = list((var / "valkey" / "appendonlydir").glob("*.incr.aof"))
    assert files
    with files[-1].open("ab") as file:  # a command whose writing was cut short, never answered
        file.write(b"*3\r\n$4\r\nSADD\r\n$5\r\nwor")
    with owning(var) as heir:
        await assert_noted(heir.engines, "survived")
        await note(heir.engines, "after")


async def test_a_stale_pid_file_that_names_a_living_stranger_is_no_hindrance(var: Path) -> None:
    with owning(var) as owner:
        served = processes(var)
        kill(owner)
        kill_all(served)
    pid_file = var / "postgres" / "postmaster.pid"
    rest = pid_file.read_text().split("\n", 1)[1]
    pid_file.write_text(f"{os.getpid()}\n{rest}")
    with owning(var) as heir:
        await note(heir.engines, "not fooled")


async def test_servers_whose_folder_was_deleted_are_replaced(fresh: Path) -> None:
    with owning(fresh) as owner:
        await note(owner.engines, "lost")
        orphans = processes(fresh)
        kill(owner)
    shutil.rmtree(fresh)
    with owning(fresh) as heir:
        assert all(has_ended(process) for process in orphans)
        assert not Redis.from_url(heir.engines.redis_url).exists("words")


async def test_servers_whose_sockets_were_swept_away_are_replaced(var: Path) -> None:
    with owning(var) as owner:
        await note(owner.engines, "swept")
        orphans = processes(var)
        kill(owner)
        shutil.rmtree(Path(str(make_url(owner.engines.database_url).query["host"])).parent)
    with owning(var) as heir:
        assert processes(var).isdisjoint(orphans)
        await assert_noted(heir.engines, "swept")


def test_a_half_made_cluster_is_made_anew(fresh: Path) -> None:
    half = fresh / ".postgres-half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with owning(fresh):
        assert not half.exists()


def test_a_second_owner_is_refused(var: Path) -> None:
    with (
        owning(var) as owner,
        pytest.raises(
            EngineError, match=rf"in use by process {owner.process.pid}: stop that one, or .*PORT="
        ),
        owning(var),
    ):
        pytest.fail("two owners")


def test_two_folders_run_beside_each_other(var: Path) -> None:
    with owning(var) as one, owning(var / "port-8001") as other:
        assert one.engines != other.engines
        assert processes(var).isdisjoint(processes(var / "port-8001"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"cannot keep anything in .*/file/var: Not a directory\. Make it"):
        owning(tmp_path / "file" / "var").__enter__()


def test_a_path_too_long_for_a_socket_and_with_a_space_serves(tmp_path: Path) -> None:
    with owning(tmp_path / ("long path " * 15)) as owner:
        assert Redis.from_url(owner.engines.redis_url).ping()


def test_a_server_that_cannot_start_says_why(var: Path) -> None:
    with owning(var):
        pass
    manifest = var / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    whole = manifest.read_bytes()
    manifest.write_bytes(b"nonsense\n")
    with pytest.raises(EngineError, match=r"Valkey ended while starting: .*server\.log"), owning(var):
        pytest.fail("it served a broken file")
    manifest.write_bytes(whole)


def test_the_folder_follows_the_port() -> None:
    assert var_folder(8000) == Path("var")
    assert var_folder(8001) == Path("var/port-8001")
