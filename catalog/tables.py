"""The ledger's tables, as SQLAlchemy Core objects; migrations create them, every other module of the catalog uses them.

Times are seconds since 1970 (float). Paths are bytes: a file name on Linux need not be UTF-8.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from catalog.label_tables import (
    hunt,
    hunt_example,
    label,
    label_batch,
    label_event,
    label_group,
    label_merge,
    label_state,
)
from catalog.run_tables import run, run_epoch, trainer
from catalog.schema import RowId, metadata
from catalog.user_tables import account, account_session, api_token, audit_event, one_time_link

__all__ = [
    "account",
    "account_session",
    "api_token",
    "audit_event",
    "bad_file",
    "chunk",
    "chunk_place",
    "embedding",
    "encoder",
    "hunt",
    "hunt_example",
    "image",
    "index_change",
    "installation",
    "job",
    "label",
    "label_batch",
    "label_event",
    "label_group",
    "label_merge",
    "label_state",
    "metadata",
    "one_time_link",
    "place",
    "run",
    "run_epoch",
    "serving",
    "shard",
    "source",
    "trainer",
    "unreadable_source",
    "worker",
]

encoder = Table(
    "encoder",
    metadata,
    Column("id", String(64), primary_key=True),  # hash of weights and configuration
    Column("name", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("input_size", Integer, nullable=False),
    Column("folder", Text, nullable=False),  # artifact key of the encoder folder
    Column("collection", String(128), nullable=False, unique=True),
    Column("config", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)

serving = Table(
    "serving",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("encoder_id", String(64), ForeignKey("encoder.id"), nullable=False),
    Column("previous_encoder_id", String(64), ForeignKey("encoder.id")),
    Column("switched_at", Float, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

source = Table(
    "source",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("root", LargeBinary, nullable=False, unique=True),  # absolute folder
    Column("labels_from_folders", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("deleted_at", Float),
)

image = Table(
    "image",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),  # also Milvus's primary key
    Column("sha256", String(64), nullable=False, unique=True),  # of the file's bytes
    Column("pixel_hash", String(64), nullable=False, index=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("format", String(16), nullable=False),
    Column("thumbnail_pack", Text),  # artifact key; null until the first chunk with this image is committed
    Column("thumbnail_offset", BigInteger),
    Column("thumbnail_length", Integer),
    Column("created_at", Float, nullable=False),
    Column("deleted_at", Float),  # label events stay, and so does the row that they point to
    Index(  # counting the images that are there is counting the rows less these few
        "ix_image_deleted",
        "deleted_at",
        sqlite_where=text("deleted_at IS NOT NULL"),
        postgresql_where=text("deleted_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice: a stale vector must not point to another image
)

place = Table(
    "place",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("source_id", RowId, ForeignKey("source.id"), nullable=False),
    Column("path", LargeBinary, nullable=False),  # relative to the source's root
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("image_id", RowId, ForeignKey("image.id"), index=True),
    Column("state", String(8), nullable=False),  # new, known, bad, gone
    Column("seen_by_job", RowId),  # the last scan that saw it
    UniqueConstraint("source_id", "path"),
    Index("ix_place_source", "source_id", "state", "image_id"),
    CheckConstraint("state IN ('new', 'known', 'bad', 'gone')", name="state"),
)

job = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # ingest (a source), embed (all images, a new encoder)
    Column("source_id", RowId, ForeignKey("source.id"), index=True),
    Column("encoder_id", String(64), ForeignKey("encoder.id"), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("scanned", Integer, nullable=False, default=0),  # files seen by the scan
    Column("known", Integer, nullable=False, default=0),  # unchanged files that needed no work
    Column("scan_lease_until", Float, nullable=False, default=0.0),
    Column("scan_fence", Integer, nullable=False, default=0),
    Column("scan_failures", Integer, nullable=False, default=0),  # a scan that always breaks off ends the job
    Column("scan_done_at", Float),  # a paused job goes on where it was: in the scan, or after it
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    CheckConstraint("state IN ('scanning', 'running', 'paused', 'cancelled', 'done', 'failed')", name="state"),
)

chunk = Table(
    "chunk",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("job_id", RowId, ForeignKey("job.id"), nullable=False),
    Column("encoder_id", String(64), ForeignKey("encoder.id"), nullable=False),
    Column("state", String(8), nullable=False),
    Column("files", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("embedded", Integer, nullable=False, default=0),
    Column("known", Integer, nullable=False, default=0),
    Column("bad", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),  # counted before the work: a chunk that kills is seen
    Column("worker", Text),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("fence", Integer, nullable=False, default=0),  # grows with every claim; a result counts only under its own
    Column("timings", JSON),
    Column("error", Text),
    Column("created_at", Float),  # null: before this was noted
    Column("finished_at", Float),
    Index("ix_chunk_work", "state", "lease_until"),
    Index("ix_chunk_job", "job_id", "state"),
    CheckConstraint("state IN ('open', 'claimed', 'done', 'failed')", name="state"),
    sqlite_autoincrement=True,
)

chunk_place = Table(
    "chunk_place",
    metadata,
    Column("chunk_id", RowId, ForeignKey("chunk.id"), primary_key=True),
    Column("place_id", RowId, ForeignKey("place.id"), primary_key=True, index=True),
)

bad_file = Table(
    "bad_file",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("job_id", RowId, ForeignKey("job.id"), nullable=False),
    Column("source_id", RowId, ForeignKey("source.id"), nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("kind", String(32), nullable=False),  # truncated, not_an_image, too_large, ...
    Column("reason", Text, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("job_id", "source_id", "path"),
)

shard = Table(
    "shard",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("encoder_id", String(64), ForeignKey("encoder.id"), nullable=False),
    Column("chunk_id", RowId, ForeignKey("chunk.id"), nullable=False),
    Column("key", Text, nullable=False, unique=True),  # artifact key
    Column("rows", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("indexed_at", Float),  # null: waiting for the index worker
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("fence", Integer, nullable=False, default=0),
    Column("worker", Text),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("encoder_id", "chunk_id"),
    Index("ix_shard_work", "indexed_at", "lease_until"),
)

embedding = Table(
    "embedding",
    metadata,
    Column("encoder_id", String(64), ForeignKey("encoder.id"), primary_key=True),
    Column("image_id", RowId, ForeignKey("image.id"), primary_key=True),
    Column("shard_id", RowId, ForeignKey("shard.id"), nullable=False, index=True),
    Column("row", Integer, nullable=False),  # in the shard
)

index_change = Table(
    # Rows of the index whose copy of labels or sources is out of date, or whose image is gone. The index worker reads
    # the state when it writes and then drops the rows up to the one it had read, so a later change is never lost.
    "index_change",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("image_id", RowId, ForeignKey("image.id"), nullable=False),
    sqlite_autoincrement=True,
)

worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("queues", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("device", Text, nullable=False),
    Column("doing", Text),
    Column("images", BigInteger, nullable=False, default=0),
    Column("started_at", Float, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
    Column("version", String(64)),  # of its code
    Column("encoder_id", String(64)),  # that it embedded with last
    Column("gpu", Text),
    Column("images_per_s", Float),
    Column("clock_ahead_s", Float),  # of its machine's clock, before the ledger's
)

installation = Table(
    # The version that set the tables up last. Workers of another one do no work here.
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", String(64), nullable=False),
    Column("set_at", Float, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

unreadable_source = Table(
    # Sources of which a worker sees nothing on its machine. Rows of workers that are not alive mean nothing.
    "unreadable_source",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("source_id", RowId, ForeignKey("source.id"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
)
