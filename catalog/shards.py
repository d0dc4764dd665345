"""Embedding shards: immutable safetensors files of image ids and unit vectors, written, read and checked."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.errors import CatalogError

# Squared lengths of float32 rows normalised in float32 differ from 1 by about 1e-6; of rows that went through fp16 or
# bfloat16 by up to 1e-2. Anything past this was not normalised at all.
NORM_TOLERANCE = 1e-3
HEAD_BYTES = 4096  # ours take 160 to 200
Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]


class ShardDamaged(CatalogError):
    """The file is not what was written."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        super().__init__(f"{key} is damaged ({reason}); `ruiji doctor --repair` has its images embedded again.")


class InvalidVectors(CatalogError):
    """Vectors that must not be stored: NaN, infinite, or not of length 1."""


@dataclass(frozen=True)
class WrittenShard:
    """A shard as it is on the disk, for the ledger's row."""

    key: str
    rows: int
    sha256: str
    image_ids: tuple[int, ...]


@dataclass(frozen=True)
class Shard:
    """ids (n,) int64; vectors (n, d) float32, each of length 1."""

    ids: Ids
    vectors: Vectors


def check_vectors(vectors: Vectors) -> None:
    """Raise InvalidVectors unless vectors are (n, d) float32, finite, and each of length 1."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise InvalidVectors(f"Vectors must be (n, d) float32, not {vectors.shape} {vectors.dtype}.")
    lengths = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    wrong = ~(np.abs(lengths - 1.0) <= NORM_TOLERANCE)  # a NaN is on neither side of a comparison
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = "NaN or infinite values" if not np.isfinite(lengths[row]) else f"length {np.sqrt(lengths[row]):.4g}"
        raise InvalidVectors(f"{int(wrong.sum())} of {len(vectors)} vectors cannot be stored: row {row} has {found}.")


def write_shard(
    store: ArtifactStore,
    *,
    encoder_id: str,
    chunk_id: int,
    fence: int,
    image_ids: Ids,
    vectors: Vectors,
) -> WrittenShard:
    """Write image_ids (n,) and vectors (n, d) durably; the key names encoder, chunk, fence and rows.

    Raises InvalidVectors, or ValueError for ids that repeat or do not match the vectors.
    """
    ids = np.ascontiguousarray(image_ids, dtype=np.int64)
    check_vectors(vectors)
    if ids.shape != (len(vectors),) or len(np.unique(ids)) != len(ids):
        raise ValueError(f"{len(vectors)} vectors need as many different image ids, not {ids.shape}")
    key = f"shards/{encoder_id}/{chunk_id}-{fence}-{len(ids)}.safetensors"
    data = save({"ids": ids, "vectors": np.ascontiguousarray(vectors)})
    store.put(key, data)
    return WrittenShard(key, len(ids), hashlib.sha256(data).hexdigest(), tuple(ids.tolist()))


def read_shard(store: ArtifactStore, key: str, sha256: str | None = None) -> Shard:
    """Read a whole shard; raises ArtifactMissing, or ShardDamaged when the hash or the content is wrong."""
    data = store.get(key)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise ShardDamaged(key, "its sha256 is another than the ledger's")
    try:
        content = load(data)
        ids, vectors = content["ids"], content["vectors"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise ShardDamaged(key, str(error) or type(error).__name__) from error
    if ids.dtype != np.int64 or vectors.shape[:1] != ids.shape or vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ShardDamaged(key, f"ids {ids.shape} {ids.dtype}, vectors {vectors.shape} {vectors.dtype}")
    return Shard(ids, vectors)


def map_shard(store: ArtifactStore, key: str) -> Shard:
    """Map the vectors of a shard that is a file of this machine; nothing is read until it is looked at.

    Raises ArtifactMissing, ShardDamaged, ValueError where the store is no folder.
    """
    path = store.local_path(key)
    if path is None:
        raise ValueError(f"{key} is not a file of this machine")
    mapped = _map_vectors(path, key, store.url, _stamp(path, key, store.url))
    with path.open("rb") as file:
        begin, (rows,), kind = _entry(file.read(HEAD_BYTES), key, "ids")
        if kind != "I64":
            raise ShardDamaged(key, f"ids are {kind}")
        file.seek(begin)
        ids = np.fromfile(file, "<i8", rows)
    if len(ids) != rows or len(mapped) != rows:
        raise ShardDamaged(key, f"{len(ids)} ids and {len(mapped)} vectors")
    return Shard(ids, mapped.view(np.ndarray))


def read_rows(store: ArtifactStore, key: str, rows: Ids | list[int]) -> Vectors:
    """Return the vectors (len(rows), d) of some rows, reading no more than those rows of a local file, and of an object
    no more than from the first of them to the last.

    Raises ArtifactMissing, ShardDamaged, or IndexError for a row that the shard does not have.
    """
    at = np.asarray(rows, dtype=np.int64)
    path = store.local_path(key)
    if path is None:
        return _fetch_rows(store, key, at)
    mapped = _map_vectors(path, key, store.url, _stamp(path, key, store.url))
    return np.array(mapped[at], dtype=np.float32)


def vectors_of(store: ArtifactStore, located: Mapping[int, tuple[str, int]]) -> dict[int, Vectors]:
    """Return the vector (d,) of each image, from where the ledger says it is: image id -> (shard key, row)."""
    by_shard: dict[str, list[tuple[int, int]]] = {}
    for image_id, (key, row) in located.items():
        by_shard.setdefault(key, []).append((image_id, row))
    found: dict[int, Vectors] = {}
    for key, members in by_shard.items():
        vectors = read_rows(store, key, [row for _, row in members])
        found.update(zip((image_id for image_id, _ in members), vectors, strict=True))
    return found


def _stamp(path: Path, key: str, where: str) -> tuple[int, int, int]:
    """What tells a file from another one of the same name, put there by a repair."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ArtifactMissing(key, where) from error
    return status.st_ino, status.st_mtime_ns, status.st_size


# Opening and mapping a shard costs 0.1 ms, and the results of one search lie in dozens of them.
@lru_cache(maxsize=256)
def _map_vectors(path: Path, key: str, where: str, stamp: tuple[int, int, int]) -> Vectors:
    try:
        with path.open("rb") as file:
            offset, shape = _layout(file.read(HEAD_BYTES), key)
        return np.memmap(path, np.float32, mode="r", offset=offset, shape=shape)
    except FileNotFoundError as error:
        raise ArtifactMissing(key, where) from error
    except (OSError, ValueError) as error:
        raise ShardDamaged(key, str(error) or type(error).__name__) from error


def _fetch_rows(store: ArtifactStore, key: str, at: Ids) -> Vectors:
    offset, (rows, dimension) = _layout(store.get_range(key, 0, HEAD_BYTES), key)
    if not len(at):
        return np.empty((0, dimension), np.float32)
    first, last = int(at.min()), int(at.max())
    if first < 0 or last >= rows:
        raise IndexError(f"{key} has {rows} rows, not row {first if first < 0 else last}")
    width = 4 * dimension
    data = store.get_range(key, offset + first * width, (last - first + 1) * width)
    if len(data) != (last - first + 1) * width:
        raise ShardDamaged(key, "it ends too early")
    found: Vectors = np.frombuffer(data, "<f4").reshape(-1, dimension)[at - first].astype(np.float32)
    return found


def _layout(head: bytes, key: str) -> tuple[int, tuple[int, int]]:
    """Where the vectors begin, and their shape."""
    begin, shape, kind = _entry(head, key, "vectors")
    if kind != "F32" or len(shape) != 2:
        raise ShardDamaged(key, f"vectors are {kind} {shape}")
    return begin, (shape[0], shape[1])


def _entry(head: bytes, key: str, name: str) -> tuple[int, tuple[int, ...], str]:
    """Where a tensor begins, its shape and type. safetensors: 8 bytes with the header's length, JSON, the tensors."""
    try:
        length = struct.unpack("<Q", head[:8])[0]
        if length > HEAD_BYTES - 8:
            raise ShardDamaged(key, "its header is too long")
        entry = json.loads(head[8 : 8 + length])[name]
        shape = tuple(int(side) for side in entry["shape"])
        return 8 + length + int(entry["data_offsets"][0]), shape, str(entry["dtype"])
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise ShardDamaged(key, str(error) or type(error).__name__) from error
