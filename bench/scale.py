"""`ruiji bench scale`: what a second embed worker adds, and what a chunk costs besides its work.

Worker processes as `ruiji worker` starts them, each held to one core with its decode child, on a catalog and a broker
of their own; one worker and two take turns on the same photos. efficiency_2 is the rate of two over twice that of one.
dispatch_share is what all transactions of the ledger (claim, known images, commit, heartbeat) and the broker take of a
chunk's processor time, in a pass as a worker makes it, on one core too; dispatch_waiting_share is the same by the
clock, waits for the disk included, which the decoding of the next files fills. Both depend on how large the encoder is:
ledger_us_an_image does not. Rates end with the last chunk's commit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.embed_farm import LEASE_S, Farm, farm, workers
from bench.metered import Meter, MeteredLedger
from bench.pictures import write_jpegs
from bench.record import RESULTS, publish
from bench.repeat import interleave, medians
from catalog.chunks import claim_chunk
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.pool import DecodePool
from ingest.stream import embed_chunks

SIDE = 96


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench scale", description=__doc__)
    parser.add_argument("--files", type=int, default=8000)
    parser.add_argument("--chunk-files", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for scale.json")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-photos-") as name:
        write_jpegs(Path(name), count=chosen.files, width=SIDE, height=SIDE)
        figures = measure(Path(name), chosen.files, chunk_files=chosen.chunk_files, repetitions=chosen.repetitions)
    publish(
        "scale",
        figures,
        folder=chosen.out,
        engine="openvino, one core for each worker; SQLite and Valkey on the same machine",
        picture_size=f"{SIDE}x{SIDE}",
        files=chosen.files,
        chunk_files=chosen.chunk_files,
        repetitions=chosen.repetitions,
    )
    return 0


def measure(folder: Path, files: int, *, chunk_files: int, repetitions: int) -> dict[str, Any]:
    """Images a second of one worker and of two, and the costs of a chunk."""
    costs: list[Costs] = []

    def rate(count: int) -> float:
        with farm() as place, workers(place, count=count):
            place.prepare(folder, chunk_files=chunk_files)
            return files / place.work_off()

    def look() -> float:
        with farm() as place:
            place.prepare(folder, chunk_files=chunk_files)
            costs.append(costs_of(place))
        return costs[-1].share

    sides = {"one": lambda: rate(1), "two": lambda: rate(2), "share": look}
    found = interleave(sides, repetitions=repetitions)
    middle = medians(found)
    return {
        "rate_1": middle["one"],
        "rate_2": middle["two"],
        "efficiency_2": statistics.median(two / (2 * one) for one, two in zip(found["one"], found["two"], strict=True)),
        "dispatch_share": middle["share"],
        "dispatch_waiting_share": statistics.median(cost.waiting_share for cost in costs),
        "chunk_ms": 1000 * statistics.median(cost.processor_s / cost.chunks for cost in costs),
        "ledger_ms": 1000 * statistics.median(cost.ledger.processor_s / cost.chunks for cost in costs),
        "ledger_us_an_image": 1e6 * statistics.median(cost.ledger.processor_s / files for cost in costs),
        "broker_ms": 1000 * statistics.median(cost.broker_s / cost.chunks for cost in costs),
    }


@dataclass
class Costs:
    """Of one pass over some chunks: seconds of this process and its decode child, by the processor and by the clock,
    and of those what went to the ledger and to the broker."""

    chunks: int = 0
    processor_s: float = 0.0
    clock_s: float = 0.0
    broker_s: float = 0.0
    broker_clock_s: float = 0.0
    ledger: Meter = field(default_factory=Meter)

    @property
    def share(self) -> float:
        """Of the processor's time: on a core that is never idle, so much more images a second would be embedded."""
        return (self.ledger.processor_s + self.broker_s) / self.processor_s

    @property
    def waiting_share(self) -> float:
        """Of the clock's, waits for the disk included, during which the decode child goes on."""
        return (self.ledger.clock_s + self.broker_clock_s) / self.clock_s


def costs_of(place: Farm) -> Costs:
    """One pass over the chunks that wait, as an embed worker makes it, in this process on one core."""
    costs = Costs()
    ledger = MeteredLedger.open(place.settings.resolved_database_url())
    claim = partial(claim_chunk, ledger, worker="bench", lease_s=LEASE_S, encoder_ids=[place.encoder_id])
    with one_core():
        embedder = Embedder.load(SHIPPED, device="cpu", threads=1)
        embedder.embed(np.zeros((128, embedder.input_size, embedder.input_size, 3), np.uint8))
        ledger.meter = costs.ledger
        began, started = processor_seconds(), time.perf_counter()
        with DecodePool(1, size=embedder.input_size) as pool:
            outcomes = embed_chunks(ledger, place.store, claim=claim, embed=embedder.embed, pool=pool, lease_s=LEASE_S)
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    if outcome.state != "committed":
                        raise RuntimeError(f"chunk {outcome.chunk_id} was {outcome.state}")
                    costs.chunks += 1
                    before, asked = time.thread_time(), time.perf_counter()
                    place.client.wake_index()
                    costs.broker_s += time.thread_time() - before
                    costs.broker_clock_s += time.perf_counter() - asked
            costs.clock_s = time.perf_counter() - started
        costs.processor_s = processor_seconds() - began  # the decode child counts once it has ended
    ledger.close()
    return costs


def processor_seconds() -> float:
    """Of this process and of the children that have ended."""
    return sum(os.times()[:4])


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This thread, and what it starts, on the first of our cores."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
