import asyncio
import csv
import io
import time
from typing import Any

import httpx
import pytest

from gameserver.engines import Engines
from gameserver.fairness import Receipts, canonical, commitment, derive, rule_hash
from gameserver.http import forms
from ledger_client.calendar import expiry_of
from ledger_client.entry import Kind
from ledger_client.terms import Caps, Expiry, Terms
from tests.books import settled
from tests.ledger_client.moves import Moves
from tests.node import GAME, SECRET, Live, Member, downpour, living, member_token


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The one form of every error."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["message"]
    assert body.keys() <= {"code", "message", "retry_ms", "fields"}
    assert "Traceback" not in answer.text
    return body


# the demo's login


async def test_demo_login_gives_a_member_of_that_name(live: Live) -> None:
    answer = await live.http.post("/api/demo/login", json={"name": "  小明 "})
    body = answer.json()
    assert body.keys() == {"token", "member", "name"}
    assert body["name"] == "小明"
    again = await live.http.post("/api/demo/login", json={"name": "小明"})
    assert again.json()["member"] != body["member"]


NAMES = {
    "empty": "", "spaces": "   ", "too long": "n" * 25, "a line break": "a\nb", "NUL": "a\0b",
    "a number": 7, "null": None, "a list": ["x"],
}  # fmt: skip


@pytest.mark.parametrize("case", NAMES)
async def test_a_name_that_no_page_could_show_is_refused_at_its_field(live: Live, case: str) -> None:
    answer = await live.http.post("/api/demo/login", json={"name": NAMES[case]})
    assert assert_problem(answer, 422, "bad_request")["fields"].keys() == {"name"}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "7", "null", '"x"', '{"name":"x","admin":true}', '{"Name":"x"}']
)
async def test_a_body_that_does_not_fit_is_refused(live: Live, content: str | bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await live.http.post("/api/demo/login", content=content, headers=headers)
    assert assert_problem(answer, 422, "bad_request")["fields"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"name":"\xff"}', "[" * 5000, '{"name":' + "[" * 50_000])
async def test_a_body_that_is_no_json_at_all_is_refused(live: Live, content: str | bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await live.http.post("/api/demo/login", content=content, headers=headers)
    assert_problem(answer, answer.status_code, "bad_request")
    assert answer.status_code in (400, 422)


async def test_a_body_of_another_type_is_refused(live: Live) -> None:
    answer = await live.http.post("/api/demo/login", content="name=x")
    assert_problem(answer, 422, "bad_request")


async def test_demo_login_exists_only_in_demo_mode(engines: Engines) -> None:
    async with living(engines, demo=False) as real:
        answer = await real.http.post("/api/demo/login", json={"name": "x"})
        assert_problem(answer, 404, "demo_only")
        # members of the operator's own login play all the same
        headers = {"authorization": f"Bearer {member_token()}"}
        assert (await real.http.get("/api/me/points", headers=headers)).status_code == 200


# rooms


async def test_the_list_shows_open_rooms_then_ended_ones_and_never_drafts(live: Live) -> None:
    draft = await live.stores.lifecycle.create(GAME, downpour())
    ended, first = await live.open_room(title="ended"), await live.open_room(title="first")
    second = await live.open_room(title="second")
    await live.stores.lifecycle.close(ended.id)
    await live.stores.lifecycle.pause(second.id)
    await live.join(first.id, await live.member())

    rooms = (await live.http.get("/api/rooms")).json()["rooms"]

    ids = [room["id"] for room in rooms]
    assert ids.index(second.id) < ids.index(first.id) < ids.index(ended.id)
    assert draft.id not in ids
    (line,) = [room for room in rooms if room["id"] == first.id]
    assert line.keys() == forms.RoomLine.model_fields.keys()
    assert line["state"] == "open"
    assert line["joined"] == 1
    assert line["skin"] == {"cover": None, "accent": "#d4142c"}
    assert line["opens_at"] < time.time() * 1000 < line["closes_at"]
    assert next(room["state"] for room in rooms if room["id"] == second.id) == "paused"


async def test_a_room_shows_rules_and_commitment_and_the_seed_once_it_is_closed(live: Live) -> None:
    room = await live.open_room(
        title="红包雨", rules_text="每轮最多 20 个红包", organiser="会员中心",
        audience={"blocklist": ["m99"]},
        prizes=[{"id": "mug", "name": "杯子", "kind": "physical", "stock": 3}],
    )  # fmt: skip
    shown = (await live.http.get(f"/api/rooms/{room.id}")).json()
    assert shown.keys() == forms.RoomPage.model_fields.keys()
    assert (shown["title"], shown["rules_text"], shown["organiser"]) == (
        "红包雨", "每轮最多 20 个红包", "会员中心",
    )  # fmt: skip
    assert shown["timezone"] == "Asia/Shanghai"
    assert shown["prizes"] == [
        {
            "id": "mug",
            "name": "杯子",
            "image": None,
            "kind": "physical",
            "value": 0,
            "stock": 3,
            "per_member": None,
            "per_day": None,
            "release": {"mode": "at_open"},
            "delivery": "ship",
            "claim_days": 7,
        }
    ]
    assert shown["play"]["packets_per_round"] == 10_000
    assert shown["rule_hash"] == rule_hash({"game": GAME, "config": room.config})
    assert "m99" not in str(shown)  # the block list is nobody's business
    assert shown["seed"] is None
    assert room.seed.hex() not in str(shown)

    await live.stores.lifecycle.close(room.id)
    closed = (await live.http.get(f"/api/rooms/{room.id}")).json()
    assert closed["state"] == "closed"
    assert commitment(bytes.fromhex(closed["seed"])) == shown["commitment"] == closed["commitment"]


async def test_a_draft_has_its_commitment_published_before_it_opens(live: Live) -> None:
    draft = await live.stores.lifecycle.create(GAME, downpour())
    shown = (await live.http.get(f"/api/rooms/{draft.id}")).json()
    assert (shown["state"], shown["opened_at"], shown["play"], shown["seed"]) == ("draft", None, None, None)
    assert shown["commitment"] == draft.commitment
    opened = await live.stores.lifecycle.open(draft.id)
    assert (await live.http.get(f"/api/rooms/{draft.id}")).json()["rule_hash"] == shown["rule_hash"]
    assert canonical({"game": GAME, "config": opened.config})


async def test_a_games_name_means_its_newest_open_room(live: Live) -> None:
    room = await live.open_room()
    assert (await live.http.get(f"/api/rooms/{GAME}")).json()["id"] == room.id
    member = await live.member()
    answer = await live.http.post("/api/tickets", json={"room": GAME}, headers=member.bearer)
    assert answer.json()["room"] == room.id


@pytest.mark.parametrize(
    "room", ["r999999", "no_game", "r1%00", "%F0%9F%98%80", "r1'--", "..%2f..", "r" * 300]
)
async def test_an_unknown_room_is_not_found(live: Live, room: str) -> None:
    assert_problem(await live.http.get(f"/api/rooms/{room}"), 404, "not_found")


# tickets


async def test_a_ticket_has_128_random_bits_and_says_how_long_it_lasts(live: Live) -> None:
    room, member = await live.open_room(), await live.member()
    first, second = [
        (await live.http.post("/api/tickets", json={"room": room.id}, headers=member.bearer)).json()
        for _ in range(2)
    ]
    assert first.keys() == {"ticket", "room", "expires_in"}
    assert len(bytes.fromhex(first["ticket"])) == 16
    assert first["ticket"] != second["ticket"]
    assert (first["room"], first["expires_in"]) == (room.id, 30)


TICKET_FORMS: dict[str, tuple[Any, str]] = {
    "no room": ({}, "room"),
    "an empty room": ({"room": ""}, "room"),
    "a room without end": ({"room": "r" * 41}, "room"),
    "a number": ({"room": 7}, "room"),
    "unknown field": ({"room": "r1", "member": "m1"}, "member"),
    "spectator a word": ({"room": "r1", "spectator": "perhaps"}, "spectator"),
}


@pytest.mark.parametrize("case", TICKET_FORMS)
async def test_a_ticket_form_that_does_not_fit_is_refused_at_its_field(live: Live, case: str) -> None:
    form, field = TICKET_FORMS[case]
    answer = await live.http.post("/api/tickets", json=form, headers=(await live.member()).bearer)
    assert assert_problem(answer, 422, "bad_request")["fields"].keys() == {field}


@pytest.mark.parametrize("room", ["r999999", "r1\x00", "{r1.0}:room", "🎁"])
async def test_there_is_no_ticket_for_an_unknown_room(live: Live, room: str) -> None:
    answer = await live.http.post("/api/tickets", json={"room": room}, headers=(await live.member()).bearer)
    assert_problem(answer, 404, "not_found")


async def test_there_is_no_ticket_for_a_draft(live: Live) -> None:
    draft = await live.stores.lifecycle.create(GAME, downpour())
    member = await live.member()
    answer = await live.http.post("/api/tickets", json={"room": draft.id}, headers=member.bearer)
    assert_problem(answer, 409, "not_open")


async def test_only_a_spectator_needs_no_token(live: Live) -> None:
    room = await live.open_room()
    assert_problem(await live.http.post("/api/tickets", json={"room": room.id}), 401, "unauthorized")
    answer = await live.http.post("/api/tickets", json={"room": room.id, "spectator": True})
    assert answer.status_code == 200


# what is mine


MINE = ["/api/me/prizes", "/api/me/points", "/api/me/points/statement", "/api/me/points/statement.csv"]


def points_of(available: int) -> dict[str, Any]:
    """Points that nothing is to be told of."""
    quiet: dict[str, Any] = {"held": 0, "pending": 0, "expiring": 0, "expires_at": None, "reminders": []}
    return {"available": available} | quiet


@pytest.mark.parametrize("path", MINE)
@pytest.mark.parametrize(
    "token",
    [
        None,
        "nonsense",
        member_token(key="another secret key of at least thirty-two"),
        member_token(algorithm="none"),
        member_token(exp=1),
    ],
    ids=["none", "nonsense", "another key", "no algorithm", "expired"],
)
async def test_what_is_mine_needs_a_token_that_holds(live: Live, path: str, token: str | None) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    assert_problem(await live.http.get(path, headers=headers), 401, "unauthorized")


async def test_a_member_without_anything_has_empty_lists(live: Live) -> None:
    member = await live.member()
    prizes = await live.http.get("/api/me/prizes", headers=member.bearer)
    points = await live.http.get("/api/me/points", headers=member.bearer)
    assert prizes.json() == {"prizes": []}
    assert points.json() == points_of(0)


async def test_my_prizes_are_those_i_was_shown_newest_first_and_nobody_elses(live: Live) -> None:
    room, member, other = await live.open_room(title="我的"), await live.member(), await live.member()
    page, others = await live.join(room.id, member), await live.join(room.id, other)
    wins = [await page.grab() for _ in range(3)]
    await others.grab()
    await settled(live, room)

    prizes = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]

    assert [(one["unit"], one["receipt"]) for one in prizes] == [
        (win["unit"], win["receipt"]) for win in reversed(wins)
    ]
    first = prizes[0]
    assert first.keys() == forms.Won.model_fields.keys()
    assert abs(first.pop("granted_at") - time.time() * 1000) < 60_000
    receipt = first.pop("receipt")
    assert first == {
        "room": room.id, "room_title": "我的", "prize": "packet", "name": "", "kind": "points", "amount": 5,
        "unit": wins[2]["unit"], "settled": True, "refused": None, "credited": None,
        **dict.fromkeys(forms.Kept.model_fields),
    }  # fmt: skip
    signed = Receipts(derive(SECRET.encode(), "receipt"))
    assert signed.holds(receipt, room.id, "packet", first["unit"], 5, member.id, page.session, 3, 1)
    points = await live.http.get("/api/me/points", headers=member.bearer)
    assert points.json() == points_of(15)


async def test_a_listed_prize_has_its_name_and_brings_no_points(live: Live) -> None:
    room = await live.open_room(
        amounts={"mode": "fixed", "count": 1, "amount": 1}, rounds=[{"gap_ms": 0, "duration_ms": 60_000}],
        prizes=[{"id": "mug", "name": "杯子", "kind": "physical", "stock": 30}],
    )  # fmt: skip
    page = await live.join(room.id, member := await live.member())
    wins = [await page.grab() for _ in range(2)]
    assert "prize" in [win["kind"] for win in wins]
    await settled(live, room)
    prizes = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]
    mugs = [
        (one["name"], one["kind"], one["amount"], one["settled"]) for one in prizes if one["prize"] == "mug"
    ]
    assert mugs == [("杯子", "physical", 0, True)] * len(mugs)
    assert mugs
    points = (await live.http.get("/api/me/points", headers=member.bearer)).json()
    assert points["available"] == sum(win["amount"] for win in wins if win["prize"] == "packet")


async def test_points_on_their_way_are_pending_until_a_worker_settles_them(engines: Engines) -> None:
    async with living(engines, settles=False) as idle:
        room, member = await idle.open_room(), await idle.member()
        page = await idle.join(room.id, member)
        await page.grab()
        prizes, points = await asyncio.gather(
            idle.http.get("/api/me/prizes", headers=member.bearer),
            idle.http.get("/api/me/points", headers=member.bearer),
        )
        assert prizes.json() == {"prizes": []}  # nothing is on record yet
        assert points.json()["available"] == 0
        await settled(idle, room)
        points = await idle.http.get("/api/me/points", headers=member.bearer)
        assert points.json() == points_of(5)
        assert (await page.next(ev="settled"))["refs"] == [1]


async def test_a_win_that_a_cap_cut_says_what_was_credited_of_it_and_why(live: Live) -> None:
    room = await live.open_room(amounts={"mode": "fixed", "count": 100, "amount": 20})
    await live.stores.ledger.agree(room.campaign, Terms(caps=Caps(day=12)))
    page = await live.join(room.id, member := await live.member())
    for _ in range(2):
        await page.grab()
    await settled(live, room)
    prizes = (await live.http.get("/api/me/prizes", headers=member.bearer)).json()["prizes"]
    assert [(one["amount"], one["credited"], one["refused"], one["settled"]) for one in prizes] == [
        (20, None, "daily_cap", False), (20, 12, "daily_cap", True),
    ]  # fmt: skip
    points = await live.http.get("/api/me/points", headers=member.bearer)
    assert points.json() == points_of(12)


async def test_points_say_what_is_held_and_what_expires_when(live: Live) -> None:
    moves = Moves(live.stores.ledger)
    bearer = {"authorization": f"Bearer {member_token(sub=moves.member('m'))}"}
    terms = Terms(expiry=Expiry.FIXED, months=1, remind_days=(30,))
    await moves.under(terms)
    now = time.time_ns() // 1_000_000
    at = now - 5 * 86_400_000
    await moves.move(Kind.EARN, 50, occurred_at=at)
    await moves.purse(20)
    await live.stores.ledger.upkeep(now)
    points = (await live.http.get("/api/me/points", headers=bearer)).json()
    assert points == {
        "available": 30, "held": 20, "pending": 0, "expiring": 30, "expires_at": expiry_of(terms, at),
        "reminders": [
            {"campaign": moves.campaign, "points": 30, "expires_at": expiry_of(terms, at), "days": 30}
        ],
    }  # fmt: skip


async def test_a_statement_is_given_newest_first_and_as_a_file_whole(live: Live) -> None:
    moves = Moves(live.stores.ledger)
    await moves.under()
    bearer = {"authorization": f"Bearer {member_token(sub=moves.member('m'))}"}
    earned = await moves.move(Kind.EARN, 50)
    await moves.move(Kind.REDEEM, 20)
    await moves.move(Kind.EARN, 5, "other")
    path = "/api/me/points/statement"
    whole, newest, file, none = await asyncio.gather(
        live.http.get(path, headers=bearer),
        live.http.get(path, params={"limit": 1}, headers=bearer),
        live.http.get(f"{path}.csv", headers=bearer),
        live.http.get(path, params={"limit": 0}, headers=bearer),
    )
    movements = whole.json()["movements"]
    assert [(one["kind"], one["amount"], one["balance"]) for one in movements] == [
        ("redeem", -20, 30), ("earn", 50, 50),
    ]  # fmt: skip
    assert movements[1].keys() == forms.Movement.model_fields.keys()
    assert movements[1]["entry_id"] == str(earned)
    assert newest.json()["movements"] == movements[:1]
    assert_problem(none, 422, "bad_request")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "points.csv" in file.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(file.text)))
    assert [(line["kind"], line["amount"], line["balance"]) for line in lines] == [
        ("earn", "50", "50"), ("redeem", "-20", "30"),
    ]  # fmt: skip
    assert lines[0]["occurred_at"] == "2026-09-21T14:13:20+00:00"


async def test_the_same_member_id_of_the_operator_is_the_same_member(live: Live) -> None:
    room = await live.open_room()
    member = Member(member_token(sub="operator-7", name="老王"), "operator-7", "老王")
    page = await live.join(room.id, member)
    assert page.welcome["member"] == "operator-7"
    await page.grab()
    await settled(live, room)
    renewed = member_token(sub="operator-7")
    points = await live.http.get("/api/me/points", headers={"authorization": f"Bearer {renewed}"})
    assert points.json()["available"] == 5
