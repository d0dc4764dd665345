"""Other ways to choose what a person is shown next, each as its authors describe it, for `ruiji bench label`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from curate.finder import Finder, Found, Known, LearnedFinder, exact_search
from curate.ranker import UNLABELLED, Scores, Vectors
from curate.replay import Costs

Scorer = Callable[[Known], Scores]
NEIGHBOURS_AT_ONCE = 256


@dataclass(frozen=True)
class Strategy:
    """A way to hunt: what finds the next images, for (vectors, random numbers); whether it jumps; what a page costs."""

    finder: Callable[[Vectors, np.random.Generator], Finder]
    about: str
    jumps: bool = False
    preselected: bool = True

    def costs(self, costs: Costs) -> Costs:
        """The person's costs with the pages of this strategy."""
        return Costs(costs.key_s, costs.look_s, preselected=self.preselected)


def learned(vectors: Vectors, rng: np.random.Generator) -> Finder:
    """Our ranker over an exact search."""
    background = rng.choice(len(vectors), min(UNLABELLED, len(vectors)), replace=False).astype(np.int64)
    return LearnedFinder(exact_search(vectors), vectors_of=lambda ids: vectors[ids], background=background)


def logistic(vectors: Vectors, rng: np.random.Generator) -> Finder:
    """The same regression without what we add: pages come as for every rival, and nothing is jumped."""
    finder = learned(vectors, rng)
    return lambda known, *, k: Found(finder(known, k=k).ids)


def by_scores(
    make: Callable[[Vectors, np.random.Generator], Scorer],
) -> Callable[[Vectors, np.random.Generator], Finder]:
    """A finder from scores (n,) of all images."""

    def finder(vectors: Vectors, rng: np.random.Generator) -> Finder:
        scorer = make(vectors, rng)

        def find(known: Known, *, k: int) -> Found:
            scores = scorer(known).copy()
            scores[known.decided] = -np.inf
            many = min(k, len(scores) - len(np.unique(known.decided)))
            if many <= 0:
                return Found(np.empty(0, np.int64))
            top = np.argpartition(-scores, many - 1)[:many]
            return Found(top[np.argsort(-scores[top], kind="stable")].astype(np.int64))

        return find

    return finder


def plain(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """The cosine to the nearest of the examples that the hunt began with."""
    kept: dict[str, Scores] = {}

    def scores(known: Known) -> Scores:
        if not kept:
            kept["scores"] = (vectors @ vectors[known.start].T).max(axis=1)
        return kept["scores"]

    return scores


def one_query(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """The cosine to the first example: one query, one list."""
    kept: dict[str, Scores] = {}

    def scores(known: Known) -> Scores:
        if not kept:
            kept["scores"] = vectors @ vectors[known.start[0]]
        return kept["scores"]

    return scores


def mean(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """The cosine to the mean of what was confirmed."""
    return lambda known: np.asarray(vectors @ vectors[known.positives].mean(axis=0))


def twice_mean(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """FiftyOne's: 2 * mean(confirmed) - mean(rejected)."""

    def scores(known: Known) -> Scores:
        query = 2 * vectors[known.positives].mean(axis=0)
        if len(known.negatives):
            query = query - vectors[known.negatives].mean(axis=0)
        return np.asarray(vectors @ query)

    return scores


def neighbours(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """Expansion of the labelled set (SEALS, arXiv 2007.00077): the cosine to the nearest image confirmed so far."""
    nearest = np.full(len(vectors), -np.inf, np.float32)
    asked: set[int] = set()

    def scores(known: Known) -> Scores:
        new = [one for one in known.positives.tolist() if one not in asked]
        asked.update(new)
        for begin in range(0, len(new), NEIGHBOURS_AT_ONCE):
            cosines = vectors @ vectors[new[begin : begin + NEIGHBOURS_AT_ONCE]].T
            np.maximum(nearest, cosines.max(axis=1), out=nearest)
        return nearest

    return scores


def random_order(vectors: Vectors, rng: np.random.Generator) -> Scorer:
    """No order at all."""
    order = rng.random(len(vectors), dtype=np.float32)
    return lambda known: order


STRATEGIES: Mapping[str, Strategy] = {
    "ours": Strategy(learned, "logistic regression, cut-off, jumps", jumps=True),
    "plain_topk": Strategy(by_scores(plain), "nearest to any of the examples, no feedback"),
    "one_query_one_list": Strategy(
        by_scores(one_query), "nearest to the first example, tiles clicked", preselected=False
    ),
    "mean_of_positives": Strategy(by_scores(mean), "nearest to the mean of the confirmed"),
    "fiftyone": Strategy(by_scores(twice_mean), "2 * mean(confirmed) - mean(rejected)"),
    "logistic_regression": Strategy(logistic, "our regression without cut-off and jumps"),
    "knn_expansion": Strategy(by_scores(neighbours), "nearest to anything confirmed"),
    "bisection_alone": Strategy(by_scores(plain), "plain top-k with jumps, as MorphoCluster", jumps=True),
    "random_order": Strategy(by_scores(random_order), "no order"),
}
