"""Sources of which a worker sees nothing on its machine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unreadable_source",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("source_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_unreadable_source_source_id_source")),
        sa.PrimaryKeyConstraint("worker", "source_id", name=op.f("pk_unreadable_source")),
    )
