"""A catalog of its own around one folder, so that the product's ingest can be run on it again and again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.chunks import ClaimedChunk, claim_chunk
from catalog.encoders import register
from catalog.jobs import claim_scan, create_ingest_job
from catalog.ledger import Ledger
from catalog.sources import add_source
from catalog.storage.pictures import PictureStorage
from ingest.pool import DecodePool
from ingest.scan import scan_source
from ingest.stream import embed_chunks

Embed = Callable[[np.ndarray[Any, np.dtype[np.uint8]]], np.ndarray[Any, np.dtype[np.float32]]]
WORKER = "bench"
LEASE_S = 600.0
ENCODER = "0" * 64


@dataclass(frozen=True)
class Ingested:
    """One pass over the folder: seconds, files, and what the stages say of themselves, added up over chunks."""

    seconds: float
    files: int
    stages: dict[str, float]


@contextlib.contextmanager
def fresh_room(
    folder: Path | bytes, *, dimension: int, input_size: int, storage: PictureStorage | None = None
) -> Iterator[Room]:
    """An empty ledger and store with an ingest of `folder`, or of a bucket by its root, waiting in it."""
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        ledger = Ledger.open(f"sqlite:///{Path(scratch) / 'ledger.db'}")
        try:
            register(
                ledger,
                id=ENCODER,
                name="bench",
                dimension=dimension,
                input_size=input_size,
                folder="encoders/bench",
                config={},
                metrics={},
            )
            source = add_source(ledger, folder)
            create_ingest_job(ledger, source_id=source.id, encoder_id=ENCODER, author="bench")
            yield Room(ledger, ArtifactStore(Path(scratch) / "artifacts"), storage)
        finally:
            ledger.close()


class Room:
    """Runs the stages of an ingest as the embed worker does: the scan in a thread beside the stream."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, storage: PictureStorage | None) -> None:
        self.ledger = ledger
        self.store = store
        self.storage = storage

    def scan(self) -> float:
        """Walk the folder and write places and chunks; seconds."""
        started = time.perf_counter()
        claim = claim_scan(self.ledger, worker=WORKER, lease_s=LEASE_S)
        if claim is None:
            raise RuntimeError("the room has been scanned before")
        scan_source(self.ledger, claim, lease_s=LEASE_S, storage=self.storage)
        return time.perf_counter() - started

    def embed(self, pool: DecodePool, embed: Embed) -> Ingested:
        """Everything from the claim of the first chunk to the commit of the last."""
        started = time.perf_counter()
        return self._stream(pool, embed, started=started, scanning=None)

    def ingest(self, pool: DecodePool, embed: Embed) -> Ingested:
        """Everything from the folder to committed shards."""
        started = time.perf_counter()
        scanning = threading.Thread(target=self.scan, name="scan")
        scanning.start()
        try:
            return self._stream(pool, embed, started=started, scanning=scanning)
        finally:
            scanning.join()

    def _stream(self, pool: DecodePool, embed: Embed, *, started: float, scanning: threading.Thread | None) -> Ingested:
        files = 0
        stages: dict[str, float] = {}

        def claim() -> ClaimedChunk | None:
            return claim_chunk(self.ledger, worker=WORKER, lease_s=LEASE_S, encoder_ids=[ENCODER])

        while True:
            over = scanning is None or not scanning.is_alive()
            with contextlib.closing(
                embed_chunks(
                    self.ledger,
                    self.store,
                    claim=claim,
                    embed=embed,
                    pool=pool,
                    lease_s=LEASE_S,
                    storage=self.storage,
                )
            ) as outcomes:
                for outcome in outcomes:
                    if outcome.state != "committed" or outcome.bad:
                        raise RuntimeError(f"chunk {outcome.chunk_id} was {outcome.state}, {outcome.bad} files bad")
                    files += outcome.files
                    for name, seconds in outcome.timings.items():
                        stages[name] = stages.get(name, 0.0) + seconds
            if over:
                return Ingested(time.perf_counter() - started, files, stages)
            time.sleep(0.01)
