"""`ruiji bench scale`: what a second embed worker adds, and what a chunk costs besides its work.

Worker processes as `ruiji worker` starts them, each held to one core with its decode child, on a catalog and a broker
of their own; one worker and two take turns on the same photos. efficiency_2 is the rate of two over twice that of one.
dispatch_share is what claim, ledger and broker take of a chunk's time, timed in the order in which a worker does them
beside the embedding, on one core too. rates end with the last chunk's commit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bench.embed_farm import LEASE_S, Farm, farm, workers
from bench.pictures import write_jpegs
from bench.record import RESULTS, publish
from bench.repeat import interleave, medians
from catalog.chunks import ClaimedChunk, claim_chunk
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.pool import DecodePool
from ingest.stream import embed_chunks

T = TypeVar("T")
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
        "chunk_ms": 1000 * statistics.median(cost.chunk_s for cost in costs),
        "claim_ms": 1000 * statistics.median(cost.median_s("claim") for cost in costs),
        "ledger_ms": 1000 * statistics.median(cost.median_s("commit") for cost in costs),
        "broker_ms": 1000 * statistics.median(cost.median_s("wake") for cost in costs),
    }


@dataclass
class Costs:
    """Seconds of the chunks of one pass: all of it, and by what was done beside the embedding."""

    seconds: float = 0.0
    chunks: int = 0
    beside: dict[str, list[float]] = field(default_factory=lambda: {"claim": [], "commit": [], "wake": []})

    def timed(self, what: str, action: Callable[[], T]) -> T:
        """Do it, and keep how long it took."""
        started = time.perf_counter()
        done = action()
        self.beside[what].append(time.perf_counter() - started)
        return done

    def median_s(self, what: str) -> float:
        """Of one chunk."""
        return statistics.median(self.beside[what])

    @property
    def chunk_s(self) -> float:
        """A chunk's time, all in all."""
        return self.seconds / self.chunks

    @property
    def share(self) -> float:
        """Of a chunk's time, what goes to claim, ledger and broker: sums, so that no slow one is left out."""
        return sum(sum(times) for times in self.beside.values()) / self.seconds


def costs_of(place: Farm) -> Costs:
    """One pass over the chunks that wait, as an embed worker makes it, in this process on one core."""
    costs = Costs()
    with one_core():
        embedder = Embedder.load(SHIPPED, device="cpu", threads=1)
        with DecodePool(1, size=embedder.input_size) as pool:

            def claim() -> ClaimedChunk | None:
                return costs.timed(
                    "claim",
                    lambda: claim_chunk(place.ledger, worker="bench", lease_s=LEASE_S, encoder_ids=[place.encoder_id]),
                )

            started = time.perf_counter()
            outcomes = embed_chunks(
                place.ledger, place.store, claim=claim, embed=embedder.embed, pool=pool, lease_s=LEASE_S
            )
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    if outcome.state != "committed":
                        raise RuntimeError(f"chunk {outcome.chunk_id} was {outcome.state}")
                    costs.chunks += 1
                    costs.beside["commit"].append(outcome.timings["commit"] + outcome.timings["lookup"])
                    costs.timed("wake", place.client.wake_index)
            costs.seconds = time.perf_counter() - started
    return costs


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This thread, and what it starts, on the first of our cores."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
