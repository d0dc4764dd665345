"""The label benchmark on a folder of pictures, with the shipped encoder's vectors, small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.label import main, questions_held_out
from bench.label_pool import Pool, folder_pool
from bench.rivals import STRATEGIES
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.public.cifar10 import LABELS
from tests.photos import write_folder

ASKED = {
    "clicks_per_100_labels",
    "seconds_per_100_labels",
    "precision",
    "recall",
    "failed",
    "labels_per_hour",
    "plain_topk_seconds_per_100_labels",
    "ratio",
    "worst_class_ratio",
    "estimate_coverage",
    "estimate_width",
}


def test_a_folder_is_hunted_through_and_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "pictures", per_kind=40, labelled=True)
    chart = tmp_path / "label.svg"
    options = ["--folder", str(tmp_path / "pictures"), "--out", str(tmp_path), "--chart", str(chart)]
    assert main([*options, "--seeds", "1", "--coverage", "3", "--page", "20"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(result) >= ASKED
    assert result == json.loads((tmp_path / "label.json").read_text())
    assert set(result["by_class"]) == {"sky", "grass", "brick"}
    assert set(result["by_strategy"]) == set(STRATEGIES)
    assert result["failed"] == 0 and result["recall"] >= 0.9 and result["precision"] >= 0.98
    assert result["by_strategy"]["plain_topk"]["ratio"] == 1.0
    assert chart.read_text().startswith("<svg")


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    with pytest.raises(SystemExit, match="at least two folders"):
        folder_pool(tmp_path, Embedder.load(SHIPPED))


def test_pools_are_thinned_and_grouped() -> None:
    classes = np.repeat(np.arange(10), 500)
    pool = Pool(np.eye(5000, 8, dtype=np.float32), classes, tuple(LABELS))
    thinned = pool.thinned(3, np.random.default_rng(0))
    assert np.bincount(thinned.classes).tolist() == [500] * 3 + [23] + [500] * 6
    grouped = pool.grouped()
    assert grouped is not None
    assert np.bincount(grouped.classes).tolist() == [2000, 3000]
    assert Pool(pool.vectors, classes, tuple("abcdefghij")).grouped() is None


def test_coverage_is_asked_of_held_out_classes_only() -> None:
    asked = list(questions_held_out(10, 300))
    assert len(asked) == len(set(asked)) == 300
    assert {one.target for one in asked} == {5, 6, 7, 8, 9}
