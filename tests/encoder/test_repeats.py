"""Accuracies over seeds: what a seed changes, what it must not, and what is too little to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.evaluate import knn_accuracy, linear_probe
from encoder.evaluation import repeats
from encoder.evaluation.repeats import BY_SPLIT, BY_SUBSAMPLE, LabelledVectors, Spread, accuracies, best_decay
from tests.encoder.test_evaluate import clusters


def test_each_seed_learns_from_other_nine_tenths_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    training, asking = (LabelledVectors(*clusters(400, seed=seed, spread=2.0)) for seed in (1, 2))
    banks = []

    def knn(bank: object, labels: np.ndarray, queries: object, asked: np.ndarray, *, k: int) -> float:
        banks.append((np.array(bank), np.bincount(labels)))
        assert queries is asking.vectors and asked is asking.labels
        return float(len(banks))

    monkeypatch.setattr(repeats, "knn_accuracy", knn)
    found = accuracies(asking, training=training, seeds=3)
    whole = np.bincount(training.labels)
    assert all((sizes == np.round(0.9 * whole)).all() for _, sizes in banks)
    assert not np.array_equal(banks[0][0], banks[1][0])
    assert found.knn == Spread(2.0, 1.0)
    assert (found.how, found.seeds, found.asked) == (BY_SUBSAMPLE, 3, 400)


def test_without_training_pictures_a_fifth_of_each_class_asks_the_rest() -> None:
    vectors, labels = clusters(500, seed=3, spread=1.0)
    found = accuracies(LabelledVectors(vectors, labels), training=None, seeds=3, k=20)
    assert found.how == BY_SPLIT
    assert found.learnt_from + found.asked == 500
    assert found.asked == sum(round(0.2 * count) for count in np.bincount(labels))
    assert found.probe is not None
    assert found.knn.mean > 0.9 and found.probe.mean > 0.9
    assert found == accuracies(LabelledVectors(vectors, labels), training=None, seeds=3, k=20)


def test_with_all_of_the_bank_the_figures_are_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    training, asking = (LabelledVectors(*clusters(300, seed=seed, spread=2.5)) for seed in (4, 5))
    found = accuracies(asking, training=training, seeds=2, k=20)
    # One picture of each class is always left for others to be drawn; the rest is the whole bank.
    assert found.learnt_from == 296
    plain = knn_accuracy(training.vectors, training.labels, asking.vectors, asking.labels, k=20)
    assert found.knn.mean == pytest.approx(plain, abs=0.02)
    assert found.probe is not None
    assert found.probe.mean == pytest.approx(
        linear_probe(
            training.vectors, training.labels, asking.vectors, asking.labels, decay=found.probe_decay or 0.0, seed=0
        ),
        abs=0.03,
    )


def test_few_pictures_of_many_numbers_get_a_stronger_decay() -> None:
    few, many = (LabelledVectors(*clusters(count, seed=6, spread=2.5)) for count in (80, 4000))
    assert best_decay(few) >= best_decay(many)


def test_a_seed_starts_the_probe_elsewhere_and_the_end_is_the_same() -> None:
    bank, bank_labels = clusters(600, seed=7, spread=2.0)
    queries, labels = clusters(300, seed=8, spread=2.0)
    found = [linear_probe(bank, bank_labels, queries, labels, seed=seed, decay=1e-2) for seed in (None, 0, 1)]
    assert max(found) - min(found) < 0.02  # the problem is convex


def test_without_torch_there_is_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = accuracies(LabelledVectors(*clusters(100, seed=9, spread=1.0)), training=None, seeds=2, k=5)
    assert found.probe is None and found.probe_decay is None


def test_too_little_is_refused() -> None:
    vectors, labels = clusters(50, seed=10, spread=1.0)
    with pytest.raises(ValueError, match="no standard deviation"):
        accuracies(LabelledVectors(vectors, labels), training=None, seeds=1)
    labels[0] = 7
    with pytest.raises(ValueError, match="class number 7 has one picture"):
        accuracies(LabelledVectors(vectors, labels), training=None)
