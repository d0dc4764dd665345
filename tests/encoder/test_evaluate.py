"""Figures of quality, each against a plainly written reference or a case whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightly.utils.benchmarking import knn_predict
from numpy.typing import NDArray

from encoder.evaluate import knn_accuracy, linear_probe, precision_at_k, retrieval_by_class
from encoder.output import fit_output


def clusters(count: int, *, seed: int, spread: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    centres = np.random.default_rng(0).normal(size=(4, 32))
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    vectors = centres[labels] + rng.normal(scale=spread, size=(count, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("k", [1, 20, 200])
def test_knn_is_lightlys(k: int) -> None:
    bank, bank_labels = clusters(600, seed=1, spread=2.5)
    queries, labels = clusters(700, seed=2, spread=2.5)
    ranked = knn_predict(
        torch.from_numpy(queries), torch.from_numpy(bank).T, torch.from_numpy(bank_labels), num_classes=4, knn_k=k
    )
    expected = float((ranked[:, 0].numpy() == labels).mean())
    assert 0.3 < expected < 0.95
    assert knn_accuracy(bank, bank_labels, queries, labels, k=k) == pytest.approx(expected, abs=0.003)


def test_precision_and_recall_against_a_plain_loop() -> None:
    vectors, labels = clusters(120, seed=3, spread=2.0)
    precisions, recalls, averages = [], [], []
    for query in range(120):
        others = [i for i in range(120) if i != query]
        others.sort(key=lambda i: -float(vectors[query] @ vectors[i]))
        right = [bool(labels[i] == labels[query]) for i in others]
        precisions.append(sum(right[:10]) / 10)
        recalls.append(sum(right[:10]) / sum(right))
        averages.append(np.mean([sum(right[: n + 1]) / (n + 1) for n in range(119) if right[n]]))
    assert precision_at_k(vectors, labels, k=10) == pytest.approx(np.mean(precisions))
    by_class = retrieval_by_class(vectors, labels, k=10)
    for label, result in by_class.items():
        mine = labels == label
        assert result.precision == pytest.approx(np.array(precisions)[mine].mean())
        assert result.recall == pytest.approx(np.array(recalls)[mine].mean())
        assert result.average_precision == pytest.approx(np.array(averages)[mine].mean())


def test_a_picture_does_not_find_itself() -> None:
    vectors = np.eye(12, dtype=np.float32)
    labels = np.arange(12)
    assert precision_at_k(vectors, labels, k=1) == 0.0
    assert retrieval_by_class(vectors, labels) == {}


def test_linear_probe_learns_what_is_linear_and_nothing_else() -> None:
    bank, bank_labels = clusters(800, seed=4, spread=0.3)
    queries, labels = clusters(200, seed=5, spread=0.3)
    assert linear_probe(bank, bank_labels, queries, labels) > 0.98
    shuffled = np.random.default_rng(6).permutation(bank_labels)
    assert linear_probe(bank, shuffled, queries, labels) < 0.5


def test_output_transform_flattens_the_spectrum_by_its_power() -> None:
    scales = np.linspace(3, 1, 24)
    features = (np.random.default_rng(7).normal(size=(5000, 24)) * scales + 2).astype(np.float32)

    def flatness(power: float) -> float:
        transform = fit_output(features, widths=(8, 16), power=power)
        out = (features - transform.mean) @ transform.matrix
        assert out.shape == (5000, 16)
        np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-3)
        spectrum = np.linalg.eigvalsh(np.cov(out.T))
        return float(spectrum[0] / spectrum[-1])

    assert flatness(1.0) == pytest.approx(1, abs=0.02)
    assert flatness(0.0) < flatness(0.5) < flatness(1.0)
    assert flatness(0.5) == pytest.approx(flatness(0.0) ** 0.5, rel=0.05)


def test_output_transform_balances_its_layers() -> None:
    features = np.random.default_rng(8).normal(size=(3000, 24)).astype(np.float32)
    loud = features.copy()
    loud[:, :8] *= 50
    one, two = (fit_output(f, widths=(8, 16), power=0.25) for f in (features, loud))
    left, right = (features - one.mean) @ one.matrix, (loud - two.mean) @ two.matrix
    cosine = [v @ v.T / np.outer(*[np.linalg.norm(v, axis=1)] * 2) for v in (left[:50], right[:50])]
    np.testing.assert_allclose(cosine[0], cosine[1], atol=1e-3)
