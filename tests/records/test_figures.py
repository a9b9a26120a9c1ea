from gameserver.figures import Counted
from gameserver.records.database import Database
from gameserver.records.figures import save_figures, saved_figures
from tests.records.rooms import opened

SOME = {
    Counted("views", "wechat", 5): 5, Counted("online", "3600000", 0): 7, Counted("online", "7200000", 0): 1,
    Counted("refused", "sold_out", 6): 3,
}  # fmt: skip


async def test_counts_are_kept_as_they_were(engine: Database) -> None:
    _, lane = await opened(engine, {"mug": 1})
    assert await saved_figures(engine, lane.room) == {}
    await save_figures(engine, lane.room, {})
    await save_figures(engine, lane.room, SOME)
    assert await saved_figures(engine, lane.room) == SOME


async def test_a_count_that_was_kept_never_goes_down_and_one_that_began_anew_stands_beside_it(
    engine: Database,
) -> None:
    _, lane = await opened(engine, {"mug": 1})
    await save_figures(engine, lane.room, SOME)
    later = {
        Counted("views", "wechat", 5): 2, Counted("views", "wechat", 8): 1,
        Counted("online", "3600000", 0): 9,
    }  # fmt: skip
    for _ in range(2):
        await save_figures(engine, lane.room, later)
        assert await saved_figures(engine, lane.room) == {**SOME, **later, Counted("views", "wechat", 5): 5}
