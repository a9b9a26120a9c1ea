import asyncio
import json
import time
from pathlib import Path

from gameserver.earning import EXAMPLE
from gameserver.games.game import CampaignId
from gameserver.http.signatures import signature
from gameserver.records.campaigns import get_rules
from tests.cli.typed import run_here
from tests.node import GAME, Live, downpour


async def test_a_campaigns_life_by_commands(variables: dict[str, str], live: Live, tmp_path: Path) -> None:
    made = await run_here(variables, "campaign", "create", "春季[red]", "--budget", "1000", "--events", "600")
    campaign = made.out.strip()
    assert (made.code, made.err, campaign[0]) == (0, "", "c")
    assert await live.stores.ledger.fund(CampaignId(campaign), 0) == 1000

    bare, example = await asyncio.gather(
        run_here(variables, "campaign", "rules", campaign),
        run_here(variables, "campaign", "rules", "--example"),
    )
    assert bare.error == f"not_found: campaign '{campaign}' has no rules"
    file = tmp_path / "rules.json"
    file.write_text(example.out, encoding="utf-8")
    first = await run_here(variables, "campaign", "rules", campaign, "--file", str(file))
    assert (first.code, first.out) == (0, f"{campaign} has version 1 of its rules\n")
    same = await run_here(variables, "campaign", "rules", campaign, "--file", "-", given=example.out)
    assert same.out == first.out
    capped = {**json.loads(example.out), "terms": {"timezone": "Europe/Berlin", "caps": {"day": 50}}}
    second = await run_here(variables, "campaign", "rules", campaign, "--file", "-", given=json.dumps(capped))
    assert second.out == f"{campaign} has version 2 of its rules\n"
    assert (await live.stores.ledger.terms(campaign)).caps.day == 50
    assert (await get_rules(live.stores.database, CampaignId(campaign), 1)).rules == EXAMPLE

    old, funded, shrunk, greedy = await asyncio.gather(
        run_here(variables, "campaign", "rules", campaign, "--version", "1"),
        run_here(variables, "campaign", "fund", campaign, "--budget", "1500"),
        run_here(variables, "campaign", "fund", campaign, "--budget", "999"),
        run_here(variables, "campaign", "fund", campaign, "--events", "1501"),
    )
    assert json.loads(old.out)["rules"] == json.loads(example.out)
    assert funded.out == f"{campaign} has 1,500 points, 600 of them for events\n"
    assert shrunk.error.startswith("budget_too_small: ")
    assert greedy.error.startswith("budget_too_small: ")
    assert await live.stores.ledger.fund(CampaignId(campaign), 0) == 1500

    listed, shown = await asyncio.gather(
        run_here(variables, "campaign", "list"), run_here(variables, "campaign", "show", campaign)
    )
    assert "春季[red]" in listed.out
    body = json.loads(shown.out)
    assert (body["budget"], body["events_budget"], body["rooms_promised"]) == (1500, 600, 0)
    assert (body["rules"]["version"], body["rules"]["rules"]["terms"]["timezone"]) == (2, "Europe/Berlin")


async def test_rules_that_do_not_fit_are_refused_by_the_name_of_the_field(variables: dict[str, str]) -> None:
    bad = '{"earning":{"events":{"purchase":{"rate":{"cents_per_point":0}}}}}'
    wrong, nothing, schema = await asyncio.gather(
        run_here(variables, "campaign", "rules", "c1", "--file", "-", given=bad),
        run_here(variables, "campaign", "rules"),
        run_here(variables, "campaign", "rules", "--schema"),
    )
    assert wrong.fields == {"earning.events[...].rate.cents_per_point": "Expected `int` >= 1"}
    assert nothing.code == 2
    assert set(json.loads(schema.out)["$defs"]) >= {"Rules", "Earning", "Rule", "Rate", "Band", "Terms"}


async def test_rooms_and_events_share_a_budget_without_touching_each_other(
    variables: dict[str, str], live: Live
) -> None:
    """A downpour grants 2 x 10,000 packets of 5 points at most."""
    made = await run_here(variables, "campaign", "create", "shared", "--budget", "100000", "--events", "1")
    campaign = made.out.strip()
    words = ("room", "create", "--game", GAME, "--config", "-", "--campaign", campaign)
    room = (await run_here(variables, *words, given=json.dumps(downpour()))).out.strip()
    refused = await run_here(variables, "room", "open", room)
    assert refused.error.startswith("budget_too_small: ")
    assert (await run_here(variables, "campaign", "fund", campaign, "--events", "0")).code == 0
    assert (await run_here(variables, "room", "open", room)).code == 0
    late = await run_here(variables, "campaign", "fund", campaign, "--events", "1")
    assert late.error.startswith("budget_too_small: ")


async def test_a_caller_added_here_may_tell_of_events_until_it_is_revoked(
    variables: dict[str, str], live: Live
) -> None:
    words = ("caller", "add", "till", "--source", "pos", "--kind", "sign_in", "--kind", "return")
    added = await run_here(variables, *words)
    secret = added.out.strip()
    assert len(bytes.fromhex(secret)) == 32
    assert "only now" in added.err
    campaign = (
        await run_here(variables, "campaign", "create", "x", "--budget", "9", "--events", "9")
    ).out.strip()
    rules = '{"earning":{"events":{"sign_in":{"fixed":5}}}}'
    assert (await run_here(variables, "campaign", "rules", campaign, "--file", "-", given=rules)).code == 0

    async def tell() -> tuple[int, str | None]:
        body = json.dumps({
            "source": "pos", "source_id": "1", "kind": "sign_in", "member": "m-till", "campaign": campaign,
            "occurred_at": "2026-06-15T12:00:00+08:00",
        }).encode()  # fmt: skip
        at, path = str(int(time.time())), "/api/points/events"
        signed = signature(secret, at, "POST", path, body)
        headers = {"x-caller": "till", "x-timestamp": at, "x-signature": signed}
        answer = await live.http.post(
            path, content=body, headers={**headers, "content-type": "application/json"}
        )
        return answer.status_code, answer.json().get("code")

    assert await tell() == (200, None)
    assert (await live.stores.ledger.balance("m-till")).available == 5
    again, listed, bad = await asyncio.gather(
        run_here(variables, *words), run_here(variables, "caller", "list"),
        run_here(variables, "caller", "add", "a b", "--source", "pos", "--kind", "Buy"),
    )  # fmt: skip
    assert again.error == "caller_exists: there is a caller 'till' already"
    assert "return, sign_in" in listed.out
    assert secret not in listed.out
    assert bad.code == 2
    revoked, unknown = await asyncio.gather(
        run_here(variables, "caller", "revoke", "till"), run_here(variables, "caller", "revoke", "nobody")
    )
    assert revoked.out == "till is revoked\n"
    assert unknown.error == "not_found: there is no caller 'nobody'"
    assert await tell() == (401, "bad_signature")
