from collections.abc import Callable
from typing import Any

import pytest

from gameserver.records.contestants import Picture
from gameserver.works import any_picture, group_of, name_of, own_picture, text_of

ID = "0f" * 32
URL, THUMB = f"/media/{ID}.webp", f"/media/{ID}-480.webp"


def test_texts_are_kept_as_people_typed_them_but_for_spaces_around() -> None:
    assert name_of("  Zoë 张伟 👩‍🎨 ") == "Zoë 张伟 👩‍🎨"
    assert text_of(" 一\r\n\t二\n\n三 ") == "一\n\t二\n\n三"
    assert text_of("  ") == ""
    assert group_of(" b ", ("a", "b")) == "b"
    assert group_of("", ()) == ""


@pytest.mark.parametrize("given", [ID, URL, THUMB, f"/media/{ID}-96.webp"])
def test_a_picture_of_ours_is_known_by_its_id_and_in_every_size(given: str) -> None:
    assert own_picture(given) == Picture(URL, THUMB)
    assert any_picture(given) == Picture(URL, THUMB)


def test_staff_may_name_a_picture_elsewhere() -> None:
    url = "https://cdn.example.org/a.png?x=1"
    assert any_picture(url) == Picture(url, url)


@pytest.mark.parametrize(
    ("check", "given"),
    [
        *((name_of, text) for text in ("", " ", "n" * 41, "a\nb", "a\tb", "a\x00b", "a\u2028b", "a\ud800b")),
        *((text_of, text) for text in ("t" * 2001, "a\x00", "a\x1b[31m", "a\x85b")),
        *(
            (own_picture, url)
            for url in ("", "x", ID[1:], ID.upper(), f"/media/{ID}.png", f"{URL}\n", "//evil/x")
        ),
        (own_picture, f"https://example.org{URL}"),
        *(
            (any_picture, url)
            for url in ("http://example.org/a", "https://", "https://a b", 'https://a"b', "ftp://x")
        ),
        (any_picture, "https://example.org/" + "x" * 500),
        (lambda text: group_of(text, ("a",)), "b"),
        (lambda text: group_of(text, ()), "b"),
    ],
)
def test_what_no_page_could_show_is_refused(check: Callable[[str], Any], given: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check(given)
