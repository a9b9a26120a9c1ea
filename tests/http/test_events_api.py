import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gameserver.earning import Earning, Rate, Rule, Rules
from gameserver.engines import Engines
from gameserver.events import Events
from gameserver.games.game import CampaignId
from gameserver.http.api import api
from gameserver.http.events_api import events_api
from gameserver.http.signatures import MAX_BYTES, WINDOW_SECONDS, signature
from gameserver.records.callers import Caller, add_caller, revoke_caller
from gameserver.staff import campaigns
from ledger_client.terms import Caps, Terms
from tests.http.test_member_api import assert_problem
from tests.node import Live, emptied, living
from tests.test_events import AwayLedger

PATH = "/api/points/events"
EARNING = Earning({"purchase": Rule(rate=Rate(100)), "sign_in": Rule(fixed=5)}, levels={"gold": 200})


@pytest.fixture(scope="module")
async def live(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines, demo=False) as live:
        yield live


class Pos:
    """A shop's cash desk, which signs what it tells."""

    def __init__(self, live: Live, caller: Caller, campaign: CampaignId) -> None:
        self.live = live
        self.caller = caller
        self.campaign = campaign
        self.number = 0

    def event(self, kind: str = "purchase", **fields: Any) -> dict[str, Any]:
        self.number += 1
        amount = {"amount_cents": 2000} if kind == "purchase" else {}
        return {
            "source": "pos", "source_id": f"{self.campaign}-{self.number}", "kind": kind,
            "member": f"{self.campaign}-m", "campaign": self.campaign,
            "occurred_at": "2026-06-15T12:00:00+08:00", **amount, **fields,
        }  # fmt: skip

    def headers(self, body: bytes, at: float | None = None, **other: str) -> dict[str, str]:
        timestamp = str(int(time.time() if at is None else at))
        return {
            "content-type": "application/json",
            "x-caller": self.caller.id,
            "x-timestamp": timestamp,
            "x-signature": signature(self.caller.secret, timestamp, "POST", PATH, body),
            **other,
        }

    async def send(self, content: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.live.http.post(PATH, content=content, headers=headers or self.headers(content))

    async def tell(self, told: Any) -> httpx.Response:
        return await self.send(json.dumps(told).encode())

    async def available(self) -> int:
        return (await self.live.stores.ledger.balance(f"{self.campaign}-m")).available


@pytest.fixture(scope="module")
async def caller(live: Live) -> Caller:
    kinds = frozenset({"purchase", "sign_in", "return", "freeze", "thaw"})
    return await add_caller(live.stores.database, "till", frozenset({"pos"}), kinds)


@pytest.fixture
async def pos(live: Live, caller: Caller) -> Pos:
    """With a campaign of its own."""
    stores = live.stores
    made = await campaigns.create(stores.database, stores.ledger, "spring", 1000, 1000)
    rules = Rules(EARNING, Terms(caps=Caps(day=112)))
    await campaigns.set_rules(stores.database, stores.ledger, made.id, rules)
    return Pos(live, caller, made.id)


async def test_a_purchase_is_answered_with_all_that_was_decided(pos: Pos) -> None:
    told = pos.event(amount_cents=1050, level="gold")
    answer = await pos.tell(told)
    assert answer.status_code == 200
    body = answer.json()
    entry_id = body.pop("entry_id")
    assert body == {
        "source_id": told["source_id"], "status": "applied", "points": 21, "credited": 21, "rule_version": 1,
        "why": [
            {"step": "rate", "value": 100, "name": ""}, {"step": "paid", "value": 1050, "name": ""},
            {"step": "level", "value": 200, "name": "gold"},
        ],
    }  # fmt: skip
    (line,) = await pos.live.stores.ledger.statement(told["member"])
    assert (str(line.entry_id), line.amount) == (entry_id, 21)
    assert line.occurred_at == datetime(2026, 6, 15, 4, tzinfo=UTC).timestamp() * 1000


async def test_what_a_cap_cut_is_shown_for_the_member(pos: Pos) -> None:
    await pos.tell(pos.event(amount_cents=100_00))
    body = (await pos.tell(pos.event(amount_cents=20_00))).json()
    assert (body["status"], body["points"], body["credited"], body["reason"]) == (
        "applied", 20, 12, "daily_cap",
    )  # fmt: skip
    assert body["shown"] == {"asked": 20, "credited": 12, "cap": "daily_cap"}
    body = (await pos.tell(pos.event("sign_in"))).json()
    assert (body["status"], body["shown"]) == ("rejected", {"asked": 5, "credited": 0, "cap": "daily_cap"})


async def test_an_array_is_answered_in_order(pos: Pos) -> None:
    first = pos.event()
    answer = await pos.tell([
        first, pos.event("sign_in"), {**first, "amount_cents": 1}, pos.event("purchase", source="mall"),
        pos.event("return", refers_to=first["source_id"]), first,
    ])  # fmt: skip
    assert answer.status_code == 200
    body = answer.json()
    assert [(one["status"], one.get("reason"), one["credited"]) for one in body] == [
        ("applied", None, 20), ("applied", None, 5), ("refused", "source_id_reused", 0),
        ("refused", "not_allowed", 0), ("applied", None, 20), ("applied", None, 20),
    ]  # fmt: skip
    assert body[2]["message"]
    assert await pos.available() == 5


async def test_five_hundred_events_go_in_one_request_and_no_more(pos: Pos) -> None:
    many = [pos.event("sign_in", member=f"{pos.campaign}-{n}") for n in range(501)]
    fields = assert_problem(await pos.tell(many), 422, "bad_request")["fields"]
    assert fields.keys() == {"body"}
    body = (await pos.tell(many[:500])).json()
    assert {one["status"] for one in body[:200]} == {"applied"}
    # the budget of 1000 is for 200 of them
    assert {one.get("reason") for one in body[200:]} == {"budget_exhausted"}
    assert_problem(await pos.tell([]), 422, "bad_request")


async def test_the_same_again_is_answered_alike_and_another_body_is_refused(pos: Pos) -> None:
    told = pos.event()
    first = await pos.tell(told)
    again = await pos.tell(dict(reversed(told.items())))  # the order of the keys says nothing
    assert (again.status_code, again.json()) == (200, first.json())
    (in_array,) = (await pos.tell([told])).json()
    assert in_array == first.json()
    for field, value in {"amount_cents": 2001, "member": "other", "level": "gold"}.items():
        assert_problem(await pos.tell({**told, field: value}), 409, "source_id_reused")
    assert await pos.available() == 20


async def test_a_signed_request_sent_again_by_a_stranger_changes_nothing(pos: Pos) -> None:
    content = json.dumps(pos.event()).encode()
    headers = pos.headers(content)
    answers = [await pos.send(content, headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await pos.available() == 20


@pytest.mark.parametrize("away", [-WINDOW_SECONDS - 5, WINDOW_SECONDS + 5, -(10**9)])
async def test_a_request_signed_too_long_ago_or_ahead_of_time_is_stale(pos: Pos, away: int) -> None:
    content = json.dumps(pos.event()).encode()
    answer = await pos.send(content, pos.headers(content, time.time() + away))
    assert_problem(answer, 401, "stale_request")
    assert await pos.available() == 0


async def test_clocks_may_differ_within_the_window(pos: Pos) -> None:
    for away in (-WINDOW_SECONDS + 10, WINDOW_SECONDS - 10):
        content = json.dumps(pos.event()).encode()
        assert (await pos.send(content, pos.headers(content, time.time() + away))).status_code == 200


async def test_a_signature_is_for_one_body_time_path_and_caller(pos: Pos) -> None:
    content, other = (json.dumps(pos.event()).encode() for _ in range(2))
    good = pos.headers(content)
    elsewhere = signature(pos.caller.secret, good["x-timestamp"], "POST", "/api/points", content)
    as_put = signature(pos.caller.secret, good["x-timestamp"], "PUT", PATH, content)
    for body, headers in (
        (other, good),
        (content, {**good, "x-timestamp": str(int(good["x-timestamp"]) + 1)}),
        (content, {**good, "x-signature": elsewhere}),
        (content, {**good, "x-signature": as_put}),
        (content, {**good, "x-signature": good["x-signature"].upper()}),
        (content, {**good, "x-signature": good["x-signature"][:-1]}),
        (content, {**good, "x-signature": ""}),
        (content, {**good, "x-signature": "\u00e9".encode()}),
        (content, {**good, "x-caller": "nobody"}),
        (content, {**good, "x-caller": ""}),
        (content, {"content-type": "application/json"}),
        # a secret that anyone could guess for a caller that is unknown
        (content, pos.headers(content) | {
            "x-caller": "nobody",
            "x-signature": signature("0" * 64, good["x-timestamp"], "POST", PATH, content),
        }),
    ):  # fmt: skip
        answer = await pos.live.http.post(PATH, content=body, headers=headers)  # type: ignore[arg-type]
        assert_problem(answer, 401, "bad_signature")
    assert await pos.available() == 0


@pytest.mark.parametrize("timestamp", ["", "now", "1.5", "-1", "1 0", "１", "9" * 400])
async def test_a_timestamp_that_is_no_number_is_refused_though_signed(pos: Pos, timestamp: str) -> None:
    content = json.dumps(pos.event()).encode()
    signed = signature(pos.caller.secret, timestamp, "POST", PATH, content)
    headers = {**pos.headers(content), "x-timestamp": timestamp.encode(), "x-signature": signed}
    answer = await pos.live.http.post(PATH, content=content, headers=headers)  # type: ignore[arg-type]
    assert_problem(answer, 401, "bad_signature")


async def test_a_revoked_caller_is_nobody(pos: Pos) -> None:
    database = pos.live.stores.database
    name = f"{pos.campaign}-old"
    old = await add_caller(database, name, frozenset({"pos"}), frozenset({"sign_in"}))
    till = Pos(pos.live, old, pos.campaign)
    assert (await till.tell(pos.event("sign_in"))).status_code == 200
    assert_problem(await till.tell(pos.event("purchase")), 403, "not_allowed")
    await revoke_caller(database, name)
    assert_problem(await till.tell(pos.event("sign_in")), 401, "bad_signature")


async def test_a_stranger_is_told_nothing_of_what_a_body_should_be(pos: Pos) -> None:
    for content in (b"{", b"", b"[]", b'{"source":1}'):
        headers = {**pos.headers(content), "x-signature": "0" * 64}
        assert_problem(await pos.send(content, headers), 401, "bad_signature")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(pos: Pos) -> None:
    content = b" " * (MAX_BYTES + 1)
    assert_problem(await pos.send(content), 413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 2**16 + 2):
            yield b" " * 2**16

    answer = await pos.live.http.post(PATH, content=endless(), headers=pos.headers(b""))
    assert_problem(answer, 413, "too_large")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"amount": 1}, "amount"),
    "no offset": ({"occurred_at": "2026-06-15T12:00:00"}, "occurred_at"),
    "seconds": ({"occurred_at": 1_789_990_000}, "occurred_at"),
    "seconds as text": ({"occurred_at": "1789990000"}, "occurred_at"),
    "a day": ({"occurred_at": "2026-06-15"}, "occurred_at"),
    "long ago": ({"occurred_at": "1970-01-01T00:00:00Z"}, "occurred_at"),
    "a fraction of a cent": ({"amount_cents": 10.5}, "amount_cents"),
    "cents as text": ({"amount_cents": "10"}, "amount_cents"),
    "a negative amount": ({"amount_cents": -1}, "amount_cents"),
    "no money in the world": ({"amount_cents": 10**11}, "amount_cents"),
    "a kind with a capital": ({"kind": "Purchase"}, "kind"),
    "no member": ({"member": ""}, "member"),
    "NUL": ({"member": "m\0"}, "member"),
    "a member that is too long": ({"member": "m" * 65}, "member"),
    "no such day": ({"birthday": "02-30"}, "birthday"),
    "a whole date": ({"birthday": "2000-02-03"}, "birthday"),
    "an item without a price": ({"items": [{"sku": "a"}]}, "items.0.amount_cents"),
    "an empty id": ({"source_id": ""}, "source_id"),
    "a reference": ({"refers_to": "x"}, "refers_to"),
}


@pytest.mark.parametrize("case", BAD)
async def test_an_event_that_does_not_fit_is_refused_at_its_field(pos: Pos, case: str) -> None:
    fields, where = BAD[case]
    problem = assert_problem(await pos.tell(pos.event() | fields), 422, "bad_request")
    assert problem["fields"].keys() == {where}


async def test_in_an_array_the_place_is_named(pos: Pos) -> None:
    problem = assert_problem(await pos.tell([pos.event(), pos.event() | {"kind": "X"}]), 422, "bad_request")
    assert problem["fields"].keys() == {"1.kind"}
    assert await pos.available() == 0  # nothing of it was taken
    for body in (7, None, "x", [[]], [7]):
        assert_problem(await pos.tell(body), 422, "bad_request")


async def test_while_the_ledger_is_away_an_event_is_taken_and_pending(pos: Pos) -> None:
    database = pos.live.stores.database
    ledger = AwayLedger(database)
    ledger.away = True
    events = Events(database, ledger)
    app = api([events_api(database, events)], lambda _: None)  # type: ignore[arg-type,return-value] # not started
    content = json.dumps(told := pos.event()).encode()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as http:
        answer = await http.post(PATH, content=content, headers=pos.headers(content))
        assert (answer.status_code, answer.json()["status"], answer.json()["credited"]) == (202, "pending", 0)
        array = json.dumps([told]).encode()
        answer = await http.post(PATH, content=array, headers=pos.headers(array))
        assert (answer.status_code, answer.json()[0]["status"]) == (202, "pending")
        ledger.away = False
        assert await events.retry_pending() == 1
        answer = await http.post(PATH, content=content, headers=pos.headers(content))
        assert (answer.status_code, answer.json()["status"], answer.json()["credited"]) == (
            200,
            "applied",
            20,
        )


async def test_events_are_told_from_many_sides_at_once(pos: Pos) -> None:
    told = [pos.event("sign_in") for _ in range(10)]
    answers = await asyncio.gather(*(pos.tell(event) for event in told * 3))
    assert {answer.status_code for answer in answers} == {200}
    assert await pos.available() == 50
    assert await pos.live.stores.ledger.drift() == []
