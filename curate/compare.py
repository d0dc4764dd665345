"""Two encoders on the same questions: how much their answers overlap, and how often each finds the right label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from catalog.artifacts import ArtifactStore
from catalog.embedded import alive, locate, random_embedded
from catalog.encoders import Encoder
from catalog.index import VectorIndex
from catalog.labels import labelled_images, states
from catalog.ledger import Ledger
from catalog.shards import vectors_of
from catalog.tables import label

Vectors = npt.NDArray[np.float32]
Labels = dict[int, frozenset[int]]  # image id -> label ids

MOST_LABELLED = 2000  # their similarities to one another take 16 MB and 0.1 s
QUERIES = 200
QUERIES_AT_ONCE = 50
SPARE = 10  # beyond k: the query itself, and images that were deleted a moment ago


@dataclass(frozen=True)
class OnLabel:
    """How often the k nearest of a label's images have that label too, by each encoder; `queries` images asked."""

    label: str
    queries: int
    precision: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """What tells two encoders apart, on images that both have embedded.

    `overlap`: mean share of the k nearest that both return, over `queries` random images asked in both collections.
    `precision`: over `labelled` images, asked among themselves (exactly, itself left out); None where nothing tells.
    """

    k: int
    queries: int
    overlap: float | None
    labelled: int
    precision: tuple[float, float] | None
    by_label: tuple[OnLabel, ...]


def compare_encoders(
    ledger: Ledger,
    index: VectorIndex,
    store: ArtifactStore,
    *,
    encoders: tuple[Encoder, Encoder],
    k: int = 10,
    queries: int = QUERIES,
    seed: int = 0,
) -> Comparison:
    """Ask both the same; the same images each time while the collection stays. IndexUnavailable, ShardDamaged."""
    random = np.random.default_rng(seed)
    shared = _shared(ledger, store, encoders, random_embedded(ledger, encoders[0].id, count=queries, random=random))
    overlaps = _overlaps(ledger, index, encoders, *shared, k=k) if len(shared[0]) else []
    names, labels = _labels(ledger)
    ids, vectors = _shared(ledger, store, encoders, labels)
    by_label = _by_label(names, [labels[one] for one in ids], vectors, k=k) if len(ids) > k else ()
    precision = _mean(by_label)
    return Comparison(
        k=k,
        queries=len(shared[0]),
        overlap=float(np.mean(overlaps)) if overlaps else None,
        labelled=len(ids) if by_label else 0,
        precision=precision,
        by_label=by_label,
    )


def overlap(first: list[int], second: list[int], *, k: int) -> float:
    """The share of the k first that both answers hold; of fewer where an answer is shorter."""
    most = min(k, max(len(first), len(second)))
    return len({*first[:k]} & {*second[:k]}) / most if most else 1.0


def precision_among(vectors: Vectors, labels: list[frozenset[int]], *, k: int) -> dict[int, tuple[int, float]]:
    """For each label: how many of the rows (n, d) have it, and how often their k nearest others do, on average."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    found: dict[int, tuple[int, float]] = {}
    for one in sorted(set().union(*labels)):
        has = np.array([one in some for some in labels])
        found[one] = int(has.sum()), float(has[nearest[has]].mean())
    return found


def _by_label(
    names: dict[int, str], labels: list[frozenset[int]], vectors: tuple[Vectors, Vectors], *, k: int
) -> tuple[OnLabel, ...]:
    first, second = (precision_among(one, labels, k=k) for one in vectors)
    rows = [
        OnLabel(names[one], count, (value, second[one][1])) for one, (count, value) in first.items() if one in names
    ]
    return tuple(sorted(rows, key=lambda row: row.label))


def _mean(rows: tuple[OnLabel, ...]) -> tuple[float, float] | None:
    """Every label counts the same, however many images have it."""
    if not rows:
        return None
    first, second = (float(np.mean([row.precision[side] for row in rows])) for side in (0, 1))
    return first, second


def _overlaps(
    ledger: Ledger,
    index: VectorIndex,
    encoders: tuple[Encoder, Encoder],
    ids: list[int],
    vectors: tuple[Vectors, Vectors],
    *,
    k: int,
) -> list[float]:
    found = []
    for start in range(0, len(ids), QUERIES_AT_ONCE):
        part = slice(start, start + QUERIES_AT_ONCE)
        both = [
            [hits.ids.tolist() for hits in index.search(encoder.collection, side[part], limit=k + SPARE)]
            for encoder, side in zip(encoders, vectors, strict=True)
        ]
        named = {one for side in both for hits in side for one in hits}
        there = alive(ledger, encoder_id=encoders[0].id, image_ids=named)
        for asked, *answers in zip(ids[part], *both, strict=True):
            first, second = ([one for one in answer if one in there and one != asked] for answer in answers)
            found.append(overlap(first, second, k=k))
    return found


def _shared(
    ledger: Ledger, store: ArtifactStore, encoders: tuple[Encoder, Encoder], image_ids: list[int] | Labels
) -> tuple[list[int], tuple[Vectors, Vectors]]:
    """Those of the images that both have embedded, in the order given, and their vectors (n, d) by each."""
    located = [locate(ledger, encoder_id=encoder.id, image_ids=image_ids) for encoder in encoders]
    ids = [one for one in image_ids if all(one in some for some in located)]
    rows = [vectors_of(store, {one: some[one] for one in ids}) for some in located]
    first, second = (
        np.stack([side[one] for one in ids]) if ids else np.empty((0, encoder.dimension), np.float32)
        for side, encoder in zip(rows, encoders, strict=True)
    )
    return ids, (first, second)


def _labels(ledger: Ledger) -> tuple[dict[int, str], Labels]:
    """Names by id, and all labels of at most MOST_LABELLED images, drawn in equal parts from each label."""
    with ledger.read() as connection:
        count = int(connection.execute(select(func.count()).select_from(label)).scalar_one())
    pairs = labelled_images(ledger, limit_per_label=max(1, MOST_LABELLED // max(1, count)))
    drawn = sorted({image_id for image_id, _ in pairs})[:MOST_LABELLED]
    names: dict[int, str] = {}
    labels: Labels = {}
    for image_id, said in states(ledger, drawn).items():
        carried = {one.label_id: one.name for one in said if one.state == "yes"}
        if carried:
            names |= carried
            labels[image_id] = frozenset(carried)
    return names, labels
