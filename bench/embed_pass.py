"""One pass over waiting chunks by the loop of an embed worker, in this process, with its costs by what caused them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from bench.embed_farm import Farm
from bench.metered import Meter, MeteredClient, MeteredLedger, MeteredStore
from bench.processor import children, seconds, threads
from catalog.tables import chunk
from worker.context import Context
from worker.embedding import EmbedLoop
from worker.service import make_context, settle


@dataclass
class Costs:
    """Seconds of this process and its decode child, by the processor and by the clock, and of which kind they were.

    `engine_s` is of the threads in which the network is computed; what is left after all is Python's work around it:
    results of the child taken over, batches stacked, thumbnails packed.
    """

    chunks: int = 0
    processor_s: float = 0.0
    clock_s: float = 0.0
    decode_s: float = 0.0
    engine_s: float = 0.0
    store: Meter = field(default_factory=Meter)
    ledger: Meter = field(default_factory=Meter)
    broker: Meter = field(default_factory=Meter)

    @property
    def share(self) -> float:
        """Of ledger and broker, of the processor's time: on a core that is never idle, so much is not embedded."""
        return (self.ledger.processor_s + self.broker.processor_s) / self.processor_s

    @property
    def waiting_share(self) -> float:
        """Of the clock's, waits for the disk included, during which decoding and the network go on."""
        return (self.ledger.clock_s + self.broker.clock_s) / self.clock_s

    def shares(self) -> dict[str, float]:
        """Of the processor's time, all of it by what it went to."""
        spent = {
            "decode": self.decode_s,
            "engine": self.engine_s,
            "store": self.store.processor_s,
            "ledger": self.ledger.processor_s,
            "broker": self.broker.processor_s,
        }
        spent["python"] = self.processor_s - sum(spent.values())
        return {name: took / self.processor_s for name, took in spent.items()}


def costs_of(place: Farm, folder: Path, *, chunk_files: int) -> Costs:
    """Embed a folder on one core, after a few other photos that warm it up."""
    costs = Costs()
    with one_core():
        context = _context(place)
        loop = EmbedLoop(context)
        try:
            before = threads()
            embedder = context.models.embedder(place.encoder_id)
            embedder.embed(np.zeros((128, embedder.input_size, embedder.input_size, 3), np.uint8))
            engine = threads() - before
            before = children(os.getpid())
            place.prepare_warm_up()
            loop.run()
            decoders = children(os.getpid()) - before
            settle()
            context.presence.start()
            place.prepare(folder, chunk_files=chunk_files)
            done = _done(place)
            _meter(context, costs)
            began, started = time.process_time(), time.perf_counter()
            decode_s, engine_s = _processes(decoders), _threads(engine)
            loop.run()
            costs.clock_s = time.perf_counter() - started
            costs.decode_s, costs.engine_s = _processes(decoders) - decode_s, _threads(engine) - engine_s
            costs.processor_s = time.process_time() - began + costs.decode_s
            costs.chunks = _done(place) - done
        finally:
            context.presence.stop()
            loop.close()
            context.client.close()
            context.ledger.close()
    return costs


def _context(place: Farm) -> Context:
    ledger = MeteredLedger.open(place.settings.resolved_database_url())
    context = make_context(place.settings, queue="embed", ledger=ledger)
    context.client.close()
    context.client = MeteredClient(place.settings.resolved_broker_url())
    context.store = MeteredStore(place.settings.resolved_artifacts_url())
    return context


def _meter(context: Context, costs: Costs) -> None:
    for part, meter in ((context.ledger, costs.ledger), (context.client, costs.broker), (context.store, costs.store)):
        if not isinstance(part, MeteredLedger | MeteredClient | MeteredStore):
            raise TypeError(f"{part} has no meter")
        part.meter = meter


def _processes(pids: set[int]) -> float:
    return sum(seconds(f"/proc/{pid}") for pid in pids)


def _threads(ids: set[int]) -> float:
    return sum(seconds(f"/proc/self/task/{one}") for one in ids)


def _done(place: Farm) -> int:
    with place.ledger.read() as connection:
        counted = connection.execute(select(func.count()).where(chunk.c.state == "done"))
        return int(counted.scalar_one())


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This thread, and what it starts, on the first of our cores."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
