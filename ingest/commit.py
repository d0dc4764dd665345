"""Makes a decoded and embedded chunk durable: thumbnails and shard first, then the ledger, under the chunk's fence."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog import fault_points
from catalog.artifacts import ArtifactStore
from catalog.chunks import ClaimedChunk, hand_back
from catalog.embeddings import Conflict, assign_ids, commit_chunk
from catalog.errors import ClaimLost
from catalog.ledger import Ledger
from catalog.shards import WrittenShard, write_shard
from ingest.forward import Vectors
from ingest.gather import Gathered

_REWRITES = 5


class StorageFullError(Exception):
    """No room for shards, thumbnails or the ledger; the chunk can be done later."""


@dataclass(frozen=True, slots=True)
class ChunkOutcome:
    """How a chunk ended. `state`: committed, lost (another worker has it), paused, cancelled, or handed_back.

    Counts are of files and 0 unless it was committed; `timings` are seconds by stage.
    """

    chunk_id: int
    job_id: int
    state: str
    files: int
    embedded: int
    known: int
    bad: int
    timings: dict[str, float]


def commit(ledger: Ledger, store: ArtifactStore, gathered: Gathered, *, started: float) -> ChunkOutcome:
    """Writes and commits; `started` is the chunk's time.perf_counter() at its claim. Raises StorageFullError."""
    try:
        return _commit(ledger, store, gathered, started)
    except ClaimLost:
        return unfinished(gathered, "lost")
    except Exception as error:
        if not is_storage_full(error):
            raise
        raise StorageFullError(
            f"there is no room to store chunk {gathered.chunk.id} ({error}): free some space, and the job goes on"
        ) from error


def _commit(ledger: Ledger, store: ArtifactStore, gathered: Gathered, started: float) -> ChunkOutcome:
    chunk = gathered.chunk
    timings = gathered.seconds
    vectors = gathered.vectors()
    begun = time.perf_counter()
    image_ids = assign_ids(ledger, chunk, gathered.files) if gathered.files else {}
    assigned = time.perf_counter()
    pack = gathered.pack.write(store, chunk_id=chunk.id, fence=chunk.fence) if len(gathered.pack) else None
    stored = time.perf_counter()
    timings["commit"] = assigned - begun
    timings["store"] = stored - assigned
    ids, rows = _rows(gathered, image_ids)
    for _ in range(_REWRITES):
        begun = time.perf_counter()
        shard = _write(store, chunk, ids, vectors[rows])
        fault_points.reach("shard.written")
        written = time.perf_counter()
        timings["store"] += written - begun
        timings["wall"] = written - started
        result = commit_chunk(
            ledger,
            chunk,
            files=gathered.files,
            image_ids=image_ids,
            bad=gathered.bad,
            shard=shard,
            thumbnail_pack=pack,
            timings=timings,
        )
        timings["commit"] += time.perf_counter() - written
        if isinstance(result, Conflict):
            # Another chunk embedded some of these images meanwhile: an image's vector is in one shard only.
            _discard(store, shard.key if shard else None)
            keep = ~np.isin(ids, np.fromiter(result.image_ids, np.int64))
            ids, rows = ids[keep], rows[keep]
            continue
        if result == "lost":
            _discard(store, shard.key if shard else None)
            _discard(store, pack)
            return unfinished(gathered, "lost")
        fault_points.reach("chunk.committed")
        new = set(ids.tolist())
        embedded = sum(image_ids[file.sha256] in new for file in gathered.files)
        return ChunkOutcome(
            chunk_id=chunk.id,
            job_id=chunk.job_id,
            state="committed",
            files=len(chunk.items),
            embedded=embedded,
            known=len(gathered.files) - embedded,
            bad=len(gathered.bad),
            timings=timings,
        )
    hand_back(ledger, chunk)
    return unfinished(gathered, "handed_back")


def unfinished(gathered: Gathered, state: str) -> ChunkOutcome:
    """The outcome of a chunk that counts for nothing."""
    chunk = gathered.chunk
    return ChunkOutcome(chunk.id, chunk.job_id, state, len(chunk.items), 0, 0, 0, gathered.seconds)


def _rows(gathered: Gathered, image_ids: dict[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Image ids of the shard and the row of each vector; files that turned out to be one image share a row."""
    first: dict[int, int] = {}
    for row, sha256 in enumerate(gathered.embedded):
        first.setdefault(image_ids[sha256], row)
    return np.array(list(first), dtype=np.int64), np.array(list(first.values()), dtype=np.int64)


def _write(store: ArtifactStore, chunk: ClaimedChunk, ids: NDArray[np.int64], vectors: Vectors) -> WrittenShard | None:
    if not len(ids):
        return None
    return write_shard(
        store, encoder_id=chunk.encoder_id, chunk_id=chunk.id, fence=chunk.fence, image_ids=ids, vectors=vectors
    )


def _discard(store: ArtifactStore, key: str | None) -> None:
    """Keys hold our fence, so nobody else wrote them; what cannot be deleted is an orphan that `doctor` finds."""
    if key is not None:
        with contextlib.suppress(Exception):
            store.delete(key)


def is_storage_full(error: BaseException) -> bool:
    """Whether a full disk or quota is at the bottom of an error, the ledger's included."""
    return any(
        (isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT))
        or "database or disk is full" in str(cause)
        or "No space left on device" in str(cause)
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
