"""Any number of vectors that lie as real embeddings do, made from a few thousand of them, to measure an index with.

Manifold Parzen windows (Vincent and Bengio, NIPS 2002): around each real vector x_i a Gaussian with the covariance of
its neighbourhood. A made vector is x_i + (1 / sqrt(k)) * sum_j z_j (x_j - x_i), scaled to length 1, where i is drawn
uniformly, x_j are the k nearest of x_i, and z_j ~ N(0, 1). Where more dimensions are wanted than the encoder has, the
real vectors go through a random matrix with orthonormal columns first, which changes no cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.label_pool import SUFFIXES
from bench.precision import Pixels, cifar
from catalog.shards import Ids, Vectors
from encoder.embed import Embedder
from ingest.transform import squares, to_square

NEIGHBOURS = 20
BLOCK = 4000  # made at a time: BLOCK x NEIGHBOURS x d floats
ROWS_AT_ONCE = 50_000  # compared at a time
Scores = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Nearest:
    """Exact neighbours, best first: ids (q, k), rows of what was searched, and scores (q, k), their cosines."""

    ids: Ids
    scores: Scores


def real_vectors(folder: Path | None, embedder: Embedder) -> Vectors:
    """Embeddings (n, d) of all pictures below a folder, or of CIFAR-10's 10,000 test photos."""
    if folder is None:
        return embedder.embed(squares(cifar("test_batch", None).pictures, size=embedder.input_size))
    pictures: list[Pixels] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        with Image.open(path) as image:
            pictures.append(to_square(np.asarray(image.convert("RGBA")), size=embedder.input_size))
    if len(pictures) < 10 * NEIGHBOURS:
        raise SystemExit(f"{folder} has {len(pictures)} pictures; at least {10 * NEIGHBOURS} are needed")
    return embedder.embed(np.stack(pictures))


def raised(vectors: Vectors, dimension: int, *, seed: int) -> Vectors:
    """(n, dimension) with the same cosines; SystemExit where that has fewer dimensions than the vectors."""
    have = vectors.shape[1]
    if dimension < have:
        raise SystemExit(f"the encoder's vectors have {have} numbers, so --dim must be {have} or more")
    if dimension == have:
        return vectors
    drawn = np.random.default_rng(seed).normal(size=(dimension, have))
    columns, _ = np.linalg.qr(drawn)
    return (vectors @ columns.T.astype(np.float32)).astype(np.float32)


def resample(real: Vectors, into: Vectors, *, seed: int) -> None:
    """Fill `into` (n, d), which may be a file in memory, with vectors made from real ones (m, d)."""
    random = np.random.default_rng(seed)
    around = exact(real, real, k=NEIGHBOURS + 1).ids[:, 1:]
    for first in range(0, len(into), BLOCK):
        many = min(BLOCK, len(into) - first)
        chosen = random.integers(0, len(real), size=many)
        weights = random.normal(size=(many, NEIGHBOURS)).astype(np.float32) / np.float32(np.sqrt(NEIGHBOURS))
        centre = real[chosen]
        # sum_j z_j (x_j - x_i) = sum_j z_j x_j - (sum_j z_j) x_i
        made = np.einsum("nk,nkd->nd", weights, real[around[chosen]], optimize=True)
        made += (1 - weights.sum(axis=1, keepdims=True)) * centre
        into[first : first + many] = made / np.linalg.norm(made, axis=1, keepdims=True)


def exact(vectors: Vectors, asked: Vectors, *, k: int) -> Nearest:
    """The k nearest of (n, d) unit vectors for each asked one (q, d), by comparing all."""
    ids = np.empty((len(asked), 0), dtype=np.int64)
    scores = np.empty((len(asked), 0), dtype=np.float32)
    for first in range(0, len(vectors), ROWS_AT_ONCE):
        cosines = asked @ np.asarray(vectors[first : first + ROWS_AT_ONCE]).T
        few = min(k, cosines.shape[1])
        top = np.argpartition(-cosines, few - 1, axis=1)[:, :few]
        ids = np.concatenate([ids, top + first], axis=1)
        scores = np.concatenate([scores, np.take_along_axis(cosines, top, axis=1)], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        ids, scores = np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
    return Nearest(ids, scores)


def intrinsic_dimension(vectors: Vectors, *, seed: int, k: int = 20, asked: int = 500) -> float:
    """Of the set (n, d), at the distance of the k-th neighbour, by maximum likelihood.

    Levina and Bickel, NIPS 2004, with the inverses averaged over `asked` of its vectors, as MacKay and Ghahramani note.
    """
    rows = np.random.default_rng(seed).choice(len(vectors), size=min(asked, len(vectors)), replace=False)
    found = exact(vectors, np.asarray(vectors[np.sort(rows)]), k=k + 1)
    distances = np.sqrt(np.maximum(2 - 2 * found.scores[:, 1:].astype(np.float64), 1e-9))
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    return float(1 / inverse.mean())


def recall(found: Ids, right: Ids) -> float:
    """The mean share of the right ids (q, k) that are among the found (q, k)."""
    shares = [len(np.intersect1d(mine, theirs)) / len(theirs) for mine, theirs in zip(found, right, strict=True)]
    return float(np.mean(shares))
