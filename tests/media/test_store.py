import asyncio
import time
from pathlib import Path

import pytest

from gameserver.errors import Refused
from gameserver.media.pictures import Picture, developed
from gameserver.media.store import PART_BYTES, MediaStore, is_key, key_of
from tests.media.files import picture
from tests.media.s3 import BUCKET, nobody, use_aws

RED = developed(picture(), time.monotonic() + 3600)
VAST = Picture("ab" * 32, b"x" * (5 * PART_BYTES + 1), b"y", b"z", 1, 1)


async def read(media: MediaStore, url: str) -> bytes:
    opened = await media.open(key_of(url) or "")
    body = b"".join([part async for part in opened.parts])
    assert len(body) == opened.size
    return body


async def test_what_was_kept_is_read_in_every_size(url: str) -> None:
    media = MediaStore(url)
    kept = await media.keep(RED)
    assert kept == (
        RED.id, f"/media/{RED.id}.webp", f"/media/{RED.id}-480.webp", f"/media/{RED.id}-96.webp", 60, 40
    )  # fmt: skip
    assert [await read(media, one) for one in kept[1:4]] == [RED.full, RED.thumb, RED.small]
    assert await media.size(f"{RED.id}-96.webp") == len(RED.small)


async def test_another_process_reads_what_one_has_kept(url: str) -> None:
    kept = await MediaStore(url).keep(RED)
    assert await read(MediaStore(url), kept.url) == RED.full


async def test_a_large_object_comes_in_parts(url: str) -> None:
    media = MediaStore(url)
    await media.keep(VAST)
    opened = await media.open(f"{VAST.id}.webp")
    parts = [part async for part in opened.parts]
    assert b"".join(parts) == VAST.full
    assert len(parts) > 1


async def test_a_picture_kept_again_and_by_many_at_once_is_one(url: str) -> None:
    stores = [MediaStore(url) for _ in range(3)]
    kept = await asyncio.gather(*(media.keep(RED) for media in stores * 4))
    assert len(set(kept)) == 1
    assert await read(stores[0], kept[0].url) == RED.full


async def test_what_stands_is_never_changed(url: str) -> None:
    """The thumbnails of another version of the library may differ, under the same key."""
    media = MediaStore(url)
    kept = await media.keep(RED)
    await media.keep(RED._replace(full=b"other", thumb=b"other"))
    assert [await read(media, one) for one in (kept.url, kept.thumb)] == [RED.full, RED.thumb]


async def test_what_is_not_there_is_not_found(url: str) -> None:
    media = MediaStore(url)
    for ask in (media.open, media.size):
        with pytest.raises(Refused) as refused:
            await ask("0" * 64 + ".webp")
        assert refused.value.code == "not_found"


async def test_a_removed_picture_is_gone_in_every_size(url: str) -> None:
    media = MediaStore(url)
    kept = await media.keep(RED)
    await media.remove(RED.id)
    for one in kept[1:4]:
        with pytest.raises(Refused):
            await media.size(key_of(one) or "")
    with pytest.raises(Refused) as refused:
        await media.remove(RED.id)
    assert refused.value.code == "not_found"


KEYS = {
    "../../etc/passwd": False, "": False, "a.webp": False, "0" * 64: False, "0" * 64 + ".webp": True,
    "0" * 64 + "-480.webp": True, "0" * 64 + "-96.webp": True, "0" * 64 + "-97.webp": False,
    "0" * 63 + ".webp": False, "G" * 64 + ".webp": False, "A" * 64 + ".webp": False,
    "0" * 64 + ".webp\n": False, "0" * 64 + ".png": False, "x/" + "0" * 64 + ".webp": False,
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
async def test_only_keys_of_ours_are_looked_up(key: str, tmp_path: Path) -> None:
    assert is_key(key) is KEYS[key]
    assert (key_of("/media/" + key) == key) is KEYS[key]
    assert key_of("https://elsewhere.example/media/" + key) is None
    media = MediaStore(tmp_path.as_uri())
    (tmp_path / "a.webp").write_bytes(b"not ours")
    with pytest.raises(Refused) as refused:
        await media.open(key)
    assert refused.value.code == "not_found"


async def test_a_folder_is_made_when_it_is_first_used(tmp_path: Path) -> None:
    url = (tmp_path / "var" / "media").as_uri()
    media = MediaStore(url)
    assert not (tmp_path / "var").exists()
    await media.keep(RED)
    names = sorted(path.name for path in (tmp_path / "var" / "media").glob("*"))
    assert names == sorted(f"{RED.id}{size}.webp" for size in ("", "-480", "-96"))


async def test_a_bucket_that_does_not_answer_is_a_refusal_with_a_time_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_aws(monkeypatch, nobody())
    media = MediaStore(f"s3://{BUCKET}")
    for work in (media.keep(RED), media.open(f"{RED.id}.webp"), media.size(f"{RED.id}.webp")):
        with pytest.raises(Refused) as refused:
            await work
        assert (refused.value.code, refused.value.retry_ms is not None) == ("media_down", True)


async def test_a_bucket_that_is_not_there_is_no_picture_that_is_not_there(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_aws(monkeypatch, s3)
    with pytest.raises(Refused) as refused:
        await MediaStore("s3://no-such-bucket/p").keep(RED)
    assert refused.value.code == "media_down"


async def test_a_folder_that_cannot_be_written_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Refused) as refused:
        await MediaStore((tmp_path / "taken" / "media").as_uri()).keep(RED)
    assert refused.value.code == "media_down"
