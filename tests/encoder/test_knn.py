"""The kNN curve of a run: of pictures that it never saw, and without any effect on what is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoder.train import main
from encoder.training.gathering import HELD_OUT, Classes, Found, gather
from encoder.training.held_out import held_out
from encoder.training.log import read_log
from encoder.training.plan import PLAN, Plan, write_plan
from tests.encoder.runs import TINY, curve
from tests.encoder.shapes import draw_shapes

COUNT = 700
QUICK = replace(TINY, stem="small-pool4", epochs=2, batch_size=160)


class Shapes:
    name = "shapes"

    def __len__(self) -> int:
        return COUNT

    def pictures(self, side: int) -> Iterator[Found]:
        for pixels, label in zip(*draw_shapes(COUNT, seed=3, side=side), strict=True):
            yield Found("", f"shape {label}", pixels, hashlib.sha256(pixels.tobytes()).hexdigest())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose labelled pictures are partly held out, trained for two epochs."""
    folder = tmp_path_factory.mktemp("run")
    gather([Shapes()], folder, side=16, least=32, classes=Classes({}, from_folders=True), progress=lambda *_: None)
    write_plan(folder / PLAN, Plan(name="run", pictures="pictures.npy", config=QUICK, device="cpu"))
    assert main(["--plan", str(folder / PLAN)]) == 0
    return folder


def test_the_log_tells_knn_and_the_training_is_the_same_as_without(run: Path, tmp_path: Path) -> None:
    told = [line["knn"] for line in read_log(run)]
    assert len(told) == 2 and all(0 < one <= 1 for one in told)
    for name in (PLAN, "pictures.npy"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert main(["--plan", str(tmp_path / PLAN)]) == 0
    assert curve(tmp_path) == curve(run)
    assert not any("knn" in line for line in read_log(tmp_path))


def test_what_asks_was_not_trained_on_and_few_labels_measure_nothing(run: Path, tmp_path: Path) -> None:
    trained = np.load(run / "pictures.npy")
    found = held_out(run, trained, most_in_bank=100, most_queries=55)
    assert found is not None
    assert (len(found.bank), len(found.queries)) == (100, 55)
    seen = {picture.tobytes() for picture in trained}
    assert all(picture.tobytes() in seen for picture in found.bank)
    assert not any(picture.tobytes() in seen for picture in found.queries)
    again = held_out(run, trained, most_in_bank=100, most_queries=55)
    assert again is not None and np.array_equal(again.queries, found.queries)
    truth = {picture.tobytes(): label for picture, label in zip(*draw_shapes(COUNT, seed=3, side=16), strict=True)}
    for picture, label in zip([*found.bank, *found.queries], [*found.bank_labels, *found.query_labels], strict=True):
        assert found.names[label] == f"shape {truth[picture.tobytes()]}"
    assert held_out(tmp_path, trained, most_in_bank=100) is None
    for path in run.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    np.save(tmp_path / HELD_OUT.replace(".npy", "-classes.npy"), np.full(len(np.load(run / HELD_OUT)), -1))
    assert held_out(tmp_path, trained, most_in_bank=100) is None
