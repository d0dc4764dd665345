"""Maps drawn in a process of their own: exact neighbours, kinds apart, new ones beside their like, refusals."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.evaluate import knn_accuracy
from encoder.maps.apart import NoMap, draw_map, place_on_map
from encoder.maps.neighbours import ByCosine
from tests.encoder.test_evaluate import clusters

SMALL = 160


def near_their_kind(positions: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of points whose nearest other point, on the map, is of their kind."""
    gaps = np.square(positions[:, None] - positions[None]).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    return float((labels[gaps.argmin(axis=1)] == labels).mean())


def test_neighbours_are_those_of_a_plain_loop() -> None:
    vectors, _ = clusters(90, seed=1, spread=2.0)
    vectors[7] = vectors[3]  # the same picture twice
    found, distances = ByCosine(vectors, k=10).build()
    for row in range(90):
        gaps = np.linalg.norm(vectors - vectors[row], axis=1)
        gaps[row] = np.inf
        assert row not in found[row]
        assert np.allclose(distances[row], np.sort(gaps)[:10], atol=1e-3)
    nearest, _ = ByCosine(vectors, k=10).query(vectors[:5], 1)
    assert set(nearest[:, 0].tolist()) <= {0, 1, 2, 3, 4, 7}


def test_a_flat_map_keeps_kinds_together_and_new_ones_go_to_their_kind() -> None:
    vectors, labels = clusters(SMALL + 20, seed=2, spread=1.0)
    shares: list[float] = []
    positions = draw_map(vectors[:SMALL], dimensions=2, progress=shares.append)
    assert positions.shape == (SMALL, 2) and positions.dtype == np.float32
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 20
    assert near_their_kind(positions, labels[:SMALL]) > 0.9
    kept = positions.copy()
    placed = place_on_map(vectors[SMALL:], vectors=vectors[:SMALL], positions=positions)
    assert np.array_equal(kept, positions)
    gaps = np.square(placed[:, None] - positions[None]).sum(axis=2)
    assert (labels[gaps.argmin(axis=1)] == labels[SMALL:]).mean() > 0.9


def test_a_map_in_three_dimensions_keeps_kinds_together() -> None:
    vectors, labels = clusters(SMALL, seed=3, spread=1.0)
    shares: list[float] = []
    positions = draw_map(vectors, dimensions=3, progress=shares.append)
    assert positions.shape == (SMALL, 3)
    assert near_their_kind(positions, labels) > 0.9
    assert shares == sorted(shares) and len(shares) > 5
    assert knn_accuracy(vectors, labels, vectors, labels, k=5) > 0.9  # of vectors that are told apart at all


def test_a_map_that_is_stopped_says_so_and_leaves_no_process() -> None:
    vectors, _ = clusters(SMALL, seed=4, spread=1.0)
    stop = threading.Event()
    with pytest.raises(NoMap, match="was stopped"):
        draw_map(vectors, dimensions=3, progress=lambda share: stop.set(), stop=stop)


def test_missing_packages_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openTSNE.py").write_text("raise ModuleNotFoundError(name='openTSNE')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NoMap, match=r"openTSNE is not installed: maps need the extra 'maps' \(make maps"):
        draw_map(clusters(20, seed=5, spread=1.0)[0], dimensions=2)


def test_a_drawing_that_breaks_off_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openTSNE.py").write_text("raise RuntimeError('no luck today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NoMap, match="code 1: RuntimeError: no luck today"):
        draw_map(clusters(20, seed=6, spread=1.0)[0], dimensions=2)


def test_too_little_is_refused() -> None:
    with pytest.raises(NoMap, match="needs 4 photos or more; there are 3"):
        draw_map(np.eye(3, dtype=np.float32), dimensions=2)
    with pytest.raises(ValueError, match="2 or 3 dimensions"):
        draw_map(np.eye(9, dtype=np.float32), dimensions=4)
    assert place_on_map(
        np.empty((0, 9), np.float32), vectors=np.eye(9, dtype=np.float32), positions=np.ones((9, 2), np.float32)
    ).shape == (0, 2)
