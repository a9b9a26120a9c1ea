"""Code pools, fulfilment of prizes, what members told for it."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
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
