from gameserver.figures import Figures
from gameserver.records.database import Database
from gameserver.records.figures import save_figures, saved_figures
from tests.records.rooms import opened

NOTHING = Figures({}, {}, {})
SOME = Figures({"wechat": 5}, {3_600_000: 7, 7_200_000: 1}, {"sold_out": 3})


async def test_counts_are_kept_as_they_were(engine: Database) -> None:
    _, lane = await opened(engine, {"mug": 1})
    assert await saved_figures(engine, lane.room) == NOTHING
    await save_figures(engine, lane.room, NOTHING)
    await save_figures(engine, lane.room, SOME)
    assert await saved_figures(engine, lane.room) == SOME


async def test_a_count_that_was_kept_never_goes_down(engine: Database) -> None:
    """A Redis that lost what it had may be asked again."""
    _, lane = await opened(engine, {"mug": 1})
    await save_figures(engine, lane.room, SOME)
    await save_figures(engine, lane.room, Figures({"wechat": 2, "browser": 1}, {3_600_000: 9}, {}))
    kept = Figures({"wechat": 5, "browser": 1}, {3_600_000: 9, 7_200_000: 1}, {"sold_out": 3})
    assert await saved_figures(engine, lane.room) == kept
