"""What staff do with campaigns: create, fund, set the rules of outside events.

Every step may be repeated: a crash between record and ledger is mended by doing the same again.
"""

import msgspec

from gameserver.earning import Rules
from gameserver.errors import Refused
from gameserver.games.game import CampaignId
from gameserver.records import campaigns as record
from gameserver.records.campaigns import Campaign, RulesVersion
from gameserver.records.database import Database
from ledger_client.ledger import Ledger


async def create(database: Database, ledger: Ledger, name: str, budget: int, events_budget: int) -> Campaign:
    """A funded campaign. Raises Refused("budget_too_small") where events get more than all."""
    if events_budget > budget:
        raise Refused("budget_too_small", f"{events_budget} points for events are more than {budget} in all")
    made = await record.create_campaign(database, name, budget, events_budget)
    await ledger.fund(made.id, budget)
    return made


async def fund(
    database: Database, ledger: Ledger, campaign: CampaignId, budget: int, events_budget: int
) -> Campaign:
    """Raises the budget to `budget` points and sets aside `events_budget` of them for outside events.

    The record promises nothing that the ledger does not have: a crash on the way leaves more there.
    Raises Refused: not_found, budget_too_small.
    """
    before = await record.get_campaign(database, campaign)
    record.check_budget(before, await record.points_of_rooms(database, campaign), budget, events_budget)
    await ledger.fund(campaign, budget)
    return await record.set_budget(database, campaign, budget, events_budget)


async def set_rules(database: Database, ledger: Ledger, campaign: CampaignId, rules: Rules) -> RulesVersion:
    """A new version of the rules, unless they are the same; their terms bind the ledger from now on.

    Raises Refused("not_found").
    """
    version = await record.set_rules(database, campaign, rules)
    await ledger.agree(campaign, rules.terms)
    return version


def rules_from(text: str | bytes) -> Rules:
    """Rules from JSON. Raises Refused("bad_config") with the text by dotted path."""
    try:
        return msgspec.json.decode(text, type=Rules)
    except msgspec.DecodeError as error:
        text = str(error)
        why, separator, place = text.rpartition(" - at `")
        if not separator:
            why, place = text, ""
        path = place.rstrip("`").replace("key` in `", "").removeprefix("$").lstrip(".") or "config"
        raise Refused("bad_config", f"{path}: {why}", fields={path: why}) from None
