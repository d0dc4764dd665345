"""Hunts with their examples, and labels that went into others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and the indexes that find a hunt's events and a person's decisions."""
    op.create_table(
        "hunt",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("label_id", ROW_ID, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_hunt_label_id_label")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hunt")),
    )
    op.create_index(op.f("ix_hunt_label_id"), "hunt", ["label_id"], unique=False)
    op.create_index(op.f("ix_hunt_updated_at"), "hunt", ["updated_at"], unique=False)
    op.create_table(
        "hunt_example",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("hunt_id", sa.String(length=22), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("image_id", ROW_ID, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint("sign IN (-1, 1)", name=op.f("ck_hunt_example_sign")),
        sa.CheckConstraint(
            "(kind = 'image' AND image_id IS NOT NULL AND sha256 IS NULL AND picture IS NULL) OR "
            "(kind = 'upload' AND image_id IS NULL AND sha256 IS NOT NULL AND picture IS NOT NULL)",
            name=op.f("ck_hunt_example_kind"),
        ),
        sa.ForeignKeyConstraint(["hunt_id"], ["hunt.id"], name=op.f("fk_hunt_example_hunt_id_hunt")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_hunt_example_image_id_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hunt_example")),
        sa.UniqueConstraint("hunt_id", "image_id", name=op.f("uq_hunt_example_hunt_id_image_id")),
        sa.UniqueConstraint("hunt_id", "sha256", name=op.f("uq_hunt_example_hunt_id_sha256")),
    )
    op.create_index(op.f("ix_hunt_example_image_id"), "hunt_example", ["image_id"], unique=False)
    op.create_table(
        "label_merge",
        sa.Column("batch_id", ROW_ID, nullable=False),
        sa.Column("label_id", ROW_ID, nullable=False),
        sa.Column("into_id", ROW_ID, nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["label_batch.id"], name=op.f("fk_label_merge_batch_id_label_batch")),
        sa.ForeignKeyConstraint(["into_id"], ["label.id"], name=op.f("fk_label_merge_into_id_label")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_label_merge_label_id_label")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_label_merge")),
    )
    op.create_index(op.f("ix_label_merge_label_id"), "label_merge", ["label_id"], unique=False)
    there = sa.text("hunt IS NOT NULL")
    op.create_index(
        "ix_label_event_hunt",
        "label_event",
        ["hunt", "label_id", "image_id"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_index("ix_label_state_origin", "label_state", ["label_id", "state", "origin", "event_id"], unique=False)
