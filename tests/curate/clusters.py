"""Unit vectors in clusters, for hunts whose answer is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curate.ranker import Vectors, unit

Classes = npt.NDArray[np.int64]


def clusters(sizes: list[int], *, spread: float = 0.6, dimension: int = 32, seed: int = 0) -> tuple[Vectors, Classes]:
    """Rows (n, d) shuffled, and the cluster (n,) of each; `spread` 0.3 is easily told apart, 1.0 hardly."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(len(sizes), dimension)).astype(np.float32))
    classes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    noise = rng.normal(0, spread / np.sqrt(dimension), (len(classes), dimension)).astype(np.float32)
    return unit(centres[classes] + 2 * noise), classes
