import asyncio

import pytest

from gameserver.earning import EXAMPLE, Earning, Rule, Rules
from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records.campaigns import get_campaign, get_rules, list_campaigns
from gameserver.records.database import Database
from gameserver.records.lanes import open_lane
from gameserver.records.rooms import create_room
from gameserver.staff.campaigns import create, fund, rules_from, set_rules
from ledger_client.embedded.ledger import EmbeddedLedger
from ledger_client.terms import Terms
from tests.records.rooms import CONFIG, SEED


async def refused(call: object, code: str) -> str:
    with pytest.raises(Refused) as error:
        await call  # type: ignore[misc]
    assert error.value.code == code
    return error.value.message


async def open_room(database: Database, campaign: CampaignId, points: int) -> None:
    room = await create_room(
        database, campaign=campaign, game="red_packet_rain", config=CONFIG, rule_hash="aa", seed=SEED
    )
    await open_lane(database, room.id, opened_at=1, stock={}, points=points)


async def test_a_campaign_is_funded_in_the_ledger_and_its_budget_only_rises(engine: Database) -> None:
    ledger = EmbeddedLedger(engine)
    made = await create(engine, ledger, "spring", 1000, 400)
    assert (made.budget, made.events_budget, made.events_taken) == (1000, 400, 0)
    assert await ledger.fund(made.id, 0) == 1000
    raised = await fund(engine, ledger, made.id, 1500, 200)
    assert (raised.budget, raised.events_budget) == (1500, 200)
    assert await ledger.fund(made.id, 0) == 1500
    assert "only rises" in await refused(fund(engine, ledger, made.id, 1499, 0), "budget_too_small")
    await refused(fund(engine, ledger, made.id, 2000, 2001), "budget_too_small")
    await refused(fund(engine, ledger, CampaignId("c0"), 1, 0), "not_found")
    await refused(create(engine, ledger, "greedy", 10, 11), "budget_too_small")
    assert await list_campaigns(engine) == [raised]
    assert await ledger.fund(made.id, 0) == 1500  # what was refused did not reach the ledger


async def test_neither_rooms_nor_events_can_take_what_was_promised_to_the_other(engine: Database) -> None:
    ledger = EmbeddedLedger(engine)
    made = await create(engine, ledger, "spring", 1000, 400)
    assert "600" in await refused(open_room(engine, made.id, 601), "budget_too_small")
    await open_room(engine, made.id, 600)
    assert "600" in await refused(fund(engine, ledger, made.id, 1000, 401), "budget_too_small")
    assert (await fund(engine, ledger, made.id, 1001, 401)).events_budget == 401


async def test_a_room_and_a_larger_share_for_events_at_once_never_both_get_the_same_points(
    engine: Database,
) -> None:
    ledger = EmbeddedLedger(engine)
    made = await create(engine, ledger, "spring", 1000, 0)
    results = await asyncio.gather(
        *(open_room(engine, made.id, 200) for _ in range(5)),
        *(fund(engine, ledger, made.id, 1000, share) for share in (300, 500)),
        return_exceptions=True,
    )
    assert {type(one) for one in results if isinstance(one, Exception)} == {Refused}
    rooms = 200 * sum(one is None for one in results)
    assert rooms + (await get_campaign(engine, made.id)).events_budget <= 1000


async def test_rules_have_versions_and_the_old_ones_stay(engine: Database) -> None:
    ledger = EmbeddedLedger(engine)
    made = await create(engine, ledger, "spring", 1000, 400)
    plain = Rules(Earning({"sign_in": Rule(fixed=5)}))
    assert [(await set_rules(engine, ledger, made.id, rules)).version for rules in (
        plain, plain, EXAMPLE, plain, Rules(plain.earning, Terms(timezone="Europe/Berlin")),
    )] == [1, 1, 2, 3, 4]  # fmt: skip
    assert (await get_rules(engine, made.id, 2)).rules == EXAMPLE
    assert (await get_rules(engine, made.id)).rules.terms == await ledger.terms(made.id)
    assert "version 5" in await refused(get_rules(engine, made.id, 5), "not_found")
    await refused(set_rules(engine, ledger, CampaignId("c0"), plain), "not_found")


async def test_two_who_set_rules_at_once_make_two_versions(engine: Database) -> None:
    ledger = EmbeddedLedger(engine)
    made = await create(engine, ledger, "spring", 1000, 400)
    versions = await asyncio.gather(*(
        set_rules(engine, ledger, made.id, Rules(Earning({"sign_in": Rule(fixed=n)}))) for n in range(4)
    ))  # fmt: skip
    assert sorted(one.version for one in versions) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"earning":', "config"), ("[]", "config"), ("{}", "config"), ('{"earning":{}}', "earning"),
        ('{"earning":{"events":{}},"terms":{"timezone":"Mars/North"}}', "terms"),
        ('{"earning":{"events":{}},"terms":{"caps":{"day":0}}}', "terms.caps.day"),
        ('{"earning":{"events":{"p":{"rate":{"cents_per_point":0}}}}}',
         "earning.events[...].rate.cents_per_point"),
        ('{"earning":{"events":{"Buy":{"fixed":1}}}}', "earning.events"),
    ],
)  # fmt: skip
def test_rules_that_do_not_fit_are_refused_by_the_name_of_the_field(text: str, field: str) -> None:
    with pytest.raises(Refused) as error:
        rules_from(text)
    assert error.value.code == "bad_config"
    assert set(error.value.fields or {}) == {field}
