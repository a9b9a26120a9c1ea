import asyncio
import time

import pytest
from PIL import Image, ImageCms

from gameserver.errors import Refused
from gameserver.media import pictures
from gameserver.media.pictures import MAX_BYTES, Developing, Picture, developed, kind_of
from tests.media.files import (
    GPS_NOTE,
    HOSTILE,
    PAYLOAD,
    bomb,
    encoded,
    gif_bomb,
    located,
    opened,
    picture,
)

LATER = time.monotonic() + 3600


def made(body: bytes) -> Picture:
    return developed(body, LATER)


def assert_red_and_blue(image: Image.Image) -> None:
    left, right = (image.convert("RGB").getpixel((x, image.height // 2)) for x in (2, image.width - 3))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 170, left
    assert right[2] > 170, right
    assert max(left[2], right[0]) < 90, (left, right)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_kind_is_made_anew_as_webp(kind: str) -> None:
    result = made(picture(kind))
    for body in (result.full, result.thumb, result.small):
        assert kind_of(body) == "WEBP"
        assert_red_and_blue(opened(body))
    assert (result.width, result.height) == (60, 40)


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA", "1"])
def test_every_way_to_write_colours_can_be_read(mode: str) -> None:
    sent = picture(mode=mode)
    before, after = (opened(body).convert("RGB") for body in (sent, made(sent).full))
    for x in (2, 57):
        assert after.getpixel((x, 20)) == pytest.approx(before.getpixel((x, 20)), abs=12)


def test_grey_of_sixteen_bits_is_scaled_and_not_cut() -> None:
    image = opened(made(encoded(Image.new("I;16", (60, 40), 128 * 256), "PNG")).full)
    assert image.convert("L").getpixel((30, 20)) == pytest.approx(128, abs=3)


def test_what_is_transparent_stays_so() -> None:
    half = Image.new("RGBA", (60, 40), (0, 200, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 30, 40))
    image = opened(made(encoded(half, "PNG")).full)
    assert image.mode == "RGBA"
    assert [image.getchannel("A").getpixel((x, 20)) for x in (2, 57)] == [0, 255]


def test_a_large_picture_is_shrunk_and_keeps_its_shape() -> None:
    result = made(picture("JPEG", (6000, 3000)))
    sizes = [opened(body).size for body in (result.full, result.thumb, result.small)]
    assert sizes == [(2048, 1024), (480, 240), (96, 48)]
    assert (result.width, result.height) == (2048, 1024)


def test_the_thinnest_picture_keeps_a_pixel() -> None:
    result = made(picture("PNG", (5000, 1)))
    assert opened(result.full).size == (2048, 1)
    assert opened(result.small).size == (96, 1)


def test_the_first_frame_of_a_moving_picture_counts() -> None:
    later = [Image.new("RGB", (60, 40), (0, 255, 0)) for _ in range(3)]
    for kind in ("GIF", "WEBP", "PNG"):
        image = opened(made(picture(kind, save_all=True, append_images=later)).full)
        assert getattr(image, "n_frames", 1) == 1
        assert_red_and_blue(image)


def test_a_picture_is_turned_as_its_exif_says() -> None:
    result = made(located((60, 40), orientation=6))  # to be turned clockwise
    image = opened(result.full).convert("RGB")
    assert image.size == (result.width, result.height) == (40, 60)
    above, below = image.getpixel((20, 3)), image.getpixel((20, 56))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[0] > 170
    assert below[2] > 170


def test_nothing_tells_of_place_or_maker_afterwards() -> None:
    sent = located()
    assert GPS_NOTE in sent
    result = made(sent)
    for body in (result.full, result.thumb, result.small):
        assert GPS_NOTE not in body
        for mark in (b"EXIF", b"Exif", b"XMP ", b"ICCP", b"xmpmeta"):
            assert mark not in body
        assert dict(opened(body).getexif()) == {}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_second_file_behind_the_first_is_gone(kind: str) -> None:
    """Phones put films behind their pictures, so that this is no reason to refuse one."""
    result = made(picture(kind) + PAYLOAD)
    for body in (result.full, result.thumb, result.small):
        assert b"script" not in body
        assert b"PK\x03\x04" not in body


def test_text_within_a_picture_is_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", PAYLOAD.decode("latin-1"), zip=False)
    sent = picture("PNG", pnginfo=notes)
    assert b"alert(1)" in sent
    assert b"alert(1)" not in made(sent).full


def test_wider_colours_are_brought_into_those_of_the_web() -> None:
    """A profile that swaps nothing but the brightness curve: without it the grey would be another."""
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = made(picture("JPEG"))
    assert opened(made(picture("JPEG", icc_profile=srgb)).full).size == (60, 40)
    for broken in (linear, b"no profile at all", b"\0" * 70_000):
        assert made(picture("JPEG", icc_profile=broken)).id == plain.id


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_picture_is_refused(case: str) -> None:
    with pytest.raises(Refused) as refused:
        made(HOSTILE[case])
    assert refused.value.code == "bad_picture"


@pytest.mark.parametrize(
    "body", [bomb(50_000, 50_000), bomb(40_001, 1000), gif_bomb()], ids=["vast", "just over", "gif"]
)
def test_a_bomb_is_refused_before_it_is_unpacked(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        made(body)
    assert refused.value.code == "too_large"


def test_a_file_over_the_size_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        made(picture() + b"\0" * MAX_BYTES)
    assert refused.value.code == "too_large"


def test_the_same_picture_is_the_same_and_another_is_another() -> None:
    assert made(picture()) == made(picture())
    # the same pixels with other notes are the same picture
    assert made(located(orientation=1)).id == made(picture("JPEG")).id
    assert made(picture()).id != made(picture(size=(61, 40))).id


def test_a_picture_that_takes_too_long_is_given_up_between_the_steps() -> None:
    with pytest.raises(Refused) as refused:
        developed(picture(), time.monotonic() - 1)
    assert refused.value.code == "bad_picture"


async def test_the_loop_turns_while_a_picture_is_made() -> None:
    developing = Developing()
    turns = 0
    making = asyncio.create_task(developing.picture(picture("WEBP", (4000, 2500), method=0)))
    while not making.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await making).width == 2048
    assert turns > 100
    developing.close()


async def test_only_so_many_wait_and_the_others_are_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MAX_WAITING", 3)
    developing = Developing(threads=1)
    large = picture("PNG", (1500, 1000), compress_level=1)
    answers = await asyncio.gather(*(developing.picture(large) for _ in range(7)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 3
    assert {(one.code, one.retry_ms is not None) for one in refused} == {("rate_limited", True)}
    assert (await developing.picture(picture())).width == 60, "their places are free again"
    developing.close()


async def test_who_waits_too_long_is_refused_and_the_place_is_taken_until_the_thread_is_done() -> None:
    developing = Developing(threads=1, seconds=0.01)
    with pytest.raises(Refused) as refused:
        await developing.picture(picture("PNG", (4000, 3000), compress_level=1))
    assert refused.value.code == "bad_picture"
    developing.close()
