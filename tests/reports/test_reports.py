"""Every number of a report, held against what was played."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgpack
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from gameserver.errors import Refused
from gameserver.events import Events
from gameserver.games import games
from gameserver.games.game import HOST, MemberId
from gameserver.games.quiz.events import Answer, Ask, Begin
from gameserver.games.report import PER, each_line, share
from gameserver.records.database import Database
from gameserver.records.rooms import get_room
from gameserver.reports import report_named, reports_of_game
from gameserver.reports.reading import Reading
from gameserver.staff.orders import Orders
from gameserver.store.figures import FigureStore
from gameserver.upkeep import Upkeep
from tests.games.quizzes import Soloist, asking, live, single, solo
from tests.games.rains import BOMB, EMPTY, PACKET, grab, rain
from tests.games.votes import DAY, admitted, ballot, contestant, order, voting
from tests.games.wheels import WHEEL, points, prize, rigged, spin, wheel
from tests.promises.world import World, world
from tests.reports.rooms import by, table, visitor
from tests.store.lanes import PlayedLane, Seat, server_ms

SHANGHAI = ZoneInfo("Asia/Shanghai")
MUG, CASH, THANKS = 1, 2, 3
NOON = 1_800_000_000_000


@pytest.fixture
async def here(engine: Database, redis: Redis) -> AsyncIterator[World]:
    async with world(engine, redis) as made:
        yield made


async def a_wheel(here: World, **fields: Any) -> PlayedLane:
    """Two mugs worth 900 cents, points of 5; thanks has half of the weight."""
    mug = prize("mug", 20, name="杯子", stock=2, value=900)
    return await here.open(WHEEL, wheel(mug, points("cash", 30, 5, stock=40), **fields))


async def spun(lane: PlayedLane, seat: Seat, *places: int) -> None:
    (result,) = await lane.ask(rigged(seat, *places))
    assert result[0] == 1, result


async def a_played_wheel(here: World) -> PlayedLane:
    """Ann comes by browser, twice, and by WeChat, Ben by WeChat, Cid only looks."""
    lane = await a_wheel(here)
    ann, again = await visitor(lane, "ann"), await visitor(lane, "ann", "wechat", "n2")
    ben = await visitor(lane, "ben", "wechat", "n2")
    await visitor(lane, "cid", "embed", "n3")
    await visitor(lane, "ann")
    await spun(lane, ann, MUG, THANKS)
    await spun(lane, again, CASH)
    await spun(lane, ben, MUG)
    await spun(lane, ben, MUG)  # sold out: thanks
    await lane.ask(ben.asks("spin", 1, 0, MUG, deny="blocked"))
    await here.settle(lane)
    return lane


async def test_the_summary_leads_from_the_page_to_the_prize(here: World) -> None:
    lane = await a_played_wheel(here)
    figures = FigureStore(here.redis)
    await figures.viewed(lane.record.id, {"browser": 3, "wechat": 2}, NOON)
    await figures.online(lane.record.id, "node", 3, NOON)
    summary = await by(here, lane, "summary", "figure")
    values = {name: line["value"] for name, line in summary.items()}
    assert values | {"opened_at": 0, "rule_hash": 0} == {
        "room": lane.record.id, "title": "wheel", "game": "lottery_wheel", "state": "open", "rule_version": 1,
        "rule_hash": 0, "opened_at": 0, "closed_at": None, "page_views": 5, "joined": 3, "players": 2,
        "winners": 2, "fulfilled": 1, "online_peak": 3, "online_peak_hour": "2027-01-15 16:00", "plays": 5,
        "wins": 3, "points_granted": 5, "points_credited": 5, "worth_of_goods_cents": 1800,
        "refused_commands": 1,
    }  # fmt: skip
    assert datetime.fromisoformat(values["opened_at"]).timestamp() * 1000 == lane.record.opened_at
    shares = [
        summary[step]["share_of_the_step_before"] for step in ("joined", "players", "winners", "fulfilled")
    ]
    assert shares == [60_000, 66_667, 100_000, 50_000]


async def test_the_line_of_conservation_holds_at_every_moment(here: World) -> None:
    lane = await a_wheel(here)
    ann = await visitor(lane, "ann")
    for moment in ("new", "in the outbox", "on record", "returned"):
        if moment == "in the outbox":
            await spun(lane, ann, MUG)
        if moment == "on record":
            await here.settle(lane)
        if moment == "returned":
            async with here.database.begin() as connection:
                await connection.execute(text("update game.fulfilment set state = 'expired'"))
        mug = (await by(here, lane, "prizes", "prize"))["mug"]
        found = [mug[name] for name in ("loaded", "granted", "reserved", "returned", "left")]
        assert found[0] == sum(found[1:])
        assert (
            found
            == {
                "new": [2, 0, 0, 0, 2],
                "in the outbox": [2, 0, 1, 0, 1],
                "on record": [2, 1, 0, 0, 1],
                "returned": [2, 0, 0, 1, 1],
            }[moment]
        )


async def test_of_a_lane_that_is_lost_what_is_not_on_record_is_left(here: World) -> None:
    lane = await a_played_wheel(here)
    await here.redis.flushall()
    mug = (await by(here, lane, "prizes", "prize"))["mug"]
    assert [mug[name] for name in ("loaded", "granted", "reserved", "returned", "left")] == [2, 2, 0, 0, 0]


async def test_prizes_show_odds_expectation_and_what_came(here: World) -> None:
    lane = await a_played_wheel(here)
    prizes = await by(here, lane, "prizes", "prize")
    assert list(prizes) == ["mug", "cash", "thanks"]
    mug, cash, thanks = prizes.values()
    assert (mug["name"], mug["kind"], mug["value"], mug["weight"]) == ("杯子", "physical", 900, 20)
    assert [each["odds"] for each in prizes.values()] == [20_000, 30_000, 50_000]
    assert [each["expected"] for each in prizes.values()] == [1, 2, 3]  # of 5 plays, rounded
    assert [each["realised"] for each in prizes.values()] == [40_000, 20_000, 0]
    assert (mug["wins"], mug["winners"], mug["points"], mug["worth_cents"]) == (2, 2, 0, 1800)
    assert (cash["wins"], cash["points"], cash["points_credited"], cash["fulfilled"]) == (1, 5, 5, 1)
    assert cash["worth_cents"] is None
    assert (thanks["loaded"], thanks["left"]) == (None, None)


async def test_the_wheels_own_odds_are_of_the_dice_and_not_of_the_stock(here: World) -> None:
    lane = await a_played_wheel(here)
    odds = await by(here, lane, "odds", "prize")
    assert {id_: line["drawn"] for id_, line in odds.items()} == {"mug": 3, "cash": 1, "thanks": 1}
    assert {id_: line["given"] for id_, line in odds.items()} == {"mug": 2, "cash": 1, "thanks": 2}
    assert {id_: line["realised"] for id_, line in odds.items()} == {
        "mug": 60_000,
        "cash": 20_000,
        "thanks": 20_000,
    }
    assert {line["draws"] for line in odds.values()} == {5}


async def test_pools_and_pity_have_lines_of_their_own(here: World) -> None:
    pools = [{"audience": {"match": "any_of", "levels": ["gold"]}, "weights": {"mug": 1, "thanks": 3}}]
    lane = await a_wheel(here, pools=pools, pity={"after": 2, "prizes": ["mug"]})
    ann = await visitor(lane, "ann")
    await lane.ask(spin(lane, ann, levels=frozenset({"gold"})))
    for _ in range(2):
        await lane.ask(rigged(ann, THANKS, pity=(MUG,)))
    await lane.ask(rigged(ann, THANKS, pity=(MUG,)))
    await here.settle(lane)
    rows = await table(here, lane, "odds")
    of_gold = [row for row in rows if row["pool"] == 1]
    assert [(row["weight"], row["odds"]) for row in of_gold] == [(1, 25_000), (0, 0), (3, 75_000)]
    assert sum(row["drawn"] for row in of_gold) == 1
    of_all = [row for row in rows if row["pool"] == 0]
    assert sum(row["drawn"] + row["by_pity"] for row in of_all) == 3
    assert sum(row["by_pity"] for row in rows if row["prize"] == "mug") == 1


async def test_channels_and_networks_count_a_member_once_in_each(here: World) -> None:
    lane = await a_played_wheel(here)
    await FigureStore(here.redis).viewed(lane.record.id, {"browser": 3, "wechat": 2}, NOON)
    channels = await by(here, lane, "channels", "channel")
    assert {name: tuple(line.values()) for name, line in channels.items()} == {
        "browser": (3, 2, 1, 1, 2, 1, 1, 0),
        "wechat": (2, 2, 2, 2, 3, 2, 2, 5),
        "embed": (0, 1, 1, 0, 0, 0, 0, 0),
    }
    networks = await table(here, lane, "networks")
    assert [(line["network"], line["members"], line["plays"]) for line in networks] == [
        ("n2", 2, 3), ("n1", 1, 2), ("n3", 1, 0),
    ]  # fmt: skip


async def an_hour_earlier(here: World, chosen: Callable[[list[Any]], bool]) -> None:
    """Some lines of the record, and what Ben won, are older than they were."""
    async with here.database.begin() as connection:
        for place, body in (await connection.execute(text("select ctid, body from game.facts"))).all():
            line = msgpack.unpackb(body)
            if chosen(line):
                line[3] -= 3_600_000
                values = {"at": line[3], "body": msgpack.packb(line), "place": place}
                update = "update game.facts set at = :at, body = :body where ctid = :place"
                await connection.execute(text(update), values)
        await connection.execute(text("update game.grants set at = at - 3600000 where member = 'ben'"))


async def test_hours_are_those_of_the_rooms_timezone(here: World) -> None:
    lane = await a_played_wheel(here)
    hour = datetime.fromtimestamp(lane.record.opened_at / 1000, SHANGHAI)  # type: ignore[operator]
    ann = (await table(here, lane, "lines"))[0]["session"]
    await an_hour_earlier(here, lambda line: line[0] == ann or line[2] == "ben")
    before, now = await table(here, lane, "hours")
    assert now["hour"] == f"{hour:%Y-%m-%d %H}:00"
    figures = ("joined", "players", "plays", "wins", "points")
    assert [before[name] for name in figures] == [2, 2, 4, 1, 0]
    assert [now[name] for name in figures] == [1, 1, 1, 2, 5]
    summary = await by(here, lane, "summary", "figure")
    assert before["joined"] + now["joined"] == summary["joined"]["value"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
async def test_the_record_and_the_report_name_hours_alike(here: World, zone: str) -> None:
    """One is PostgreSQL's arithmetic and the other Python's: over a year, with both changes of the clocks."""
    lane = await a_wheel(here, timezone=zone)
    ann = await visitor(lane, "ann")
    await spun(lane, ann, THANKS)
    await here.settle(lane)
    months = "update game.facts set at = :at where kind = :kind"
    for month in range(12):
        at = 1_767_226_000_123 + month * 30 * 86_400_000 + month * 1_234_567
        async with here.database.begin() as connection:
            await connection.execute(text(months), {"at": at, "kind": "joined"})
        (hour,) = (row for row in await table(here, lane, "hours") if row["joined"])
        assert hour["hour"] == datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:00")


async def test_winners_show_what_became_of_each_prize(here: World) -> None:
    lane = await a_played_wheel(here)
    async with here.database.begin() as connection:
        await connection.execute(
            text(
                "update game.fulfilment set state = 'shipped', carrier = 'SF', tracking = '77' where unit = 1"
            )
        )
    winners = await table(here, lane, "winners")
    assert [(row["prize"], row["unit"], row["member"], row["state"]) for row in winners] == [
        ("cash", 1, "ann", "settled"), ("mug", 1, "ann", "shipped"), ("mug", 2, "ben", "address_needed"),
    ]  # fmt: skip
    cash, mug, other = winners
    assert (cash["amount"], cash["credited"], cash["name"]) == (5, 5, "cash")
    assert (mug["carrier"], mug["tracking"], mug["credited"]) == ("SF", "77", None)
    assert datetime.fromisoformat(other["claim_by"]) > datetime.fromisoformat(other["won_at"])


async def counted(here: World, lane: PlayedLane, *, refused: int, views: int, online: int) -> None:
    """What only the store counts, some more of it."""
    figures = FigureStore(here.redis)
    seat = await visitor(lane, "ann")
    for _ in range(refused):
        await lane.ask(seat.asks("spin", 1, 0, MUG, deny="blocked"))
    now = await server_ms(here.redis)
    await figures.viewed(lane.record.id, {"browser": views}, now)
    await figures.online(lane.record.id, "node", online, NOON)


async def test_a_lost_store_costs_no_count_that_was_kept(here: World) -> None:
    """And what is counted from then on is added: nothing goes back, nothing is doubled."""
    lane = await a_wheel(here)
    upkeep = Upkeep(
        here.ledger, Events(here.database, here.ledger), Orders(here.database, here.redis), here.database,
        here.redis,
    )  # fmt: skip

    async def told() -> tuple[object, ...]:
        summary = await by(here, lane, "summary", "figure")
        (refusals,) = await table(here, lane, "refusals")
        names = ("page_views", "online_peak", "refused_commands")
        return *(summary[name]["value"] for name in names), refusals["code"], refusals["commands"]

    async def kept() -> None:
        before = await told()
        for _ in range(2):  # as by several workers
            await upkeep.once(asyncio.Event())
            assert await told() == before

    await counted(here, lane, refused=3, views=5, online=4)
    await kept()
    await counted(here, lane, refused=1, views=1, online=6)
    await kept()
    assert await told() == (6, 6, 4, "blocked", 4)
    await here.settle(lane)
    await here.redis.flushall()
    assert await told() == (6, 6, 4, "blocked", 4), "as it was kept"
    await here.lifecycle.rebuild(lane.record.id)
    lane = await here.again(lane)
    await counted(here, lane, refused=2, views=3, online=5)
    assert await told() == (9, 6, 6, "blocked", 6)
    await kept()
    await here.lifecycle.close(lane.record.id)
    await here.redis.flushall()
    assert await told() == (9, 6, 6, "blocked", 6)


async def test_refusals_are_told_by_code_and_outlive_the_lane(here: World) -> None:
    lane = await a_wheel(here)
    ann = await visitor(lane, "ann")
    for deny in ("blocked", "blocked", "not_in_audience"):
        await lane.ask(ann.asks("spin", 1, 0, MUG, deny=deny))
    expected = [{"code": "blocked", "commands": 2}, {"code": "not_in_audience", "commands": 1}]
    assert await table(here, lane, "refusals") == expected
    await here.lifecycle.close(lane.record.id)
    await here.redis.flushall()
    assert await table(here, lane, "refusals") == expected


async def test_lines_are_the_record_and_keep_members_apart_from_the_house(here: World) -> None:
    lane = await a_played_wheel(here)
    lines = await table(here, lane, "lines")
    assert [line["kind"] for line in lines] == ["joined"] * 5 + ["spun"] * 4
    assert lines[1]["channel"] == "wechat"
    assert (lines[5]["member"], lines[5]["fact"]) == ("ann", "[0,1,1,0,3,3,0]")


async def test_votes_by_hour_channel_and_network_add_up(here: World) -> None:
    lane = await here.open("vote", voting(review={"votes_per_minute": 5}))
    await admitted(lane, 3)
    ann, ben = await visitor(lane, "ann"), await visitor(lane, "ben", "wechat", "n2")
    one, two, three = map(contestant, (1, 2, 3))
    for seat, weight, choices in (
        (ann, 1, (one, two)), (ben, 3, (one,)), (ann, 2, (one, three)), (ben, 3, (one, two)),
    ):  # fmt: skip
        assert (await lane.ask(ballot(seat, *choices, weight=weight), days=DAY))[0][0] == 1
    await order(lane, "remove_kept", one, "a ring")
    await here.settle(lane)
    votes = await by(here, lane, "votes", "channel")
    assert {name: tuple(line.values())[1:] for name, line in votes.items()} == {
        "browser": ("n1", 2, 6, 0), "wechat": ("n2", 2, 6, 3),
    }  # fmt: skip
    numbers = await by(here, lane, "numbers", "contestant")
    assert {id_: tuple(line.values()) for id_, line in numbers.items()} == {
        one: (4, 9, 6, 0, 3), two: (2, 4, 4, 0, 0), three: (1, 2, 2, 0, 0),
    }  # fmt: skip
    decisions = [tuple(row.values())[1:] for row in await table(here, lane, "decisions")]
    assert decisions == [(one, "under_review", None, "growth"), (one, "removed", 3, "a ring")]
    assert (await by(here, lane, "summary", "figure"))["plays"]["value"] == 4
    reading = Reading(here.database, here.redis, await get_room(here.database, lane.record.id))
    reading._plays_of = each_line
    assert await reading.plays() == 4, "what staff decide is no play"


async def test_questions_and_rounds_of_a_quiz_that_is_played_alone(here: World) -> None:
    lane = await here.open("quiz", solo(pass_score=200))
    ann = Soloist(lane, await visitor(lane, "ann"))
    ben = Soloist(lane, await visitor(lane, "ben"))
    rights: Counter[int] = Counter()
    for player, right in ((ann, (0, 1, 2)), (ben, (1,))):
        await player.does(Begin(ref=1, attempt=1))
        for place in range(3):
            said = player.right(place) if place in right else player.wrong(place)
            rights[player.drawn()[place]] += place in right
            await player.does(Answer(ref=1, attempt=1, question=place, choices=said))
    await here.settle(lane)
    questions = await by(here, lane, "questions", "question")
    assert {number - 1: line["right"] for number, line in questions.items()} == {
        n: rights[n] for n in range(3)
    }
    assert {line["answers"] for line in questions.values()} == {2}
    assert {line["share_right"] for line in questions.values()} == {
        share(count, 2) for count in rights.values()
    }
    rounds = await by(here, lane, "rounds", "member")
    figures = ("attempt", "answers", "right", "score")
    assert [rounds["ann"][name] for name in figures] == [1, 3, 3, 300]
    assert [rounds["ben"][name] for name in figures] == [1, 3, 1, 100]
    assert (await by(here, lane, "summary", "figure"))["plays"]["value"] == 2


@pytest.mark.parametrize("game", games())
async def test_every_game_has_its_reports_and_they_can_be_made_of_an_empty_room(
    here: World, game: str
) -> None:
    lane = await here.open(game, dict(games()[game].example()) | {"opens_at": None, "closes_at": None})
    names = list(reports_of_game(game))
    assert names[:2] == ["summary", "prizes"]
    assert len(names) > 8
    for name in names:
        await table(here, lane, name)


def test_an_unknown_report_is_told_with_those_there_are() -> None:
    with pytest.raises(Refused, match="not_found") as refused:
        report_named("vote", "odds")
    assert refused.value.message.endswith("there are: " + ", ".join(reports_of_game("vote")))


def test_shares_are_rounded_and_of_nothing_there_is_none() -> None:
    assert [share(1, 3), share(2, 3), share(3, 3), share(0, 3), share(1, 0)] == [33_333, 66_667, PER, 0, None]


async def test_a_report_reads_a_long_record_page_by_page(here: World) -> None:
    """Sessions are looked up once a page, and every line has its own."""
    lane = await here.open(WHEEL, wheel())
    seats = [await visitor(lane, f"m{n}", "wechat" if n % 2 else "browser", f"n{n % 3}") for n in range(6)]
    for _ in range(9):
        for seat in seats:
            await asyncio.gather(lane.ask(*(rigged(seat, 2) for _ in range(100))))
    await here.settle(lane)
    record = await get_room(here.database, lane.record.id)
    read: list[int] = []
    reading = Reading(here.database, here.redis, record, read.append)
    ways = Counter([(line.channel, line.network) async for line in reading.lines()])
    assert sum(read) == sum(ways.values()) == 5406
    assert len(read) == 3
    assert set(ways.values()) == {901}
    assert await reading.plays() == 5400


async def test_a_live_quiz_tells_what_was_chosen(here: World) -> None:
    lane = await here.open("quiz", live([single(1, right=2), single(2)]))
    seats = [await visitor(lane, name) for name in ("ann", "ben", "cid")]
    host = await lane.seat(HOST)
    await lane.ask(asking(lane, host, Ask(ref=1, question=0)))
    async with asyncio.timeout(10):
        while (await lane.ask(answering(lane, seats[0], 2)))[0][0] == 0:
            await asyncio.sleep(0.05)
    await lane.ask(answering(lane, seats[1], 2), answering(lane, seats[2], 0))
    await here.settle(lane)
    first, second = await table(here, lane, "questions")
    assert (first["answers"], first["right"], first["wrong"], first["share_right"]) == (3, 2, 1, 66_667)
    assert [first[f"chose_{letter}"] for letter in "abcd"] == [1, 0, 2, 0]
    assert (second["answers"], second["chose_a"]) == (0, None)
    summary = await by(here, lane, "summary", "figure")
    assert [summary[name]["value"] for name in ("joined", "players", "plays")] == [3, 3, 3]


def answering(lane: PlayedLane, seat: Seat, option: int) -> list[Any]:
    """The option as it was written, whatever this member sees it as."""
    order = lane.plan._sheet.order(MemberId(seat.member), 0, 0)  # type: ignore[attr-defined]
    return asking(lane, seat, Answer(ref=1, question=0, choices=[order.index(option)]))


async def test_a_rain_tells_what_each_round_brought(here: World) -> None:
    lane = await here.open("red_packet_rain", rain())
    await lane.clock(lane.dues()[0])
    for seat in (await visitor(lane, "ann"), await visitor(lane, "ben")):
        results = await lane.ask(
            *(grab(seat, drop, kind) for drop, kind in enumerate((PACKET, PACKET, BOMB, EMPTY)))
        )
        assert {result[0] for result in results} == {1}
    await here.settle(lane)
    (row,) = await table(here, lane, "rounds")
    assert (row["grabs"], row["packets"], row["bombs"], row["empty"], row["points"]) == (8, 4, 2, 2, 20)
    assert (row["players"], row["packets_left"]) == (None, None), "the round is not over"
    await lane.clock(lane.dues()[1])
    await here.settle(lane)
    row = (await table(here, lane, "rounds"))[0]
    assert (row["players"], row["packets_left"]) == (2, 96)
