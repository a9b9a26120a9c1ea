import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gameserver.engines import Engines
from gameserver.games.contests import Standing
from gameserver.games.game import RoomId
from gameserver.http import contestant_lists
from gameserver.records.contestants import ContestantState, Picture, Work
from gameserver.records.database import Database
from gameserver.records.rooms import Room
from gameserver.staff.contestants import Verdict, recorded_standings
from tests.games.votes import voting
from tests.http.test_member_api import assert_problem
from tests.media.files import picture
from tests.node import Live, Member, emptied, forgotten, living, member_token
from tests.page import Page

NAMES = ["张伟", "Zoë", "李娜", "100% 努力", "a_b", "李雷"]


@pytest.fixture(scope="module")
async def live(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    url = tmp_path_factory.mktemp("media").as_uri()
    async with emptied(engines), living(engines, media_url=url) as live:
        yield live


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is read anew for every request, so that no test waits for it to grow old."""
    monkeypatch.setattr(contestant_lists, "FRESH_SECONDS", 0.0)


async def vote_room(live: Live, names: list[str] | None = None, **fields: Any) -> Room:
    """An open room, whose contestants were entered while it was a draft."""
    draft = await live.stores.lifecycle.create("vote", voting(**fields))
    works = [Work(name=name, group="b" if "李" in name else "") for name in (names or NAMES)]
    await live.stores.contestants.enter(draft.id, works)
    return await live.stores.lifecycle.open(draft.id)


async def asked(live: Live, room: Room, member: Member | None = None, **query: Any) -> dict[str, Any]:
    headers = member.bearer if member else {}
    answer = await live.http.get(f"/api/rooms/{room.id}/contestants", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def ids(live: Live, room: Room, **query: Any) -> list[str]:
    return [one["id"] for one in (await asked(live, room, **query))["contestants"]]


async def voted(live: Live, page: Page, *choices: str) -> dict[str, Any]:
    event = await page.ask("vote", choices=list(choices))
    assert event["ev"] == "voted", event
    return event


# the list


async def test_the_list_shows_who_was_entered_before_the_opening_and_they_can_be_voted_for(
    live: Live,
) -> None:
    room = await vote_room(live)
    told = await asked(live, room)
    assert [(one["number"], one["name"]) for one in told["contestants"]] == list(enumerate(NAMES, 1))
    assert (told["total"], told["next"], told["order"]) == (6, None, "number")
    page = await live.join(room.id, await live.member())
    event = await voted(live, page, "c0003")
    assert (event["weight"], event["votes"]) == (1, {"c0003": 1})
    found = (await asked(live, room, search="李娜"))["contestants"]
    assert found == [
        {
            "id": "c0003", "number": 3, "name": "李娜", "cover": None, "thumb": None, "group": "b",
            "text": "", "media": [], "votes": 1, "raw": 1, "counted": 1, "removed": 0, "state": "approved",
            "reason": None,
        }
    ]  # fmt: skip
    one = await live.http.get(f"/api/rooms/{room.id}/contestants/c0003")
    assert one.json() == found[0]


async def test_orders(live: Live) -> None:
    room = await vote_room(live)
    page = await live.join(room.id, await live.member())
    await voted(live, page, "c0005", "c0002")
    await voted(live, page, "c0005")
    assert await ids(live, room, order="votes") == ["c0005", "c0002", "c0001", "c0003", "c0004", "c0006"]
    await live.stores.contestants.enter(room.id, [Work(name="late")])
    assert (await ids(live, room, order="newest"))[0] == "c0007"
    shuffled = await ids(live, room, order="random", seed=7)
    assert shuffled == await ids(live, room, order="random", seed=7)
    assert sorted(shuffled) == await ids(live, room)
    assert len({tuple(await ids(live, room, order="random", seed=seed)) for seed in range(8)}) > 4


async def test_pages_follow_each_other_without_a_gap_in_any_order(live: Live) -> None:
    room = await vote_room(live, [f"n{n}" for n in range(23)])
    for order in ("number", "newest", "votes", "random"):
        seen, after = [], ""
        while after is not None:
            told = await asked(live, room, order=order, limit=5, after=after, seed=3)
            assert told["total"] == 23
            seen += [one["id"] for one in told["contestants"]]
            after = told["next"]
        assert seen == await ids(live, room, order=order, seed=3)
    assert (await asked(live, room, after="c9999"))["contestants"] == []


SEARCHES = {
    "李": ["c0003", "c0006"], "zoë": ["c0002"], "ZOË": ["c0002"], "%": ["c0004"], "_": ["c0005"],
    "100": ["c0004"], "3": ["c0003"], "003": ["c0003"], "c0003": ["c0003"], " 张伟 ": ["c0001"],
    "\\": [], "nobody": [], "'": [], "\0": [],
}  # fmt: skip


@pytest.mark.parametrize("text", SEARCHES, ids=repr)
async def test_search_takes_what_is_typed_as_it_is(live: Live, text: str) -> None:
    room = await vote_room(live)
    assert await ids(live, room, search=text) == SEARCHES[text]


async def test_groups(live: Live) -> None:
    room = await vote_room(live, groups=["b"])
    assert await ids(live, room, group="b") == ["c0003", "c0006"]
    assert await ids(live, room, group="b", search="雷") == ["c0006"]
    assert await ids(live, room, group="c") == []


@pytest.mark.parametrize(
    "query",
    ["order=best", "limit=0", "limit=201", "seed=-1", "seed=x", "search=" + "x" * 41, "after=" + "c" * 11],
)
async def test_a_query_that_does_not_fit_is_refused(live: Live, query: str) -> None:
    room = await vote_room(live)
    assert_problem(await live.http.get(f"/api/rooms/{room.id}/contestants?{query}"), 422, "bad_request")


async def test_what_has_no_contestants_has_no_list(live: Live) -> None:
    rain = await live.open_room(0)
    room = await vote_room(live)
    for path in (
        f"{rain.id}/contestants", "r999999/contestants", "r%00/contestants", f"{room.id}/contestants/c0007",
        f"{room.id}/contestants/e1", f"{room.id}/contestants/c00001", f"{rain.id}/contestants/c0001",
    ):  # fmt: skip
        assert_problem(await live.http.get(f"/api/rooms/{path}"), 404, "not_found")


# what may be seen


def numbers(told: dict[str, Any]) -> list[Any]:
    return [one[name] for one in told["contestants"] for name in ("votes", "raw", "counted", "removed")]


async def test_results_after_voting_are_for_those_who_have_voted(live: Live) -> None:
    room = await vote_room(live, results="after_voting")
    ann, ben = await live.member(), await live.member()
    page = await live.join(room.id, ann)
    assert set(numbers(await asked(live, room, ann))) == {None}
    await voted(live, page, "c0002")
    shown = await asked(live, room, ann, order="votes")
    assert (shown["order"], shown["contestants"][0]["id"], shown["contestants"][0]["votes"]) == (
        "votes",
        "c0002",
        1,
    )
    for other in (ben, None):
        hidden = await asked(live, room, other, order="votes")
        assert (hidden["order"], set(numbers(hidden))) == ("number", {None})
        assert [one["number"] for one in hidden["contestants"]] == [1, 2, 3, 4, 5, 6]
        one = await live.http.get(
            f"/api/rooms/{room.id}/contestants/c0002", headers=other.bearer if other else {}
        )
        assert one.json()["votes"] is None


async def test_results_at_the_end_are_for_nobody_before_and_for_all_after(live: Live) -> None:
    room = await vote_room(live, results="at_end")
    ann = await live.member()
    page = await live.join(room.id, ann)
    event = await voted(live, page, "c0002")
    assert "votes" not in event
    assert set(numbers(await asked(live, room, ann))) == {None}
    await live.stores.lifecycle.close(room.id)
    assert (await asked(live, room, order="votes"))["contestants"][0]["votes"] == 1


async def test_a_bearer_that_does_not_hold_is_refused(live: Live) -> None:
    room = await vote_room(live)
    headers = {"authorization": f"Bearer {member_token(key='another key')}"}
    answer = await live.http.get(f"/api/rooms/{room.id}/contestants", headers=headers)
    assert_problem(answer, 401, "unauthorized")


async def test_raw_counted_and_removed_are_published_with_the_reason(live: Live) -> None:
    room, staff = await vote_room(live), live.stores.contestants
    page = await live.join(room.id, await live.member())
    await voted(live, page, "c0001")
    await staff.review(room.id, "c0001", "mark", "too many at night")
    assert (await page.next(ev="contestants_changed"))["contestants"] == 6
    for _ in range(3):
        assert (await voted(live, page, "c0001"))["votes"] == {"c0001": 1}

    async def shown() -> tuple[Any, ...]:
        one = (await asked(live, room))["contestants"][0]
        return tuple(one[name] for name in ("state", "reason", "votes", "raw", "counted", "removed"))

    assert await shown() == ("under_review", "too many at night", 1, 4, 1, 0)
    await staff.review(room.id, "c0001", "remove", "one phone")
    assert await shown() == ("approved", "one phone", 1, 4, 1, 3)


async def test_who_is_withdrawn_is_in_no_list(live: Live) -> None:
    room = await vote_room(live)
    assert "c0002" in await ids(live, room)
    await live.stores.contestants.withdraw(room.id, "c0002", "left")
    assert await ids(live, room) == ["c0001", "c0003", "c0004", "c0005", "c0006"]
    answer = await live.http.get(f"/api/rooms/{room.id}/contestants/c0002")
    assert_problem(answer, 404, "not_found")


async def test_a_list_is_read_once_for_all_who_ask_at_a_time(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contestant_lists, "FRESH_SECONDS", 60.0)
    room = await vote_room(live)
    page = await live.join(room.id, await live.member())
    first = await asyncio.gather(*(asked(live, room) for _ in range(20)))
    await voted(live, page, "c0001")
    await live.stores.contestants.withdraw(room.id, "c0002", "left")
    assert [await asked(live, room), *first] == [first[0]] * 21
    monkeypatch.setattr(contestant_lists, "FRESH_SECONDS", 0.0)
    fresh = await asked(live, room)
    assert (fresh["total"], fresh["contestants"][0]["votes"]) == (5, 1)


# after the end


async def everything(live: Live, room: Room) -> list[Any]:
    """The list in every order, and each contestant by itself."""
    told = [await asked(live, room, order=order, seed=3) for order in ("number", "newest", "votes", "random")]
    own = [await live.http.get(f"/api/rooms/{room.id}/contestants/{id_}") for id_ in await ids(live, room)]
    return [*told, *(one.json() for one in own)]


async def ended_vote(live: Live) -> Room:
    """Votes that count, that are kept and that were removed, a review, and one who was withdrawn."""
    room, staff = await vote_room(live, results="at_end"), live.stores.contestants
    page = await live.join(room.id, await live.member())
    for choices in (("c0004", "c0002"), ("c0002",), ("c0006",), ("c0003", "c0001")):
        assert (await page.ask("vote", choices=list(choices)))["ev"] == "voted"
    verdicts: dict[str, Verdict | None] = {"c0001": "remove", "c0003": "count", "c0002": None}
    for id_, verdict in verdicts.items():
        await staff.review(room.id, id_, "mark", "too many at night")
        for _ in range(3):
            await page.ask("vote", choices=[id_])
        if verdict:
            await staff.review(room.id, id_, verdict, "looked at")
    await staff.withdraw(room.id, "c0005", "left")
    await live.stores.lifecycle.close(room.id)
    return room


async def test_a_closed_vote_keeps_its_numbers_when_redis_has_forgotten_it(
    live: Live, engines: Engines, tmp_path: Path
) -> None:
    room = await ended_vote(live)
    before = await everything(live, room)
    by_votes = [(one["id"], one["raw"], one["counted"], one["removed"]) for one in before[2]["contestants"]]
    assert by_votes == [
        ("c0003", 4, 4, 0), ("c0002", 5, 2, 0), ("c0001", 4, 1, 3), ("c0004", 1, 1, 0), ("c0006", 1, 1, 0),
    ]  # fmt: skip

    await forgotten(live.stores, room)

    assert await everything(live, room) == before
    # nor does a server that never saw the room have to
    async with living(engines, media_url=tmp_path.as_uri()) as other:
        assert await everything(other, room) == before


async def test_a_vote_that_was_closed_while_redis_was_empty_has_the_numbers_of_its_record(live: Live) -> None:
    room = await vote_room(live)
    page = await live.join(room.id, await live.member())
    await voted(live, page, "c0002")
    before = await everything(live, room)
    await forgotten(live.stores, room)
    assert_problem(await live.http.get(f"/api/rooms/{room.id}/contestants"), 503, "lane_lost")
    await live.stores.lifecycle.close(room.id)
    assert await everything(live, room) == before


async def test_a_closed_vote_is_read_from_its_record_once_until_there_is_more(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, read = await ended_vote(live), 0

    async def counted(database: Database, name: RoomId) -> dict[str, Standing]:
        nonlocal read
        read += 1
        return await recorded_standings(database, name)

    monkeypatch.setattr(contestant_lists, "recorded_standings", counted)
    await asked(live, room)
    assert read == 0
    await forgotten(live.stores, room)
    for _ in range(3):
        await asked(live, room)
    assert read == 1
    await live.stores.lifecycle.rebuild(room.id)
    await live.stores.contestants.review(room.id, "c0002", "count", "people")
    assert (await ids(live, room, order="votes"))[0] == "c0002"
    await forgotten(live.stores, room)
    assert (await ids(live, room, order="votes"))[0] == "c0002"
    assert read == 2


# signing up


SIGNUP = {"media_max": 2, "text_max": 20}


async def sign_up(live: Live, room: Room, member: Member, **form: Any) -> httpx.Response:
    return await live.http.post(
        f"/api/rooms/{room.id}/signups", json={"name": "小明", **form}, headers=member.bearer
    )


async def sent_picture(live: Live, member: Member, side: int = 40) -> dict[str, str]:
    answer = await live.http.post("/api/media", content=picture(size=(side, side)), headers=member.bearer)
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


async def test_a_member_signs_up_and_stands_in_the_list_once_staff_approve(live: Live) -> None:
    room = await vote_room(live, signup=SIGNUP, groups=["b"])
    ann = await live.member()
    one, two = await sent_picture(live, ann), await sent_picture(live, ann, 50)
    form = {"text": "一\r\n二 ", "group": "b", "media": [one["id"], two["url"]]}
    sent = await sign_up(live, room, ann, **form)
    assert sent.status_code == 200, sent.text
    media = [{"url": told["url"], "thumb": told["thumb"]} for told in (one, two)]
    shown = sent.json()
    assert shown | {"sent_at": 0} == {
        "state": "pending", "reason": None, "id": None, "number": None, "name": "小明", "text": "一\n二",
        "group": "b", "media": media, "sent_at": 0,
    }  # fmt: skip
    assert len(await ids(live, room)) == 6
    (waiting,) = await live.stores.contestants.list(room.id, [ContestantState.PENDING])
    page = await live.join(room.id, ann)
    await live.stores.contestants.approve(room.id, [f"e{waiting.entry}"])
    assert (await page.next(ev="contestants_changed"))["contestants"] == 7
    in_list = (await asked(live, room, search="小明"))["contestants"][0]
    assert (in_list["id"], in_list["cover"], in_list["thumb"]) == ("c0007", one["url"], one["thumb"])
    assert in_list["media"] == media
    assert (await voted(live, page, "c0007"))["choices"] == ["c0007"]
    mine = (await live.http.get(f"/api/rooms/{room.id}/signups", headers=ann.bearer)).json()
    assert mine == shown | {"state": "approved", "id": "c0007", "number": 7}


async def test_one_sign_up_a_member_and_another_after_a_rejection(live: Live) -> None:
    room = await vote_room(live, signup=SIGNUP)
    ann, ben = await live.member(), await live.member()
    path = f"/api/rooms/{room.id}/signups"
    assert_problem(await live.http.get(path, headers=ann.bearer), 404, "not_found")
    assert (await sign_up(live, room, ann)).status_code == 200
    assert_problem(await sign_up(live, room, ann, name="other"), 409, "signed_up")
    (waiting,) = await live.stores.contestants.list(room.id, [ContestantState.PENDING])
    await live.stores.contestants.reject(room.id, f"e{waiting.entry}", "blurred")
    told = (await live.http.get(path, headers=ann.bearer)).json()
    assert (told["state"], told["reason"]) == ("rejected", "blurred")
    assert_problem(await live.http.get(path, headers=ben.bearer), 404, "not_found")
    again = await sign_up(live, room, ann, name="other")
    assert (again.json()["state"], again.json()["name"]) == ("pending", "other")


STRANGE = "/media/" + "0" * 64 + ".webp"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": " "}, "name"),
    "a long name": ({"name": "n" * 41}, "name"),
    "two lines": ({"name": "a\nb"}, "name"),
    "NUL": ({"name": "a\0b"}, "name"),
    "a long text": ({"text": "n" * 21}, "text"),
    "a control character": ({"text": "a\x1bb"}, "text"),
    "an unknown group": ({"group": "z"}, "group"),
    "another site's picture": ({"media": ["https://example.org/a.png"]}, "media.0"),
    "a path": ({"media": ["/media/../etc/passwd"]}, "media.0"),
    "a script": ({"media": ["javascript:alert(1)"]}, "media.0"),
    "a picture that is not there": ({"media": [STRANGE]}, "media.0"),
    "too many pictures": ({"media": [STRANGE] * 3}, "media"),
    "no list": ({"media": "x"}, "media"),
    "a number": ({"name": 7}, "name"),
    "an unknown field": ({"votes": 7}, "votes"),
    "a number of its own": ({"number": 1}, "number"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_form_that_does_not_fit_is_refused_at_its_field(live: Live, case: str) -> None:
    room = await vote_room(live, signup=SIGNUP, groups=["b"])
    form, field = WRONG[case]
    answer = await sign_up(live, room, await live.member(), **form)
    assert field in assert_problem(answer, 422, "bad_request")["fields"]
    assert await live.stores.contestants.list(room.id, [ContestantState.PENDING]) == []


PAST, FUTURE = "2020-01-01T00:00:00+08:00", "2099-01-01T00:00:00+08:00"
CLOSED: dict[str, tuple[dict[str, Any], str]] = {
    "no sign-up": ({}, "signup_closed"),
    "not yet": ({"signup": {**SIGNUP, "opens_at": FUTURE}}, "signup_not_open"),
    "over": ({"signup": {**SIGNUP, "closes_at": PAST}}, "signup_closed"),
    "for others": (
        {"signup": SIGNUP, "audience": {"match": "any_of", "levels": ["gold"]}},
        "not_in_audience",
    ),
}


@pytest.mark.parametrize("case", CLOSED)
async def test_sign_up_has_a_window_and_an_audience(live: Live, case: str) -> None:
    fields, code = CLOSED[case]
    room = await vote_room(live, **fields)
    answer = assert_problem(
        await sign_up(live, room, await live.member()), 409 if code[0] == "s" else 403, code
    )
    assert ("retry_ms" in answer) is (code == "signup_not_open")


async def test_sign_up_needs_an_open_room_and_a_member(live: Live) -> None:
    room, ann = await vote_room(live, signup=SIGNUP), await live.member()
    path = f"/api/rooms/{room.id}/signups"
    assert_problem(await live.http.post(path, json={"name": "x"}), 401, "unauthorized")
    assert_problem(await live.http.get(path), 401, "unauthorized")
    await live.stores.lifecycle.pause(room.id)
    assert_problem(await sign_up(live, room, ann), 409, "paused")
    await live.stores.lifecycle.resume(room.id)
    await live.stores.lifecycle.close(room.id)
    assert_problem(await sign_up(live, room, ann), 409, "closed")
    draft = await live.stores.lifecycle.create("vote", voting(signup=SIGNUP))
    assert_problem(await sign_up(live, draft, ann), 409, "not_open")
    blocked = await vote_room(live, signup=SIGNUP, audience={"blocklist": [ann.id]})
    assert_problem(await sign_up(live, blocked, ann), 403, "blocked")
    rain = await live.open_room(0)
    assert_problem(await sign_up(live, rain, ann), 404, "not_found")


async def test_a_draft_shows_its_contestants_without_numbers(live: Live) -> None:
    draft = await live.stores.lifecycle.create("vote", voting())
    await live.stores.contestants.enter(
        RoomId(draft.id), [Work(name="a", cover="/x", thumb="/y", media=(Picture("/x", "/y"),))]
    )
    told = await asked(live, draft)
    assert (told["total"], numbers(told)) == (1, [None] * 4)
