"""From a room's record to what runs and what is shown: the plan, the rule, the public config."""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from gameserver.games import game_named
from gameserver.games.game import Game, Plan
from gameserver.games.room_config import Linear, Prize, ReleaseList, RoomConfig, Wins, ms
from gameserver.records.rooms import Room as RoomRecord
from ledger_client.terms import Terms

SHOWN = {"id", "name", "image", "kind", "value", "stock", "delivery", "claim_days"}
"""What every page is told of a prize with its welcome."""
TERMS = {*SHOWN, "per_member", "per_day", "release"}
"""What who reads the rules is told of it."""


def config_of(record: RoomRecord) -> tuple[Game, RoomConfig]:
    """The game and the validated config of a room."""
    game = game_named(record.game)
    return game, game.config.model_validate(record.config)


def plan_of(record: RoomRecord) -> Plan:
    """The plan of an opened room."""
    game, config = config_of(record)
    assert record.opened_at is not None, "only an opened room has a plan"
    return game.plan(record.id, config, record.seed, record.opened_at)


def window_of(record: RoomRecord, plan: Plan) -> tuple[int, int]:
    """Server ms from and until which commands are taken."""
    _, config = config_of(record)
    opens = ms(config.opens_at) if config.opens_at else record.opened_at or 0
    return opens, min(ms(config.closes_at), plan.ends_at()) if config.closes_at else plan.ends_at()


def rule_of(record: RoomRecord, plan: Plan, terms: Terms) -> Mapping[str, Any]:
    """What the prelude and the game's rule read of a room, with the caps of its campaign's terms.

    The lane counts by the room's days: caps that run by another timezone's are left to the ledger.
    """
    _, config = config_of(record)
    opens, closes = window_of(record, plan)
    interval = 1000 / config.limits.per_second
    caps = to_builtins(terms.caps) if terms.timezone == config.timezone else {}
    return ({"points_caps": caps} if caps else {}) | {
        "game": plan.rule(),
        "gcra": {"interval": interval, "tolerance": interval * (config.limits.burst - 1)},
        "wins": config.wins.model_dump(exclude_none=True),
        "limits_wins": config.wins != Wins(),
        "chances": config.chances.model_dump(exclude_none=True),
        "counts_chances": bool(config.chances.model_dump(exclude_none=True)),
        "counted": {prize.id: True for prize in config.prizes},
        "prizes": {prize.id: _prize_rule(prize, opens, closes) for prize in config.prizes},
    }


def _prize_rule(prize: Prize, opens: int, closes: int) -> dict[str, Any]:
    """What the prize engine (store/lua/prelude/prizes.lua) reads of a prize, without what does not apply."""
    rule: dict[str, Any] = {
        "kind": prize.kind,
        "points": prize.points,
        "chances": prize.value if prize.kind == "chance" else None,
        "per_member": prize.per_member,
        "per_day": prize.per_day,
        "fallback": prize.fallback,
    }
    match prize.release:
        case Linear():
            rule |= {"from": opens, "till": closes, "total": prize.stock}
        case ReleaseList(steps=steps):
            out, listed = 0, []
            for step in sorted(steps, key=lambda step: step.at):
                out += step.units
                listed.append((ms(step.at), out))
            rule |= {"steps": listed}
    return {name: value for name, value in rule.items() if value is not None}


def public_room(record: RoomRecord) -> dict[str, Any]:
    """The public config: what a page needs before and after it has joined."""
    _, config = config_of(record)
    plan = plan_of(record) if record.opened_at is not None else None
    opens, closes = window_of(record, plan) if plan else (None, None)
    return {
        "id": record.id,
        "game": record.game,
        "title": config.title,
        "organiser": config.organiser,
        "skin": config.skin.model_dump(),
        "timezone": config.timezone,
        "state": str(record.state),
        "opens_at": opens if plan else (ms(config.opens_at) if config.opens_at else None),
        "closes_at": closes if plan else (ms(config.closes_at) if config.closes_at else None),
        "opened_at": record.opened_at,
        "cost": config.chances.cost_points,
        "play": plan.public() if plan else None,
        "prizes": [prize.model_dump(include=SHOWN, mode="json") for prize in config.prizes],
    }
