"""Contestants of votes, and the pictures members sent in."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP: Sequence[str] = ()
DOWN: Sequence[str] = ()


def upgrade() -> None:
    for statement in UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in DOWN:
        op.execute(text(statement))
