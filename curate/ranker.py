"""Ranks images by what was confirmed and rejected: query vectors for ordinary cosine searches, each with a cut-off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from curate.lbfgs import minimise

Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]

# Chosen in replay; docs/HUNT.md says how and has the figures. All sit on a plateau: 0.1 to 1 for
# PENALTY and 0.05 to 0.25 for UNLABELLED_WEIGHT change the person's time by less than 3 %.
PENALTY = 0.3  # of the squared length of the weights
UNLABELLED_WEIGHT = 0.25  # an unlabelled image is a weak negative: a few of them are of the class
BALANCE = 0.5  # positives together weigh (negatives / positives) ** BALANCE times as much as they would
UNLABELLED = 200  # how many random unlabelled images to give
COLD_STEPS, WARM_STEPS, TOLERANCE = 50, 10, 1e-2  # both end within a cosine of 0.99 of the optimum


class NoPositives(ValueError):
    """Without a single example of the class there is nothing to look for."""

    def __init__(self) -> None:
        super().__init__("Give at least one image that is of the class; rejected ones alone do not say what to find.")


@dataclass(frozen=True)
class Examples:
    """What is known of a class: unit rows of confirmed (p, d), rejected (n, d) and random unlabelled (u, d) images."""

    positives: Vectors
    negatives: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))
    unlabelled: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))


@dataclass(frozen=True)
class Ranking:
    """What to ask the index: queries (q, d) of length 1 and, where one could be fitted, a cut-off for each.

    At its cut-off (q,), a cosine, an image is as likely of the class as not; a step of 1 / scale (q,) in cosine changes
    the odds e-fold. An image belongs to the query that speaks most for it.
    """

    queries: Vectors
    cutoffs: Scores
    scales: Scores
    fitted: bool = True  # False: cut-offs and scales mean nothing, only the order does

    def scores(self, vectors: Vectors) -> Scores:
        """Log odds (n,) of being of the class, for unit rows (n, d); they order images as the searches do."""
        return self.log_odds(vectors @ self.queries.T)

    def log_odds(self, cosines: Scores) -> Scores:
        """The same from the cosines (n, q) that a search returned; -inf for a query whose list an image is not in."""
        found: Scores = ((cosines - self.cutoffs) * self.scales).max(axis=1)
        return found


def unfitted(queries: Vectors) -> Ranking:
    """A ranking by the plain cosine to the nearest of the queries (q, d), which need not have length 1."""
    many = len(queries)
    return Ranking(unit(queries), np.zeros(many, np.float32), np.ones(many, np.float32), fitted=False)


def fit(examples: Examples, *, before: Ranking | None = None) -> Ranking:
    """Fit a logistic regression to the examples; its weights are the query, its intercept the cut-off.

    `before`, the ranking of a page ago, is where to start from: that takes a third of the time. Without
    negatives and unlabelled images the query is the mean of the positives, unfitted. Raises NoPositives.
    """
    positives, negatives, unlabelled = examples.positives, examples.negatives, examples.unlabelled
    if not len(positives):
        raise NoPositives
    rivals = [rows for rows in (negatives, unlabelled) if len(rows)]
    if not rivals:
        return unfitted(positives.mean(axis=0, keepdims=True))
    rows = np.concatenate([positives, *rivals])
    signs = np.ones(len(rows), np.float32)
    signs[len(positives) :] = -1
    boost = max(1.0, (len(negatives) + UNLABELLED_WEIGHT * len(unlabelled)) / len(positives)) ** BALANCE
    weights = np.ones(len(rows), np.float32)
    weights[: len(positives)] = boost
    weights[len(positives) + len(negatives) :] = UNLABELLED_WEIGHT
    start, steps = np.zeros(rows.shape[1] + 1, np.float32), COLD_STEPS
    if before is not None and before.fitted and before.queries.shape == (1, rows.shape[1]):
        steps = WARM_STEPS
        start[:-1] = before.queries[0] * before.scales[0]
        start[-1] = np.log(boost) - before.cutoffs[0] * before.scales[0]

    def loss(parameters: Vectors) -> tuple[float, Vectors]:
        weighting, intercept = parameters[:-1], parameters[-1]
        margins = signs * (rows @ weighting + intercept)
        value = float((weights * np.logaddexp(np.float32(0), -margins)).sum())
        value += 0.5 * PENALTY * float(weighting @ weighting)
        # The logistic function of -margins, written so that it does not overflow.
        slopes = -weights * signs * (0.5 - 0.5 * np.tanh(margins / 2))
        gradient = np.empty_like(parameters)
        gradient[:-1] = slopes @ rows + np.float32(PENALTY) * weighting
        gradient[-1] = slopes.sum()
        return value, gradient

    found = minimise(loss, start, steps=steps, tolerance=TOLERANCE)
    scale = float(np.linalg.norm(found[:-1]))
    if not scale:  # nothing tells the examples apart: the same image confirmed and rejected
        return unfitted(positives.mean(axis=0, keepdims=True))
    # The boost made positives look more frequent than they are: what it added to the log odds is taken off again.
    cutoff = (np.log(boost) - float(found[-1])) / scale
    return Ranking(unit(found[None, :-1]), np.array([cutoff], np.float32), np.array([scale], np.float32))


def unit(rows: Vectors) -> Vectors:
    """Rows (n, d) scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled
