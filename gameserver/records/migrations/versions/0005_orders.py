"""Orders: what staff and outside systems tell a room, in order."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
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
