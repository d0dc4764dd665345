"""What the index worker does: shards into the index, and rows whose labels or sources have changed written again."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.embedded import locate
from catalog.encoders import Encoder, list_encoders
from catalog.fault_points import reach
from catalog.index import BATCH, CollectionMissing, VectorIndex
from catalog.index_queue import (
    ClaimedShard,
    IndexRow,
    drop_changes,
    finish_shard,
    index_rows,
    pending_changes,
    shard_images,
)
from catalog.ledger import Ledger
from catalog.shards import Ids, ShardDamaged, Vectors, read_rows, read_shard

log = logging.getLogger(__name__)
# Rows in no segment cost milvus-lite 70 µs each in every query, a flush about 30 ms once.
SETTLE_AT = 100
CHECKS = 5  # times that labels may change while their rows are being written, before the change is left for later


def index_one_shard(ledger: Ledger, store: ArtifactStore, index: VectorIndex, claimed: ClaimedShard) -> int:
    """Write a claimed shard's rows into the index and mark it indexed; returns the rows written.

    May run twice. Raises ShardDamaged, ArtifactMissing (repair has the images embedded again), IndexUnavailable.
    """
    content = read_shard(store, claimed.key, claimed.sha256)
    index.ensure_collection(claimed.collection, content.vectors.shape[1])
    with ledger.read() as connection:
        mine = np.fromiter(shard_images(connection, claimed.id), np.int64)
    at = np.flatnonzero(np.isin(content.ids, mine))
    write_rows(ledger, index, claimed.collection, ids=content.ids[at], vectors=content.vectors[at])
    index.settle(claimed.collection)
    reach("index.upserted")
    finish_shard(ledger, claimed)
    reach("index.finished")
    return len(at)


def refresh_changes(ledger: Ledger, store: ArtifactStore, index: VectorIndex, limit: int = 1000) -> int:
    """Bring the index's copy of changed images up to date, in every encoder's collection.

    Returns the number of changes worked off; 0 when there are none.
    """
    changes = pending_changes(ledger, limit)
    if not changes:
        return 0
    image_ids = sorted({change.image_id for change in changes})
    for encoder in list_encoders(ledger):
        _refresh(ledger, store, index, encoder, image_ids)
    drop_changes(ledger, [change.id for change in changes])
    return len(changes)


def write_rows(ledger: Ledger, index: VectorIndex, collection: str, *, ids: Ids, vectors: Vectors) -> None:
    """Write rows (n,), (n, d) with the labels and sources of this moment; rows of deleted images are removed.

    Ends when what was written is still true: a label given meanwhile is written too, by whoever comes last.
    """
    todo = np.arange(len(ids))
    for _ in range(CHECKS):
        if not len(todo):
            return
        before = index_rows(ledger, ids[todo].tolist())
        there = np.array([_is_there(before, image_id) for image_id in ids[todo].tolist()], dtype=bool)
        kept = todo[there]
        written = [before[image_id] for image_id in ids[kept].tolist()]
        index.upsert(
            collection,
            ids=ids[kept],
            vectors=vectors[kept],
            labels=[row.labels for row in written],
            sources=[row.sources for row in written],
        )
        index.delete(collection, ids[todo[~there]].tolist())
        after = index_rows(ledger, ids[todo].tolist())
        todo = np.array([at for at in todo if before.get(int(ids[at])) != after.get(int(ids[at]))], dtype=np.int64)


def _refresh(
    ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, image_ids: Iterable[int]
) -> None:
    ids = list(image_ids)
    try:
        for _ in range(CHECKS):
            rows = index_rows(ledger, ids)
            gone = [image_id for image_id in ids if not _is_there(rows, image_id)]
            put_back(ledger, store, index, encoder, [image_id for image_id in ids if _is_there(rows, image_id)])
            index.delete(encoder.collection, gone)
            # Another worker may have indexed an image that came back between the look at the ledger and the deletion.
            rows = index_rows(ledger, gone)
            ids = [image_id for image_id in gone if _is_there(rows, image_id)]
            if not ids:
                break
        index.settle(encoder.collection, at_least=SETTLE_AT)
    except CollectionMissing:
        # Nothing of this encoder has been indexed yet, or Milvus was emptied: either way, whoever fills the collection
        # reads the labels at that moment.
        return


def put_back(ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, ids: Iterable[int]) -> None:
    """Write the rows of images from their shards, as they are in the ledger now; those without a vector are left.

    Many images at once, for the page of a hunt lies in dozens of shards, and each write costs milvus-lite the same.
    """
    located = list(locate(ledger, encoder_id=encoder.id, image_ids=ids).items())
    for start in range(0, len(located), BATCH):
        by_shard: dict[str, list[tuple[int, int]]] = {}
        for image_id, (key, row) in located[start : start + BATCH]:
            by_shard.setdefault(key, []).append((image_id, row))
        found = {
            image_id: vector for key, members in by_shard.items() for image_id, vector in _read(store, key, members)
        }
        if found:
            vectors = np.stack(list(found.values()))
            write_rows(ledger, index, encoder.collection, ids=np.fromiter(found, np.int64), vectors=vectors)


def _read(store: ArtifactStore, key: str, members: list[tuple[int, int]]) -> list[tuple[int, Vectors]]:
    try:
        vectors = read_rows(store, key, [row for _, row in members])
    except (ArtifactMissing, ShardDamaged, IndexError) as error:
        log.warning("%s The labels of %d images stay as they were in the index.", error, len(members))
        return []
    return [(image_id, vector) for (image_id, _), vector in zip(members, vectors, strict=True)]


def _is_there(rows: dict[int, IndexRow], image_id: int) -> bool:
    row = rows.get(image_id)
    return row is not None and not row.deleted
