"""Maps in three dimensions: t-SNE by scikit-learn's Barnes-Hut, for openTSNE is made for two."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

PERPLEXITY = 30.0
ITERATIONS = 1000  # scikit-learn's default
FIRST = 0.05  # share of the whole that is told before the first iterations
SAID = re.compile(r"Iteration (\d+)")


def draw(
    vectors: NDArray[np.float32], *, threads: int, seed: int, progress: Callable[[float], None]
) -> NDArray[np.float32]:
    """Positions (n, 3) of unit vectors (n, d), n >= 4; `progress` gets the share that is done."""
    tsne = TSNE(
        n_components=3,
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        method="barnes_hut",
        init="pca",  # the same vectors give the same map
        max_iter=ITERATIONS,
        n_jobs=threads,
        random_state=seed,
        verbose=2,  # it calls nobody back: what it prints is the only sign of how far it is
    )
    with contextlib.redirect_stdout(_Heard(progress)):
        return np.asarray(tsne.fit_transform(vectors), dtype=np.float32)


class _Heard(io.TextIOBase):
    """Takes what scikit-learn prints and passes on how far it is."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress

    def write(self, text: str, /) -> int:
        if found := SAID.search(text):
            self._progress(FIRST + (1 - FIRST) * int(found.group(1)) / ITERATIONS)
        return len(text)
