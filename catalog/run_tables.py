"""The ledger's tables of training: runs, what each epoch measured, and the workers that train them together."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from catalog.schema import RowId, metadata

run = Table(
    "run",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # of the encoder that comes out of it
    Column("preset", String(32), nullable=False),
    Column("changes", JSON, nullable=False),  # values of the preset that this run replaces
    Column("source_ids", JSON, nullable=False),  # whose pictures it learns from
    Column("ranks", Integer, nullable=False),  # processes that train together
    Column("author", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("stage", String(8), nullable=False),
    Column("gang", Integer, nullable=False, default=0),  # the fence: what an earlier gang reports does not count
    Column("attempts", Integer, nullable=False, default=0),  # gangs formed since the last progress
    Column("endpoint", Text),  # host:port at which the ranks of this gang meet
    Column("pictures", Integer),
    Column("left_out", Integer),  # files that could not be decoded
    Column("epochs", Integer),
    Column("encoder_id", String(64), ForeignKey("encoder.id")),  # what came out of it
    Column("error", Text),
    Column("error_gang", Integer),  # whose first words `error` are: the ranks that lost it complain later
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    CheckConstraint("state IN ('running', 'paused', 'cancelled', 'done', 'failed')", name="state"),
    CheckConstraint("stage IN ('prepare', 'train', 'ship')", name="stage"),
    sqlite_autoincrement=True,  # a run's folder is called by its number
)

run_epoch = Table(
    "run_epoch",
    metadata,
    Column("run_id", RowId, ForeignKey("run.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("loss", Float),  # null: not a finite number
    Column("learning_rate", Float),
    Column("projection_std", Float),
    Column("knn", Float),
    Column("images_per_s", Float),
    Column("seconds", Float),
    Column("at", Float, nullable=False),
)

trainer = Table(
    # A worker that can train: without a run it offers itself, with one it is a rank of a gang. Its lease is for both.
    "trainer",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("address", Text, nullable=False),  # at which the other ranks reach its host
    Column("lease_until", Float, nullable=False),
    Column("run_id", RowId, ForeignKey("run.id")),
    Column("gang", Integer),
    Column("rank", Integer),
    Index("ix_trainer_run", "run_id", "gang"),
    CheckConstraint(
        "(run_id IS NULL AND gang IS NULL AND rank IS NULL) OR "
        "(run_id IS NOT NULL AND gang IS NOT NULL AND rank IS NOT NULL)",
        name="rank",
    ),
)
