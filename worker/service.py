"""Runs one worker process until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import time
from typing import TYPE_CHECKING, Any

from celery import signals

from catalog.artifacts import ArtifactStore
from catalog.index_errors import IndexUnavailable
from catalog.installation import check_version
from catalog.ledger import Ledger
from catalog.storage.pictures import PictureStorage
from settings import Settings
from worker.app import QUERY_THREADS, make_celery
from worker.broker_errors import check_broker
from worker.client import Client
from worker.context import Context, Limits
from worker.logs import set_up_logging
from worker.models import Models, NoEncoder, choose_device
from worker.presence import Presence
from worker.pulse import pulse_file
from worker.reach import own_address
from worker.replies import Replies, connect
from worker.requests import follow_requests
from worker.tasks import REGISTER, register_ping

if TYPE_CHECKING:
    from catalog.index import VectorIndex

# A query is one picture: two threads already halve its 2 ms; more would only fight with the bulk work.
QUERY_ENGINE_THREADS = 2
WAIT_FOR_INDEX_S = 30.0

logger = logging.getLogger("ruiji.worker")


def run_worker(settings: Settings, *, queue: str) -> int:
    """Serve one queue in this process. Query workers use threads; bulk workers do one task at a time, in the main
    thread, so that they may start decoding processes and hold a GPU."""
    settings.check()
    set_up_logging(settings.log_level, settings.log)
    follow_requests()
    check_broker(settings.resolved_broker_url())
    context = make_context(settings, queue=queue)
    check_version(context.ledger)
    app = make_celery(settings.resolved_broker_url())
    app.set_current()
    close = REGISTER[queue](app, context)
    register_ping(app, context)
    warm_up(context)
    settle()

    def ready(**_: Any) -> None:
        context.presence.start()
        logger.info("ready (%s)", context.presence.name)

    def stopping(**_: Any) -> None:
        context.stopping.set()

    signals.worker_ready.connect(ready, weak=False)
    signals.worker_shutting_down.connect(stopping, weak=False)
    worker = app.Worker(
        hostname=context.presence.name,
        pool="threads" if queue == "query" else "solo",
        concurrency=QUERY_THREADS if queue == "query" else 1,
        queues=[queue],
        loglevel=settings.log_level,
        quiet=True,
        no_color=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    try:
        worker.start()
    except SystemExit:
        pass
    finally:
        context.presence.stop()
        close()
        context.client.close()
        context.ledger.close()
    if context.presence.refused is not None:
        raise context.presence.refused
    return int(worker.exitcode or 0)


def make_context(settings: Settings, *, queue: str, ledger: Ledger | None = None) -> Context:
    """Open everything that a worker of this queue needs, but for a ledger that is open already."""
    broker_url = settings.resolved_broker_url()
    ledger = ledger or Ledger.open(settings.resolved_database_url())
    store = ArtifactStore(settings.resolved_artifacts_url())
    replies = Replies(connect(broker_url))
    # Queries are embedded on the CPU where there is no GPU to spare; `device` says otherwise when it is set.
    device = choose_device(settings.device) if queue in ("embed", "query", "train") else "cpu"
    index = None
    if queue == "index":
        from catalog.index import VectorIndex

        index = VectorIndex(settings.resolved_index_url(), token=settings.index_token, options=settings.index_options())
    models = Models(
        ledger,
        store,
        cache=settings.home / "cache" / "encoders",
        device=device,
        threads=QUERY_ENGINE_THREADS if queue == "query" else own_cores(),
        latency=queue == "query",
    )
    return Context(
        queue=queue,
        home=settings.home,
        ledger=ledger,
        store=store,
        client=Client(broker_url),
        replies=replies,
        models=models,
        presence=Presence(
            ledger,
            queue=queue,
            device=device,
            sign_of_life=lambda: replies.sign_of_life(queue),
            pulse=pulse_file(settings.run_folder, queue=queue, device=device),
            encoder=lambda: models.used,
        ),
        limits=Limits(
            chunk_files=settings.chunk_files,
            chunk_mb=settings.chunk_mb,
            lease_s=settings.lease_s,
            max_pixels=settings.max_pixels,
            decode_processes=settings.decode_processes,
            decode_timeout_s=settings.decode_timeout_s,
            decode_memory_mb=settings.decode_memory_mb,
        ),
        storage=PictureStorage.of(**settings.where_pictures_are()),
        device=device,
        runs=settings.runs_dir or settings.home / "runs",
        train_address=settings.train_address or own_address(broker_url),
        index=index,
    )


def own_cores() -> int:
    """Cores that this process may use: a container or `taskset` may leave it fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def warm_up(context: Context) -> None:
    """What the first message would otherwise wait for: the encoder, or the index's answer."""
    if context.queue in ("query", "embed"):
        try:
            import numpy as np

            _, embedder = context.models.serving()
            side = embedder.input_size
            embedder.embed(np.zeros((1, side, side, 3), dtype=np.uint8))
        except NoEncoder as error:
            logger.warning("%s", error)
    if context.index is not None:
        wait_for_index(context.index)


def settle() -> None:
    """What was loaded until now stays as long as the process: the collector need not look through it ever again.

    There are 100,000 objects of it: to find that all are in use took 30 ms, in the middle of commits and searches.
    """
    gc.collect()
    gc.freeze()


def wait_for_index(index: VectorIndex) -> None:
    """Return once the index lists its collections; raises IndexUnavailable after WAIT_FOR_INDEX_S."""
    until = time.monotonic() + WAIT_FOR_INDEX_S
    while True:
        try:
            index.ready()
            return
        except IndexUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
