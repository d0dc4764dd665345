"""Vectors that tests search among, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Each row with length 1."""
    scaled: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def embeddings(count: int, *, seed: int = 0, dimension: int = 64) -> NDArray[np.float32]:
    """Vectors (count, dimension) shaped like a network's: clusters on a low-dimensional, non-negative manifold."""
    shape = np.random.default_rng(7)
    centres, spread = shape.normal(size=(20, 16)), shape.normal(size=(16, dimension))
    random = np.random.default_rng(seed)
    latent = centres[random.integers(0, 20, count)] + 0.8 * random.normal(size=(count, 16))
    return unit(np.maximum(latent @ spread, 0) + 0.02 * random.random((count, dimension)))


def nearest(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[int]:
    """Row numbers of the k rows with the highest cosine: the plain way."""
    return [int(row) for row in np.argsort(-(vectors @ query), kind="stable")[:k]]


def eventually(question: Callable[[], object], answer: object, *, within_s: float = 60.0) -> None:
    """Ask again until the answer is right: with Bounded consistency a write shows a moment later."""
    until = time.monotonic() + within_s
    while (got := question()) != answer and time.monotonic() < until:
        time.sleep(0.05)
    assert got == answer
