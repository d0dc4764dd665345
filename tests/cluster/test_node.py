"""`ruiji node`: a worker for each device, restarted when it ends by itself, stopped by one signal."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from catalog.ledger import Ledger
from catalog.workers import WorkerRow, list_workers
from deploy.devices import NoDevice, devices_of
from deploy.node import Keeper, worker_parts
from deploy.process import Part
from settings import Settings
from tests.servers.processes import eventually, once, running
from worker.pulse import ALIVE_WITHIN_S

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
STUBBORN += "import pathlib, sys; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


def alive(ledger: Ledger) -> dict[int, WorkerRow]:
    return {row.pid: row for row in list_workers(ledger, alive_within_s=ALIVE_WITHIN_S)}


def test_two_workers_one_killed_and_started_again_all_stopped_by_one_signal(tmp_path: Path, valkey_url: str) -> None:
    log = tmp_path / "node.log"
    home = tmp_path / "home"
    environment = {
        "RUIJI_HOME": str(home),
        "RUIJI_BROKER_URL": valkey_url,
        "RUIJI_INDEX_URL": "http://127.0.0.1:1",
        "PYTHONUNBUFFERED": "1",
    }
    health = ["python", "-m", "deploy.healthy", "worker", "embed"]
    setup = once(["python", "-m", "deploy.prepare"], folder=tmp_path, environment=environment)
    assert setup.returncode == 0, setup.stderr
    ledger = Ledger.open(Settings(home=home).resolved_database_url())
    before = once(health, folder=tmp_path, environment=environment)
    assert (before.returncode, before.stdout) == (1, "no worker of embed has reached the ledger and the broker yet\n")
    command = ["ruiji", "node", "--queues", "embed", "--devices", "cpu,cpu"]
    with running(command, folder=tmp_path, log=log, environment=environment) as node:
        seen: set[int] = set()

        def both() -> bool:
            seen.update(alive(ledger))
            return len(seen) == 2

        eventually(both, within_s=150, log=log)
        first, second = sorted(seen)
        assert once(health, folder=tmp_path, environment=environment).returncode == 0
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len({*alive(ledger)} - {first, second}) == 1, within_s=150, log=log)
        assert "was killed by SIGKILL; started again in 2 s" in log.read_text()
        node.send_signal(signal.SIGTERM)
        assert node.wait(timeout=120) == 0, log.read_text()
    # The killed one's row goes with the sweep; the others have signed off.
    assert [row.pid for row in list_workers(ledger, alive_within_s=1e9)] == [first]
    for pid in (first, second):
        assert not Path(f"/proc/{pid}").exists()
    assert once(health, folder=tmp_path, environment=environment).returncode == 1
    ledger.close()


def test_a_worker_that_is_silent_is_unwell(tmp_path: Path) -> None:
    environment = {"RUIJI_HOME": str(tmp_path)}
    pulse = tmp_path / "run" / "pulse" / "embed-cuda-1"
    pulse.parent.mkdir(parents=True)
    pulse.touch()
    os.utime(pulse, (time.time() - 90, time.time() - 90))
    (pulse.parent / "embed-cuda-0").touch()
    found = once(["python", "-m", "deploy.healthy", "worker", "embed"], folder=tmp_path, environment=environment)
    assert found.returncode == 1
    silent = re.match(r"embed-cuda-1 has been silent for (\d+)", found.stdout)
    assert silent and int(silent[1]) >= 90


def test_what_ends_soon_rests_longer_and_a_second_signal_ends_all_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    starts, ready = tmp_path / "starts", tmp_path / "ready"
    told = f"import time; open({str(starts)!r}, 'a').write(f'{{time.monotonic()}} ')"
    short = Part(name="short", command=(sys.executable, "-c", told))
    stubborn = Part(name="stubborn", command=(sys.executable, "-c", STUBBORN, str(ready)))
    keeper = Keeper([short, stubborn])
    run = threading.Thread(target=keeper.run)  # in a thread only here: the parts end with it
    run.start()
    eventually(lambda: "started again in 4 s" in caplog.text and ready.exists(), within_s=120)
    assert "started again in 2 s" in caplog.text
    first, second, *_ = map(float, starts.read_text().split())
    assert second - first >= 2
    keeper.on_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert run.is_alive()  # one ignores SIGTERM, and is waited for
    keeper.on_signal(signal.SIGTERM)
    run.join(timeout=60)
    assert not run.is_alive()


def test_devices_by_word_and_by_list() -> None:
    assert devices_of("auto", count=lambda: 0) == ("cpu",)
    assert devices_of("auto", count=lambda: 3) == devices_of("gpus", count=lambda: 3) == ("cuda:0", "cuda:1", "cuda:2")
    assert devices_of("cuda:2, cpu") == ("cuda:2", "cpu")
    with pytest.raises(NoDevice, match="no GPU can be used here"):
        devices_of("gpus", count=lambda: 0)
    for wrong in ("cuda", "", "tpu:0", "cuda:0;cuda:1"):
        with pytest.raises(NoDevice, match="a list such as"):
            devices_of(wrong)


def test_workers_of_one_machine_share_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.node.os.cpu_count", lambda: 16)
    four = worker_parts(Settings(), queue="embed", devices=("cuda:0", "cuda:1", "cuda:2", "cuda:3"))
    assert [part.environment for part in four] == [{"RUIJI_DECODE_PROCESSES": "4"}] * 4
    assert [part.command[-1] for part in four] == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]
    assert worker_parts(Settings(), queue="embed", devices=("cuda:0",))[0].environment == {}
    assert worker_parts(Settings(decode_processes=3), queue="embed", devices=("cpu", "cpu"))[0].environment == {}


def test_a_gpu_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    environment = {"RUIJI_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    found = once(["ruiji", "node", "--devices", "gpus"], folder=tmp_path, environment=environment)
    assert found.returncode == 1
    assert "no GPU can be used here" in found.stderr
