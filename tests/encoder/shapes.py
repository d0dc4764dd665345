"""Pictures with structure for tests: discs, bars and checks in random colours and places, with noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)


def draw_shapes(count: int, *, seed: int, side: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(n, side, side, 3) uint8 and the kind of shape of each, 0 to 2."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    pictures, kinds = np.empty((count, side, side, 3), dtype=np.uint8), rng.integers(0, 3, count)
    for index, kind in enumerate(kinds):
        x, y, period = *rng.integers(side // 4, side - side // 4, 2), rng.integers(4, 9)
        disc = (columns - x) ** 2 + (rows - y) ** 2 < period**2
        bars = (rows + x) % period < period // 2
        checks = ((rows + x) // period + (columns + y) // period) % 2 == 0
        back, front = rng.integers(0, 256, (2, 3))
        picture = np.where((disc, bars, checks)[kind][..., None], front, back) + rng.normal(0, 12, (side, side, 3))
        pictures[index] = picture.clip(0, 255)
    return pictures, kinds.astype(np.int64)
