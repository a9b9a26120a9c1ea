from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media.s3 import BUCKET, s3_server, use_aws


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where pictures are kept: an empty folder, then an empty prefix of a bucket."""
    if request.param == "folder":
        return (tmp_path / "a folder, 图").as_uri()
    use_aws(monkeypatch, request.getfixturevalue("s3"))
    return f"s3://{BUCKET}/{tmp_path.name}"
