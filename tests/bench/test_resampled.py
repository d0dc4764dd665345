"""Vectors made from few: as spread as those, the same each time; and the plain search that others are measured by."""

from __future__ import annotations

import numpy as np
import pytest

from bench.resampled import exact, intrinsic_dimension, raised, recall, resample
from catalog.shards import Vectors
from tests.catalog.index.made import nearest, unit


def sheet(count: int, *, dimension: int, seed: int = 0) -> Vectors:
    """(count, 64) unit vectors near one point, on a curved sheet of so many dimensions."""
    shape = np.random.default_rng(7)
    turned, _ = np.linalg.qr(shape.normal(size=(64, dimension)))
    flat = np.random.default_rng(seed).uniform(-1, 1, size=(count, dimension))
    return unit(flat @ turned.T + 3 * turned.sum(axis=1))


def test_exact_search_is_the_plain_one_over_any_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.resampled.ROWS_AT_ONCE", 70)
    vectors, asked = sheet(500, dimension=10), sheet(9, dimension=10, seed=1)
    found = exact(vectors, asked, k=12)
    assert [row.tolist() for row in found.ids] == [nearest(vectors, one, 12) for one in asked]
    assert np.allclose(found.scores, np.take_along_axis(asked @ vectors.T, found.ids, axis=1), atol=1e-6)


@pytest.mark.parametrize("dimension", [4, 12])
def test_the_intrinsic_dimension_is_that_of_the_sheet_and_stays_when_more_are_made(dimension: int) -> None:
    real = sheet(3000, dimension=dimension)
    # On a sphere one direction is lost; at the edge of a sheet neighbours are to one side only.
    assert intrinsic_dimension(real, seed=1) == pytest.approx(dimension - 1, rel=0.35)
    made = np.empty((6000, 64), np.float32)
    resample(real, made, seed=1)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert intrinsic_dimension(made, seed=1) == pytest.approx(intrinsic_dimension(real, seed=1), rel=0.35)
    to_real = exact(real, made[:200], k=1).scores
    assert to_real.min() > np.quantile(real[:200] @ real[:200].T, 0.5), "made vectors lie where real ones do"
    again = np.empty_like(made)
    resample(real, again, seed=1)
    assert np.array_equal(made, again)
    resample(real, again, seed=2)
    assert not np.array_equal(made, again)


def test_more_dimensions_change_no_cosine() -> None:
    real = sheet(50, dimension=6)
    wide = raised(real, 200, seed=3)
    assert wide.shape == (50, 200)
    assert np.allclose(wide @ wide.T, real @ real.T, atol=1e-5)
    assert raised(real, 64, seed=3) is real
    with pytest.raises(SystemExit, match="64 or more"):
        raised(real, 32, seed=3)


def test_recall_counts_what_was_found() -> None:
    right = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    assert recall(np.array([[4, 3, 2, 9], [0, 0, 0, 0]]), right) == 3 / 8
