"""The vote of labelled neighbours against the same, written plainly."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from curate.suggest import NEIGHBOURS, Labelled, Vectors, neighbours_votes


def unit(random: np.random.Generator, rows: int, dimension: int) -> Vectors:
    vectors = random.normal(size=(rows, dimension)).astype(np.float32)
    rows_of_length_one: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rows_of_length_one


def labelled(vectors: Vectors, labels: list[list[int]]) -> Labelled:
    """Images 0, 1, … with label ids 100, 200, … by their places in `labels`."""
    count = 1 + max(place for places in labels for place in places)
    width = max(len(places) for places in labels)
    codes = np.array([places + [count] * (width - len(places)) for places in labels], dtype=np.int64)
    ids, label_ids = np.arange(len(vectors)), 100 * (1 + np.arange(count))
    return Labelled("e", 1, ids=ids, vectors=vectors, codes=codes, label_ids=label_ids, missing=0)


def plainly(vectors: Vectors, known: Labelled, labels: list[list[int]]) -> list[list[float]]:
    answers = []
    for query in vectors:
        similarities = [float(query @ vector) for vector in known.vectors]
        nearest = sorted(range(len(similarities)), key=lambda row: -similarities[row])[:NEIGHBOURS]
        votes = [0.0] * len(known.label_ids)
        for row in nearest:
            for place in labels[row]:
                votes[place] += max(similarities[row], 0)
        total = sum(max(similarities[row], 0) for row in nearest)
        answers.append([vote / total if total else 0.0 for vote in votes])
    return answers


@pytest.mark.parametrize("rows", [1, 5, 10, 11, 200])
def test_the_vote_is_that_of_the_plain_reference(rows: int) -> None:
    random = np.random.default_rng(rows)
    labels = [sorted(random.choice(5, size=random.integers(1, 4), replace=False).tolist()) for _ in range(rows)]
    known = labelled(unit(random, rows, 16), labels)
    queries = unit(random, 40, 16)
    votes = neighbours_votes(queries, known)
    np.testing.assert_allclose(votes, plainly(queries, known, labels), atol=1e-5)
    assert votes.min() >= 0
    assert votes.max() <= 1 + 1e-6


def test_neighbours_that_point_away_have_no_say() -> None:
    vectors = np.array([[1, 0], [0, 1]], dtype=np.float32)
    known = labelled(vectors, [[0], [1]])
    assert neighbours_votes(-vectors, known).tolist() == [[0, 0], [0, 0]]


def test_the_vote_costs_little_more_than_finding_the_neighbours() -> None:
    """60 results against 1,000 labelled; a ratio, since other work on the machine slows both alike."""
    random = np.random.default_rng(0)
    known = labelled(unit(random, 1000, 512), [[int(place)] for place in random.integers(0, 10, 1000)])
    queries = unit(random, 60, 512)

    def seconds(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    voting, finding = [], []
    for _ in range(30):
        voting.append(seconds(lambda: neighbours_votes(queries, known)))
        finding.append(seconds(lambda: np.argpartition(queries @ known.vectors.T, -10, axis=1)))
    assert min(voting) <= 15 * min(finding), (min(voting), min(finding))  # each image by itself: a hundred times
