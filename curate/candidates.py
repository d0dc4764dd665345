"""The best undecided images by a ranking: all compared where they lie in files here, the index asked where not."""

from __future__ import annotations

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.exact_search import rank_all, search_all
from catalog.held_vectors import HeldVectors
from catalog.hits import Hit
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.search import rank_images, search_images
from catalog.search_filter import SearchFilter
from curate.paging import Ids
from curate.ranker import Ranking


class Candidates:
    """Finds what a hunt may show next; up to `compare_up_to` images all are compared."""

    def __init__(self, ledger: Ledger, index: VectorIndex, store: ArtifactStore, *, compare_up_to: int) -> None:
        self._ledger, self._index = ledger, index
        self._held = HeldVectors(ledger, store, most=compare_up_to)

    def best(
        self, most: int, *, page: int, also: int, encoder: Encoder, ranking: Ranking, wanted: SearchFilter
    ) -> tuple[Ids, list[Hit]]:
        """The best undecided images (n,): a page and `also` some below it described; more by their ids alone."""
        queries, described = ranking.queries, most + also
        if (shards := self._held.of(encoder.id)) is not None:
            if most > page:
                return rank_all(self._ledger, shards, vectors=queries, k=most, wanted=wanted), []
            answer = search_all(
                self._ledger, shards, encoder_id=encoder.id, vectors=queries, k=described, wanted=wanted
            )
            return np.array([hit.image_id for hit in answer.hits], np.int64), answer.hits
        if most > page:
            ids = rank_images(self._ledger, self._index, encoder=encoder, vectors=queries, k=most, filter=wanted)
            return ids, []
        found = search_images(self._ledger, self._index, encoder=encoder, vectors=queries, k=described, filter=wanted)
        return np.array([hit.image_id for hit in found.hits], np.int64), found.hits
