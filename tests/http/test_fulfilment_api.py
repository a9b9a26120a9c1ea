import time
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from gameserver.games.game import MemberId
from gameserver.http import forms
from gameserver.personal import Person, Place, Seal
from gameserver.records.batches import record
from gameserver.records.goods import goods_in
from gameserver.records.handover import cancel, give_address
from gameserver.records.rooms import Room
from gameserver.staff.fulfilment import ship_one
from tests.http.test_member_api import assert_problem
from tests.node import Live, Member
from tests.records.goods import DAY_MS, SEAL, added, campaign_with, names, opened, prize
from tests.records.lines import body_of, placed

HOME = {"name": "张三", "phone": "138 0013 8000", "region": "广东省 深圳市 南山区", "address": "科技园 1 号"}
MASKED = "张** 138****8000 广东省 深圳市 南山区 ****"
NOTHING: dict[str, Any] = dict.fromkeys(forms.Kept.model_fields)


def now() -> int:
    return time.time_ns() // 1_000_000


async def won(
    live: Live,
    member: Member,
    kind: str = "physical",
    at: int | None = None,
    units: Sequence[int] = (1,),
    **fields: Any,
) -> Room:
    """A room in which the member won units of the prize "it"."""
    database, at = live.stores.database, at or now()
    campaign = await campaign_with(database, [])
    await added(database, campaign, names(3), at + 30 * DAY_MS)
    room, lane = await opened(database, campaign, prize("it", kind, stock=3, **fields), at=at)
    lines = [
        placed(body_of("s1", unit, [("it", unit, 0, 1, member.id)], member=member.id, at=at), unit)
        for unit in units
    ]
    await record(database, lane, lines, goods=await goods_in(database, room.id))
    return room


def path(room: Room, what: str, unit: object = 1) -> str:
    return f"/api/me/prizes/{room.id}/it/{unit}/{what}"


async def mine(live: Live, member: Member) -> list[dict[str, Any]]:
    """State, code and so on of what the member has."""
    listed = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]
    return [{name: one[name] for name in forms.Kept.model_fields} for one in listed]


async def tells(live: Live, room: Room, member: Member, **fields: Any) -> httpx.Response:
    return await live.http.post(path(room, "address"), json={**HOME, **fields}, headers=member.bearer)


async def has_come(live: Live, room: Room, member: Member) -> httpx.Response:
    return await live.http.post(path(room, "received"), headers=member.bearer)


async def shipped(live: Live, room: Room) -> None:
    place = Place(room.id, "it", 1)
    await ship_one(live.stores.database, place, "顺丰", "SF100", staff="ann", at=now())


async def test_goods_go_from_the_address_to_the_doorstep(live: Live) -> None:
    member, at = await live.member(), now()
    room = await won(live, member, claim_days=5, at=at)
    claim_by = at + 5 * DAY_MS
    assert await mine(live, member) == [{**NOTHING, "state": "address_needed", "claim_by": claim_by}]

    told = await tells(live, room, member)
    to_ship = {**NOTHING, "state": "to_ship", "claim_by": claim_by, "address_masked": MASKED}
    assert (told.status_code, told.json()) == (200, to_ship)
    assert await mine(live, member) == [to_ship]
    assert (await tells(live, room, member, name="李四")).json()["address_masked"].startswith("李** ")
    assert_problem(await has_come(live, room, member), 409, "bad_state")

    await shipped(live, room)
    (on_its_way,) = await mine(live, member)
    assert (on_its_way["state"], on_its_way["carrier"], on_its_way["tracking"]) == (
        "shipped",
        "顺丰",
        "SF100",
    )
    assert_problem(await tells(live, room, member), 409, "already_shipped")
    for _ in range(2):
        answer = await has_come(live, room, member)
        assert (answer.status_code, answer.json()["state"]) == (200, "received")
    assert_problem(await tells(live, room, member), 409, "already_shipped")


async def test_the_list_shows_goods_with_what_they_are_called(live: Live) -> None:
    member = await live.member()
    room = await won(live, member)
    (one,) = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]
    assert one.keys() == forms.Won.model_fields.keys()
    assert (one["room"], one["prize"], one["kind"], one["name"]) == (room.id, "it", "physical", "it")


@pytest.mark.parametrize("kind", ["code", "coupon"])
async def test_a_code_is_shown_to_its_member_alone(live: Live, kind: str) -> None:
    member, other, at = await live.member(), await live.member(), now()
    await won(live, member, kind, at=at, units=(2,))
    expires_at = at + 30 * DAY_MS
    assert await mine(live, member) == [
        {**NOTHING, "state": "given", "code": "C00002", "code_expires_at": expires_at}
    ]
    assert await mine(live, other) == []


async def test_a_prize_on_site_has_a_redemption_code_that_stays_the_same(live: Live) -> None:
    member = await live.member()
    room = await won(live, member, delivery="on_site", units=(1, 2))
    shown = await mine(live, member)
    assert [one["state"] for one in shown] == ["to_redeem"] * 2
    codes = [one["redemption_code"] for one in shown]
    assert set(codes) == {SEAL.redemption_code(Place(room.id, "it", unit)) for unit in (1, 2)}
    assert [one["redemption_code"] for one in await mine(live, member)] == codes
    assert_problem(await tells(live, room, member), 409, "bad_state")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "   "), ("name", "n" * 41), ("name", "a\nb"), ("name", 7), ("name", None),
        ("name", "n" * 1001), ("phone", "12345"), ("phone", "23800138000"), ("phone", "+8612345"),
        ("region", ""), ("region", "r" * 101), ("address", "a\u202eb"), ("address", "a" * 201),
        ("address", ["x"]), ("nickname", "x"),
    ],
)  # fmt: skip
async def test_an_address_that_does_not_fit_is_refused_at_its_field(
    live: Live, field: str, value: object
) -> None:
    member = await live.member()
    room = await won(live, member)
    problem = assert_problem(await tells(live, room, member, **{field: value}), 422, "bad_request")
    assert problem["fields"].keys() == {field}
    assert (await mine(live, member))[0]["state"] == "address_needed"


async def test_a_lone_surrogate_is_a_field_that_does_not_fit(live: Live) -> None:
    member = await live.member()
    room = await won(live, member)
    body = '{"name":"\\ud800","phone":"13800138000","region":"r","address":"a"}'
    headers = {**member.bearer, "content-type": "application/json"}
    assert_problem(
        await live.http.post(path(room, "address"), content=body, headers=headers), 422, "bad_request"
    )


async def test_all_fields_that_do_not_fit_are_told_at_once(live: Live) -> None:
    member = await live.member()
    room = await won(live, member)
    wrong = dict.fromkeys(HOME, "")
    problem = assert_problem(await tells(live, room, member, **wrong), 422, "bad_request")
    assert problem["fields"].keys() == HOME.keys()


async def test_what_another_won_is_not_found_and_nothing_is_told_of_it(live: Live) -> None:
    member, other = await live.member(), await live.member()
    room = await won(live, member)
    answers = [
        await tells(live, room, other),
        await tells(live, room, other, name=""),
        await has_come(live, room, other),
        await live.http.post(path(room, "address", 2), json=HOME, headers=member.bearer),
        await live.http.post("/api/me/prizes/r999999/it/1/address", json=HOME, headers=member.bearer),
        await live.http.post(f"/api/me/prizes/{room.id}/no/1/received", headers=member.bearer),
        await live.http.post("/api/me/prizes/r1%00/it/1/received", headers=member.bearer),
        await live.http.post("/api/me/prizes/r1/%F0%9F%98%80/1/received", headers=member.bearer),
    ]
    for answer in answers:
        assert_problem(answer, 404, "not_found")
    assert await mine(live, other) == []
    assert (await mine(live, member))[0]["state"] == "address_needed"


@pytest.mark.parametrize("unit", ["x", "0", "-1", "1.5", str(2**63), "9" * 40])
async def test_a_unit_is_a_number_that_can_be(live: Live, unit: str) -> None:
    member = await live.member()
    room = await won(live, member)
    for what in ("address", "received"):
        answer = await live.http.post(path(room, what, unit), json=HOME, headers=member.bearer)
        assert assert_problem(answer, 422, "bad_request")["fields"].keys() == {"unit"}


async def test_it_needs_a_token_that_holds(live: Live) -> None:
    room = await won(live, await live.member())
    for headers in ({}, {"authorization": "Bearer nonsense"}):
        for what in ("address", "received"):
            answer = await live.http.post(path(room, what), json=HOME, headers=headers)
            assert_problem(answer, 401, "unauthorized")


async def test_after_the_last_day_it_is_too_late(live: Live) -> None:
    member = await live.member()
    room = await won(live, member, at=now() - 8 * DAY_MS, claim_days=7)
    assert_problem(await tells(live, room, member), 409, "claim_expired")


async def test_what_staff_canceled_takes_no_address(live: Live) -> None:
    member = await live.member()
    room = await won(live, member)
    place = Place(room.id, "it", 1)
    await cancel(live.stores.database, place, staff="ann", reason="fraud", at=now())
    assert_problem(await tells(live, room, member), 409, "bad_state")
    (shown,) = await mine(live, member)
    assert (shown["state"], shown["reason"]) == ("canceled", "fraud")


async def test_codes_take_no_address(live: Live) -> None:
    member = await live.member()
    room = await won(live, member, "code")
    assert_problem(await tells(live, room, member), 409, "bad_state")
    assert_problem(await has_come(live, room, member), 409, "bad_state")


async def test_what_was_sealed_under_a_key_that_is_no_more_hides_only_itself(live: Live) -> None:
    member = await live.member()
    room = await won(live, member)
    place = Place(room.id, "it", 1)
    older = Seal(b"a key of the past, thirty-two characters and more")
    sealed = older.seal(Person("张三", "13800138000", "广东省", "科技园"), place)
    await give_address(live.stores.database, place, MemberId(member.id), sealed, b"", now())
    (shown,) = await mine(live, member)
    assert (shown["state"], shown["address_masked"]) == ("to_ship", None)
    assert (await tells(live, room, member)).json()["address_masked"] == MASKED
