"""Decisions on an image and a label are found in their order, however often the image was decided on."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index, and drop the one that it begins with."""
    op.create_index("ix_label_event_pair", "label_event", ["image_id", "label_id", "id"])
    op.drop_index("ix_label_event_image_id", table_name="label_event")
