from pathlib import Path

import pytest

from gameserver.media.pictures import kind_of
from tests.cli.typed import run_here
from tests.media.files import HOSTILE, picture


@pytest.fixture
def keeping(variables: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**variables, "MEDIA_URL": (tmp_path / "kept").as_uri()}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = []
    for number, kind in enumerate(("PNG", "JPEG", "GIF", "WEBP")):
        file = tmp_path / f"{number}.txt"
        file.write_bytes(picture(kind, (60 + number, 40)))
        made.append(str(file))
    return made


async def test_pictures_are_kept_and_their_paths_printed_in_order(
    keeping: dict[str, str], files: list[str], tmp_path: Path
) -> None:
    said = await run_here(keeping, "media", "add", *files)
    paths = said.out.split()
    assert len(paths) == len(set(paths)) == 4
    for path in paths:
        assert kind_of((tmp_path / "kept" / path.removeprefix("/media/")).read_bytes()) == "WEBP"
    assert (await run_here(keeping, "media", "add", files[2])).out.strip() == paths[2]


async def test_a_file_that_is_no_picture_is_named(
    keeping: dict[str, str], files: list[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(HOSTILE["svg"])
    said = await run_here(keeping, "media", "add", str(bad), *files)
    assert said.error.startswith(f"bad_picture: {bad}: ")


async def test_a_picture_is_removed_by_its_path(
    keeping: dict[str, str], files: list[str], tmp_path: Path
) -> None:
    path = (await run_here(keeping, "media", "add", files[0])).out.strip()
    thumb = path.replace(".webp", "-480.webp")
    asked = await run_here(keeping, "media", "remove", thumb, given="n\n")
    assert asked.code == 1
    assert any((tmp_path / "kept").iterdir())
    assert (await run_here(keeping, "media", "remove", thumb, "--yes")).out == "removed\n"
    assert not any((tmp_path / "kept").iterdir())
    assert (await run_here(keeping, "media", "remove", thumb, "--yes")).error.startswith("not_found")


@pytest.mark.parametrize("path", ["/media/x.webp", "https://elsewhere.example/a.png", "../kept"])
async def test_only_a_path_of_ours_can_be_removed(keeping: dict[str, str], path: str) -> None:
    assert (await run_here(keeping, "media", "remove", path, "--yes")).error.startswith("not_found")


async def test_a_place_that_is_neither_folder_nor_bucket_is_told(
    variables: dict[str, str], files: list[str]
) -> None:
    said = await run_here({**variables, "MEDIA_URL": "https://example.com/"}, "media", "add", files[0])
    assert said.error.startswith("error: MEDIA_URL: ")
