"""A ledger of 100,000 images, written straight into the tables: what is measured is how it is read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, insert

from catalog import tables
from catalog.encoders import register
from catalog.labels import ensure_label
from catalog.ledger import Ledger

IMAGES = 100_000
PER_CHUNK = 500
LABELLED = 60_000
DELETED = 1000
BAD = 50


def fill(ledger: Ledger) -> None:
    """One source, one finished job; the first 60,000 images labelled, the last 1,000 deleted, 50 bad files."""
    register(ledger, id="e" * 64, name="x", dimension=4, input_size=32, folder="f", config={}, metrics={})
    label = ensure_label(ledger, "plane")
    ids = range(1, IMAGES + 1)
    chunks = range(1, IMAGES // PER_CHUNK + 1)
    encoder = {"encoder_id": "e" * 64}
    rows: dict[Table, list[dict[str, Any]]] = {
        tables.source: [{"id": 1, "name": "s", "root": b"/s", "labels_from_folders": False, "created_at": 1.0}],
        tables.image: [
            {
                "id": n,
                "sha256": f"{n:064x}",
                "pixel_hash": f"{n:064x}",
                "width": 96,
                "height": 96,
                "bytes": 4000,
                "format": "JPEG",
                "thumbnail_pack": "thumbnails/1-1.pack",
                "thumbnail_offset": n,
                "thumbnail_length": 10,
                "created_at": 1.0,
                "deleted_at": 2.0 if n > IMAGES - DELETED else None,
            }
            for n in ids
        ],
        tables.place: [
            {
                "source_id": 1,
                "path": b"folder/%d.jpg" % n,
                "size": 4000,
                "mtime_ns": n,
                "image_id": n if n <= IMAGES else None,
                "state": "known" if n <= IMAGES else "bad",
                "seen_by_job": 1,
            }
            for n in range(1, IMAGES + BAD + 1)
        ],
        tables.job: [
            {
                "id": 1,
                "kind": "ingest",
                "source_id": 1,
                **encoder,
                "state": "running",
                "author": "a",
                "created_at": 1.0,
                "started_at": 1.0,
                "scan_done_at": 2.0,
            }
        ],
        tables.chunk: [
            {"id": n, "job_id": 1, **encoder, "state": "done", "files": PER_CHUNK, "bytes": 1, "embedded": PER_CHUNK}
            for n in chunks
        ],
        tables.shard: [
            {"id": n, **encoder, "chunk_id": n, "key": str(n), "rows": PER_CHUNK, "sha256": "0", "created_at": 1.0}
            for n in chunks
        ],
        tables.embedding: [
            {**encoder, "image_id": n, "shard_id": (n - 1) // PER_CHUNK + 1, "row": (n - 1) % PER_CHUNK} for n in ids
        ],
        tables.label_batch: [{"id": 1, "key": "k", "kind": "decide", "author": "a", "size": LABELLED, "at": 1.0}],
        tables.label_event: [
            {
                "id": n,
                "batch_id": 1,
                "image_id": n,
                "label_id": label.id,
                "decision": "yes",
                "previous": "unknown",
                "origin": "person",
                "author": "a",
                "at": 1.0,
            }
            for n in range(1, LABELLED + 1)
        ],
        tables.label_state: [
            {"image_id": n, "label_id": label.id, "state": "yes", "origin": "person", "event_id": n, "at": 1.0}
            for n in range(1, LABELLED + 1)
        ],
    }
    with ledger.write() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
