"""Since when a count was counted: a store that lost its counts begins anew, and both are the room's."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = (
    """
    alter table game.figure
        add column since bigint not null default 0,
        drop constraint figure_pkey,
        add constraint figure_pkey primary key (room, kind, key, since)
    """,
    "alter table game.figure alter column since drop default",
)

# what was counted since different times is one sum again
DOWN = (
    """
    create table game.figure_sum as
        select room, kind, key, sum(count)::bigint as count from game.figure group by room, kind, key
    """,
    "delete from game.figure",
    "alter table game.figure drop constraint figure_pkey, drop column since",
    "alter table game.figure add constraint figure_pkey primary key (room, kind, key)",
    "insert into game.figure (room, kind, key, count) select room, kind, key, count from game.figure_sum",
    "drop table game.figure_sum",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in DOWN:
        op.execute(text(statement))
