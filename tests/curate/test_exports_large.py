"""An export of many rows holds one page of them at a time."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import insert

from catalog import labelled, tables
from catalog.labels import ensure_label
from curate.exports.export import export
from curate.exports.formats import Format
from tests.curate.album import Album


def test_many_rows_fill_no_memory(album: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "IMAGES_AT_ONCE", 250)
    label = ensure_label(album.ledger, "plane")
    rows = 2500
    image = {"width": 1, "height": 1, "bytes": 1, "format": "JPEG", "created_at": 1.0, "pixel_hash": "0" * 64}
    source = {"id": 1, "name": "s", "root": b"/s", "labels_from_folders": False, "created_at": 1.0}
    about = {"label_id": label.id, "origin": "person", "at": 1.0}
    ids = range(1, rows + 1)
    with album.ledger.write() as connection:
        connection.execute(insert(tables.source), [source])
        connection.execute(insert(tables.image), [{"id": n, "sha256": f"{n:064x}", **image} for n in ids])
        place = {"source_id": 1, "size": 1, "mtime_ns": 1, "state": "known"}
        connection.execute(insert(tables.place), [{"image_id": n, "path": b"%d.jpg" % n, **place} for n in ids])
        batch = {"id": 1, "key": "k", "kind": "decide", "author": "a", "size": 1, "at": 1.0}
        connection.execute(insert(tables.label_batch), [batch])
        event = {"batch_id": 1, "image_id": 1, "decision": "yes", "previous": "unknown", "author": "a"}
        connection.execute(insert(tables.label_event), [{"id": 1, **event, **about}])
        connection.execute(
            insert(tables.label_state), [{"image_id": n, "state": "yes", "event_id": 1, **about} for n in ids]
        )
    import pyarrow.parquet  # noqa: F401  a first import is no part of what is measured

    peaks: list[int] = []

    def look(images: int) -> None:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    for format in (Format.CSV, Format.COCO, Format.PARQUET, Format.LABELSTUDIO):
        peaks.clear()
        tracemalloc.start()
        try:
            target = tmp_path / format.value
            done = export(album.ledger, album.store, labels=[label], format=format, target=target, progress=look)
        finally:
            tracemalloc.stop()
        assert (done.images, len(peaks)) == (rows, 10)
        assert peaks[-1] < 2 * peaks[1], f"{format}: the tenth page takes about what the second does"
