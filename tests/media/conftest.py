import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "pictures"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3-compatible server on loopback with an empty bucket: its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx.put(f"{address}/{BUCKET}", trust_env=False).raise_for_status()
    yield address
    server.stop()


def aws(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """The usual variables of S3."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where pictures are kept: an empty folder, then an empty prefix of a bucket."""
    if request.param == "folder":
        return (tmp_path / "a folder, 图").as_uri()
    aws(monkeypatch, request.getfixturevalue("s3"))
    return f"s3://{BUCKET}/{tmp_path.name}"


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
