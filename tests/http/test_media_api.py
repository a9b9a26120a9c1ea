import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gameserver.engines import Engines
from gameserver.http import media_api
from gameserver.http.media_api import MOST_OF_ONE
from gameserver.media.pictures import MAX_BYTES, kind_of
from gameserver.store import uploads
from gameserver.store.uploads import HOUR_PICTURES
from tests.http.test_member_api import assert_problem
from tests.media.files import GPS_NOTE, HOSTILE, bomb, located, picture
from tests.media.s3 import BUCKET, s3_server, use_aws
from tests.node import Live, Member, emptied, living, member_token, serving


@pytest.fixture(scope="module")
async def live(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    url = tmp_path_factory.mktemp("media").as_uri()
    async with emptied(engines), living(engines, media_url=url) as live:
        yield live


async def send(live: Live, member: Member, body: bytes, **headers: str) -> Any:
    return await live.http.post("/api/media", content=body, headers={**member.bearer, **headers})


async def kept(live: Live, body: bytes) -> dict[str, Any]:
    answer = await send(live, await live.member(), body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_picture_that_was_sent_is_shown_to_anyone(live: Live) -> None:
    told = await kept(live, located((600, 400)))
    assert told.keys() == {"id", "url", "thumb", "small", "width", "height"}
    assert (told["width"], told["height"]) == (600, 400)
    for name in ("url", "thumb", "small"):
        shown = await live.http.get(told[name])
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "image/webp"
        assert int(shown.headers["content-length"]) == len(shown.content)
        assert kind_of(shown.content) == "WEBP"
        assert GPS_NOTE not in shown.content


async def test_the_same_picture_from_anyone_is_one(live: Live) -> None:
    assert await kept(live, picture()) == await kept(live, picture())


async def test_what_is_served_can_do_nothing_but_be_looked_at_and_be_kept(live: Live) -> None:
    url = (await kept(live, picture()))["url"]
    member = await live.member()
    headers = (await live.http.get(url, headers={**member.bearer, "cookie": "a=b"})).headers
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == "inline"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "set-cookie" not in headers
    assert "vary" not in headers


async def test_a_copy_at_hand_is_not_sent_again(live: Live) -> None:
    url = (await kept(live, picture()))["thumb"]
    etag = (await live.http.get(url)).headers["etag"]
    for told in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await live.http.get(url, headers={"if-none-match": told})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = await live.http.get(url, headers={"if-none-match": '"other"'})
    assert other.status_code == 200


async def test_head_tells_the_length(live: Live) -> None:
    url = (await kept(live, picture()))["url"]
    whole, head = await live.http.get(url), await live.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "key",
    ["0" * 64 + ".webp", "..%2f..%2fsecret_key", "secret_key", "%00", "a" * 5000, "0" * 64 + "-97.webp"],
)
async def test_what_we_did_not_make_is_not_there(live: Live, key: str) -> None:
    for headers in ({}, {"if-none-match": '"x"'}):
        assert_problem(await live.http.get("/media/" + key, headers=headers), 404, "not_found")


async def test_only_a_member_sends_pictures(live: Live) -> None:
    assert_problem(await live.http.post("/api/media", content=picture()), 401, "unauthorized")


@pytest.mark.parametrize("case", HOSTILE)
async def test_what_is_no_picture_is_refused_whatever_it_says_it_is(live: Live, case: str) -> None:
    said = {"content-type": "image/png", "content-disposition": 'attachment; filename="a.png"'}
    answer = await send(live, await live.member(), HOSTILE[case], **said)
    assert_problem(answer, 422, "bad_picture")


async def test_what_is_a_picture_is_taken_whatever_it_says_it_is(live: Live) -> None:
    answer = await send(live, await live.member(), picture("GIF"), **{"content-type": "text/html"})
    assert answer.status_code == 200
    assert (await live.http.get(answer.json()["url"])).headers["content-type"] == "image/webp"


async def test_too_many_pixels_are_refused(live: Live) -> None:
    assert_problem(await send(live, await live.member(), bomb(50_000, 50_000)), 413, "too_large")


async def test_too_many_bytes_are_refused_told_or_not(live: Live) -> None:
    member = await live.member()
    assert_problem(await send(live, member, picture() + b"\0" * MAX_BYTES), 413, "too_large")

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"\0" * 2**20

    answer = await live.http.post("/api/media", content=parts(), headers=member.bearer)
    assert_problem(answer, 413, "too_large")


async def test_an_hour_has_so_many_pictures_for_each_member(live: Live) -> None:
    eager, other = await live.member(), await live.member()
    small = picture(size=(2, 2))
    answers = []
    for _ in range(0, HOUR_PICTURES + 4, MOST_OF_ONE):  # as many at once as one may send
        answers += await asyncio.gather(*(send(live, eager, small) for _ in range(MOST_OF_ONE)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(answers) - len(refused) == HOUR_PICTURES
    for answer in refused:
        problem = assert_problem(answer, 429, "rate_limited")
        assert 0 < problem["retry_ms"] <= 3_600_000
    assert (await send(live, other, small)).status_code == 200
    assert_problem(await send(live, eager, HOSTILE["text"]), 429, "rate_limited")


async def test_a_day_has_so_many_bytes_for_each_member(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    member, small, large = (
        await live.member(),
        picture(size=(8, 8)),
        picture(size=(400, 400), compress_level=0),
    )
    monkeypatch.setattr(uploads, "DAY_BYTES", len(large) + len(small))
    assert (await send(live, member, large)).status_code == 200
    problem = assert_problem(await send(live, member, large), 429, "rate_limited")
    assert problem["retry_ms"] > 3_600_000
    assert (await send(live, member, small)).status_code == 200, "what was refused is not counted"
    assert_problem(await send(live, member, small), 429, "rate_limited")


async def test_counts_end_by_themselves(live: Live) -> None:
    member = await live.member()
    await send(live, member, picture())
    left = [await live.redis.ttl(f"uploaded:{what}:{member.id}") for what in ("pictures", "bytes")]
    assert 3500 < left[0] <= 3600
    assert 86_000 < left[1] <= 86_400


class Trickle:
    """A body of which the last part waits until it is let go."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def parts(self) -> AsyncIterator[bytes]:
        yield self._body[:10]
        self.begun.set()
        await self.go_on.wait()
        yield self._body[10:]


async def test_one_member_sends_only_some_at_once_and_stops_nobody(live: Live) -> None:
    slow, other = await live.member(), await live.member()
    bodies = [Trickle(picture()) for _ in range(MOST_OF_ONE)]
    sending = [
        asyncio.create_task(live.http.post("/api/media", content=body.parts(), headers=slow.bearer))
        for body in bodies
    ]
    await asyncio.gather(*(body.begun.wait() for body in bodies))
    async with asyncio.timeout(30):
        while live.node._media._sending[slow.id] < MOST_OF_ONE:
            await asyncio.sleep(0.01)
    assert assert_problem(await send(live, slow, picture()), 429, "rate_limited")["retry_ms"]
    assert (await send(live, other, picture())).status_code == 200
    for body in bodies:
        body.go_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*sending)] == [200] * MOST_OF_ONE
    assert not live.node._media._sending


async def test_a_body_that_does_not_come_is_given_up(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_api, "SEND_SECONDS", 0.05)
    member = await live.member()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(live.url.rpartition(":")[2]))
    writer.write(
        f"POST /api/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {member.token}\r\n"
        "content-length: 1000\r\n\r\nGIF89a".encode()
    )
    async with asyncio.timeout(30):
        told = await reader.readuntil(b"}")
    writer.close()
    assert told.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in told
    assert not live.node._media._sending


async def test_the_document_says_what_is_sent_and_what_is_got(live: Live) -> None:
    paths = json.loads((await live.http.get("/openapi.json")).text)["paths"]
    assert "image/*" in paths["/api/media"]["post"]["requestBody"]["content"]
    assert "image/webp" in paths["/media/{key}"]["get"]["responses"]["200"]["content"]


async def test_pictures_in_a_bucket_are_served_by_any_process(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers that share nothing but the bucket, one of them as it is deployed."""
    bearer = {"authorization": f"Bearer {member_token()}"}
    with s3_server() as address:
        use_aws(monkeypatch, address)
        url = f"s3://{BUCKET}/campaign/2026"
        async with (
            serving(engines, MEDIA_URL=url, DEMO="0") as one,
            living(engines, media_url=url, demo=False, settles=False) as other,
        ):
            sent = await one.http.post("/api/media", content=picture(), headers=bearer)
            assert sent.status_code == 200, sent.text
            for site in (one, other):
                for name in ("url", "thumb", "small"):
                    shown = await site.http.get(sent.json()[name])
                    assert (shown.status_code, kind_of(shown.content)) == (200, "WEBP"), shown.text
                assert (await site.http.get("/media/" + "0" * 64 + ".webp")).status_code == 404
