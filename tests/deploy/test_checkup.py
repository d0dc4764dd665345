"""`ruiji doctor`'s looks at this machine, its GPU, its workers: what it says, how bad it is, what to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from catalog.artifacts import ArtifactStore
from catalog.clock_ahead import least_ahead
from catalog.encoders import Encoder
from catalog.ledger import Ledger
from catalog.sources import add_source
from catalog.workers import WorkerRow
from deploy.checkup import machine, workers
from deploy.checkup.finding import at_least, clock
from settings import Settings
from worker.identity import code_version, gpu_name

VERSION_FILE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.10  Thu Jan  2 2026\nGCC version: gcc 12\n"


@pytest.fixture
def driver(tmp_path: Path) -> tuple[Path, Path]:
    """The driver's files, as /proc has them on a machine with two GPUs."""
    (tmp_path / "version").write_text(VERSION_FILE)
    for bus, model in (("0000:17:00.0", "NVIDIA H100 80GB HBM3"), ("0000:65:00.0", "NVIDIA A100-SXM4-80GB")):
        folder = tmp_path / "gpus" / bus
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 16\nBus Location: \t {bus}\n")
    return tmp_path / "version", tmp_path / "gpus"


def test_gpus_are_named_in_the_order_of_the_bus(driver: tuple[Path, Path]) -> None:
    _, gpus = driver
    assert gpu_name("cuda:0", folder=gpus) == "NVIDIA H100 80GB HBM3"
    assert gpu_name("cuda:1", folder=gpus) == "NVIDIA A100-SXM4-80GB"
    assert gpu_name("cuda:2", folder=gpus) is gpu_name("cpu", folder=gpus) is None
    assert gpu_name("cuda:0", folder=gpus / "none") is None


@pytest.mark.parametrize(
    ("torch", "how", "said"),
    [
        ({"torch": "2.15.0", "cuda": "13.0", "count": 2}, "ok", "torch 2.15.0, CUDA 13.0, sees 2"),
        ({"torch": "2.15.0", "cuda": "13.0", "count": 0}, "wrong", "and it sees no GPU"),
        ({"torch": "2.15.0", "cuda": None, "count": 0}, "wrong", "a build for the CPU"),
    ],
)
def test_a_gpu_that_torch_does_not_see_is_wrong(
    driver: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, torch: dict[str, object], how: str, said: str
) -> None:
    monkeypatch.setattr(machine, "ask_torch", lambda: torch)
    found = machine.gpu(Settings(), driver=driver[0], gpus=driver[1])
    assert found.how == how and said in found.found
    assert "NVIDIA H100 80GB HBM3, NVIDIA A100-SXM4-80GB, driver 570.86.10" in found.found
    assert bool(found.do) == (how == "wrong")


def test_without_a_driver_the_cpu_embeds_unless_a_gpu_was_asked_for(tmp_path: Path) -> None:
    assert machine.gpu(Settings(), driver=tmp_path / "none").how == "note"
    asked = machine.gpu(Settings(device="cuda:0"), driver=tmp_path / "none")
    assert asked.how == "wrong" and "cuda:0" in asked.found and "driver" in asked.do


def test_room_and_folders_of_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path)
    store = ArtifactStore(settings.resolved_artifacts_url())
    assert [one.found for one in machine.room(settings, store) if "artifacts" in one.found] == [], "not made by a look"
    (tmp_path / "artifacts").mkdir()
    [disk] = machine.room(settings, store)
    assert disk.how == "ok" and "home" in disk.found and "artifacts" in disk.found
    monkeypatch.setattr(machine, "SCARCE_BYTES", 1 << 60)
    assert all(one.how == "wrong" and "free some space" in one.do for one in machine.room(settings, store))
    ledger = Ledger.open(settings.resolved_database_url())
    for name in ("here", "gone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
        add_source(ledger, tmp_path / name)
    (tmp_path / "gone" / "a.jpg").unlink()
    found = {one.what: one for one in machine.photos(settings, ledger)}
    assert found["photos here"].how == "ok" and "free there" in found["photos here"].found
    assert found["photos gone"].how == "warning" and "empty" in found["photos gone"].do
    ledger.close()


@pytest.mark.parametrize(
    ("ahead_s", "how"), [(0.02, "ok"), (-0.9, "ok"), (2.0, "warning"), (-2.0, "warning"), (9, "wrong")]
)
def test_clocks_that_differ_are_told_by_how_much_it_matters(ahead_s: float, how: str) -> None:
    found = clock("clock", ahead_s)
    assert found.how == how and bool(found.do) == (how != "ok")


def test_a_clock_that_was_asked_for_long_is_not_wrong_for_that() -> None:
    assert least_ahead(100.0, 100.1, 100.2) == least_ahead(100.0, 100.1, 130.0) == least_ahead(100.0, 129.0, 130.0) == 0
    assert least_ahead(107.0, 100.0, 107.1) == 7.0 and least_ahead(100.0, 107.1, 100.1) == -7.0


def test_versions_are_compared_by_number() -> None:
    assert at_least("broker", "7.2.4", (7, 0), name="Redis").how == "ok"
    assert at_least("broker", "6.2.14", (7, 0), name="Redis").how == "wrong"
    assert at_least("index", "v2.10.1", (2, 3), name="Milvus").how == "ok"
    assert at_least("index", "2.2.16", (2, 3), name="Milvus").how == "wrong"
    assert at_least("ledger", "15.4", (15,), name="PostgreSQL").how == "ok"
    assert at_least("index", "unknown", (2, 3), name="Milvus").how == "note"


def test_workers_that_are_unlike_the_rest_are_named() -> None:
    serving = Encoder("a" * 64, "shipped", 128, 32, "encoders/a", "c", {}, {}, time.time())

    def row(name: str, **changes: object) -> WorkerRow:
        values: dict[str, object] = {
            "name": name, "queues": "query", "host": "far", "pid": 1, "device": "cpu", "doing": None, "images": 0,
            "started_at": 0.0, "heartbeat_at": 0.0, "version": code_version(), "encoder_id": "a" * 64, "gpu": None,
            "images_per_s": 0.0, "clock_ahead_s": 0.01,
        }  # fmt: skip
        return WorkerRow(**{**values, **changes})  # type: ignore[arg-type]

    rows = [
        row("alike"),
        row("edited", version=code_version().partition("+")[0] + "+00000000"),
        row("older", version="0.0.9+00000000"),
        row("other", encoder_id="b" * 64),
        row("embeds", queues="embed", encoder_id="b" * 64),  # a new encoder that is being filled
        row("late", clock_ahead_s=-7.0),
    ]
    found = [(one.what, one.how) for one in workers.odd(rows, serving)]
    assert found == [
        ("worker edited", "warning"),
        ("worker older", "wrong"),
        ("worker other", "warning"),
        ("clock of far and the ledger", "wrong"),
    ]
