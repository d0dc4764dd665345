"""Finds the best undecided images of a hunt: fits a ranking to what was decided and asks the index with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from curate.ranker import Examples, NoPositives, Ranking, Scores, Vectors, fit

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Hits(NamedTuple):
    """The answer to one query: ids (m,), best first, and their cosines (m,)."""

    ids: Ids
    cosines: Scores


class Search(Protocol):
    """The nearest `k` images to each query (q, d) that are not `excluded`; fewer where there are no more."""

    def __call__(self, queries: Vectors, *, k: int, excluded: Ids) -> list[Hits]:
        """Return one answer per query."""
        ...


@dataclass(frozen=True)
class Known:
    """What a person has decided in a hunt; `start` are the examples that it began with, part of `positives`."""

    start: Ids
    positives: Ids
    negatives: Ids

    @property
    def decided(self) -> Ids:
        """Images that are not to be shown again."""
        return np.concatenate([self.positives, self.negatives])


@dataclass(frozen=True)
class Found:
    """Undecided images, best first; `log_odds` (n,) of being of the class, None where none could be fitted."""

    ids: Ids
    log_odds: Scores | None = None

    @property
    def selected(self) -> Flags | None:
        """Which lie above the cut-off (n,)."""
        return None if self.log_odds is None else self.log_odds > 0


class Finder(Protocol):
    """Anything that can say which images to show next."""

    def __call__(self, known: Known, *, k: int) -> Found:
        """Return the k best undecided images."""
        ...


class LearnedFinder:
    """The product's own: `ranking` is the last one that it made.

    `vectors_of` reads vectors (n, d) of images; `background` are random images of the collection, best
    `ranker.UNLABELLED` of them, as long as they are undecided weak negatives.
    """

    def __init__(self, search: Search, *, vectors_of: Callable[[Ids], Vectors], background: Ids) -> None:
        self.ranking: Ranking | None = None
        self._search = search
        self._vectors_of = vectors_of
        self._background = background

    def __call__(self, known: Known, *, k: int) -> Found:
        """Fit to what is known and search; raises NoPositives."""
        decided = known.decided
        undecided = self._background[~np.isin(self._background, decided)]
        examples = Examples(*(self._vectors_of(ids) for ids in (known.positives, known.negatives, undecided)))
        self.ranking = fit(examples, before=self.ranking)
        return best(self._search, self.ranking, k=k, excluded=decided)

    def scores(self, ids: Ids) -> Scores:
        """Log odds (n,) of images by the last ranking; raises NoPositives before there is one."""
        if self.ranking is None:
            raise NoPositives
        return self.ranking.scores(self._vectors_of(ids))


def best(search: Search, ranking: Ranking, *, k: int, excluded: Ids) -> Found:
    """The k best images by the ranking: one search with all of its queries, the answers merged by log odds."""
    answers = search(ranking.queries, k=k, excluded=excluded)
    ids = np.concatenate([hits.ids for hits in answers])
    odds = np.concatenate(
        [
            (hits.cosines - cutoff) * scale
            for hits, cutoff, scale in zip(answers, ranking.cutoffs, ranking.scales, strict=True)
        ]
    )
    order = np.argsort(-odds, kind="stable")
    # An image that several queries found counts where it does best.
    _, firsts = np.unique(ids[order], return_index=True)
    top = order[np.sort(firsts)][:k]
    return Found(ids[top], odds[top] if ranking.fitted else None)


def exact_search(vectors: Vectors) -> Search:
    """Search by comparing with every row of vectors (n, d), whose ids are their places."""

    def search(queries: Vectors, *, k: int, excluded: Ids) -> list[Hits]:
        answers = []
        for cosines in queries @ vectors.T:
            cosines[excluded] = -np.inf
            many = min(k, len(vectors) - len(np.unique(excluded)))
            if many <= 0:
                answers.append(Hits(np.empty(0, np.int64), np.empty(0, np.float32)))
                continue
            nearest = np.argpartition(-cosines, many - 1)[:many]
            nearest = nearest[np.argsort(-cosines[nearest], kind="stable")].astype(np.int64)
            answers.append(Hits(nearest, cosines[nearest]))
        return answers

    return search
