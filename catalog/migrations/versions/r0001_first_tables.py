"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table as it was in the first version; later changes are later revisions."""
    op.create_table(
        "encoder",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("input_size", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("collection", sa.String(length=128), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encoder")),
        sa.UniqueConstraint("collection", name=op.f("uq_encoder_collection")),
    )
    op.create_table(
        "image",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pixel_hash", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("thumbnail_pack", sa.Text(), nullable=True),
        sa.Column("thumbnail_offset", sa.BigInteger(), nullable=True),
        sa.Column("thumbnail_length", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("sha256", name=op.f("uq_image_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_image_deleted",
        "image",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_image_pixel_hash"), "image", ["pixel_hash"], unique=False)
    op.create_table(
        "label_batch",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("undoes", ROW_ID, nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["undoes"], ["label_batch.id"], name=op.f("fk_label_batch_undoes_label_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_batch")),
        sa.UniqueConstraint("key", name=op.f("uq_label_batch_key")),
    )
    op.create_table(
        "label_group",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_group")),
        sa.UniqueConstraint("name", name=op.f("uq_label_group_name")),
    )
    op.create_table(
        "source",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("labels_from_folders", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("root", name=op.f("uq_source_root")),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("doing", sa.Text(), nullable=True),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("heartbeat_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "index_change",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("image_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_index_change_image_id_image")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_change")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", ROW_ID, nullable=True),
        sa.Column("encoder_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("scanned", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("scan_lease_until", sa.Float(), nullable=False),
        sa.Column("scan_fence", sa.Integer(), nullable=False),
        sa.Column("scan_failures", sa.Integer(), nullable=False),
        sa.Column("scan_done_at", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "state IN ('scanning', 'running', 'paused', 'cancelled', 'done', 'failed')", name=op.f("ck_job_state")
        ),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_job_encoder_id_encoder")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_job_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_source_id"), "job", ["source_id"], unique=False)
    op.create_index(op.f("ix_job_state"), "job", ["state"], unique=False)
    op.create_table(
        "label",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_id", ROW_ID, nullable=True),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["label_group.id"], name=op.f("fk_label_group_id_label_group")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("name", name=op.f("uq_label_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "place",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", ROW_ID, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("image_id", ROW_ID, nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("seen_by_job", ROW_ID, nullable=True),
        sa.CheckConstraint("state IN ('new', 'known', 'bad', 'gone')", name=op.f("ck_place_state")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_place_image_id_image")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_place_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("source_id", "path", name=op.f("uq_place_source_id_path")),
    )
    op.create_index(op.f("ix_place_image_id"), "place", ["image_id"], unique=False)
    op.create_index("ix_place_source", "place", ["source_id", "state", "image_id"], unique=False)
    op.create_table(
        "serving",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("encoder_id", sa.String(length=64), nullable=False),
        sa.Column("previous_encoder_id", sa.String(length=64), nullable=True),
        sa.Column("switched_at", sa.Float(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_serving_one_row")),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_serving_encoder_id_encoder")),
        sa.ForeignKeyConstraint(
            ["previous_encoder_id"], ["encoder.id"], name=op.f("fk_serving_previous_encoder_id_encoder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serving")),
    )
    op.create_table(
        "bad_file",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("job_id", ROW_ID, nullable=False),
        sa.Column("source_id", ROW_ID, nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_bad_file_job_id_job")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_bad_file_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bad_file")),
        sa.UniqueConstraint("job_id", "source_id", "path", name=op.f("uq_bad_file_job_id_source_id_path")),
    )
    op.create_table(
        "chunk",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("job_id", ROW_ID, nullable=False),
        sa.Column("encoder_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("embedded", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("timings", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'claimed', 'done', 'failed')", name=op.f("ck_chunk_state")),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_chunk_encoder_id_encoder")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_chunk_job_id_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chunk_job", "chunk", ["job_id", "state"], unique=False)
    op.create_index("ix_chunk_work", "chunk", ["state", "lease_until"], unique=False)
    op.create_table(
        "label_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("batch_id", ROW_ID, nullable=False),
        sa.Column("image_id", ROW_ID, nullable=False),
        sa.Column("label_id", ROW_ID, nullable=False),
        sa.Column("decision", sa.String(length=7), nullable=False),
        sa.Column("previous", sa.String(length=7), nullable=False),
        sa.Column("previous_origin", sa.String(length=8), nullable=True),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("hunt", sa.Text(), nullable=True),
        sa.Column("encoder_id", sa.String(length=64), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint("decision IN ('yes', 'no', 'unknown')", name=op.f("ck_label_event_decision")),
        sa.CheckConstraint("origin IN ('person', 'folder', 'import')", name=op.f("ck_label_event_origin")),
        sa.ForeignKeyConstraint(["batch_id"], ["label_batch.id"], name=op.f("fk_label_event_batch_id_label_batch")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_label_event_image_id_image")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_label_event_label_id_label")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_label_event_batch_id"), "label_event", ["batch_id"], unique=False)
    op.create_index(op.f("ix_label_event_image_id"), "label_event", ["image_id"], unique=False)
    op.create_table(
        "chunk_place",
        sa.Column("chunk_id", ROW_ID, nullable=False),
        sa.Column("place_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunk.id"], name=op.f("fk_chunk_place_chunk_id_chunk")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_chunk_place_place_id_place")),
        sa.PrimaryKeyConstraint("chunk_id", "place_id", name=op.f("pk_chunk_place")),
    )
    op.create_index(op.f("ix_chunk_place_place_id"), "chunk_place", ["place_id"], unique=False)
    op.create_table(
        "label_state",
        sa.Column("image_id", ROW_ID, nullable=False),
        sa.Column("label_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=3), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("event_id", ROW_ID, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint("state IN ('yes', 'no')", name=op.f("ck_label_state_state")),
        sa.ForeignKeyConstraint(["event_id"], ["label_event.id"], name=op.f("fk_label_state_event_id_label_event")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_label_state_image_id_image")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=op.f("fk_label_state_label_id_label")),
        sa.PrimaryKeyConstraint("image_id", "label_id", name=op.f("pk_label_state")),
    )
    op.create_index("ix_label_state_images", "label_state", ["state", "image_id"], unique=False)
    op.create_index("ix_label_state_label", "label_state", ["label_id", "state", "event_id"], unique=False)
    op.create_table(
        "shard",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("encoder_id", sa.String(length=64), nullable=False),
        sa.Column("chunk_id", ROW_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("indexed_at", sa.Float(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunk.id"], name=op.f("fk_shard_chunk_id_chunk")),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_shard_encoder_id_encoder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shard")),
        sa.UniqueConstraint("encoder_id", "chunk_id", name=op.f("uq_shard_encoder_id_chunk_id")),
        sa.UniqueConstraint("key", name=op.f("uq_shard_key")),
    )
    op.create_index("ix_shard_work", "shard", ["indexed_at", "lease_until"], unique=False)
    op.create_table(
        "embedding",
        sa.Column("encoder_id", sa.String(length=64), nullable=False),
        sa.Column("image_id", ROW_ID, nullable=False),
        sa.Column("shard_id", ROW_ID, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["encoder_id"], ["encoder.id"], name=op.f("fk_embedding_encoder_id_encoder")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_embedding_image_id_image")),
        sa.ForeignKeyConstraint(["shard_id"], ["shard.id"], name=op.f("fk_embedding_shard_id_shard")),
        sa.PrimaryKeyConstraint("encoder_id", "image_id", name=op.f("pk_embedding")),
    )
    op.create_index(op.f("ix_embedding_shard_id"), "embedding", ["shard_id"], unique=False)
