"""Undecided images that are most likely a label: what a hunt would show first, without a hunt of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.hits import Hit
from catalog.hunts import Hunt
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.search import search_images
from catalog.search_filter import SearchFilter
from catalog.standing import rivals
from curate.hunt_examples import ExampleReader
from curate.proposal import EVIDENCE
from curate.ranker import Ranking, Vectors, fit

RANKINGS_KEPT = 64  # where to start the next fit from


@dataclass(frozen=True)
class Suggestions:
    """Undecided images, best first; those from `cut` on are less likely than not the label (None: nothing can tell,
    or all are likely). took_ms: stage -> milliseconds.
    """

    encoder_id: str
    hits: list[Hit]
    cut: int | None
    took_ms: dict[str, float]


class LabelSuggester:
    """Suggests for any number of labels; keeps nothing that cannot be had again from ledger and shards."""

    def __init__(self, ledger: Ledger, index: VectorIndex, store: ArtifactStore) -> None:
        self._ledger, self._index = ledger, index
        self._examples = ExampleReader(ledger, store, embed=_no_picture)
        self._rankings: dict[tuple[int, str], Ranking] = {}

    def page(self, label_id: int, *, encoder: Encoder, limit: int = 60) -> Suggestions:
        """The best undecided images by all that was decided of the label.

        Raises UnknownLabel, NoPositives before anything is the label, IndexUnavailable, CollectionMissing.
        """
        started = time.perf_counter()
        others = rivals(self._ledger, label_id)
        examples = self._examples.read(_nobodys(label_id), encoder)
        key = (label_id, encoder.id)
        ranking = fit(examples, before=self._rankings.pop(key, None))
        self._rankings[key] = ranking
        while len(self._rankings) > RANKINGS_KEPT:
            self._rankings.pop(next(iter(self._rankings)), None)
        took = {"fit": (time.perf_counter() - started) * 1000}
        answer = search_images(
            self._ledger,
            self._index,
            encoder=encoder,
            vectors=ranking.queries,
            k=limit,
            filter=SearchFilter(undecided=label_id, none_of=others),
        )
        cut = None
        if ranking.fitted and len(examples.positives) >= EVIDENCE:
            scores = np.array([hit.score for hit in answer.hits])
            above = int((scores > float(ranking.cutoffs.min())).sum())
            cut = None if above == len(scores) else above
        took = {**took, **answer.took_ms, "total": (time.perf_counter() - started) * 1000}
        return Suggestions(encoder.id, answer.hits, cut, took)


def _nobodys(label_id: int) -> Hunt:
    """A hunt that is in no ledger: it has no examples but what was decided of its label."""
    return Hunt("", label_id, "", None, {}, 0, 0.0, 0.0, None)


def _no_picture(key: str) -> tuple[str, Vectors]:
    raise AssertionError(f"a label's own suggestions have no uploaded example, but {key} was asked for")
