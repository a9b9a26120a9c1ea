"""What staff do with rooms: create, open, pause, resume, close, rebuild."""

import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from pydantic import ValidationError

from gameserver.errors import Refused
from gameserver.fairness import SEED_BYTES, canonical, rule_hash
from gameserver.games import game_named
from gameserver.games.game import CampaignId, RoomId
from gameserver.games.room_config import RoomConfig
from gameserver.records.campaigns import create_campaign
from gameserver.records.database import Database
from gameserver.records.facts import lines_of
from gameserver.records.figures import save_figures
from gameserver.records.lanes import Lane, get_lanes, get_leases, open_lane, raise_epoch
from gameserver.records.rooms import Room, RoomState, create_room, get_room, set_room_state
from gameserver.rooms.opening import config_of, plan_of, rule_of, window_of
from gameserver.staff.orders import Orders
from gameserver.store.figures import FigureStore
from gameserver.store.lane import LaneStore
from gameserver.store.push import announce
from gameserver.store.redis import Redis
from gameserver.store.snapshot import REBUILDING
from ledger_client.ledger import Ledger
from ledger_client.terms import Terms

log = structlog.get_logger()

FOLD_LINES = 200
FACT = 6  # its place in a line (store/lua/prelude/)

_decode = msgspec.msgpack.Decoder().decode


def validated(game: str, config: Mapping[str, Any]) -> RoomConfig:
    """A config by its game's schema. Raises Refused("bad_config") with the text by dotted path."""
    try:
        return game_named(game).config.model_validate(config)
    except ValidationError as error:
        fields = {
            _path(config, problem["loc"], missing=problem["type"] == "missing"): problem["msg"].removeprefix(
                "Value error, "
            )
            for problem in error.errors(include_url=False, include_context=False)
        }
        # a list whose only item is wrong is also told to be too short
        causes = {
            path: why
            for path, why in fields.items()
            if not any(other.startswith(f"{path}.") for other in fields)
        }
        text = "; ".join(f"{path}: {why}" for path, why in causes.items())
        raise Refused("bad_config", text, fields=causes) from None


def published(game: str, rules: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    """What a room's rule hash is of: its game and config.

    Of what must stay secret until the seed is revealed there is only a hash with the seed: whoever guesses
    it, as one can guess which of four answers is right, cannot tell that the guess is good.
    """
    hidden = {name: rules[name] for name in game_named(game).secret}
    shown = {name: value for name, value in rules.items() if name not in hidden}
    if not hidden:
        return {"game": game, "config": shown}
    return {"game": game, "config": shown, "hidden": hashlib.sha256(seed + canonical(hidden)).hexdigest()}


def _path(config: Any, places: Sequence[int | str], *, missing: bool) -> str:
    """The dotted path of a field as the config has it: the tag of a union is no field."""
    path, at = [], config
    for number, place in enumerate(places):
        absent = missing and number == len(places) - 1
        if isinstance(at, Mapping) and place not in at and not absent:
            continue
        path.append(str(place))
        if isinstance(at, Mapping):
            at = at.get(place)
        elif isinstance(at, list) and isinstance(place, int) and place < len(at):
            at = at[place]
    return ".".join(path) or "config"


class Lifecycle:
    """The verbs of staff, on the record, the ledger and the store.

    Args:
        database: the record.
        redis: the store.
        ledger: where campaigns are funded.
        drain: settles all that a lane's outbox holds; a rebuild starts from the record.
    """

    def __init__(
        self,
        database: Database,
        redis: Redis,
        ledger: Ledger,
        drain: Callable[[Lane], Awaitable[None]],
    ) -> None:
        self._database = database
        self._redis = redis
        self._ledger = ledger
        self._drain = drain
        self._orders = Orders(database, redis)

    async def create(self, game: str, config: Mapping[str, Any], campaign: CampaignId | None = None) -> Room:
        """A draft with its rule version frozen, hashed and committed to.

        Without a campaign it gets one of its own, funded with what it can grant at most.
        Raises Refused: unknown_game, bad_config, not_found.
        """
        checked = validated(game, config)
        rules = checked.model_dump(mode="json")
        seed = os.urandom(SEED_BYTES)
        if campaign is None:
            budget = game_named(game).plan(RoomId("draft"), checked, seed, _now()).budget()
            campaign = (await create_campaign(self._database, checked.title, budget)).id
            await self._ledger.fund(campaign, budget)
        return await create_room(
            self._database,
            campaign=campaign,
            game=game,
            config=rules,
            rule_hash=rule_hash(published(game, rules, seed)),
            seed=seed,
        )

    async def open(self, room: RoomId) -> Room:
        """Lends all stock to the lane and puts its state into Redis.

        The lane counts points by the caps of the campaign's terms now; it takes newer ones with a rebuild.
        Repeating it after a crash between the two finishes it. Raises Refused: not_found, bad_state,
        budget_too_small, too_few_codes (a code pool has not a code for each unit).
        """
        draft = await get_room(self._database, room)
        terms = await self._ledger.terms(draft.campaign)
        if draft.state is RoomState.DRAFT:
            opened_at = _now()
            config = game_named(draft.game).config.model_validate(draft.config)
            plan = game_named(draft.game).plan(room, config, draft.seed, opened_at)
            opened, lane = await open_lane(
                self._database, room, opened_at=opened_at, stock=plan.stock(), points=plan.budget()
            )
        else:
            opened, lane = draft, (await get_lanes(self._database, room))[0]
            if opened.state is not RoomState.OPEN or await self._store(opened, lane).exists():
                raise Refused("bad_state", f"room {room} is {opened.state} already")
            if lane.applied_id is not None:
                raise Refused(
                    "bad_state", f"room {room} has been played: run `gameserver room rebuild {room}`"
                )
        await self._open_store(opened, lane, "open", terms)
        await self._orders.deliver(room)  # what staff decided while it was a draft
        await announce(self._redis, room)
        return opened

    def _store(self, room: Room, lane: Lane) -> LaneStore:
        return LaneStore(self._redis, game_named(room.game), room.id, lane.epoch, lane.lane)

    async def _open_store(self, room: Room, lane: Lane, state: str, terms: Terms) -> LaneStore:
        plan, store = plan_of(room), self._store(room, lane)
        leases = [(x.prize, x.first_unit, x.last_unit) for x in await get_leases(self._database, lane)]
        opens, closes = window_of(room, plan)
        await store.open(state, opens, closes, rule_of(room, plan, terms), leases)
        return store

    async def pause(self, room: RoomId) -> Room:
        """Refuses commands until `resume`. Raises Refused: not_found, bad_state."""
        return await self._change(room, RoomState.PAUSED)

    async def resume(self, room: RoomId) -> Room:
        """Takes commands again. Raises Refused: not_found, bad_state."""
        return await self._change(room, RoomState.OPEN)

    async def close(self, room: RoomId) -> Room:
        """Ends the room for good; its seed becomes public. Raises Refused: not_found, bad_state."""
        closed = await self._change(room, RoomState.CLOSED)
        try:
            await save_figures(self._database, room, await FigureStore(self._redis).of(room))
        except Refused as refused:  # the room is closed all the same: counts are no promise
            log.warning("counts not kept", room=room, code=refused.code)
        return closed

    async def _change(self, room: RoomId, state: RoomState) -> Room:
        changed = await set_room_state(self._database, room, state, _now())
        lane = (await get_lanes(self._database, room))[0]
        try:
            await self._tell(changed, self._store(changed, lane), rebuilt=False)
        except Refused as refused:
            if refused.code != "lane_lost":
                raise
            # the rebuild that this lane needs takes the state from the record
            log.warning("lane not told", room=room, state=state)
        await announce(self._redis, room)
        return changed

    async def _tell(self, room: Room, store: LaneStore, *, rebuilt: bool) -> None:
        """The record's state to the lane; what is left in the purses of a closed room goes back."""
        await store.set_state(room.state, rebuilt=rebuilt)
        _, config = config_of(room)
        if room.state is RoomState.CLOSED and config.chances.cost_points is not None:
            while await store.close_purses():
                pass

    async def rebuild(self, room: RoomId, told: Callable[[int], None] = lambda lines: None) -> int:
        """Folds the lane's state anew from the record, under a new epoch; returns the lines folded.

        Commands are refused with `lane_lost` meanwhile; pages come back by themselves.
        `told` hears the number of lines folded so far. Raises Refused: not_found, bad_state.
        """
        record = await get_room(self._database, room)
        if record.opened_at is None:
            raise Refused("bad_state", f"room {room} has never been opened")
        terms = await self._ledger.terms(record.campaign)
        lane = (await get_lanes(self._database, room))[0]
        # no tick changes anything from here on, so the outbox can be drained whole
        await self._redis.hset(self._store(record, lane).keys.room, "state", REBUILDING)
        await self._drain(lane)
        epoch = await raise_epoch(self._database, room, lane.lane)
        lane = next(x for x in await get_lanes(self._database, room) if x.lane == lane.lane)
        assert lane.epoch == epoch
        await self._store(record, lane).clear()
        store = await self._open_store(record, lane, REBUILDING, terms)
        folded = await self._fold(record, lane, store, told)
        await self._finish(room, store)
        await announce(self._redis, room)
        return folded

    async def _finish(self, room: RoomId, store: LaneStore) -> None:
        """The lane takes the record's state; what staff decide while it does is asked for once more."""
        known = await get_room(self._database, room)
        await self._tell(known, store, rebuilt=True)
        decided = await get_room(self._database, room)
        if decided.state != known.state:
            await self._tell(decided, store, rebuilt=False)

    async def _fold(self, record: Room, lane: Lane, store: LaneStore, told: Callable[[int], None]) -> int:
        plan, folded = plan_of(record), 0
        waiting: list[tuple[Any, Any]] = []
        async for body in lines_of(self._database, record.id, lane.lane):
            # the line goes back as the very bytes that the outbox carried
            waiting.append((msgspec.Raw(body), plan.revive(_decode(body)[FACT])))
            if len(waiting) == FOLD_LINES:
                await store.fold(waiting)
                folded += len(waiting)
                waiting = []
                told(folded)
        if waiting:
            await store.fold(waiting)
        told(folded + len(waiting))
        return folded + len(waiting)


def _now() -> int:
    return time.time_ns() // 1_000_000
