"""`ruiji train`: photos in, an encoder with its figures among those that are known here out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from catalog.audit import recent
from catalog.encoder_facts import facts
from catalog.encoders import list_encoders
from catalog.ledger import Ledger
from deploy.shell.encoder_files import take_in
from deploy.shell.train import INTERRUPTED, RUNS, Wanted, begin, resume
from deploy.training.child import Progress, duration
from deploy.training.errors import NoTraining
from deploy.training.sources import open_source
from encoder.folder import verify
from encoder.training.errors import TrainingError
from encoder.training.gathering import CLASS_NAMES, CLASSES, HELD_OUT, LEFT_OUT, PICTURES, Classes, gather
from settings import Settings
from tests.photos import KINDS, write_folder

KIND = sorted(KINDS)[0]
TINY = {"size": 16, "batch_size": 32, "epochs": 1, "projection_dimension": 32}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders, and one file that is no picture."""
    root = tmp_path_factory.mktemp("photos") / "album"
    write_folder(root, per_kind=300, labelled=True)
    (root / KIND / "broken.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one core; and what any training has to beat is measured once, not three times: tests/encoder/test_train.py."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("encoder.untrained.SEEDS", (0,))


def test_a_folder_of_photos_becomes_an_encoder_with_figures(
    settings: Settings, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted([photos], "quick-cpu", labels_from_folders=True, changes=TINY)
    assert begin(settings, wanted) == 0
    said = capsys.readouterr()
    assert "labelled pictures that it was not trained on" in said.out and "untrained" in said.out
    assert "1 left out" in said.err and "epoch 1 of 1: loss" in said.err
    run = settings.home / RUNS / "album"
    assert (run / LEFT_OUT).read_text().startswith(f"album/{KIND}/broken.jpg: ")
    assert not (run / PICTURES).exists()
    ledger = Ledger.open(settings.resolved_database_url())
    (known,) = list_encoders(ledger)
    assert (known.name, known.id) == ("album", verify(run / "encoder").id)
    noted = [(line.actor, line.action, line.target) for line in recent(ledger, limit=9)]
    assert noted == [("shell", "encoder added", f"album ({known.id[:12]})"), ("shell", "training started", "album")]
    assert take_in(settings, run / "encoder") == 0
    assert recent(ledger, limit=1)[0].action == "encoder added", "of `ruiji encoder import` too"
    capsys.readouterr()
    told = facts(known)
    assert told.epochs == 1 and told.method == "dcl" and set(told.by_label) == set(KINDS)
    assert told.knn is not None and told.precision_at_10 is not None
    assert "photos of album, without their labels" in (run / "encoder" / "README.md").read_text()
    with pytest.raises(NoTraining, match="is there already: go on with --resume"):
        begin(settings, wanted)


def hear_ctrl_c() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and tests that run there hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_pauses_and_resume_finishes(
    settings: Settings, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in sorted((photos / KIND).glob("0*.jpg"))[:100]:
        shutil.copy(path, small)
    words = [sys.executable, "-m", "ruiji", "train", str(small), "--epochs", "12", "--size", "16", "--batch-size", "32"]
    surroundings = {**os.environ, "RUIJI_HOME": str(settings.home)}
    process = subprocess.Popen(words, env=surroundings, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if line.startswith("epoch 1 of 12: "):
            process.send_signal(signal.SIGINT)
            break
    told += process.communicate(timeout=150)[1]
    assert process.returncode == INTERRUPTED, told
    run = settings.home / RUNS / "small"
    assert f"go on with: ruiji train --resume {run}" in told
    assert len(list_encoders(Ledger.open(settings.resolved_database_url()))) == 0
    assert resume(settings, run) == 0
    (known,) = list_encoders(Ledger.open(settings.resolved_database_url()))
    assert known.name == "small" and 0 <= known.metrics["finds_itself"] <= 1  # no labels: measured without
    assert "epoch 12 of 12: " in (said := capsys.readouterr()).err and "epoch 1 of 12: " not in said.err
    assert "is here and serves" in said.out
    with pytest.raises(NoTraining, match="is finished, its encoder is"):
        resume(settings, run)


def test_what_cannot_be_trained_is_told_and_leaves_nothing(settings: Settings, photos: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "bad").mkdir()
    for number in range(40):
        (tmp_path / "bad" / f"{number}.jpg").write_bytes(b"no picture")
    cases = (
        (Wanted([empty], "quick-cpu"), "empty: 0 pictures are fewer than one batch of 128"),
        (Wanted([tmp_path / "bad"], "quick-cpu", changes=TINY), "40 files give 0 pictures to train"),
        (Wanted([tmp_path / "nothing"], "quick-cpu"), "neither a folder of pictures nor a .bin file"),
        (Wanted([photos], "quick-cpu", name="a/b"), "cannot be a folder's name"),
    )
    for wanted, told in cases:
        with pytest.raises((NoTraining, TrainingError), match=told):
            begin(settings, wanted)
    with pytest.raises(TrainingError, match="there is no preset 'best'; choose one of quick-cpu"):
        begin(settings, Wanted([photos], "best"))
    with pytest.raises(NoTraining, match=r"holds no plan\.json"):
        resume(settings, empty)
    assert not (settings.home / RUNS).exists() or list((settings.home / RUNS).iterdir()) == []


def test_a_run_that_is_stopped_says_why(settings: Settings, photos: Path) -> None:
    changes = {**TINY, "base_learning_rate": 1e30}
    with pytest.raises(NoTraining, match=r"training stopped: the loss is .* lower --base-learning-rate"):
        begin(settings, Wanted([photos / KIND], "quick-cpu", changes=changes))


def test_labels_are_the_ledgers_first_and_the_folders_else(photos: Path, tmp_path: Path) -> None:
    source = open_source(photos)
    known = [found for found in source.pictures(16) if found.pixels is not None]
    said = {found.sha256: "tower" for found in known if found.folder == KIND}
    classes = Classes(said, from_folders=True)
    done = gather([source], tmp_path, side=16, least=32, classes=classes, progress=lambda *_: None)
    assert json.loads((tmp_path / CLASS_NAMES).read_text()) == sorted({"tower", *KINDS} - {KIND})
    pictures, numbers = np.load(tmp_path / PICTURES, mmap_mode="r"), np.load(tmp_path / CLASSES)
    assert pictures.shape == (done.pictures, 16, 16, 3) and len(numbers) == done.pictures
    assert done.pictures + done.held_out == len(known) and done.left_out == 1
    assert 0.05 < done.held_out / len(known) < 0.15
    held = {picture.tobytes() for picture in np.load(tmp_path / HELD_OUT)}
    wanted = [found.pixels.tobytes() for found in known if found.pixels is not None]
    assert [one for one in wanted if one not in held] == [picture.tobytes() for picture in pictures]


def test_stl10s_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Written as the real one: channel first, each column by column."""
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (40, 96, 96, 3), dtype=np.uint8)
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    (folder / "unlabeled_X.bin").write_bytes(np.ascontiguousarray(pictures.transpose(0, 3, 2, 1)).tobytes())
    for given in (folder, folder / "unlabeled_X.bin"):
        target = tmp_path / f"run-{given.name}"
        target.mkdir()
        gather([open_source(given)], target, side=96, least=32, classes=Classes({}, True), progress=lambda *_: None)
        assert np.array_equal(np.load(target / PICTURES), pictures)


def test_progress_is_told_in_words() -> None:
    progress = Progress()
    step = {"epoch": 1, "epochs": 2, "step": 5, "steps": 10, "loss": 4.5, "seconds": 20.0}
    assert progress.line(json.dumps(step)) == "epoch 1 of 2, step 5 of 10: loss 4.500, 60 s left"
    whole = {"epoch": 2, "epochs": 2, "loss": 4.0, "images_per_s": 290.4, "seconds": 40.0, "knn": 0.41}
    assert progress.line(json.dumps(whole)) == "epoch 2 of 2: loss 4.000, kNN 0.410, 290 images/s"
    assert progress.line("a warning") is None and progress.line('{"epoch": 1}') is None
    assert [duration(one) for one in (30, 600, 7200)] == ["30 s", "10 min", "2.0 h"]
