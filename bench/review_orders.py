"""Ways to order the images of a label so that wrong ones come first, for `ruiji bench review`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from curate.ranker import Examples, Scores, Vectors, fit
from curate.suspects import NEIGHBOURS, Others, judge

FOLDS = 5
Order = Callable[[Vectors, Others, np.random.Generator], Scores]


@dataclass(frozen=True)
class Way:
    """Scores (n,) of a label's images (n, d) against others, least first to look at; and what it is, in words."""

    scores: Order
    about: str


def ours(members: Vectors, others: Others, rng: np.random.Generator) -> Scores:
    """What the product does."""
    return judge(members, others, rng=rng).scores


def unlike(members: Vectors, others: Others, rng: np.random.Generator) -> Scores:
    """The cosine to the mean of the rest: the page's other order."""
    return judge(members, others, rng=rng).likeness


def votes(members: Vectors, others: Others, rng: np.random.Generator) -> Scores:
    """The share of an image's nearest neighbours, weighted by cosine, that are the label."""
    pool = np.concatenate([members, others.vectors])
    cosines = members @ pool.T
    np.fill_diagonal(cosines, -np.inf)
    k = min(NEIGHBOURS, len(pool) - 1)
    nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
    weights = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 1e-6)
    share: Scores = ((nearest < len(members)) * weights).sum(axis=1) / weights.sum(axis=1)
    return share


def held_out(members: Vectors, others: Others, rng: np.random.Generator) -> Scores:
    """Log odds by the hunt's logistic regression, each image by one fitted without its fifth of the images.

    Out-of-sample self-confidence, the order of Northcutt, Jiang and Chuang, Confident Learning (JAIR 2021).
    """
    scores = np.empty(len(members), np.float32)
    fold = rng.permutation(len(members)) % FOLDS
    for one in range(FOLDS):
        ranking = fit(Examples(members[fold != one], negatives=others.vectors))
        scores[fold == one] = ranking.scores(members[fold == one])
    return scores


def by_heart(members: Vectors, others: Others, rng: np.random.Generator) -> Scores:
    """The same, fitted to all: each image is judged with its own label."""
    return fit(Examples(members, negatives=others.vectors)).scores(members)


ORDERS: Mapping[str, Way] = {
    "ours": Way(ours, "leave-one-out regression and neighbours"),
    "held_out_regression": Way(held_out, "logistic regression, held out in fifths"),
    "regression": Way(by_heart, "logistic regression, not held out"),
    "knn_votes": Way(votes, "k-NN votes"),
    "unlike": Way(unlike, "least like the rest"),
    "random": Way(lambda members, others, rng: rng.random(len(members)).astype(np.float32), "random order"),
}
