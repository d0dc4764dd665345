"""What a run is measured with: labelled pictures that it was not trained on ask, some that it was answer. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.training.gathering import CLASS_NAMES, CLASSES, HELD_OUT, HELD_OUT_CLASSES, Pixels

# Of a class in what is held out: fewer say nothing. Of all: the nearest ten among them are counted.
LEAST_OF_CLASS, LEAST_IN_ALL = 5, 50


@dataclass(frozen=True)
class HeldOut:
    """A bank of pictures that vote and queries that ask, (n, side, side, 3) each; labels are places in `names`."""

    bank: Pixels
    bank_labels: NDArray[np.integer]
    queries: Pixels
    query_labels: NDArray[np.integer]
    names: tuple[str, ...]


def held_out(run: Path, pictures: Pixels, *, most_in_bank: int, most_queries: int | None = None) -> HeldOut | None:
    """From the files that encoder/training/gathering.py has left in a run's folder; None where too few are labelled.

    `pictures` are those that the run trains on. Which are taken does not depend on chance.
    """
    if not (run / HELD_OUT).is_file():
        return None
    asked = np.load(run / HELD_OUT_CLASSES, allow_pickle=False)
    known = np.load(run / CLASSES, allow_pickle=False)
    names = json.loads((run / CLASS_NAMES).read_text(encoding="utf-8"))
    numbers, counts = np.unique(asked, return_counts=True)
    kept = np.array([one for one in numbers[counts >= LEAST_OF_CLASS].tolist() if (known == one).any()], dtype=np.int64)
    asking = np.flatnonzero(np.isin(asked, kept))
    if len(kept) < 2 or len(asking) < LEAST_IN_ALL:
        return None
    asking = np.sort(np.random.default_rng(1).permutation(asking)[:most_queries])
    rows = np.flatnonzero(np.isin(known, kept))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:most_in_bank])
    return HeldOut(
        bank=np.ascontiguousarray(pictures[rows]),
        bank_labels=np.searchsorted(kept, known[rows]),
        queries=np.load(run / HELD_OUT, allow_pickle=False)[asking],
        query_labels=np.searchsorted(kept, asked[asking]),
        names=tuple(names[one] for one in kept.tolist()),
    )
