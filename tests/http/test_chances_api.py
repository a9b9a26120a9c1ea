import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gameserver.engines import Engines
from gameserver.http.signatures import signature
from gameserver.records.callers import Caller, add_caller
from gameserver.records.rooms import Room
from ledger_client.entry import Kind
from tests.http.test_member_api import assert_problem
from tests.ledger_client.moves import Moves
from tests.node import Live, emptied, living, member_token

PATH = "/api/chances"


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines) as live:
        yield live


@pytest.fixture(scope="module")
async def caller(live: Live) -> Caller:
    return await add_caller(live.stores.database, "shop", frozenset({"shop"}), frozenset({"chances"}))


@pytest.fixture(scope="module")
async def room(live: Live) -> Room:
    return await live.open_room(chances={"free_total": 0})


async def tell(live: Live, caller: Caller, form: dict[str, Any]) -> httpx.Response:
    body, timestamp = json.dumps(form).encode(), str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "x-caller": caller.id,
        "x-timestamp": timestamp,
        "x-signature": signature(caller.secret, timestamp, "POST", PATH, body),
    }
    return await live.http.post(PATH, content=body, headers=headers)


def gift(room: Room, member: str, source_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "source": "shop", "source_id": source_id, "room": room.id, "member": member, "chances": 1, **fields,
    }  # fmt: skip


async def test_a_purchase_outside_gives_a_play_that_the_member_plays(
    live: Live, caller: Caller, room: Room
) -> None:
    member = await live.member("Ann")
    page = await live.join(room.id, member)
    assert (await page.grab())["code"] == "no_chance_left"
    why = (await live.http.get(f"/api/rooms/{room.id}/why", headers=member.bearer)).json()
    assert (why["code"], why["free"], why["extra"]) == ("no_chance_left", 0, 0)
    told = [await tell(live, caller, gift(room, member.id, "o1")) for _ in range(3)]
    assert [answer.status_code for answer in told] == [200] * 3
    assert {answer.json()["status"] for answer in told} == {"given"}
    assert len({answer.json()["number"] for answer in told}) == 1
    why = (await live.http.get(f"/api/rooms/{room.id}/why", headers=member.bearer)).json()
    assert (why["code"], why["extra"]) == (None, 1)
    played = await page.grab()
    assert played["ev"] == "grabbed"
    assert played["charge"] == {"cost": 0, "left": 0, "free": 0, "extra": 0}


async def test_the_same_id_for_something_else_is_refused(live: Live, caller: Caller, room: Room) -> None:
    assert (await tell(live, caller, gift(room, "m1", "o2"))).status_code == 200
    assert_problem(await tell(live, caller, gift(room, "m1", "o2", chances=2)), 409, "source_id_reused")
    assert_problem(await tell(live, caller, gift(room, "m2", "o2")), 409, "source_id_reused")


async def test_a_draft_keeps_it_until_it_opens(live: Live, caller: Caller, room: Room) -> None:
    draft = await live.stores.lifecycle.create("red_packet_rain", room.config)
    answer = await tell(live, caller, gift(draft, "m3", "o3"))
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")


@pytest.mark.parametrize(
    "wrong",
    [
        {"chances": 0}, {"chances": 1001}, {"chances": "1"}, {"member": "!host"}, {"member": ""},
        {"source_id": ""}, {"no_such_field": 1},
    ],
)  # fmt: skip
async def test_bad_forms_are_told_by_field(
    live: Live, caller: Caller, room: Room, wrong: dict[str, Any]
) -> None:
    answer = await tell(live, caller, {**gift(room, "m1", "o9"), **wrong})
    assert_problem(answer, 422, "bad_request")
    assert list(answer.json()["fields"]) == list(wrong)


async def test_only_who_may_tell_of_chances_does(live: Live, caller: Caller, room: Room) -> None:
    other = await add_caller(live.stores.database, "desk", frozenset({"shop"}), frozenset({"purchase"}))
    assert_problem(await tell(live, other, gift(room, "m1", "o5")), 403, "not_allowed")
    assert_problem(await tell(live, caller, gift(room, "m1", "o5", source="pos")), 403, "not_allowed")
    stranger = Caller("nobody", "0" * 64, frozenset(), frozenset(), 0, None)
    assert_problem(await tell(live, stranger, gift(room, "m1", "o5")), 401, "bad_signature")
    assert_problem(await tell(live, caller, {**gift(room, "m1", "o6"), "room": "r404"}), 404, "not_found")


async def test_who_has_not_the_points_for_a_play_is_told_so(live: Live) -> None:
    room = await live.open_room(chances={"free_total": 0, "cost_points": 5})
    moves = Moves(live.stores.ledger)
    await moves.under()
    bearer = {"authorization": f"Bearer {member_token(sub=moves.member('m'))}"}

    async def why(plays: int = 1) -> str | None:
        answer = await live.http.get(f"/api/rooms/{room.id}/why", params={"plays": plays}, headers=bearer)
        code: str | None = answer.json()["code"]
        return code

    await moves.move(Kind.EARN, 4)
    assert await why() == "not_enough_points"
    await moves.move(Kind.EARN, 1)
    assert (await why(), await why(2)) == (None, "not_enough_points")
