"""Retrieval by class and by group, against plainly written loops, and the record that is kept of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from encoder.evaluate import retrieval_by_class
from encoder.evaluation.record import EVALUATIONS, MOST_KEPT, as_record, with_record
from encoder.evaluation.repeats import LabelledVectors, accuracies
from encoder.evaluation.retrieval import retrieval
from encoder.folder import EncoderError
from tests.encoder.test_evaluate import clusters

GROUPS = {"first": [0, 1], "rest": [2, 3], "none": [9]}


def test_by_class_it_is_what_the_older_measure_says() -> None:
    vectors, labels = clusters(150, seed=1, spread=2.0)
    found = retrieval(vectors, labels, depths=(5, 10), queries=1000)
    for depth in (5, 10):
        older = retrieval_by_class(vectors, labels, k=depth, queries=1000)
        for label, one in older.items():
            assert found.classes[label].precision[depth] == pytest.approx(one.precision)
            assert found.classes[label].recall[depth] == pytest.approx(one.recall)
            assert found.classes[label].average_precision == pytest.approx(one.average_precision)


def test_groups_against_a_plain_loop() -> None:
    vectors, labels = clusters(120, seed=2, spread=2.0)
    found = retrieval(vectors, labels, groups=GROUPS, depths=(10,), queries=1000)
    same: dict[int, list[float]] = {}
    for query in range(120):
        others = sorted((i for i in range(120) if i != query), key=lambda i: -float(vectors[query] @ vectors[i]))
        kin = {0, 1} if labels[query] < 2 else {2, 3}
        same.setdefault(int(labels[query]), []).append(sum(int(labels[i]) in kin for i in others[:10]) / 10)
    for name, members in (("first", (0, 1)), ("rest", (2, 3))):
        group = found.groups[name]
        assert group.same_group[10] == pytest.approx(np.mean([np.mean(same[label]) for label in members]))
        assert group.same_group[10] >= group.classes.precision[10]
        averages = [found.classes[label].average_precision for label in members]
        assert group.classes.average_precision == pytest.approx(np.mean(averages))
    assert set(found.groups) == {"first", "rest"}
    assert found.mean.average_precision == pytest.approx(
        np.mean([one.average_precision for one in found.classes.values()])
    )


def test_a_perfect_encoder_finds_everything() -> None:
    labels = np.repeat(np.arange(4), 6)
    vectors = np.eye(4, dtype=np.float32)[labels]
    found = retrieval(vectors, labels, depths=(5,))
    assert found.mean.precision[5] == found.mean.recall[5] == found.mean.average_precision == 1.0


def test_a_class_of_one_picture_is_left_out() -> None:
    labels = np.array([0, 0, 0, 1])
    found = retrieval(np.eye(4, dtype=np.float32), labels, depths=(1,))
    assert set(found.classes) == {0}
    with pytest.raises(ValueError, match="no class has two pictures"):
        retrieval(np.eye(4, dtype=np.float32), np.arange(4))


def test_an_evaluation_is_kept_by_the_name_of_its_data() -> None:
    vectors, labels = clusters(200, seed=3, spread=1.0)
    found = retrieval(vectors, labels, groups=GROUPS)
    measured = accuracies(LabelledVectors(vectors, labels), training=None, seeds=2, k=10)
    record = as_record(
        accuracies=measured, retrieval=found, classes="abcd", data="drawn", engine="none", index_recall=0.98765
    )
    assert record["index_recall_at_10"] == 0.9877
    assert set(record["classes"]) == set("abcd") and set(record["groups"]) == {"first", "rest"}
    metrics = with_record({"int8": {"passed": True}}, "drawn", record)
    assert json.loads(json.dumps(metrics)) == metrics
    assert metrics["int8"] == {"passed": True}
    assert metrics["knn_accuracy"] == record["knn"]["mean"]
    again = with_record(metrics, "drawn", {**record, "knn": {"mean": 0.1, "std": 0.0}})
    assert list(again[EVALUATIONS]) == ["drawn"]
    assert again["knn_accuracy"] == record["knn"]["mean"]  # the first figures of an encoder stay its headline
    for number in range(MOST_KEPT + 3):
        again = with_record(again, f"set {number}", record)
    assert list(again[EVALUATIONS]) == [f"set {number}" for number in range(3, MOST_KEPT + 3)]
    for name in ("", "x" * 81, "two\nlines"):
        with pytest.raises(EncoderError, match="--name"):
            with_record(metrics, name, record)
