"""How much of the exact nearest neighbours the vector index finds, over random images as questions."""

from __future__ import annotations

import numpy as np

from catalog.all_vectors import all_vectors
from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.index import CollectionMissing, IndexUnavailable, VectorIndex
from catalog.ledger import Ledger

QUESTIONS = 200
K = 10
SPARE = 10  # the image itself, and images deleted a moment ago
TIE = 1e-6  # whatever scores as well as the last neighbour is right


def index_recall(ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder) -> float | None:
    """Mean share of the K exact nearest among the index's first K; None where it has no collection, or hardly a row.

    Both search the same images: of what the index returns, only images that have a vector count.
    """
    ids, vectors = all_vectors(ledger, store, encoder_id=encoder.id)
    if len(ids) <= K:
        return None
    rows = np.random.default_rng(0).permutation(len(ids))[:QUESTIONS]
    try:
        found = index.search(encoder.collection, vectors[rows], limit=K + SPARE)
    except (IndexUnavailable, CollectionMissing):
        return None
    shares = []
    for row, hits in zip(rows.tolist(), found, strict=True):
        scores = vectors @ vectors[row]
        scores[row] = -np.inf
        least = np.partition(scores, -K)[-K] - TIE
        right = ids[scores >= least]
        answered = hits.ids[np.isin(hits.ids, ids) & (hits.ids != ids[row])][:K]
        shares.append(min(K, len(np.intersect1d(right, answered))) / K)
    return float(np.mean(shares))
