"""Shards hold what was put in, and tell when they do not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from safetensors.numpy import save

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.shards import (
    HEAD_BYTES,
    InvalidVectors,
    ShardDamaged,
    WrittenShard,
    check_vectors,
    read_rows,
    read_shard,
    vectors_of,
    write_shard,
)
from tests.catalog.index.made import embeddings

VECTORS = embeddings(20, dimension=16)


@pytest.fixture(params=["folder", "object-store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path if request.param == "folder" else f"memory://{uuid4().hex}")


def write(store: ArtifactStore, ids: np.ndarray, vectors: np.ndarray = VECTORS, *, chunk_id: int = 7) -> WrittenShard:
    return write_shard(store, encoder_id="ab12", chunk_id=chunk_id, fence=2, image_ids=ids, vectors=vectors)


def test_round_trip(store: ArtifactStore) -> None:
    ids = np.arange(100, 120)[::-1].copy()
    written = write(store, ids)
    assert written.key == "shards/ab12/7-2-20.safetensors"
    assert written.image_ids == tuple(range(119, 99, -1))
    assert written.rows == 20
    assert hashlib.sha256(store.get(written.key)).hexdigest() == written.sha256
    shard = read_shard(store, written.key, written.sha256)
    assert np.array_equal(shard.ids, ids) and shard.ids.dtype == np.int64
    assert np.array_equal(shard.vectors, VECTORS) and shard.vectors.dtype == np.float32
    assert np.array_equal(read_rows(store, written.key, [19, 0, 3]), VECTORS[[19, 0, 3]])
    assert read_rows(store, written.key, []).shape == (0, 16)
    with pytest.raises(IndexError):
        read_rows(store, written.key, [20])


def test_written_again_is_the_same_file(store: ArtifactStore) -> None:
    assert write(store, np.arange(20)) == write(store, np.arange(20))


def test_an_empty_shard(store: ArtifactStore) -> None:
    written = write(store, np.zeros(0, np.int64), VECTORS[:0])
    assert read_shard(store, written.key, written.sha256).vectors.shape == (0, 16)


def test_vectors_of_many_shards(store: ArtifactStore) -> None:
    keys = [write(store, np.arange(n * 20, n * 20 + 20), embeddings(20, seed=n), chunk_id=n).key for n in range(3)]
    located = {5: (keys[0], 5), 59: (keys[2], 19), 40: (keys[2], 0), 21: (keys[1], 1)}
    found = vectors_of(store, located)
    assert set(found) == set(located)
    for image_id, (key, row) in located.items():
        assert np.array_equal(found[image_id], read_shard(store, key).vectors[row])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda v: v * 1.01, "length 1.01"),
        (lambda v: v * np.nan, "NaN"),
        (lambda v: v * np.inf, "NaN or infinite"),
        (lambda v: v * 0, "length 0"),
        (lambda v: v.astype(np.float64), "float32"),
        (lambda v: v[0], "float32"),
        (lambda v: np.where(np.arange(16) == 3, np.nan, v).astype(np.float32), "20 of 20"),
    ],
)
def test_vectors_that_must_not_be_stored(store: ArtifactStore, damage: object, says: str) -> None:
    with np.errstate(invalid="ignore"):
        bad = damage(VECTORS)  # type: ignore[operator]
    with pytest.raises(InvalidVectors, match=says):
        check_vectors(bad)
    with pytest.raises(InvalidVectors):
        write(store, np.arange(20), bad)
    assert list(store.list()) == []


def test_ids_must_match(store: ArtifactStore) -> None:
    for ids in (np.arange(19), np.zeros(20, np.int64), np.arange(20).reshape(4, 5)):
        with pytest.raises(ValueError, match="different image ids"):
            write(store, ids)


def test_damage_is_named(store: ArtifactStore) -> None:
    written = write(store, np.arange(20))
    data = store.get(written.key)
    with pytest.raises(ArtifactMissing, match="gone"):
        read_shard(store, "shards/gone.safetensors")
    with pytest.raises(ArtifactMissing, match="gone"):
        read_rows(store, "shards/gone.safetensors", [0])
    for damaged in (data[:-1], data[:40], b"", b"\xff" * 100, data[:-3] + b"abc"):
        store.put(written.key, damaged)
        with pytest.raises(ShardDamaged, match=written.key):
            read_shard(store, written.key, written.sha256)
    for damaged in (data[:-1], data[:40], b"", b"\xff" * 100):
        store.put(written.key, damaged)
        with pytest.raises(ShardDamaged, match=written.key):
            read_rows(store, written.key, [19])
    broken: list[dict[str, np.ndarray]] = [
        {"ids": np.arange(3)},
        {"ids": np.arange(3), "vectors": VECTORS},
        {"ids": VECTORS, "vectors": VECTORS},
    ]
    for wrong in broken:
        store.put(written.key, save(wrong))
        with pytest.raises(ShardDamaged):
            read_shard(store, written.key)


def test_some_rows_of_an_object_are_fetched_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactStore(f"memory://{uuid4().hex}")
    many = embeddings(500, dimension=64)
    written = write(store, np.arange(1, 501), many)
    fetched: list[int] = []
    backend = store._backend
    read = backend.read

    def watched(key: str, start: int, end: int | None) -> bytes:
        data = read(key, start, end)
        fetched.append(len(data))
        return data

    monkeypatch.setattr(backend, "read", watched)
    assert np.array_equal(read_rows(store, written.key, [417, 410, 417]), many[[417, 410, 417]])
    assert sum(fetched) <= HEAD_BYTES + 8 * 64 * 4, "and not its 128,000 bytes"
    assert read_rows(store, written.key, []).shape == (0, 64)
    for row in (500, -1):
        with pytest.raises(IndexError):
            read_rows(store, written.key, [row])
    store.put(written.key, store.get(written.key)[:-100])
    with pytest.raises(ShardDamaged):
        read_rows(store, written.key, [499])
