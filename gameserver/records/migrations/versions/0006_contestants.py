"""Contestants of votes."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP: Sequence[str] = (
    "create sequence game.contestant_entry",
    "create sequence game.contestant_change",
    """
    create table game.contestant (
        entry bigint not null default nextval('game.contestant_entry') constraint contestant_pkey primary key,
        room text not null constraint contestant_room_fkey references game.room (id),
        number integer constraint contestant_number_check check (number between 1 and 9999),
        name text not null,
        text text not null,
        group_name text not null,
        cover text,
        thumb text,
        media jsonb not null,
        member text,
        state text not null constraint contestant_state_check
            check (state in ('pending', 'approved', 'rejected', 'withdrawn')),
        reason text,
        change bigint not null default nextval('game.contestant_change'),
        created_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint,
        decided_at bigint,
        constraint contestant_numbered_check check (number is not null or state in ('pending', 'rejected')),
        constraint contestant_room_number_key unique (room, number),
        constraint contestant_room_member_key unique (room, member)
    )
    """,
    "create index contestant_room_change_idx on game.contestant (room, change)",
)

DOWN: Sequence[str] = (
    "drop table game.contestant",
    "drop sequence game.contestant_change",
    "drop sequence game.contestant_entry",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in DOWN:
        op.execute(text(statement))
