"""The ledger's tables of labels, of what people decide with them, and of the hunts in which they do."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from catalog.schema import RowId, metadata

label_group = Table(
    "label_group",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("exclusive", Boolean, nullable=False),  # an image is at most one label of the group
    Column("created_at", Float, nullable=False),
)

label = Table(
    "label",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),  # NFC, trimmed, 1 to 100 characters
    Column("group_id", RowId, ForeignKey("label_group.id")),
    Column("colour", String(7), nullable=False),  # #rrggbb
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,
)

label_batch = Table(
    "label_batch",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),  # from the client: a confirm sent twice counts once
    Column("kind", String(8), nullable=False),  # decide, review, undo, redo, merge, folder, import
    Column("author", Text, nullable=False),
    Column("undoes", RowId, ForeignKey("label_batch.id")),
    Column("size", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("request_sha256", String(64)),  # null: no request, or from before this was noted
)

label_event = Table(
    # Append-only. `previous` and `previous_origin` let an undo restore exactly what was there.
    "label_event",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("batch_id", RowId, ForeignKey("label_batch.id"), nullable=False, index=True),
    Column("image_id", RowId, ForeignKey("image.id"), nullable=False),
    Column("label_id", RowId, ForeignKey("label.id"), nullable=False),
    Column("decision", String(7), nullable=False),
    Column("previous", String(7), nullable=False),
    Column("previous_origin", String(8)),
    Column("origin", String(8), nullable=False),
    Column("author", Text, nullable=False),
    Column("hunt", Text),
    Column("encoder_id", String(64)),
    Column("score", Float),
    Column("at", Float, nullable=False),
    CheckConstraint("decision IN ('yes', 'no', 'unknown')", name="decision"),
    CheckConstraint("origin IN ('person', 'folder', 'import')", name="origin"),
    Index("ix_label_event_pair", "image_id", "label_id", "id"),  # what was said right before and right after
    Index(  # what a hunt has found
        "ix_label_event_hunt",
        "hunt",
        "label_id",
        "image_id",
        sqlite_where=text("hunt IS NOT NULL"),
        postgresql_where=text("hunt IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

label_state = Table(
    # What the events add up to. No row: unknown.
    "label_state",
    metadata,
    Column("image_id", RowId, ForeignKey("image.id"), primary_key=True),
    Column("label_id", RowId, ForeignKey("label.id"), primary_key=True),
    Column("state", String(3), nullable=False),
    Column("origin", String(8), nullable=False),
    Column("event_id", RowId, ForeignKey("label_event.id"), nullable=False),
    Column("at", Float, nullable=False),
    Index("ix_label_state_label", "label_id", "state", "event_id"),  # the latest of each label are its end
    Index("ix_label_state_origin", "label_id", "state", "origin", "event_id"),  # and those of persons apart
    Index("ix_label_state_images", "state", "image_id"),
    CheckConstraint("state IN ('yes', 'no')", name="state"),
)

label_merge = Table(
    # A label that went into another one in this batch. While it is not undone, the one's name means the other.
    "label_merge",
    metadata,
    Column("batch_id", RowId, ForeignKey("label_batch.id"), primary_key=True),
    Column("label_id", RowId, ForeignKey("label.id"), nullable=False, index=True),
    Column("into_id", RowId, ForeignKey("label.id"), nullable=False),
    Column("undone", Boolean, nullable=False),
)

hunt = Table(
    # One search for all images of a label. Its decisions are events that name it; they outlive it.
    "hunt",
    metadata,
    Column("id", String(22), primary_key=True),  # random and url-safe: part of an address that people share
    Column("label_id", RowId, ForeignKey("label.id"), nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("name", Text),
    Column("state", JSON, nullable=False),  # the page's own: page size, where a jump stands
    Column("version", Integer, nullable=False),  # grows with every save; a save on an older one is refused
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False, index=True),
    Column("finished_at", Float),
)

hunt_example = Table(
    # The chips: images of the catalog, and uploads, whose bytes are kept for as long as the hunt is.
    "hunt_example",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("hunt_id", String(22), ForeignKey("hunt.id"), nullable=False),
    Column("sign", Integer, nullable=False),  # 1: more of these, -1: none of these
    Column("kind", String(6), nullable=False),
    Column("image_id", RowId, ForeignKey("image.id"), index=True),
    Column("sha256", String(64)),
    Column("picture", Text),  # artifact key of an upload's bytes: another encoder embeds them again
    Column("author", Text, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("hunt_id", "image_id"),
    UniqueConstraint("hunt_id", "sha256"),
    CheckConstraint("sign IN (-1, 1)", name="sign"),
    CheckConstraint(
        "(kind = 'image' AND image_id IS NOT NULL AND sha256 IS NULL AND picture IS NULL) OR "
        "(kind = 'upload' AND image_id IS NULL AND sha256 IS NOT NULL AND picture IS NOT NULL)",
        name="kind",
    ),
)
