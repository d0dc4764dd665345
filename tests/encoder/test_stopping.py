"""A run that cannot go on says why and what to do, and leaves what was there as it was."""

from __future__ import annotations

import json
import os
import pickle
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.train import main
from encoder.training.checkpoints import load_checkpoint, save_checkpoint
from encoder.training.config import TrainConfig
from encoder.training.errors import TrainingError
from encoder.training.loop import check, train
from encoder.training.plan import PLAN, STOPPED, STOPPED_CODE
from encoder.training.position import Position, checkpoints
from encoder.training.watch import Watch, memory_watched
from encoder.view_config import ViewConfig
from tests.encoder.runs import TINY, make_run, tiny_pictures


def reason_of(folder: Path) -> dict[str, str]:
    said: dict[str, str] = json.loads((folder / STOPPED).read_text())
    return said


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    make_run(tmp_path / "run", config=replace(TINY, base_learning_rate=1e30))
    assert main(["--plan", str(tmp_path / "run" / PLAN)]) == STOPPED_CODE
    assert reason_of(tmp_path / "run")["reason"].startswith("the loss is ")
    assert "lower --base-learning-rate" in reason_of(tmp_path / "run")["advice"]
    assert checkpoints(tmp_path / "run") == []  # none with weights that are no numbers


def test_a_collapse_stops_the_run_after_some_epochs(tmp_path: Path) -> None:
    black = np.zeros((32, 16, 16, 3), dtype=np.uint8)  # not grey: rounding would tell those apart
    views = ViewConfig(jitter=0.0)
    with pytest.raises(TrainingError, match="collapsed: all pictures get almost the same vector") as caught:
        train(black, config=replace(TINY, epochs=9), views=views, out=tmp_path, device=torch.device("cpu"))
    assert "check that the pictures differ" in caught.value.advice
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


def test_vectors_that_spread_again_are_no_collapse() -> None:
    watch = Watch(TINY)
    for deviation in (0.001, 0.001, 0.17, 0.001, 0.001):
        watch.spread(deviation, epoch=1)
    with pytest.raises(TrainingError, match="for 3 epochs"):
        watch.spread(0.001, epoch=6)


def test_too_few_pictures_and_others_than_planned_are_told(tmp_path: Path) -> None:
    make_run(tmp_path / "few", count=8)
    assert main(["--plan", str(tmp_path / "few" / PLAN)]) == STOPPED_CODE
    assert reason_of(tmp_path / "few")["reason"] == "8 pictures are fewer than one batch of 16"
    make_run(tmp_path / "none")
    (tmp_path / "none" / "pictures.npy").write_bytes(b"")
    assert main(["--plan", str(tmp_path / "none" / PLAN)]) == STOPPED_CODE
    assert "pictures.npy cannot be read as an array" in reason_of(tmp_path / "none")["reason"]


def test_a_plan_that_was_changed_by_hand_names_the_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path / "run")
    path = tmp_path / "run" / PLAN
    for change, what in (
        ({"epochs": "many"}, "config.epochs"),
        ({"nonsense": 1}, "nonsense"),
        ({"epochs": 0}, "least 1"),
    ):
        plan = json.loads(path.read_text())
        plan["config"] |= change
        (tmp_path / "changed.json").write_text(json.dumps(plan))
        assert main(["--plan", str(tmp_path / "changed.json")]) == STOPPED_CODE
        assert what in capsys.readouterr().err
    assert main(["--plan", str(tmp_path / "missing.json")]) == STOPPED_CODE
    assert "missing.json is missing" in capsys.readouterr().err


class Evil:
    """What a checkpoint from a stranger may hold."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    evil = Evil(tmp_path / "mark")
    (tmp_path / "checkpoint-00001.pt").write_bytes(pickle.dumps(evil))
    torch.save({"config": evil}, tmp_path / "checkpoint-00002.pt")
    with pytest.raises(TrainingError, match=r"none of the 2 checkpoints .* move them away to begin anew"):
        load_checkpoint(tmp_path, {"config": {}})
    assert not evil.mark.exists()
    pickle.loads((tmp_path / "checkpoint-00001.pt").read_bytes())
    assert evil.mark.exists()  # so it would have been run by a reader that trusts it


def test_a_full_disk_is_told_and_leaves_the_checkpoints_as_they_are(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"epoch": 1, "weights": torch.zeros(10)}, position=Position(1))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # as large as a file may become now
    try:
        with pytest.raises(TrainingError, match=r"the run goes on after checkpoint-00001.pt; make room on the disk"):
            save_checkpoint(tmp_path, {"epoch": 2, "weights": torch.zeros(100_000)}, position=Position(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00001.pt"]
    assert load_checkpoint(tmp_path, {"epoch": 1}) is not None


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_memory_that_runs_out_is_told_with_advice(error: Exception) -> None:
    told = r"does not hold a batch of 16 .* try --batch-size 8"
    with pytest.raises(TrainingError, match=told), memory_watched(TINY):
        raise error


def test_other_faults_are_not_taken_for_a_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="something else"), memory_watched(TINY):
        raise RuntimeError("something else")


def test_what_no_run_could_have_is_refused() -> None:
    for values in ({"temperature": 0.0}, {"batch_size": 1}, {"momentum": 1.5}, {"base_learning_rate": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(values))):
            TrainConfig(**values)
    with pytest.raises(TrainingError, match=r"give \(n, side, side, 3\) uint8"):
        check(tiny_pictures().astype(np.float32), TINY, device=torch.device("cpu"))
