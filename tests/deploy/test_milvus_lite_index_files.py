"""An index file of the embedded index that was cut off, by a kill or a full disk, costs no search and no row."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from milvus_lite.db import MilvusLite
from milvus_lite.engine.collection import Collection
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema
from milvus_lite.storage.segment import Segment

from deploy import milvus_lite_index_files

KINDS = ["HNSW", "IVF_FLAT", "FLAT"]
ROWS = 200
SCHEMA = CollectionSchema(
    fields=[
        FieldSchema(name="id", dtype=DataType.INT64, is_primary=True),
        FieldSchema(name="vector", dtype=DataType.FLOAT_VECTOR, dim=8),
    ]
)
VECTORS = np.random.default_rng(1).normal(size=(ROWS, 8)).astype(np.float32)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Puts it in place for one test."""
    for kind in milvus_lite_index_files.kinds():
        monkeypatch.setattr(kind, "save", kind.save)
    for name in milvus_lite_index_files._BUILDS:
        monkeypatch.setattr(Segment, name, getattr(Segment, name))
    monkeypatch.setattr(Segment, milvus_lite_index_files._INSTALLED, False, raising=False)

    def put() -> None:
        assert milvus_lite_index_files.install()

    return put


def fill(database: MilvusLite, kind: str) -> Collection:
    photos = database.create_collection("photos", SCHEMA)
    photos.create_index("vector", {"index_type": kind, "metric_type": "COSINE", "params": {}})
    photos.upsert([{"id": number, "vector": vector.tolist()} for number, vector in enumerate(VECTORS)])
    photos.flush()
    photos.load()
    return photos


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("collections/photos/partitions/*/indexes/*"))


def cut_off(folder: Path) -> Path:
    """As a process leaves it that is killed while it writes."""
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    return path


def nearest(photos: Collection, number: int) -> int:
    (hits,) = photos.search([VECTORS[number].tolist()], top_k=1)
    return int(hits[0]["id"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_off_is_made_again_from_the_vectors(
    kind: str, install: Callable[[], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    database = MilvusLite(str(tmp_path))
    fill(database, kind)
    database.close()
    path = cut_off(tmp_path)
    short = path.stat().st_size

    database = MilvusLite(str(tmp_path))
    photos = database.get_collection("photos")
    photos.load()
    assert [nearest(photos, number) for number in (0, 77, ROWS - 1)] == [0, 77, ROWS - 1]
    assert photos.num_entities == ROWS
    database.close()
    assert path.stat().st_size > 2 * short
    assert str(path) in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_without_it_the_collection_cannot_be_loaded(kind: str, tmp_path: Path) -> None:
    """The control: what milvus-lite does by itself."""
    database = MilvusLite(str(tmp_path))
    fill(database, kind)
    database.close()
    cut_off(tmp_path)
    database = MilvusLite(str(tmp_path))
    with pytest.raises((RuntimeError, ValueError, EOFError)):
        database.get_collection("photos").load()
    database._release_lock()


def test_a_disk_that_is_full_in_the_middle_leaves_no_index_file(
    install: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()

    def half(_: Any, path: str) -> None:
        Path(path).write_bytes(b"half")
        raise RuntimeError("write error: No space left on device")

    with monkeypatch.context() as full:
        full.setattr(faiss, "write_index", half)
        database = MilvusLite(str(tmp_path))
        with suppress(RuntimeError):  # raised to whoever loads, or logged by milvus-lite's own thread
            fill(database, "HNSW")
        database.close()
    assert files(tmp_path) == []

    database = MilvusLite(str(tmp_path))
    photos = database.get_collection("photos")
    photos.load()
    assert nearest(photos, 5) == 5
    database.close()
    assert len(files(tmp_path)) == 1


def test_a_file_that_cannot_be_read_for_a_moment_stays_where_no_other_can_be_made(
    install: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    database = MilvusLite(str(tmp_path))
    fill(database, "HNSW")
    database.close()
    (path,) = files(tmp_path)
    sound = path.read_bytes()

    def fails(*_: Any) -> None:
        raise RuntimeError("Input/output error, and no space left on device")

    with monkeypatch.context() as faulty:
        faulty.setattr(faiss, "read_index", fails)
        faulty.setattr(faiss, "write_index", fails)
        database = MilvusLite(str(tmp_path))
        with pytest.raises(RuntimeError):
            database.get_collection("photos").load()
        database.close()
    assert files(tmp_path) == [path]
    assert path.read_bytes() == sound


def test_what_a_kill_has_left_is_swept_away_and_no_index_is_nor_what_is_being_written(
    install: Callable[[], None], tmp_path: Path
) -> None:
    install()
    database = MilvusLite(str(tmp_path))
    fill(database, "HNSW")
    database.close()
    (path,) = files(tmp_path)
    beside = milvus_lite_index_files._beside
    own = [beside(path, ending) for ending in (milvus_lite_index_files.PARTIAL, milvus_lite_index_files.UNREADABLE)]
    others = [one.with_name(one.name.replace(milvus_lite_index_files._OWN, "0a1b2c3d")) for one in own]
    for one in (*own, *others):
        one.write_bytes(b"half")
    assert milvus_lite_index_files.sweep(tmp_path) == 2
    assert files(tmp_path) == sorted([path, *own])
