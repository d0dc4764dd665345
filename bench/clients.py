"""`ruiji bench clients`: many people searching at the same moment, with the query worker's batches and without.

32 clients each ask for the next embedding as soon as they have the last. One side is the query worker's own batching
thread and engine; the other the same with batches of one, a forward pass for each query. The sides take turns.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.record import RESULTS, publish
from bench.repeat import interleave, median_ratio, medians
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from worker.batching import MOST_IN_BATCH, Batcher, Embedded, Failed, Pixels
from worker.service import QUERY_ENGINE_THREADS

SIDES = {"batched": MOST_IN_BATCH, "alone": 1}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench clients", description=__doc__)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one turn of one side")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for clients.json")
    chosen = parser.parse_args(argv)
    embedder = Embedder.load(chosen.encoder, threads=QUERY_ENGINE_THREADS, latency=True)
    figures = measure(embedder, clients=chosen.clients, seconds=chosen.seconds, repetitions=chosen.repetitions)
    publish(
        "clients",
        figures,
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}, {QUERY_ENGINE_THREADS} threads",
        input_size=embedder.input_size,
        seconds=chosen.seconds,
        repetitions=chosen.repetitions,
    )
    return 0


def measure(embedder: Embedder, *, clients: int, seconds: float, repetitions: int) -> dict[str, Any]:
    """Queries a second of both sides, how long a query took, and their ratio."""
    crowds: dict[str, list[Crowd]] = {name: [] for name in SIDES}

    def side(name: str) -> float:
        crowd = Crowd(embedder, most=SIDES[name])
        crowds[name].append(crowd)
        return crowd.ask(clients, seconds=seconds)

    for name in SIDES:
        Crowd(embedder, most=SIDES[name]).ask(clients, seconds=seconds / 10)  # kernels for batches of each size
    found = interleave({name: partial(side, name) for name in SIDES}, repetitions=repetitions)
    middle = medians(found)
    batched, alone = (np.concatenate([crowd.took_ms for crowd in crowds[name]]) for name in SIDES)
    return {
        "clients": clients,
        "queries_per_s": middle["batched"],
        "one_by_one_queries_per_s": middle["alone"],
        "batching_ratio": median_ratio(found["batched"], found["alone"]),
        "p50_ms": float(np.percentile(batched, 50)),
        "p99_ms": float(np.percentile(batched, 99)),
        "one_by_one_p50_ms": float(np.percentile(alone, 50)),
        "one_by_one_p99_ms": float(np.percentile(alone, 99)),
        "pictures_in_a_batch": float(np.mean([size for crowd in crowds["batched"] for size in crowd.sizes])),
    }


@dataclass
class Crowd:
    """Clients of one batching thread: each is called back with its answer and asks again, as if from far away."""

    embedder: Embedder
    most: int
    took_ms: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    failed: str = ""

    def ask(self, clients: int, *, seconds: float) -> float:
        """Queries a second. RuntimeError if one failed."""
        side = self.embedder.input_size
        pictures = np.random.default_rng(0).integers(0, 256, size=(clients, side, side, 3), dtype=np.uint8)
        batcher = Batcher(most=self.most)
        over = threading.Event()
        started = time.perf_counter()
        for picture in pictures:
            self._ask_again(batcher, picture, over)
        over.wait(seconds)
        over.set()
        answered, took = len(self.took_ms), time.perf_counter() - started
        batcher.close()
        if self.failed:
            raise RuntimeError(self.failed)
        return answered / took

    def _ask_again(self, batcher: Batcher, picture: Pixels, over: threading.Event) -> None:
        asked = time.perf_counter()

        def done(result: Embedded | Failed) -> None:
            if isinstance(result, Failed):
                self.failed = result.reason
                return
            self.took_ms.append(1000 * (time.perf_counter() - asked))
            self.sizes.append(result.batch)
            if not over.is_set():
                self._ask_again(batcher, picture, over)

        batcher.submit(picture, embed=self.embedder.embed, deadline=time.time() + 60, done=done)
