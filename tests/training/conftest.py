"""A home with a broker, a ledger of 66 labelled photos, and training workers: real processes, ended with their test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.surroundings import surroundings
from catalog.encoders import serving_encoder
from catalog.jobs import create_ingest_job
from catalog.ledger import Ledger
from catalog.runs import Run, cancel_run, create_run, get_run, list_runs
from catalog.sources import add_source, list_sources
from settings import Settings
from tests.photos import write_folder
from tests.worker.conftest import client, ledger, settings, store
from worker.client import Client
from worker.embedding import EmbedLoop
from worker.service import make_context

__all__ = ["client", "ledger", "settings", "store"]

PER_KIND = 22
LEASE_S = 8  # several times what a busy machine may stand still
# A pause, a kill and a start of torch on a busy machine.
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def source_id(settings: Settings, ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A source whose 66 photos are known to the ledger, with labels from their folders."""
    folder = tmp_path_factory.mktemp("photos")
    write_folder(folder, per_kind=PER_KIND, labelled=True)
    source = add_source(ledger, folder, labels_from_folders=True)
    serving = serving_encoder(ledger)
    assert serving is not None
    create_ingest_job(ledger, source_id=source.id, encoder_id=serving.id, author="test")
    context = make_context(settings, queue="embed")
    context.limits = replace(context.limits, decode_processes=1)
    loop = EmbedLoop(context)
    try:
        loop.run()
    finally:
        loop.close()
        context.client.close()
        context.ledger.close()
    (row,) = list_sources(ledger)
    assert row.images == 3 * PER_KIND
    return row.source.id


@dataclass
class Trainers:
    """Training workers on the home, and the runs that they train."""

    settings: Settings
    ledger: Ledger
    client: Client
    source_id: int
    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def runs(self) -> Path:
        return self.settings.home / "runs"

    def start(self, *, before: Sequence[str] = (), **variables: str) -> subprocess.Popen[bytes]:
        """A worker of the queue `train`; `before` is what it is started through."""
        environment = surroundings(
            RUIJI_HOME=str(self.settings.home),
            RUIJI_INDEX_URL=self.settings.index_url,
            RUIJI_LEASE_S=str(LEASE_S),
            RUIJI_DECODE_PROCESSES="1",
            OMP_NUM_THREADS="1",
            **variables,
        )
        command = [*before, sys.executable, "-P", "-m", "ruiji", "worker", "--queues", "train"]
        with (self.folder / f"worker-{len(self.started)}.log").open("wb") as log:
            self.started.append(
                subprocess.Popen(
                    command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )
        return self.started[-1]

    def ask(self, *, epochs: int, ranks: int = 1, wake_ups: int = 1, **changes: Any) -> int:
        """A run of the quick preset, and wake-ups for it."""
        run = create_run(
            self.ledger,
            name="ours",
            preset="quick-cpu",
            source_ids=[self.source_id],
            ranks=ranks,
            changes={"epochs": epochs, "batch_size": 32, **changes},
            author="test",
        )
        for _ in range(wake_ups):
            self.client._app.send_task("ruiji.work_train", queue="train")
        return run

    def wait(self, run: int, until: Callable[[Run], bool], *, within_s: float = PATIENCE_S) -> Run:
        """The run as soon as it is so."""
        ends = time.monotonic() + within_s
        while not until(found := get_run(self.ledger, run)):
            assert time.monotonic() < ends, f"{found}\n{self.said(run)}"
            assert found.state != "failed", f"{found}\n{self.said(run)}"
            self.client.wake_train()  # in place of the sweep
            time.sleep(0.1)
        return found

    def said(self, run: int) -> str:
        """What the workers and the run's processes have printed."""
        logs = [*sorted(self.folder.glob("*.log")), *sorted((self.runs / str(run)).glob("*.log"))]
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-3000:]}" for path in logs)

    def processes(self, run: int) -> list[int]:
        """The processes that train the run."""
        plan = os.fsencode(self.runs / str(run) / "plan.json")
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if plan in (entry / "cmdline").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def wait_gone(self, run: int, *, within_s: float = 120) -> None:
        """Until no process trains the run."""
        ends = time.monotonic() + within_s
        while left := self.processes(run):
            assert time.monotonic() < ends, left
            time.sleep(0.05)

    def close(self) -> None:
        """End every run, and every worker at once: how one stops that is told to is a test of its own."""
        for worker in self.started:
            worker.kill()
            worker.wait()
        for run in list_runs(self.ledger):
            cancel_run(self.ledger, run.id)
            self.wait_gone(run.id)


@pytest.fixture
def trainers(settings: Settings, ledger: Ledger, client: Client, source_id: int, tmp_path: Path) -> Iterator[Trainers]:
    found = Trainers(settings, ledger, client, source_id, tmp_path)
    found.client._replies._redis.delete("train")
    yield found
    found.close()
