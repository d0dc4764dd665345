"""Rows of the index as they go in and come out, apart from any server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.index_filter import LABEL_FIELDS, SOURCE_FIELDS, columns
from catalog.shards import Ids, Vectors, check_vectors


@dataclass(frozen=True)
class SearchHits:
    """The nearest images of one query, best first: ids (n,) int64; scores (n,) float32, the cosine."""

    ids: Ids
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class IndexedRows:
    """What the index holds of some images: ids (n,), labels (n, 4), sources (n, 2) as in `index_filter.columns`."""

    ids: Ids
    labels: Ids
    sources: Ids
    vectors: Vectors | None


def batches(
    ids: Ids, vectors: Vectors, labels: Sequence[tuple[int, ...]], sources: Sequence[tuple[int, ...]], *, size: int
) -> Iterator[list[dict[str, Any]]]:
    """Yield rows as dicts, `size` at a time; raises InvalidVectors or ValueError before the first."""
    check_vectors(vectors)
    if not len(ids) == len(vectors) == len(labels) == len(sources):
        raise ValueError("ids, vectors, labels and sources differ in length")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("an id stands twice in one upsert")
    return (
        [
            {
                "id": int(ids[at]),
                "vector": vectors[at],
                **dict(zip(LABEL_FIELDS, columns(labels[at], len(LABEL_FIELDS)), strict=True)),
                **dict(zip(SOURCE_FIELDS, columns(sources[at], len(SOURCE_FIELDS)), strict=True)),
            }
            for at in range(start, min(start + size, len(ids)))
        ]
        for start in range(0, len(ids), size)
    )


def hits_of(found: Any) -> SearchHits:
    """Turn one query's answer into arrays; its hits as dicts are made one by one and cost 40 µs each."""
    return SearchHits(np.array(found.ids, dtype=np.int64), np.array(found.distances, dtype=np.float32))


def rows_of(found: Sequence[dict[str, Any]], *, vectors: bool) -> IndexedRows:
    """Turn rows as dicts into arrays, in ascending order of id."""
    rows = sorted(found, key=lambda row: int(row["id"]))
    return IndexedRows(
        np.array([row["id"] for row in rows], np.int64),
        np.array([[row[field] for field in LABEL_FIELDS] for row in rows], np.int64).reshape(-1, len(LABEL_FIELDS)),
        np.array([[row[field] for field in SOURCE_FIELDS] for row in rows], np.int64).reshape(-1, len(SOURCE_FIELDS)),
        np.array([row["vector"] for row in rows], np.float32) if vectors else None,
    )
