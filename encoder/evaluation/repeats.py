"""Accuracies of kNN and linear probe over several seeds, each with other pictures to learn from."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.evaluate import Labels, Vectors, knn_accuracy, linear_probe

# L2 of the probe's weights, chosen on a fifth of the training pictures of the first seed: with 3,600 of CIFAR-10's the
# weakest gives 0.53 and the best 0.63, with 45,000 they hardly differ.
DECAYS = (1e-4, 1e-3, 1e-2, 1e-1)
SHARE = 0.9  # of the training pictures that each seed draws
ASKING = 0.2  # of the pictures that each seed sets aside to ask with, where there are no training pictures
BY_SUBSAMPLE = "each seed: other 90 % of each class of the training pictures, other first weights of the probe"
BY_SPLIT = "each seed: another fifth of each class asks, the rest is learnt from; other first weights of the probe"


@dataclass(frozen=True)
class LabelledVectors:
    """vectors (n, d) with rows of length 1, labels (n,) class numbers from 0."""

    vectors: Vectors
    labels: Labels

    def take(self, rows: NDArray[np.int64]) -> LabelledVectors:
        """Some of the rows."""
        return LabelledVectors(self.vectors[rows], self.labels[rows])


@dataclass(frozen=True)
class Spread:
    """A figure's mean over seeds and its standard deviation (of the sample, n - 1)."""

    mean: float
    std: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least two values."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)))


@dataclass(frozen=True)
class Accuracies:
    """Top-1 accuracies; `probe` is None where torch, which fits it, is not installed. `how` says what a seed varies."""

    knn: Spread
    probe: Spread | None
    probe_decay: float | None
    seeds: int
    learnt_from: int  # pictures of the first seed
    asked: int
    how: str


def accuracies(
    asking: LabelledVectors,
    *,
    training: LabelledVectors | None,
    seeds: int = 3,
    k: int = 200,
    progress: Callable[[str], None] = lambda _: None,
) -> Accuracies:
    """kNN and probe of `asking`, learnt from `training`, or without that from the rest of `asking` itself.

    Raises ValueError for fewer than two seeds, and for classes of which there is nothing to learn from or ask with.
    """
    if seeds < 2:
        raise ValueError(f"{seeds} seeds have no standard deviation; take 3 or more")
    has_torch = importlib.util.find_spec("torch") is not None
    knn, probe, sizes = [], [], []
    decay = None
    for seed, (bank, queries) in enumerate(_draws(asking, training, seeds)):
        progress(f"kNN, seed {seed + 1} of {seeds}")
        knn.append(knn_accuracy(bank.vectors, bank.labels, queries.vectors, queries.labels, k=k))
        if has_torch:
            progress(f"linear probe, seed {seed + 1} of {seeds}")
            decay = decay or best_decay(bank)
            probe.append(
                linear_probe(bank.vectors, bank.labels, queries.vectors, queries.labels, seed=seed, decay=decay)
            )
        sizes.append((len(bank.labels), len(queries.labels)))
    return Accuracies(
        knn=Spread.of(knn),
        probe=Spread.of(probe) if probe else None,
        probe_decay=decay,
        seeds=seeds,
        learnt_from=sizes[0][0],
        asked=sizes[0][1],
        how=BY_SPLIT if training is None else BY_SUBSAMPLE,
    )


def best_decay(bank: LabelledVectors) -> float:
    """The one of DECAYS with which a probe of four fifths of the bank knows most of the last fifth. Needs torch."""
    held = _of_each_class(bank.labels, ASKING, np.random.default_rng(0))
    rest, asked = bank.take(np.flatnonzero(~held)), bank.take(np.flatnonzero(held))
    found = [linear_probe(rest.vectors, rest.labels, asked.vectors, asked.labels, decay=decay) for decay in DECAYS]
    return DECAYS[int(np.argmax(found))]


def _draws(
    asking: LabelledVectors, training: LabelledVectors | None, seeds: int
) -> Iterator[tuple[LabelledVectors, LabelledVectors]]:
    """What to learn from and what to ask with, for each seed."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        if training is None:
            chosen = _of_each_class(asking.labels, ASKING, rng)
            yield asking.take(np.flatnonzero(~chosen)), asking.take(np.flatnonzero(chosen))
        else:
            yield training.take(np.flatnonzero(_of_each_class(training.labels, SHARE, rng))), asking


def _of_each_class(labels: Labels, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which pictures (n,) are drawn: the share of each class, one picture at least. Raises ValueError."""
    drawn = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            raise ValueError(f"class number {label} has one picture; every class needs two or more")
        many = min(max(1, round(share * len(members))), len(members) - 1)
        drawn[rng.permutation(members)[:many]] = True
    return drawn
