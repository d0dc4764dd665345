"""How good vectors are: weighted kNN, precision, recall and average precision of retrieval, a linear probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (n, d), rows of length 1
Labels = NDArray[np.integer]  # (n,), class numbers from 0

ROWS = 500  # queries compared at once: 500 x 50,000 scores are 100 MB


@dataclass(frozen=True)
class ClassRetrieval:
    """One class: its pictures ask, all other pictures are searched."""

    precision: float  # share of the first k that are of the class
    recall: float  # share of the class that is among the first k
    average_precision: float  # mean over the queries, over the whole ranking


def knn_accuracy(
    bank: Vectors, bank_labels: Labels, queries: Vectors, labels: Labels, *, k: int = 200, temperature: float = 0.1
) -> float:
    """Accuracy of the weighted kNN vote of Wu et al. 2018 (arXiv 1805.01978, section 3.4).

    Each of the k nearest votes with exp(similarity / temperature), as in lightly's `knn_predict`.
    """
    classes = int(max(bank_labels.max(), labels.max())) + 1
    k = min(k, len(bank))
    right = 0
    for start in range(0, len(queries), ROWS):
        scores = queries[start : start + ROWS] @ bank.T
        nearest = np.argpartition(scores, -k, axis=1)[:, -k:]
        weights = np.exp(np.take_along_axis(scores, nearest, axis=1).astype(np.float64) / temperature)
        votes = np.zeros((len(scores), classes))
        np.add.at(votes, (np.arange(len(scores))[:, None], bank_labels[nearest]), weights)
        right += int((votes.argmax(axis=1) == labels[start : start + ROWS]).sum())
    return right / len(queries)


def precision_at_k(vectors: Vectors, labels: Labels, *, k: int = 10) -> float:
    """Mean share of the k nearest others that have the query's class; every picture asks, itself excluded."""
    hits = 0
    for start in range(0, len(vectors), ROWS):
        scores = _scores_of_others(vectors, start)
        nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        hits += int((labels[nearest] == labels[start : start + len(scores), None]).sum())
    return hits / (len(vectors) * k)


def retrieval_by_class(
    vectors: Vectors, labels: Labels, *, k: int = 100, queries: int = 100, seed: int = 0
) -> dict[int, ClassRetrieval]:
    """Precision@k, recall@k and average precision of each class, from at most `queries` queries of it."""
    rng = np.random.default_rng(seed)
    result: dict[int, ClassRetrieval] = {}
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            continue
        chosen = rng.permutation(members)[:queries]
        scores = vectors[chosen] @ vectors.T
        scores[np.arange(len(chosen)), chosen] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]  # the last is the query itself
        relevant = labels[order] == label
        found = relevant.cumsum(axis=1)
        precision = found / np.arange(1, relevant.shape[1] + 1)
        depth = min(k, relevant.shape[1])
        result[int(label)] = ClassRetrieval(
            precision=float(found[:, depth - 1].mean() / depth),
            recall=float(found[:, depth - 1].mean() / (len(members) - 1)),
            average_precision=float(((precision * relevant).sum(axis=1) / (len(members) - 1)).mean()),
        )
    return result


def linear_probe(
    bank: Vectors,
    bank_labels: Labels,
    queries: Vectors,
    labels: Labels,
    *,
    steps: int = 100,
    decay: float = 1e-4,
    seed: int | None = None,
) -> float:
    """Test accuracy of one linear layer on frozen vectors: softmax regression, standardised, L-BFGS. Needs torch.

    It starts from zero, or with a seed from small random weights.
    """
    import torch

    mean, std = bank.mean(axis=0), bank.std(axis=0) + 1e-6
    inputs, targets = torch.from_numpy((bank - mean) / std), torch.from_numpy(bank_labels.astype(np.int64))
    classes = int(max(bank_labels.max(), labels.max())) + 1
    weight = torch.zeros(bank.shape[1], classes)
    if seed is not None:
        weight.normal_(std=0.01, generator=torch.Generator().manual_seed(seed))
    weight.requires_grad_()
    bias = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weight + bias, targets) + decay * weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    cast(Any, optimiser).step(closure)
    with torch.no_grad():
        guesses = (torch.from_numpy((queries - mean) / std) @ weight + bias).argmax(dim=1).numpy()
    return float((guesses == labels).mean())


def _scores_of_others(vectors: Vectors, start: int) -> NDArray[np.float32]:
    """Similarities of rows start … start+ROWS to all rows; that of a row to itself is minus infinity."""
    scores: NDArray[np.float32] = vectors[start : start + ROWS] @ vectors.T
    rows = np.arange(len(scores))
    scores[rows, start + rows] = -np.inf
    return scores
