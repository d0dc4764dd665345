"""A faster search for the embedded milvus-lite: the same answers, with its loops over all rows done by numpy.

milvus-lite 3.2.2 walks all rows in Python to find which of them are current (5 ms for 10,000 rows, 60 ms for 100,000,
in every query) and builds each hit's whole row, vector included (0.04 ms each), even when only ids are asked for. Here
the current rows of the segments are kept between queries, and ids are taken as they are. Measured in
docs/decisions/0005-index-type.md; a test compares both, query by query, over upserts, deletions, flushes and filters.
Any other version, and any other kind of query, is left to milvus-lite's own function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = "3.2.2"
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Current:
    """Which rows of a collection's segments are the newest of their id, segment after segment.

    segments holds the objects themselves: as long as it does, none of them can be taken for another one.
    ids (n,) ascending, seqs (n,) and rows (n,) of the current rows; total: all rows.
    """

    segments: tuple[Any, ...]
    ids: NDArray[np.int64]
    seqs: NDArray[np.uint64]
    rows: NDArray[np.int64]
    total: int

    @classmethod
    def of(cls, segments: tuple[Any, ...]) -> _Current:
        """Work it out, once for each flush or compaction."""
        ids = np.concatenate([np.asarray(segment.pks, dtype=np.int64) for segment in segments])
        seqs = np.concatenate([segment.seqs for segment in segments])
        order = np.lexsort((seqs, ids))
        ordered = ids[order]
        last = np.append(ordered[1:] != ordered[:-1], True)
        return cls(segments, ordered[last], seqs[order][last], order[last], len(ids))

    def mask(self, newer: dict[int, int]) -> Mask:
        """Rows (total,) that are current, given ids with a later row or deletion: id -> its sequence number."""
        valid = np.ones(len(self.ids), dtype=bool)
        if newer:
            ids = np.fromiter(newer.keys(), np.int64, len(newer))
            seqs = np.fromiter(newer.values(), np.uint64, len(newer))
            at = self._at(ids)
            valid[at[(self.ids[at] == ids) & (seqs > self.seqs[at])]] = False
        mask = np.zeros(self.total, dtype=bool)
        mask[self.rows[valid]] = True
        return mask

    def seqs_of(self, ids: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The sequence numbers (m,) of the current rows with these ids (m,); 0 for those that are not here."""
        at = self._at(ids)
        return np.where(self.ids[at] == ids, self.seqs[at], np.uint64(0))

    def _at(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)


class _Searcher:
    """Stands in for milvus-lite's function; one for all collections of the process."""

    def __init__(self, original: Callable[..., list[list[dict[str, Any]]]]) -> None:
        self._original = original
        self._lock = threading.Lock()
        self._known: dict[Path, _Current] = {}  # by the folder of the segments' files

    def __call__(
        self,
        query_vectors: NDArray[np.float32],
        segments: Iterable[Any],
        memtable: Any,
        delta_index: Any,
        top_k: int,
        metric_type: str,
        pk_field: str,
        vector_field: str,
        **options: Any,
    ) -> list[list[dict[str, Any]]]:
        """Search as `milvus_lite.search.executor_indexed.execute_search_with_index` does."""
        snapshot = tuple(segment for segment in segments if segment.num_rows)
        named = (top_k, metric_type, pk_field, vector_field)
        if (
            not snapshot
            or options.get("partition_names")
            or options.get("output_fields") != [pk_field]
            or type(snapshot[0].pks[0]) is not int
            or query_vectors.ndim != 2
        ):
            return self._original(query_vectors, snapshot, memtable, delta_index, *named, **options)
        return self._search(query_vectors, snapshot, memtable, delta_index, named, options)

    def _search(
        self,
        queries: NDArray[np.float32],
        segments: tuple[Any, ...],
        memtable: Any,
        delta_index: Any,
        named: tuple[int, str, str, str],
        options: dict[str, Any],
    ) -> list[list[dict[str, Any]]]:
        from milvus_lite.search.filter import evaluate_mask
        from milvus_lite.search.indexed_filter import evaluate_segment_filter

        top_k, metric, _, vector_field = named
        wanted = options.get("compiled_filter")
        pks, seqs, vectors, _, table = memtable.to_search_snapshot(
            vector_field=vector_field, partition_names=None, include_table=wanted is not None
        )
        deleted = dict(delta_index._map)
        for pk, (seq, _) in memtable.delete_index_snapshot().items():
            deleted[pk] = max(seq, deleted.get(pk, 0))
        current = self._current(segments)
        waiting = {pk: max(int(seq), deleted.get(pk, 0)) for pk, seq in zip(pks, seqs, strict=True)}
        mask = current.mask({**deleted, **waiting})
        found = []
        start = 0
        for segment in segments:
            valid = mask[start : start + segment.num_rows]
            start += segment.num_rows
            if wanted is not None:
                valid = valid & evaluate_segment_filter(segment, wanted, options.get("indexed_filter_plan")).astype(
                    bool
                )
            stored, there = segment.vector_data(vector_field)
            valid = valid if there is None else valid & there
            found.append((segment.pks, stored, segment.indexes.get(vector_field), valid))
        if pks:
            gone = np.fromiter((deleted.get(pk, 0) for pk in pks), np.uint64, len(pks))
            valid = (gone <= seqs) & (current.seqs_of(np.array(pks, dtype=np.int64)) <= seqs)
            if wanted is not None and table is not None:
                valid = valid & evaluate_mask(wanted, table).astype(bool)
            found.append((pks, vectors, None, valid))
        return _nearest(queries, found, top_k=top_k, metric=metric, params=options.get("search_params"))

    def _current(self, segments: tuple[Any, ...]) -> _Current:
        folder = Path(segments[0].file_path).parent
        known = self._known.get(folder)
        if (
            known is None
            or len(known.segments) != len(segments)
            or any(one is not other for one, other in zip(known.segments, segments, strict=True))
        ):
            known = _Current.of(segments)
            with self._lock:
                # What a dropped collection has left would hold its vectors in memory.
                self._known = {other: kept for other, kept in self._known.items() if other.exists()}
                self._known[folder] = known
        return known


def install() -> bool:
    """Put the faster search in place; False, and nothing changed, when milvus-lite is another version."""
    import milvus_lite
    from milvus_lite.engine import collection

    if str(milvus_lite.__version__) != VERSION:
        return False
    if not isinstance(collection.execute_search_with_index, _Searcher):
        collection.execute_search_with_index = _Searcher(collection.execute_search_with_index)
    return True


def _nearest(
    queries: NDArray[np.float32],
    found: Sequence[tuple[Sequence[int], NDArray[np.float32], Any, Mask]],
    *,
    top_k: int,
    metric: str,
    params: dict[str, Any] | None,
) -> list[list[dict[str, Any]]]:
    """The best of each source, merged: by distance, then by source and row, as milvus-lite orders ties."""
    from milvus_lite.index.brute_force import BruteForceIndex

    candidates: list[list[tuple[float, int, int]]] = [[] for _ in queries]
    for source, (_, vectors, index, valid) in enumerate(found):
        if not valid.any():
            continue
        scan = BruteForceIndex.build(vectors, metric) if index is None else index
        rows, distances = scan.search(queries, top_k, valid_mask=None if valid.all() else valid, params=params)
        for query, (its_rows, its_distances) in enumerate(zip(rows.tolist(), distances.tolist(), strict=True)):
            candidates[query] += [
                (distance, source, row) for row, distance in zip(its_rows, its_distances, strict=True) if row >= 0
            ]
    answers = []
    for best in candidates:
        best.sort()
        ids = [(int(found[source][0][row]), distance) for distance, source, row in best[:top_k]]
        answers.append([{"id": one, "distance": distance, "entity": {}} for one, distance in ids])
    return answers
