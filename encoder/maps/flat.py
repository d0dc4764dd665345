"""Maps in two dimensions: t-SNE by openTSNE, and new vectors placed on a map that is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from openTSNE import TSNEEmbedding
from openTSNE.affinity import PerplexityBasedNN
from openTSNE.initialization import pca

from encoder.maps.neighbours import ByCosine

PERPLEXITY = 30.0  # van der Maaten and Hinton 2008: 5 to 50; openTSNE's default
EXAGGERATION, EXAGGERATED, PLAIN = 12.0, 250, 500  # and iterations of each phase: openTSNE's defaults
MOMENTUM, FINAL_MOMENTUM = 0.5, 0.8
INTERPOLATE_FROM = 10_000  # points: the grid of FIt-SNE pays from here on, openTSNE's own limit
REPORT_EVERY = 10  # iterations
FIRST = 0.12  # share of the whole that is told when the neighbours are found

Progress = Callable[[float], None]


def draw(vectors: NDArray[np.float32], *, threads: int, seed: int, progress: Progress) -> NDArray[np.float32]:
    """Positions (n, 2) of unit vectors (n, d), n >= 4; `progress` gets the share that is done."""
    affinities = _affinities(vectors, threads=threads, seed=seed)
    progress(FIRST)
    points = TSNEEmbedding(
        pca(vectors, random_state=seed),
        affinities,
        negative_gradient_method="fft" if len(vectors) >= INTERPOLATE_FROM else "bh",
        n_jobs=threads,
        random_state=seed,
    )
    for before, iterations, exaggeration, momentum in (
        (0, EXAGGERATED, EXAGGERATION, MOMENTUM),
        (EXAGGERATED, PLAIN, None, FINAL_MOMENTUM),
    ):
        points.optimize(
            iterations,
            exaggeration=exaggeration,
            momentum=momentum,
            inplace=True,
            callbacks=_Report(before, EXAGGERATED + PLAIN, progress),
            callbacks_every_iters=REPORT_EVERY,
        )
    return np.asarray(points, dtype=np.float32)


def place(
    new: NDArray[np.float32],
    *,
    vectors: NDArray[np.float32],
    positions: NDArray[np.float32],
    threads: int,
    seed: int,
    progress: Progress,
) -> NDArray[np.float32]:
    """Positions (m, 2) of new unit vectors on the map of others: each near those that it is like; the map stays."""
    points = TSNEEmbedding(
        positions.astype(np.float64), _affinities(vectors, threads=threads, seed=seed), n_jobs=threads
    )
    progress(0.5)
    return np.asarray(points.transform(new, perplexity=min(5.0, (len(vectors) - 1) / 3)), dtype=np.float32)


def _affinities(vectors: NDArray[np.float32], *, threads: int, seed: int) -> PerplexityBasedNN:
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    index = ByCosine(vectors, k=min(len(vectors) - 1, int(3 * perplexity)), n_jobs=threads, random_state=seed)
    return PerplexityBasedNN(perplexity=perplexity, knn_index=index, n_jobs=threads, random_state=seed)


class _Report:
    """openTSNE's callback: tells how far it is, and lets it go on."""

    def __init__(self, before: int, iterations: int, progress: Progress) -> None:
        self._before, self._iterations, self._progress = before, iterations, progress

    def __call__(self, iteration: int, error: float, points: NDArray[np.float64]) -> bool:
        self._progress(FIRST + (1 - FIRST) * (self._before + iteration) / self._iterations)
        return False
