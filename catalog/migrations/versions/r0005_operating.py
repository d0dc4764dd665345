"""What an installation is watched by: facts of its workers, the age of chunks, the version that set it up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty, and the table."""
    op.add_column("chunk", sa.Column("created_at", sa.Float(), nullable=True))
    op.add_column("worker", sa.Column("version", sa.String(length=64), nullable=True))
    op.add_column("worker", sa.Column("encoder_id", sa.String(length=64), nullable=True))
    op.add_column("worker", sa.Column("gpu", sa.Text(), nullable=True))
    op.add_column("worker", sa.Column("images_per_s", sa.Float(), nullable=True))
    op.add_column("worker", sa.Column("clock_ahead_s", sa.Float(), nullable=True))
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("set_at", sa.Float(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
