"""What rooms count beside their record."""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = (
    """
    create table game.figure (
        room text not null constraint figure_room_fkey references game.room (id),
        kind text not null constraint figure_kind_check check (kind in ('views', 'online', 'refused')),
        key text not null,
        count bigint not null constraint figure_count_check check (count >= 0),
        constraint figure_pkey primary key (room, kind, key)
    )
    """,
)

# counts alone: nothing depends on them
DOWN = ("drop table game.figure",)


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in DOWN:
        op.execute(text(statement))
