"""Question banks."""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = (
    """
    create table game.question_bank (
        id text constraint question_bank_pkey primary key,
        changed_at bigint not null default (extract(epoch from clock_timestamp()) * 1000)::bigint
    )
    """,
    """
    create table game.question (
        bank text not null
            constraint question_bank_fkey references game.question_bank (id) on delete cascade,
        id text not null,
        place integer not null,
        question jsonb not null,
        constraint question_pkey primary key (bank, id)
    )
    """,
)

# what 0003 cannot say would be lost without a trace: then there is no way back
LATER = "select count(*) from game.question"

DOWN = ("drop table game.question", "drop table game.question_bank")


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    if later := op.get_bind().execute(text(LATER)).scalar_one():
        raise RuntimeError(f"{later} questions are in banks, which revision 0003 does not know")
    for statement in DOWN:
        op.execute(text(statement))
