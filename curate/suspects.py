"""Says which images of a label are most likely wrong: each is judged by all the others, never by its own label.

Two opinions, added. A ridge regression on the label, the other labels and everything else says how much more an image
looks like its own label than like the best other one; that each image is left out of its own judgement costs nothing,
for the regression without one row follows from the one with it. And the image's nearest neighbours in the label are
compared with those outside. docs/HUNT.md says how both were chosen, and what they find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curate.ranker import Scores, Vectors

Places = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Chosen in replay: 0.3 to 3 for PENALTY, 0 to 0.5 for NEIGHBOURS_WEIGHT find the same within 4 % in labels of 1,000
# images. In labels of 30 the neighbours raise the average precision of mistakes of any class from 0.41 to 0.56.
PENALTY = 1.0  # of the squared length of the weights
BALANCE = 0.5  # the label's images together weigh (others / images) ** BALANCE times as much as they would
NEIGHBOURS = 20
NEIGHBOURS_WEIGHT = 0.5
REFERENCES = 1000  # drawn of each side, for neighbours to be found among: all of them find 1 % more and take ten times
ROWS_AT_ONCE = 2048  # bounds the similarities held at once to 8 MB
NONE_KNOWN = -1


@dataclass(frozen=True)
class Others:
    """Images that are not the label: unit rows (m, d), and which other label (m,) each is, or NONE_KNOWN."""

    vectors: Vectors
    labels: Places


@dataclass(frozen=True)
class _Neighbours:
    members: Vectors
    places: Places  # of each of them among the images judged
    others: Vectors


@dataclass(frozen=True)
class Verdict:
    """How well each image (n,) fits its label, least first to look at, and how like the rest of it (n,) it is (cosine).

    `scores` order images; they are no probabilities.
    """

    scores: Scores
    likeness: Scores
    _weights: Floats
    _neighbours: _Neighbours
    _centre: Vectors
    _margin_scale: tuple[float, float]
    _gap_scale: tuple[float, float]

    def of(self, vectors: Vectors) -> tuple[Scores, Scores]:
        """Scores and likeness (k,) of unit rows (k, d) that the verdict was not made from."""
        answers = vectors.astype(np.float64) @ self._weights[:-1] + self._weights[-1]
        gaps = _gaps(vectors, self._neighbours, own=None)
        scores = _joined(_margins(answers), gaps, self._margin_scale, self._gap_scale)
        return scores, vectors @ self._centre


def judge(members: Vectors, others: Others, *, rng: np.random.Generator) -> Verdict:
    """Judge the label's images, unit rows (n, d), against the others; the same input gives the same verdict."""
    many = len(members)
    if not len(others.vectors):
        others = Others(np.empty((0, members.shape[1]), np.float32), np.empty(0, np.int64))
    places = np.sort(rng.choice(many, min(REFERENCES, many), replace=False)).astype(np.int64)
    drawn = np.sort(rng.choice(len(others.vectors), min(REFERENCES, len(others.vectors)), replace=False))
    neighbours = _Neighbours(members[places], places, others.vectors[drawn])
    answers, weights = _left_out(members, others)
    margins, gaps = _margins(answers), _gaps(members, neighbours, own=np.arange(many))
    scales = _scale(margins), _scale(gaps)
    whole = members.sum(axis=0, dtype=np.float64)
    lengths = np.sqrt(np.maximum(whole @ whole - 2 * (members @ whole) + 1, 1e-12))
    likeness = ((members @ whole - 1) / lengths).astype(np.float32)
    centre = (whole / max(float(np.linalg.norm(whole)), 1e-12)).astype(np.float32)
    return Verdict(_joined(margins, gaps, *scales), likeness, weights, neighbours, centre, *scales)


def _left_out(members: Vectors, others: Others) -> tuple[Floats, Floats]:
    """What a regression without the image says of each member (n, 1 + labels), and the weights (d + 1, 1 + labels).

    Column 0 is the label itself. Leave-one-out of a linear smoother: (answer - h · truth) / (1 - h), h the row's
    leverage (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 7.10.1).
    """
    known = np.unique(others.labels[others.labels != NONE_KNOWN])
    many, rest = len(members), len(others.vectors)
    rows = np.concatenate([members, others.vectors])
    rows = np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)
    truth = np.full((len(rows), 1 + len(known)), -1.0, np.float32)
    truth[:many, 0] = 1
    truth[many:, 1:][others.labels[:, None] == known[None]] = 1
    weights = np.ones(len(rows), np.float32)
    weights[:many] = (max(1, rest) / max(1, many)) ** BALANCE
    weighted = rows * weights[:, None]
    gram = (weighted.T @ rows).astype(np.float64)
    diagonal = np.arange(len(gram) - 1)
    gram[diagonal, diagonal] += PENALTY
    gram[-1, -1] += 1e-6  # the intercept is free, but a single image must not make the matrix singular
    inverse = np.linalg.inv(gram)
    found = inverse @ (weighted.T @ truth).astype(np.float64)
    mine = rows[:many]
    leverage = weights[:many] * np.einsum("nd,nd->n", mine @ inverse.astype(np.float32), mine)
    left = np.maximum(1 - leverage, 1e-4)[:, None]
    answers = (mine @ found.astype(np.float32) - leverage[:, None] * truth[:many]) / left
    return answers.astype(np.float64), found


def _margins(answers: Floats) -> Floats:
    """How much more like its own label than like the best other one, where there is one."""
    if answers.shape[1] == 1:
        return answers[:, 0]
    margins: Floats = answers[:, 0] - answers[:, 1:].max(axis=1)
    return margins


def _gaps(vectors: Vectors, neighbours: _Neighbours, *, own: Places | None) -> Floats:
    """Mean cosine to the nearest in the label, without the image itself, less that to the nearest outside."""
    gaps = np.zeros(len(vectors))
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        block = vectors[start : start + ROWS_AT_ONCE]
        inside = block @ neighbours.members.T
        there = len(neighbours.members)
        if own is not None and there:
            # An image that is one of the references is none of its own neighbours.
            mine = own[start : start + len(block)]
            at = np.minimum(np.searchsorted(neighbours.places, mine), there - 1)
            rows = np.flatnonzero(neighbours.places[at] == mine)
            inside[rows, at[rows]] = -np.inf
            there -= 1 if len(rows) else 0
        gaps[start : start + len(block)] = _nearest(inside, there) - _nearest(block @ neighbours.others.T, None)
    return gaps


def _nearest(cosines: Vectors, there: int | None) -> Floats:
    k = min(NEIGHBOURS, cosines.shape[1] if there is None else there)
    if k <= 0:
        return np.zeros(len(cosines))
    top = np.partition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]
    nearest: Floats = top.mean(axis=1, dtype=np.float64)
    return nearest


def _scale(values: Floats) -> tuple[float, float]:
    return float(np.median(values)), max(float(values.std()), 1e-9)


def _joined(margins: Floats, gaps: Floats, margin: tuple[float, float], gap: tuple[float, float]) -> Scores:
    joined = (margins - margin[0]) / margin[1] + NEIGHBOURS_WEIGHT * (gaps - gap[0]) / gap[1]
    return joined.astype(np.float32)
