"""The pieces of a run: presets, its arrays, log and checkpoints, and its processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.runs import PRESETS
from encoder.presets import PRESETS as OF_ENCODER
from encoder.training.gathering import Classes, Found, gather
from encoder.training.position import Position, checkpoints
from worker.part_process import PartProcess
from worker.reach import LOCAL, free_port, interface_of, own_address
from worker.run_folder import FolderBusy, locked
from worker.run_log import RunLog

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_offers_the_presets_that_there_are() -> None:
    assert {name: preset.summary for name, preset in OF_ENCODER.items()} == dict(PRESETS)


def test_an_array_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    class Breaks:
        name = "breaks"

        def __len__(self) -> int:
            return 9

        def pictures(self, side: int) -> Iterator[Found]:
            yield Found("one", "", np.zeros((side, side, 3), dtype=np.uint8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather([Breaks()], tmp_path, side=8, least=2, classes=Classes({}, False), progress=lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def line(epoch: int, loss: float | None) -> str:
    return json.dumps({"epoch": epoch, "epochs": 9, "loss": loss, "learning_rate": 0.1, "seconds": 1.0}) + "\n"


def test_the_log_is_followed_line_by_line_and_from_its_beginning_when_it_was_cut(tmp_path: Path) -> None:
    path, log = tmp_path / "log.jsonl", RunLog(tmp_path)
    assert log.new() == []
    path.write_text(line(1, 5.0) + line(2, float("nan"))[:-9])
    assert [one.epoch for one in log.new()] == [1]
    path.write_text(line(1, 5.0) + line(2, 4.0) + "damaged\n" + line(3, 3.0))
    assert [(one.epoch, one.loss) for one in log.new()] == [(2, 4.0), (3, 3.0)]
    assert log.new() == []
    partial = tmp_path / "partial"  # as a run that goes on from epoch 1 does it
    partial.write_text(line(1, 5.0))
    partial.replace(path)
    with path.open("a") as stream:
        stream.write(line(2, 4.5))
    assert [(one.epoch, one.loss) for one in log.new()] == [(1, 5.0), (2, 4.5)]


def test_the_newest_checkpoint_is_the_one_that_is_furthest(tmp_path: Path) -> None:
    assert checkpoints(tmp_path) == []
    names = ["checkpoint-00009.pt", "checkpoint-00010.pt", "checkpoint-00010_000120.pt", "checkpoint-00011.partial"]
    for name in names:
        (tmp_path / name).touch()
    position, path = checkpoints(tmp_path)[-1]
    assert (position, path.name) == (Position(10, 120), "checkpoint-00010_000120.pt")


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartProcess]:
    """Answers SIGTERM with exit code 3, and prints."""
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3));"
        "print('ready', flush=True); time.sleep(600)"
    )
    found = PartProcess([sys.executable, "-c", code], log=tmp_path / "output.log")
    yield found
    found.close()


def test_a_process_is_asked_to_stop_and_its_last_words_are_kept(part: PartProcess) -> None:
    until = time.monotonic() + 120
    while part.last_words() != "ready":
        assert time.monotonic() < until
        time.sleep(0.02)
    assert part.poll() is None
    assert part.stop(within_s=120) == 3
    assert part.last_words() == "ready"


def test_a_process_dies_with_the_worker_that_has_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from worker.part_process import PartProcess\n"
        "part = PartProcess([sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'],"
        "log=Path(sys.argv[1])); time.sleep(600)"
    )
    log = tmp_path / "output.log"
    worker = subprocess.Popen([sys.executable, "-c", code, str(log)], cwd=ROOT)
    until = time.monotonic() + 120
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    process = Path("/proc", log.read_text().strip(), "cmdline")
    until = time.monotonic() + 120
    while process.exists() and process.read_bytes():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_folder_stays_held_while_the_process_that_was_given_it_lives(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    with locked(tmp_path) as held:
        part = PartProcess(sleeper, log=tmp_path / "output.log", pass_fds=held)
    try:
        with pytest.raises(FolderBusy), locked(tmp_path):
            pass
    finally:
        part.close()
    with locked(tmp_path):
        pass


def test_a_machine_is_reached_where_the_broker_is() -> None:
    assert own_address("redis+socket:///run/valkey.sock?virtual_host=0") == LOCAL
    assert own_address("redis://127.0.0.1:6379/0") == LOCAL
    assert interface_of(LOCAL) == "lo"
    assert interface_of("203.0.113.9") is None
    assert 1024 < free_port(LOCAL) < 65536
