"""Embed workers as processes of their own, each on a core of its own, around a catalog that is made for one run."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from bench.pictures import write_jpegs
from bench.surroundings import surroundings
from catalog.artifacts import ArtifactStore
from catalog.jobs import claim_scan, create_ingest_job
from catalog.ledger import Ledger
from catalog.sources import add_source
from catalog.tables import chunk
from catalog.workers import list_workers
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.valkey import answers, valkey_part
from ingest.scan import scan_source
from settings import Settings
from worker.client import Client

NO_INDEX = "http://127.0.0.1:1"  # embedding never asks it
READY_WITHIN_S = 120.0
DONE_WITHIN_S = 1800.0
LEASE_S = 600.0
LOOK_S = 0.2  # the end is read from the ledger; to look for it takes from what is measured
WARM_UPS = 10
WARM_FILES = 128


@dataclass(frozen=True)
class Farm:
    """A broker, a ledger with the shipped encoder, and what a worker's environment is to be."""

    settings: Settings
    ledger: Ledger
    store: ArtifactStore
    client: Client
    encoder_id: str
    broker_pid: int

    def warm_up(self, count: int) -> None:
        """Until each of so many workers has embedded a few photos, and so has its decode child."""
        for attempt in range(WARM_UPS):
            self.prepare_warm_up(attempt)
            self.work_off()
            with self.ledger.read() as connection:
                warm = connection.scalars(select(chunk.c.worker).distinct()).all()
            if len(warm) == count:
                return
        raise RuntimeError(f"{len(warm)} of {count} workers took chunks")

    def prepare_warm_up(self, attempt: int = 0) -> None:
        """A few photos in chunks that wait, others in each attempt."""
        folder = self.settings.home / f"warm-{attempt}"
        write_jpegs(folder, count=WARM_FILES, width=96, height=96, seed=1000 + attempt)
        self.prepare(folder, chunk_files=WARM_FILES // 8)

    def prepare(self, folder: Path, *, chunk_files: int) -> None:
        """Scan a folder into chunks that wait; nobody is told."""
        source = add_source(self.ledger, folder)
        create_ingest_job(self.ledger, source_id=source.id, encoder_id=self.encoder_id, author="bench")
        claim = claim_scan(self.ledger, worker="bench", lease_s=LEASE_S)
        if claim is None:
            raise RuntimeError("a worker took the scan of the benchmark's photos")
        scan_source(self.ledger, claim, chunk_files=chunk_files, lease_s=LEASE_S)

    def work_off(self) -> float:
        """Wake the workers; seconds until the last chunk that waits is committed. RuntimeError if one is not."""
        started = time.time()
        self.client.wake_embed()
        until = time.monotonic() + DONE_WITHIN_S
        while time.monotonic() < until:
            with self.ledger.read() as connection:
                states = set(connection.scalars(select(chunk.c.state).distinct()))
                if states == {"done"}:
                    return float(connection.execute(select(func.max(chunk.c.finished_at))).scalar_one()) - started
            if "failed" in states:
                break
            time.sleep(LOOK_S)
        raise RuntimeError("not every chunk was embedded")


@contextlib.contextmanager
def farm() -> Iterator[Farm]:
    """One for the block, in a folder of its own."""
    with TemporaryDirectory(prefix="ruiji-bench-") as name:
        settings = Settings(
            home=Path(name), database_url="", broker_url="", artifacts_url="", index_url=NO_INDEX, decode_processes=1
        )
        with _broker(settings) as broker_pid:
            ledger = Ledger.open(settings.resolved_database_url())
            store = ArtifactStore(settings.resolved_artifacts_url())
            client = Client(settings.resolved_broker_url())
            try:
                encoder = set_up_encoder(ledger, store, SHIPPED)
                yield Farm(settings, ledger, store, client, encoder.id, broker_pid)
            finally:
                client.close()
                ledger.close()


@contextlib.contextmanager
def workers(place: Farm, *, count: int) -> Iterator[list[int]]:
    """So many embed workers for the block, each with its decode child on a core of its own, and ready: their ids."""
    environment = surroundings(
        RUIJI_HOME=str(place.settings.home), RUIJI_INDEX_URL=NO_INDEX, RUIJI_DECODE_PROCESSES="1"
    )
    cores = sorted(os.sched_getaffinity(0))
    processes: list[subprocess.Popen[bytes]] = []
    log = place.settings.home / "workers.log"
    try:
        with log.open("ab") as sink:
            for number in range(count):
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "ruiji", "worker", "--queues", "embed", "--device", "cpu"],
                    cwd=place.settings.home,
                    env=environment,
                    stdout=sink,
                    stderr=sink,
                    start_new_session=True,
                )
                processes.append(process)
                # Before it has begun any thread or child, which inherit it; it counts its cores later.
                os.sched_setaffinity(process.pid, {cores[number % len(cores)]})
        until = time.monotonic() + READY_WITHIN_S
        while len(list_workers(place.ledger, alive_within_s=LEASE_S)) < count:
            if time.monotonic() > until or any(process.poll() is not None for process in processes):
                raise RuntimeError(f"the workers do not get ready:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)


@contextlib.contextmanager
def _broker(settings: Settings) -> Iterator[int]:
    part = valkey_part(data=settings.home / "valkey", socket=settings.socket_path)
    process = subprocess.Popen(part.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + READY_WITHIN_S
        while not answers(settings.resolved_broker_url()):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError("the broker does not start")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)
