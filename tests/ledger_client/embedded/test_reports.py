import pytest

from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.entry import Kind
from ledger_client.ledger import Liability, Purse, Ranked, Suspended, Totals
from ledger_client.terms import Expiry, Reversal, Terms
from tests.ledger_client.moves import AT, UNTIL, Moves

DAY_MS = 86_400_000
MONTH = Terms(expiry=Expiry.FIXED, months=1, timezone="America/New_York")
YEAR_END = Terms(expiry=Expiry.YEAR_END, months=0)


@pytest.fixture
async def moves(ledger: EmbeddedLedger) -> Moves:
    moves = Moves(ledger)
    await moves.under()
    return moves


async def owned(moves: Moves, *names: str) -> int:
    balances = [await moves.ledger.balance(moves.member(name)) for name in names]
    return sum(balance.available + balance.held for balance in balances)


async def test_liability_is_by_campaign_and_by_the_last_month_in_which_points_are_there(moves: Moves) -> None:
    ledger, other = moves.ledger, Moves(moves.ledger)
    await other.under(YEAR_END)
    await moves.move(Kind.EARN, 5)
    await ledger.agree(moves.campaign, MONTH)
    await moves.move(Kind.EARN, 40)
    await moves.move(Kind.EARN, 2, "n", occurred_at=AT + 20 * DAY_MS)
    await other.move(Kind.EARN, 300)
    assert await ledger.liability() == sorted(
        [
            Liability(moves.campaign, "", 5),
            Liability(moves.campaign, "2026-10", 40),
            Liability(moves.campaign, "2026-11", 2),
            Liability(other.campaign, "2026-12", 300),
        ],
        key=lambda line: (line.campaign, line.month),
    )


async def test_points_in_purses_stay_with_the_lots_that_they_came_from(moves: Moves) -> None:
    ledger = moves.ledger
    await ledger.agree(moves.campaign, MONTH)
    await moves.move(Kind.EARN, 30)
    await ledger.agree(moves.campaign, YEAR_END)
    await moves.move(Kind.EARN, 50)
    purse = await moves.purse(70)
    whole = [Liability(moves.campaign, "2026-10", 30), Liability(moves.campaign, "2026-12", 50)]
    assert await ledger.liability() == whole
    await moves.move(Kind.SPEND, 20, about=purse)
    spent = [Liability(moves.campaign, "2026-10", 10), Liability(moves.campaign, "2026-12", 50)]
    assert await ledger.liability() == spent
    await moves.move(Kind.SPEND, 25, about=purse)
    less = [Liability(moves.campaign, "2026-12", 35)]
    assert await ledger.liability() == less
    await moves.release(purse)
    assert await ledger.liability() == less
    assert await ledger.drift() == []


async def test_debts_are_a_line_of_their_own_so_that_all_lines_add_up(moves: Moves) -> None:
    ledger = moves.ledger
    await ledger.agree(moves.campaign, Terms(reversal=Reversal.DEBT))
    await moves.move(Kind.EARN, 40, "n")
    earned = await moves.move(Kind.EARN, 10)
    await moves.purse(6, "n")
    await moves.purse(7)
    await moves.move(Kind.REVERSE, 10, reverses=earned)
    lines = await ledger.liability()
    assert lines == [Liability("", "", -7), Liability(moves.campaign, "", 47)]
    assert sum(line.points for line in lines) == await owned(moves, "m", "n") == 40


async def test_top_lists_count_what_was_not_taken_back(moves: Moves) -> None:
    ledger, other = moves.ledger, Moves(moves.ledger)
    await other.under()
    for name, points, at in (("a", 50, AT), ("b", 60, AT + 1), ("a", 20, AT + 2), ("c", 5, AT + 3)):
        await moves.move(Kind.EARN, points, name, occurred_at=at)
    mistaken = await moves.move(Kind.EARN, 500, "c")
    await moves.move(Kind.REVERSE, 500, "c", reverses=mistaken)
    await other.move(Kind.EARN, 1000, "z")
    a, b, c = (moves.member(name) for name in "abc")
    all_ = await ledger.top(Kind.EARN, "", AT, AT + 4)
    assert all_ == [Ranked(other.member("z"), 1000), Ranked(a, 70), Ranked(b, 60), Ranked(c, 5)]
    assert await ledger.top(Kind.EARN, moves.campaign, AT, AT + 4) == all_[1:]
    assert await ledger.top(Kind.EARN, moves.campaign, AT, AT + 4, limit=1) == [Ranked(a, 70)]
    assert await ledger.top(Kind.EARN, moves.campaign, AT + 1, AT + 3) == [Ranked(b, 60), Ranked(a, 20)]

    await moves.move(Kind.SPEND, 9, "a", about=await moves.purse(10, "a"))
    await moves.move(Kind.REDEEM, 11, "a")
    await moves.move(Kind.REDEEM, 30, "b")
    await moves.move(Kind.REVERSE, 30, "b", reverses=await moves.move(Kind.REDEEM, 30, "b"))
    await moves.suspend(100, "c")
    spent = await ledger.top(Kind.SPEND, moves.campaign, AT, AT + 4)
    assert spent == [Ranked(b, 30), Ranked(a, 20)]


async def test_the_open_purses_of_a_lane(moves: Moves) -> None:
    for name in ("b", "a"):
        await moves.move(Kind.EARN, 100, name)
    first, second = await moves.purse(10, "a"), await moves.purse(20, "b")
    closed = await moves.purse(30, "b", number=2)
    await moves.release(closed, "b")
    await moves.move(Kind.SPEND, 4, "a", about=first)
    assert await moves.ledger.purses(moves.lane.id) == [
        Purse(first, moves.member("a"), 10, 4, UNTIL),
        Purse(second, moves.member("b"), 20, 0, UNTIL),
    ]
    assert await moves.ledger.purses("elsewhere") == []


async def test_what_waits_in_suspense_until_it_is_resolved_one_way_or_another(moves: Moves) -> None:
    ledger = moves.ledger
    await moves.move(Kind.EARN, 100)
    for kind, link in ((Kind.COLLECT, "about"), (Kind.WRITE_OFF, "about"), (Kind.REVERSE, "reverses")):
        suspended = await moves.suspend(9)
        assert await ledger.suspended() == [
            Suspended(suspended, moves.member("m"), moves.campaign, moves.room, 9, "hold_unknown", AT)
        ]
        await moves.move(kind, 9, **{link: suspended})
        assert await ledger.suspended() == []
    refused = moves.entry(Kind.COLLECT, 500, about=await moves.suspend(500))
    assert (await moves.outcome(refused)).reason == "not_enough_points"
    assert len(await ledger.suspended()) == 1


async def test_totals_of_a_lane(moves: Moves) -> None:
    await moves.move(Kind.EARN, 100)
    await moves.move(Kind.REDEEM, 30)
    await moves.suspend(4)
    await moves.outcome(moves.entry(Kind.REDEEM, 71))
    assert await moves.ledger.totals(moves.lane.id) == Totals(2, 1, 1, 134)
    assert await moves.ledger.totals("elsewhere") == Totals()
