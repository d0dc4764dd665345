"""Two labels side by side: the images of one that look most like the other."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder, serving_encoder
from catalog.hits import Hit, describe_images
from catalog.label_review import images_of_label, newest_event
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from curate.paging import Ids
from curate.ranked import Ranked, rank
from curate.review_others import OTHERS, read_vectors, seeded
from curate.suspects import NONE_KNOWN, Others

KEPT = 8  # comparisons, of 5 MB each


@dataclass(frozen=True)
class ConfusedPage:
    """Images of the label, most like the other one first; `total` are in the list, `both` carry both labels and are
    not in it. The scores of the hits are their cosines to the rest of their own label.
    """

    label_id: int
    other_id: int
    encoder_id: str | None
    hits: list[Hit]
    total: int
    both: int
    took_ms: dict[str, float]


class Comparer:
    """Compares labels; what it keeps in memory can be had again from ledger and shards."""

    def __init__(self, ledger: Ledger, store: ArtifactStore) -> None:
        self._ledger, self._store = ledger, store
        self._ranked: dict[tuple[int, int], Ranked] = {}
        self._comparing = threading.Lock()

    def page(self, label_id: int, other_id: int, *, offset: int = 0, limit: int = 60) -> ConfusedPage:
        """The images of a label from `offset` on, most like the other one first.

        What has no vector of the encoder, or carries both labels, is not among them. The first page is compared by all
        that is known; the order holds for those after it. Raises UnknownLabel, ArtifactMissing, ShardDamaged.
        """
        started = time.perf_counter()
        newest = newest_event(self._ledger)
        mine, theirs = images_of_label(self._ledger, label_id), images_of_label(self._ledger, other_id)
        both = np.intersect1d(mine.ids, theirs.ids)
        own, rest = np.setdiff1d(mine.ids, both), np.setdiff1d(theirs.ids, both)
        encoder = serving_encoder(self._ledger)
        ranked = None
        if encoder is not None and mine.label_id != theirs.label_id:
            pair = (mine.label_id, theirs.label_id)
            ranked = self._rank(encoder, pair, own=own, rest=rest, newest=newest, again=offset == 0)
        scored: list[tuple[int, float]] = []
        total = 0
        if ranked is not None:
            order = np.argsort(ranked.scores, kind="stable")
            order = order[np.isin(ranked.ids[order], own)]  # one of them may have been moved since
            total = len(order)
            scored = [(int(ranked.ids[at]), float(ranked.likeness[at])) for at in order[offset : offset + limit]]
        took = {"rank": (time.perf_counter() - started) * 1000}
        wanted = SearchFilter(label_ids=(mine.label_id,), none_of=(theirs.label_id,))
        hits = describe_images(self._ledger, scored, wanted)
        took["total"] = (time.perf_counter() - started) * 1000
        encoder_id = encoder.id if encoder else None
        return ConfusedPage(mine.label_id, theirs.label_id, encoder_id, hits, total, len(both), took)

    def _rank(
        self, encoder: Encoder, pair: tuple[int, int], *, own: Ids, rest: Ids, newest: int, again: bool
    ) -> Ranked | None:
        read = partial(read_vectors, self._ledger, self._store, encoder_id=encoder.id)

        def others(_: Ids) -> Others:
            few = rest if len(rest) <= OTHERS else np.sort(seeded(encoder.id, *pair).choice(rest, OTHERS, False))
            vectors = read(few)[1]
            return Others(vectors, np.full(len(vectors), NONE_KNOWN, np.int64))

        with self._comparing:
            have = self._ranked.pop(pair, None)
            if have is None or have.encoder_id != encoder.id or (again and have.event_id != newest):
                rng = seeded(encoder.id, *pair)
                have = rank(own, encoder_id=encoder.id, event_id=newest, read=read, others=others, rng=rng)
            if have is not None:
                self._ranked[pair] = have
            while len(self._ranked) > KEPT:
                self._ranked.pop(next(iter(self._ranked)))
            return have
