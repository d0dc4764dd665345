"""A run goes on exactly where it was: after a pause in mid-epoch, after kills at any moment, past damaged files.

`RUIJI_FAULT_KILLS=20 pytest tests/encoder/test_resume.py` kills more often; the ordinary run keeps to one.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from encoder.ship import load_trained
from encoder.train import main
from encoder.training.errors import TrainingPaused
from encoder.training.log import read_log
from encoder.training.loop import train
from encoder.training.plan import LOG, OUTCOME, PAUSED, Plan, Saving
from encoder.training.position import Position, checkpoints
from encoder.view_config import ViewConfig
from tests.encoder.runs import TINY, curve, make_run, start, tiny_pictures

KILLS = int(os.environ.get("RUIJI_FAULT_KILLS", "1"))
CPU = torch.device("cpu")
LONG = replace(TINY, epochs=4 + 2 * KILLS)


def train_in(folder: Path, *, pause: Callable[[], bool] = lambda: False, **changes: Any) -> None:
    options: dict[str, Any] = {"config": TINY, "saving": Saving(), **changes}
    train(tiny_pictures(), views=ViewConfig(), out=folder, device=CPU, pause=pause, **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_trained(checkpoints(folder)[-1][1])[0].state_dict()


def assert_same_run(one: Path, other: Path) -> None:
    assert curve(one) == curve(other)
    ours, theirs = weights(one), weights(other)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def after(calls: int) -> Callable[[], bool]:
    """Says yes from the nth time on that it is asked."""
    asked = 0

    def pause() -> bool:
        nonlocal asked
        asked += 1
        return asked >= calls

    return pause


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    train_in(folder)
    return folder


@pytest.mark.parametrize("method", ["byol", "moco"])  # simclr: all tests below
def test_a_pause_in_mid_epoch_changes_nothing(method: Any, tmp_path: Path) -> None:
    config = replace(TINY, method=method, queue_size=64, epochs=2)
    train_in(tmp_path / "whole", config=config)
    with pytest.raises(TrainingPaused, match="paused in epoch 2, after 2 of 3 steps"):
        train_in(tmp_path / "paused", config=config, pause=after(5))
    assert checkpoints(tmp_path / "paused")[-1][0] == Position(1, 2)
    train_in(tmp_path / "paused", config=config)
    assert_same_run(tmp_path / "paused", tmp_path / "whole")


def test_a_pause_between_epochs_changes_nothing(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingPaused, match="paused after epoch 1 of 3"):
        train_in(tmp_path / "run", pause=after(3))
    train_in(tmp_path / "run")
    assert_same_run(tmp_path / "run", whole)


def test_lines_written_after_the_last_checkpoint_are_written_once(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingPaused):
        train_in(tmp_path / "run", pause=after(5))
    with (tmp_path / "run" / LOG).open("a") as log:
        log.write('{"epoch": 2, "loss": 9.0}\n{"epoch": 3, "lo')  # as a process killed later has left it
    train_in(tmp_path / "run")
    assert_same_run(tmp_path / "run", whole)
    assert len((tmp_path / "run" / LOG).read_text().splitlines()) == 3


def test_an_interrupted_write_and_a_truncated_checkpoint_are_passed_over(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(TrainingPaused):
        train_in(folder, pause=after(5))
    newest = checkpoints(folder)[-1][1]
    newest.with_suffix(".partial").write_bytes(b"half of one")
    newest.write_bytes(newest.read_bytes()[:-1000])
    train_in(folder)
    assert f"{newest.name}: not readable" in capsys.readouterr().out
    assert_same_run(folder, whole)
    assert list(folder.glob("*.partial")) == []


def test_checkpoints_by_the_clock_and_of_marked_epochs(tmp_path: Path) -> None:
    train_in(tmp_path, config=replace(TINY, epochs=6), saving=Saving(seconds=1e-6, keep_epochs=(1, 2)))
    found = [position for position, _ in checkpoints(tmp_path)]
    assert found == [(1, 0), (2, 0), (5, 1), (5, 2), (6, 0)]
    names = [path.name for _, path in checkpoints(tmp_path)]
    assert names == sorted(names)  # whoever takes the last by name takes the newest


@pytest.mark.timeout(600 + 60 * KILLS)
def test_kills_at_any_moment_change_nothing(tmp_path: Path) -> None:
    plan = make_run(tmp_path / "whole", config=LONG)
    assert main(["--plan", str(tmp_path / "whole" / "plan.json")]) == 0
    killed = tmp_path / "killed"
    make_run(killed, config=LONG, checkpoint_seconds=0.2)
    chance = random.Random(KILLS)
    assert pause_once(killed) == PAUSED
    assert (killed / OUTCOME).read_text().split() == ["{", '"outcome":', '"paused"', "}"]
    for _ in range(KILLS):
        process = start(killed)
        wait_for_progress(killed, plan)
        time.sleep(chance.random() * 0.5)
        process.kill()
        assert process.wait() in (-signal.SIGKILL, 0)
        process.communicate()
    assert main(["--plan", str(killed / "plan.json")]) == 0
    assert_same_run(killed, tmp_path / "whole")


def pause_once(folder: Path) -> int:
    process = start(folder)
    until = time.monotonic() + 240
    while not checkpoints(folder) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.terminate()
    told = process.communicate(timeout=240)[0]
    assert "training paused" in told, told
    return process.returncode


def wait_for_progress(folder: Path, plan: Plan) -> None:
    """Until the process has written a checkpoint of its own, or there is nothing left to do."""
    before = checkpoints(folder)[-1][0]
    until = time.monotonic() + 240
    while checkpoints(folder)[-1][0] == before and len(read_log(folder)) < plan.config.epochs:
        assert time.monotonic() < until
        time.sleep(0.01)
