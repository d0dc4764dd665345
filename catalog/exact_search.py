"""The best undecided images of a label by comparing with every vector: for a hunt that is quicker than an ANN index.

A hunt asks for what nobody has decided yet. An index must be asked for all that was found besides, since that ranks
highest; here it is left out by its ids before anything is ranked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.hits import Described, allowed_images, hits_of
from catalog.ledger import Ledger
from catalog.search import MOST_RESULTS, SPARE, SearchAnswer
from catalog.search_filter import SearchFilter
from catalog.shards import Ids, Shard, Vectors
from catalog.standing import settled

Scores = NDArray[np.float32]


def search_all(
    ledger: Ledger, shards: Sequence[Shard], *, encoder_id: str, vectors: Vectors, k: int, wanted: SearchFilter
) -> SearchAnswer:
    """Return the k images nearest to any of the queries (q, d) of length 1 among the undecided ones.

    `wanted` is about decisions only. Raises ValueError for k or another condition.
    """
    if not 1 <= k <= MOST_RESULTS:
        raise ValueError(f"k must be 1 to {MOST_RESULTS}, not {k}")
    started = time.perf_counter()
    undecided = _Undecided(ledger, shards, vectors, wanted)
    took = {"index": (time.perf_counter() - started) * 1000}
    started = time.perf_counter()
    ids, rows = undecided.best(k, describe=k + SPARE)
    hits = hits_of(ledger, [(one, undecided.score_of(one)) for one in ids[:k]], rows, None)
    took["ledger"] = (time.perf_counter() - started) * 1000
    return SearchAnswer(hits, took, encoder_id, exhausted=len(ids) <= k)


def rank_all(ledger: Ledger, shards: Sequence[Shard], *, vectors: Vectors, k: int, wanted: SearchFilter) -> Ids:
    """Return the ids (at most k) of the undecided images nearest to any of the queries (q, d), best first."""
    ids, _ = _Undecided(ledger, shards, vectors, wanted).best(k, describe=0)
    return np.array(ids[:k], dtype=np.int64)


class _Undecided:
    """Undecided images (n,), each with the best of its cosines; some of them may have been deleted."""

    def __init__(self, ledger: Ledger, shards: Sequence[Shard], vectors: Vectors, wanted: SearchFilter) -> None:
        if not wanted.about_decisions_only or wanted.min_score is not None:
            raise ValueError("only the undecided images of a label are compared one by one")
        queries = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        ids = np.concatenate([np.empty(0, np.int64), *(one.ids for one in shards)])
        scores = np.concatenate([np.empty(0, np.float32), *(best_cosine(one.vectors, queries) for one in shards)])
        open_ = ~np.isin(ids, settled(ledger, wanted))
        self._ledger, self._wanted = ledger, wanted
        self._ids, self._scores = ids[open_], scores[open_]
        self._score_of: dict[int, float] = {}

    def best(self, k: int, *, describe: int) -> tuple[list[int], dict[int, Described]]:
        """At least k of them that are there, if there are so many, best first, and the first `describe` described."""
        limit = k + SPARE
        while True:
            top = self._top(limit)
            allowed, rows = allowed_images(self._ledger, top, self._wanted, described=describe)
            if len(allowed) > k or limit >= len(self._ids):
                return allowed, rows
            limit *= 4

    def score_of(self, image_id: int) -> float:
        """The best cosine of an image that `best` returned."""
        return self._score_of[image_id]

    def _top(self, limit: int) -> list[int]:
        many = min(limit, len(self._ids))
        if not many:
            return []
        places = np.argpartition(-self._scores, many - 1)[:many]
        places = places[np.argsort(-self._scores[places], kind="stable")]
        # The first of two rows of one image is as good as the second: they hold the same vector.
        found = dict(zip(self._ids[places[::-1]].tolist(), self._scores[places[::-1]].tolist(), strict=True))
        self._score_of = found
        return list(reversed(found))


def best_cosine(vectors: Vectors, queries: Vectors) -> Scores:
    """The best cosine (n,) of each row (n, d) to any of the queries (q, d)."""
    best: Scores = (vectors @ queries.T).max(axis=1)
    return best
