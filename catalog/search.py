"""Nearest images with their labels: the index proposes, the ledger decides which are there and what they are called."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import exists, select

from catalog.artifacts import ArtifactStore
from catalog.embedded import locate
from catalog.encoders import Encoder
from catalog.errors import CatalogError
from catalog.hits import Described, Hit, allowed_images, hits_of
from catalog.index import MOST_HITS, CollectionMissing, IndexFilter, SearchHits, VectorIndex
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter, count_found, count_indexed
from catalog.shards import Ids, Vectors, read_rows
from catalog.tables import index_change, shard

MOST_RESULTS = 5000
SPARE = 10  # asked for beyond k: images deleted a moment ago are still in the index
MOST_FOUND = 3000  # images that a hunt's search may bring in vain
MOST_CHANGED = 1000  # rows known to be old that one filter names
LOOKS_AGAIN = 8  # when the index returns fewer rows than the ledger knows to be in it
LOOK_AGAIN_S = 0.025


class NotEmbedded(CatalogError):
    """The image has no vector of this encoder, or not yet."""

    def __init__(self, image_id: int) -> None:
        self.image_id = image_id
        super().__init__(f"Image {image_id} is not embedded by this encoder yet; wait for the ingest, or ingest again.")


@dataclass(frozen=True)
class SearchAnswer:
    """Results, best first; `exhausted`: asking for more would bring no more. took_ms: stage -> milliseconds."""

    hits: list[Hit]
    took_ms: dict[str, float]
    encoder_id: str
    exhausted: bool


def search_images(
    ledger: Ledger,
    index: VectorIndex,
    *,
    encoder: Encoder,
    vectors: Vectors,
    k: int,
    filter: SearchFilter | None = None,
    query_sha256: str | None = None,
) -> SearchAnswer:
    """Return the k images nearest to the query (d,) or to any of the queries (q, d), each of length 1.

    Raises IndexUnavailable, CollectionMissing when an index that was filled is gone, ValueError for k or the vectors.
    """
    if not 1 <= k <= MOST_RESULTS:
        raise ValueError(f"k must be 1 to {MOST_RESULTS}, not {k}")
    wanted = filter or SearchFilter()
    found = _find(ledger, index, encoder=encoder, vectors=vectors, k=k, wanted=wanted)
    started = time.perf_counter()
    hits = hits_of(ledger, [(image_id, found.scores[image_id]) for image_id in found.ids[:k]], found.rows, query_sha256)
    found.took["ledger"] += _ms(started)
    return SearchAnswer(hits, found.took, encoder.id, exhausted=found.whole and len(found.ids) <= k)


def rank_images(
    ledger: Ledger,
    index: VectorIndex,
    *,
    encoder: Encoder,
    vectors: Vectors,
    k: int,
    filter: SearchFilter | None = None,
) -> Ids:
    """Return the ids (at most k, at most 16,384) of the images nearest to any of the queries, best first.

    Errors as in `search_images`; nothing is read of the images but whether they meet the conditions.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    most = min(k, MOST_HITS)
    found = _find(ledger, index, encoder=encoder, vectors=vectors, k=most, wanted=filter or SearchFilter(), describe=0)
    return np.array(found.ids[:most], dtype=np.int64)


@dataclass(frozen=True)
class _Found:
    """Ids that meet the conditions, best first, the score of each, and the first of them described."""

    ids: list[int]
    scores: dict[int, float]
    rows: dict[int, Described]
    took: dict[str, float]
    whole: bool  # there are no more


def _find(
    ledger: Ledger,
    index: VectorIndex,
    *,
    encoder: Encoder,
    vectors: Vectors,
    k: int,
    wanted: SearchFilter,
    describe: int | None = None,
) -> _Found:
    queries = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    if queries.shape[1:] != (encoder.dimension,):
        raise ValueError(f"encoder {encoder.id[:12]} has {encoder.dimension} dimensions, the query {queries.shape[1]}")
    took = {"index": 0.0, "ledger": 0.0}
    limit = k + SPARE
    if wanted.about_decisions_only and (more := count_found(ledger, wanted, MOST_FOUND)) < MOST_FOUND:
        # To ask for so many more costs milvus-lite a tenth of what a filter does. What was rejected mostly ranks lower
        # than what is sought; where it does not, the next round asks for more.
        hint = None
        limit += more
    else:
        hint = _hint(ledger, wanted, took)
    limit = min(MOST_HITS, limit)
    looks = LOOKS_AGAIN
    counted: dict[int, int] = {}  # limit -> rows that the index must hold, up to it
    while True:
        started = time.perf_counter()
        try:
            found = index.search(encoder.collection, queries, limit=limit, filter=hint)
        except CollectionMissing:
            if _was_indexed(ledger, encoder.id):
                raise
            found = []
        took["index"] += _ms(started)
        started = time.perf_counter()
        scores = _best_scores(found, wanted.min_score)
        allowed, rows = allowed_images(
            ledger, list(scores), wanted, described=k + SPARE if describe is None else describe
        )
        took["ledger"] += _ms(started)
        if looks and any(len(hits.ids) < limit for hits in found):
            # milvus-lite replaces a row by removing it first: a search in between misses it for some milliseconds.
            if limit not in counted:
                counted[limit] = count_indexed(ledger, encoder.id, wanted, limit)
            if any(len(hits.ids) < counted[limit] for hits in found):
                looks -= 1
                time.sleep(LOOK_AGAIN_S)
                continue
        # Past the last row, or past the last one that is similar enough, there is nothing to be found.
        whole = all(len(hits.ids) < limit or _below(hits, wanted.min_score) for hits in found)
        if len(allowed) > k or whole or limit == MOST_HITS or (len(allowed) == k and hint is None):
            break
        limit = min(MOST_HITS, limit * 4)
    return _Found(allowed, scores, rows, took, whole)


def vector_of_image(ledger: Ledger, store: ArtifactStore, *, encoder_id: str, image_id: int) -> Vectors:
    """Return the image's vector (d,) from its shard; raises NotEmbedded, ArtifactMissing, ShardDamaged."""
    located = locate(ledger, encoder_id=encoder_id, image_ids=[image_id])
    if image_id not in located:
        raise NotEmbedded(image_id)
    key, row = located[image_id]
    vector: Vectors = read_rows(store, key, [row])[0]
    return vector


def _hint(ledger: Ledger, wanted: SearchFilter, took: dict[str, float]) -> IndexFilter | None:
    none_of = wanted.none_of if wanted.undecided is None else (wanted.undecided, *wanted.none_of)
    if not (wanted.label_ids or wanted.unlabelled or wanted.source_ids or none_of):
        return None
    started = time.perf_counter()
    # What was decided a moment ago is not in the index yet. When too much has changed for one expression, the index
    # worker has just begun on it, and the newest decisions are found a few seconds later.
    with ledger.read() as connection:
        changed = connection.scalars(
            select(index_change.c.image_id).order_by(index_change.c.id.desc()).limit(MOST_CHANGED)
        ).all()
    took["ledger"] += _ms(started)
    return IndexFilter(
        labels_any=wanted.label_ids,
        labels_none=none_of,
        unlabelled=wanted.unlabelled,
        sources=wanted.source_ids,
        also=tuple(sorted({int(image_id) for image_id in changed})),
    )


def _best_scores(found: Sequence[SearchHits], min_score: float | None) -> dict[int, float]:
    """Image id -> the best of its scores, best first."""
    best: dict[int, float] = {}
    for hits in found:
        for image_id, score in zip(hits.ids.tolist(), hits.scores.tolist(), strict=True):
            if (min_score is None or score >= min_score) and score > best.get(image_id, -2.0):
                best[image_id] = score
    return best if len(found) == 1 else dict(sorted(best.items(), key=lambda item: -item[1]))


def _below(hits: SearchHits, min_score: float | None) -> bool:
    return min_score is not None and len(hits.scores) > 0 and float(hits.scores[-1]) < min_score


def _was_indexed(ledger: Ledger, encoder_id: str) -> bool:
    with ledger.read() as connection:
        return bool(
            connection.scalar(select(exists().where(shard.c.encoder_id == encoder_id, shard.c.indexed_at.is_not(None))))
        )


def _ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000
