"""A batch says which request wrote it: its key, sent with another one, is refused instead of taken for a repetition."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty: what was written before fits any request with its key."""
    op.add_column("label_batch", sa.Column("request_sha256", sa.String(length=64), nullable=True))
