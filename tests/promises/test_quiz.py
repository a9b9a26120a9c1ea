"""A live quiz on real sockets (GAMES.md): nothing is told before the lock, and a refresh keeps the place."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from sqlalchemy import text

from gameserver.engines import Engines
from gameserver.fairness import commitment
from gameserver.games.game import HOST, RoomId
from gameserver.http.tokens import Tokens
from tests.games.quizzes import live, single
from tests.node import SECRET, Live, Member, emptied, living, member_token
from tests.page import Event, Page
from tests.store.lanes import server_ms

# nothing before the lock

SEED = bytes(range(100, 132))
EXPLANATION = "nobody may read this before the lock"
WHY = {"explanation": EXPLANATION}
FIRST: list[dict[str, Any]] = [
    single(0, right=0, explanation=EXPLANATION),
    {
        "kind": "multiple",
        "text": "several",
        "options": ["a", "b", "c"],
        "right": [0, 1],
        "explanation": EXPLANATION,
    },
    {"kind": "true_false", "text": "true?", "right": True, **WHY},
    {
        "kind": "number",
        "text": "how many?",
        "right": {"min": "4711", "max": "4712"},
        "explanation": EXPLANATION,
    },
    {"kind": "text", "text": "who?", "right": ["Somebody"], **WHY},
]
OTHER_RIGHTS: list[Any] = [1, [1, 2], False, {"min": "815", "max": "816"}, ["Nobody"]]
SECOND = [question | {"right": right} for question, right in zip(FIRST, OTHER_RIGHTS, strict=True)]
NAMES = ("安", "白", "陈", "丁", "方")
OF_THE_MOMENT = ("v", "now", "rule_hash")
FIELDS = ("solution", "right", "counts", "gained", "revealed", "result")
SECRETS = (EXPLANATION, "4711", "4712", "Somebody", "815", "816", "Nobody")


class Show:
    """A live quiz on a real server: a host, a spectator and five members on sockets."""

    def __init__(self, site: Live, room: str) -> None:
        self.site = site
        self.room = room
        self.members = [
            Member(member_token(sub=f"m{number}", name=name), f"m{number}", name)
            for number, name in enumerate(NAMES)
        ]
        self.host = self.screen = self.pages = None  # type: Any

    async def enter(self) -> None:
        """One after the other, so that sessions have the same numbers whenever it is played."""
        self.host = await self.host_page()
        self.screen = await self.site.join(self.room, None, packed=True)
        self.pages = [
            await self.site.join(self.room, member, packed=number % 2 == 1)
            for number, member in enumerate(self.members)
        ]

    async def host_page(self) -> Page:
        token = Tokens(SECRET).issue_host(self.room, 3600)
        answer = await self.site.http.post("/api/tickets", json={"room": self.room, "host": token})
        page = await self.site.dial()
        welcome = await page.hello(self.room, answer.json()["ticket"])
        assert welcome["member"] == HOST
        return page

    async def step(self, op: str, **fields: Any) -> None:
        told = await self.host.ask(op, **fields)
        assert told["ev"] == "told", told

    async def everyone(self, name: str) -> list[Event]:
        """The next event of that name on every page."""
        return [await page.next(ev=name) for page in (*self.pages, self.screen, self.host)]

    async def until_start(self, opened: Event) -> None:
        """Returns when the server's clock is past the start of the question."""
        while (left := opened["question"]["starts_at"] - await server_ms(self.site.redis)) >= 0:
            await asyncio.sleep((left + 1) / 1000)


@asynccontextmanager
async def served(engines: Engines) -> AsyncIterator[Live]:
    async with emptied(engines), living(engines, demo=False) as site:
        yield site


async def shown(site: Live, id_: str, questions: Sequence[dict[str, Any]]) -> Show:
    """A room whose id and seed are always the same, and so the order of the options; all have come in."""
    config = live(questions, seconds_per_question=60, tiers=[{"places": 2, "points": 50}])
    draft = await site.stores.lifecycle.create("quiz", config)
    async with site.stores.database.begin() as connection:
        change = text("update game.room set id = :id, seed = :seed, commitment = :known where id = :draft")
        values = {"id": id_, "seed": SEED, "known": commitment(SEED), "draft": draft.id}
        await connection.execute(change, values)
    await site.stores.lifecycle.open(RoomId(id_))
    show = Show(site, id_)
    await show.enter()
    return show


def chosen(question: Event, number: int) -> dict[str, Any]:
    """What page `number` answers: never looking at what is right."""
    options = question["options"]
    match question["kind"]:
        case "single":
            return {"choices": [options.index(f"0-{number % 2}")]}
        case "multiple":
            return {"choices": sorted(options.index(letter) for letter in ("ab", "bc", "a")[number % 3])}
        case "true_false":
            return {"choices": [number % 2]}
        case "number":
            return {"number": ("4711", "815", "1")[number % 3]}
    return {"text": ("Somebody", "Nobody")[number % 2]}


async def asked_and_answered(show: Show, index: int) -> Event:
    """A question up to its lock: four answer, one changes their mind, one comes back, one is silent."""
    await show.step("ask", question=index)
    opened = await show.everyone("question_opened")
    await show.until_start(opened[0])
    for number, page in enumerate(show.pages[:4]):
        question = opened[number]["question"]
        told = await page.ask("answer", question=index, **chosen(question, number))
        assert (told["ev"], told["question"]) == ("answered", index), told
    again = await show.pages[0].ask("answer", question=index, **chosen(opened[0]["question"], 1))
    assert (again["ev"], again["code"]) == ("refused", "answered_already")
    misfit = await show.pages[4].ask("answer", question=index)
    assert (misfit["ev"], misfit["code"]) == ("refused", "bad_answer")
    early = await show.pages[4].ask("answer", question=(index + 1) % len(FIRST), choices=[0])
    assert early["code"] in ("not_asked", "question_closed")
    await show.pages[1].vanish()
    # another page of the same member: the session, and so the number of frames, does not depend on timing
    show.pages[1] = await show.site.join(show.room, show.members[1], packed=True)
    assert show.pages[1].snapshot["game"]["answered"] is True
    await show.step("lock")
    return (await show.everyone("question_locked"))[0]


def timeless(value: Any) -> Any:
    """Without moments, versions and hashes; the rule hash covers the questions, salted with the seed."""
    if isinstance(value, dict):
        return {
            key: timeless(each)
            for key, each in value.items()
            if key not in ("v", "now", "rule_hash", "session")
        }
    if isinstance(value, list):
        return [timeless(each) for each in value]
    return 0 if isinstance(value, int) and value > 10**11 else value


def heard_by(page: Page) -> list[Any]:
    """What a page was told, but for tallies and clocks: how many there are is a matter of timing."""
    told = []
    for frame in page.frames:
        event = msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
        check_silent(event, ())
        if event["ev"] not in ("tally", "time"):
            told.append(timeless(event))
    return told


def check_silent(told: Any, questions: Sequence[dict[str, Any]]) -> None:
    """No solution in it, nor anything that was gained or counted; of `questions` not a word."""
    if isinstance(told, dict):
        assert not [key for key in FIELDS if told.get(key) is not None], told
        told = [*told.values()]
    if isinstance(told, list):
        for part in told:
            check_silent(part, questions)
    if isinstance(told, str):
        assert told not in SECRETS
        assert told not in [question["text"] for question in questions]


async def before_the_lock(
    engines: Engines, questions: Sequence[dict[str, Any]]
) -> tuple[list[list[Any]], list[Any]]:
    """All that seven pages are told up to the lock of each question, by page; and what HTTP tells then.

    Each question is the first of a room of its own, so that nobody has gained anything before.
    """
    told: list[list[Any]] = []
    public: list[Any] = []
    async with served(engines) as site:
        for index in range(len(questions)):
            show = await shown(site, f"rquiz{index}", questions)
            left = show.pages[1]  # the socket that will vanish
            await asked_and_answered(show, index)
            for path in ("/api/rooms", f"/api/rooms/{show.room}"):
                answer = (await site.http.get(path)).json()
                check_silent(answer, questions)
                public.append(timeless(answer))
            told += [heard_by(page) for page in (*show.pages, show.screen, show.host, left)]
            await show.step("reveal")
            for event in await show.everyone("revealed"):
                assert event["solution"]["explanation"] == EXPLANATION
            await site.hang_up()
    return told, public


async def test_no_frame_before_the_lock_tells_which_answer_is_right(engines: Engines) -> None:
    """Played twice with nothing but the right answers changed, every page is told the same, bit for bit."""
    first, first_public = await before_the_lock(engines, FIRST)
    second, second_public = await before_the_lock(engines, SECOND)
    assert [len(page) for page in first] == [len(page) for page in second]
    for one, other in zip(first, second, strict=True):
        for event, twin in zip(one, other, strict=True):
            assert event == twin
    for one, other in zip(first_public, second_public, strict=True):
        assert one == other
    assert sum(map(len, first)) > 100


async def test_a_refresh_keeps_the_place(engines: Engines) -> None:
    async with served(engines) as site:
        show = await shown(site, "rquiz", FIRST[:2])
        await asked_and_answered(show, 0)
        await show.step("reveal")
        await show.everyone("revealed")
        await show.step("rank")
        ranked = (await show.everyone("ranked"))[:5]
        assert sorted(event["place"] for event in ranked) == [0, 1, 2, 3, 4]
        for page, event, member in zip(list(show.pages), ranked, show.members, strict=True):
            session = page.session
            await page.vanish()
            back = await show.site.join(show.room, member, session=session)
            mine = back.snapshot["game"]["mine"]
            assert back.session == session
            assert (mine["place"], mine["score"]) == (event["place"], event["score"])
        show.pages = [await show.site.join(show.room, member) for member in show.members]
        await asked_and_answered(show, 1)
        await show.step("reveal")
        await show.step("finish")
        finished = (await show.everyone("finished"))[:5]
        won = {event["place"]: event.get("won") for event in finished}
        assert (won[1], won[2], won[3]) == (50, 50, None)
        best = next(number for number, event in enumerate(finished) if event["place"] == 1)
        again = await show.site.join(show.room, show.members[best])
        assert again.snapshot["game"]["mine"]["won"] == 50
