"""The figures of ledger, queues, workers, training and index, asked for when Prometheus does, and seldom anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from catalog.errors import CatalogError
from catalog.figures import Figures, figures
from catalog.index_errors import VectorIndexError
from catalog.runs import Run
from catalog.workers import WorkerRow
from worker.client import WorkerUnavailable

from .config import WebConfig
from .readiness import OK, Readiness

FRESH_S = 5.0  # two Prometheus servers, or a person with curl beside one, cost the ledger no more than one
BROKER_QUEUES = ("query", "embed", "index", "train")


class InstallationFigures(Collector):
    """Each part that answers is asked; what the others hold is left out, and `ruiji_up` says which they are."""

    def __init__(self, config: WebConfig, readiness: Readiness) -> None:
        self._config = config
        self._readiness = readiness
        self._lock = threading.Lock()
        self._found: tuple[float, list[Metric]] | None = None

    def collect(self) -> Iterable[Metric]:
        """At most FRESH_S old."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > FRESH_S:
                self._found = (time.monotonic(), list(self._ask()))
            return self._found[1]

    def _ask(self) -> Iterator[Metric]:
        states = self._readiness.look()
        yield labelled(
            "ruiji_up", "Whether a part answers.", "part", {name: float(s == OK) for name, s in states.items()}
        )
        if states["broker"] == OK:
            yield from self._messages()
        free = self._config.store.free_bytes()
        if free is not None:
            yield one("ruiji_artifacts_free_bytes", "Room left where shards and thumbnails are kept.", free)
        if states["ledger"] != OK:
            return
        try:
            found = figures(self._config.ledger)
        except CatalogError:  # it went away after it had answered
            return
        yield from of_ledger(found)
        yield from of_workers(found.workers, found.now)
        yield from of_training(found.runs)
        if states["index"] == OK and found.serving is not None:
            yield from self._rows(found.serving.collection)

    def _messages(self) -> Iterator[Metric]:
        try:
            waiting = {queue: self._config.client.waiting(queue) for queue in BROKER_QUEUES}
        except WorkerUnavailable:
            return
        yield labelled("ruiji_broker_messages", "Messages that no worker has taken yet.", "queue", waiting)

    def _rows(self, collection: str) -> Iterator[Metric]:
        try:
            count = self._config.index.count(collection)
        except VectorIndexError:  # no such collection yet, or it went away
            return
        yield one("ruiji_index_rows", "Rows in the collection of the encoder that serves.", count)


def of_ledger(found: Figures) -> Iterator[Metric]:
    """Images, chunks and what waits."""
    yield one("ruiji_images", "Images that are there.", found.counts.images)
    yield one("ruiji_images_labelled", "Images with a confirmed label.", found.counts.labelled)
    yield one("ruiji_images_embedded", "Images with a vector of the encoder that serves.", found.embedded)
    yield one("ruiji_index_rows_expected", "Rows that the ledger says the index has.", found.indexed)
    yield one("ruiji_index_changes", "Rows of the index whose labels or sources wait to be refreshed.", found.changes)
    yield one("ruiji_files_unreadable", "Files in the folders that could not be read as pictures.", found.counts.bad)
    yield labelled("ruiji_bad_files", "Files that ingests could not use.", "reason", found.bad_files)
    yield labelled("ruiji_chunks", "Chunks of files, by what became of them.", "state", found.chunks)
    yield labelled("ruiji_chunk_failures", "Claims of chunks that came to nothing.", "reason", found.chunk_failures)
    open_ = {queue.name: queue.open for queue in found.queues}
    yield labelled("ruiji_queue_open", "Chunks, shards or runs that are not done.", "queue", open_)
    ages = {queue.name: queue.oldest_s or 0.0 for queue in found.queues if queue.name != "train"}
    yield labelled("ruiji_queue_oldest_seconds", "Age of the oldest that is not done; 0 if none.", "queue", ages)


def of_workers(rows: Iterable[WorkerRow], now: float) -> Iterator[Metric]:
    """A series for each worker that lives or fell silent lately: as many as there are processes."""
    names = ("worker", "queue", "host", "device")
    images = CounterMetricFamily(
        "ruiji_worker_images", "Images embedded, or rows indexed, since it began.", labels=names
    )
    rate = GaugeMetricFamily("ruiji_worker_images_per_second", "The same in the last minute.", labels=names)
    age = GaugeMetricFamily("ruiji_worker_heartbeat_age_seconds", "Since its last sign of life.", labels=names)
    for row in rows:
        labels = (row.name, row.queues, row.host, row.device)
        images.add_metric(labels, row.images)
        rate.add_metric(labels, row.images_per_s or 0.0)
        age.add_metric(labels, max(0.0, now - row.heartbeat_at))
    yield from (images, rate, age)


def of_training(runs: Iterable[Run]) -> Iterator[Metric]:
    """Of the runs that are not at their end; `run` is the number, never the name that a person gave."""
    values: dict[str, tuple[str, Callable[[Run], float | None]]] = {
        "ruiji_training_epoch": ("Epochs done.", lambda run: run.done),
        "ruiji_training_epochs": ("Epochs that it is going to have.", lambda run: run.epochs),
        "ruiji_training_ranks": ("Processes at work for it.", lambda run: run.members),
        "ruiji_training_loss": ("Of the last epoch.", lambda run: run.last.loss if run.last else None),
        "ruiji_training_knn": (
            "Accuracy after the last epoch that measured it.",
            lambda run: run.last.knn if run.last else None,
        ),
        "ruiji_training_images_per_second": (
            "In the last epoch.",
            lambda run: run.last.images_per_s if run.last else None,
        ),
    }
    listed = list(runs)
    for name, (text, value) in values.items():
        found = {str(run.id): got for run in listed if (got := value(run)) is not None}
        yield labelled(name, text, "run", found)


def one(name: str, text: str, value: float) -> Metric:
    """A figure by itself."""
    return GaugeMetricFamily(name, text, value=value)


def labelled(name: str, text: str, label: str, values: Mapping[str, float] | Mapping[str, int]) -> Metric:
    """A figure for each value of one label."""
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
