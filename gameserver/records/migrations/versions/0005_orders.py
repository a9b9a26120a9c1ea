"""Orders: what staff and outside systems tell a room, in order."""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = (
    """
    create table game.orders (
        room text not null constraint orders_room_fkey references game.room (id),
        number bigint not null,
        op text not null,
        arguments jsonb not null,
        source text,
        source_id text,
        at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        done_at bigint,
        refused text,
        constraint orders_pkey primary key (room, number)
    )
    """,
    "create unique index orders_source_idx on game.orders (source, source_id) where source is not null",
    "create index orders_waiting_idx on game.orders (room, number) where done_at is null",
)
DOWN = ("drop table game.orders",)


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in DOWN:
        op.execute(text(statement))
