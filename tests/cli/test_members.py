import asyncio
import re

from gameserver.records.grants import grants_of
from tests.books import settled
from tests.cli.typed import run
from tests.node import Live, free_port


async def test_play_joins_taps_and_says_what_the_ledger_has(variables: dict[str, str], live: Live) -> None:
    room = await live.open_room(drops_per_member=600)
    said = await run(
        variables, "play", room.id, "--server", live.url, "--name", "终端[red]", "--seconds", "3"
    )
    assert said.code == 0, said
    kinds = [line.split()[0] for line in said.out.splitlines()]
    assert kinds[0] == "welcome"
    assert kinds.count("grabbed") >= 2
    assert kinds[-1] == "points:"
    ledger, pending = re.findall(r"\d+", said.out.splitlines()[-1])
    await settled(live, room)
    grants = [grant async for grant in grants_of(live.stores.database, room.id)]
    won = sum(grant.amount for grant in grants)
    assert 5 * kinds.count("grabbed") <= won  # the last answers may have come after the end
    assert int(ledger) + int(pending) <= won
    assert (await live.stores.ledger.balance(grants[0].member)).available == won


async def test_play_says_in_one_line_what_is_wrong(variables: dict[str, str], live: Live) -> None:
    nobody, unknown, named = await asyncio.gather(
        run(variables, "play", "r1", "--server", f"http://127.0.0.1:{free_port()}"),
        run(variables, "play", "r999999", "--server", live.url),
        run(variables, "play", "r1", "--server", live.url, "--name", "n" * 40),
    )
    assert nobody.error.startswith("not_found: no server answers at http://127.0.0.1:")
    assert unknown.error == "not_found: there is no room 'r999999'"
    assert named.code == 1
    assert named.err.startswith("bad_request")
