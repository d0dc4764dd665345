"""Folders and buckets whose pictures the catalog holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.errors import UnknownSource
from catalog.images import forget_images, lock_there, note_changes, placeless
from catalog.label_gate import keep_labels
from catalog.ledger import Ledger, clock
from catalog.plain_text import plain_text
from catalog.statements import any_of, insert_or
from catalog.twins import carry_over, heirs_of

_ACTIVE = ("scanning", "running", "paused")
_THERE = ("known", "new", "bad")
PLACES_AT_ONCE = 2000  # so long a transaction keeps other writers waiting


@dataclass(frozen=True)
class Source:
    """A folder or bucket; `root` is its absolute path as the file system spells it, or its address (s3://…)."""

    id: int
    name: str
    root: bytes
    labels_from_folders: bool
    created_at: float


@dataclass(frozen=True)
class SourceCount:
    """A source and the number of images that have a place in it."""

    source: Source
    images: int


def add_source(
    ledger: Ledger,
    root: Path | bytes,
    *,
    name: str = "",
    labels_from_folders: bool = False,
    by: By | None = None,
) -> Source:
    """The source of this folder: made, found (its label flag follows the call), or brought back after its deletion.

    Bytes are a root as the ledger is to have it: a bucket's address, or a folder's path as other machines know it.
    `by`: for the audit log.
    """
    folder = root if isinstance(root, bytes) else os.fsencode(root.expanduser().resolve())
    last = folder.rstrip(b"/").rpartition(b"/")[2] or folder
    shown = plain_text(name.strip() or last.decode("utf-8", "replace"))
    table = tables.source
    with ledger.write() as connection:
        values: dict[str, Any] = {"labels_from_folders": labels_from_folders, "deleted_at": None}
        insert = insert_or(connection, table).values(root=folder, name=shown, created_at=clock(connection), **values)
        if name.strip():
            values["name"] = shown
        row = connection.execute(
            insert.on_conflict_do_update(index_elements=["root"], set_=values).returning(table)
        ).one()
        if by is not None:
            note(connection, by, "source added", row.name)
    return source_of(row)


def list_sources(ledger: Ledger) -> list[SourceCount]:
    """Every source that was not deleted, by name."""
    source, place = tables.source, tables.place
    images = (
        select(func.count(func.distinct(place.c.image_id)))
        .where(place.c.source_id == source.c.id, place.c.state == "known")
        .scalar_subquery()
    )
    query = (
        select(source, images.label("images")).where(source.c.deleted_at.is_(None)).order_by(source.c.name, source.c.id)
    )
    with ledger.read() as connection:
        return [SourceCount(source_of(row), row.images) for row in connection.execute(query)]


def get_source(ledger: Ledger, source_id: int) -> Source:
    """The source with this id; UnknownSource if there is none or it was deleted."""
    with ledger.read() as connection:
        return load_source(connection, source_id)


def delete_source(ledger: Ledger, source_id: int, *, by: By | None = None) -> int:
    """Forget a folder: its jobs end, its places go, and images that are nowhere else are deleted.

    Returns the number of places that went. Label events stay, and go over to images with the same pixels.
    `by`: for the audit log, which has it from the first place that goes.
    """
    gone, done, noted = 0, False, by is None
    while not done:
        with ledger.write() as connection:
            keep_labels(connection)
            source = load_source(connection, source_id, lock=True)
            if by is not None and not noted:
                note(connection, by, "source removed", source.name)
            now = clock(connection)
            _end_jobs(connection, source_id, now)  # each time: one may have begun since
            went = _forget_places(connection, source_id, now)
            gone += went
            noted = True
            # Last of all: what breaks off before is a source that can be deleted once more.
            if done := went < PLACES_AT_ONCE:
                deleted = update(tables.source).where(tables.source.c.id == source_id).values(deleted_at=now)
                connection.execute(deleted)
    return gone


def load_source(connection: Connection, source_id: int, *, lock: bool = False) -> Source:
    """`get_source` inside a transaction, if wanted with the row locked until its end."""
    query = select(tables.source).where(tables.source.c.id == source_id, tables.source.c.deleted_at.is_(None))
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise UnknownSource(source_id)
    return source_of(row)


def source_of(row: Row[Any]) -> Source:
    """A row of the source table as a Source."""
    return Source(row.id, row.name, bytes(row.root), row.labels_from_folders, row.created_at)


def _end_jobs(connection: Connection, source_id: int, now: float) -> None:
    job, chunk = tables.job, tables.chunk
    jobs = select(job.c.id).where(job.c.source_id == source_id, job.c.state.in_(_ACTIVE))
    # The fences grow, so that what a worker holds at this moment is not committed afterwards.
    connection.execute(
        update(chunk)
        .where(chunk.c.job_id.in_(jobs), chunk.c.state.in_(["open", "claimed"]))
        .values(state="failed", error="the source was deleted", fence=chunk.c.fence + 1, finished_at=now)
    )
    connection.execute(
        update(job)
        .where(job.c.source_id == source_id, job.c.state.in_(_ACTIVE))
        .values(state="cancelled", finished_at=now, scan_fence=job.c.scan_fence + 1)
    )


def _forget_places(connection: Connection, source_id: int, now: float) -> int:
    place = tables.place
    here = select(place.c.id, place.c.image_id).where(place.c.source_id == source_id, place.c.state.in_(_THERE))
    rows = connection.execute(here.limit(PLACES_AT_ONCE)).all()
    shown = {row.image_id for row in rows if row.image_id is not None}
    locked = lock_there(connection, shown | heirs_of(connection, shown))
    ids = any_of(connection, [row.id for row in rows])
    connection.execute(update(place).where(place.c.id.in_(ids)).values(state="gone"))
    lost = placeless(connection, shown.intersection(locked))
    forget_images(connection, lost, now=now)
    note_changes(connection, shown.intersection(locked).difference(lost) | carry_over(connection, lost))
    return len(rows)
