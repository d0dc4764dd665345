"""A worker's ledger, broker and store that know how long they took, of the processor and by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from worker.client import Client
from worker.replies import connect


@dataclass
class Meter:
    """What came together so far, from all threads."""

    processor_s: float = 0.0
    clock_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block, in the thread that it is in."""
        processor, clock = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.processor_s += time.thread_time() - processor
                self.clock_s += time.perf_counter() - clock


class MeteredLedger(Ledger):
    """The same ledger; each transaction, with what is done inside it, runs the meter."""

    meter = Meter()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As Ledger's."""
        with self.meter.running(), super().write() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As Ledger's."""
        with self.meter.running(), super().read() as connection:
            yield connection


class MeteredStore(ArtifactStore):
    """The same store; writing to it runs the meter."""

    meter = Meter()

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        """As ArtifactStore's."""
        with self.meter.running():
            super().put(key, data, durable=durable)


class MeteredClient(Client):
    """The same client; to wake a worker runs the meter, and the message is then taken away, as that worker would."""

    meter = Meter()

    def __init__(self, broker_url: str) -> None:
        super().__init__(broker_url)
        self._others = connect(broker_url)

    def _wake(self, task: str, *, queue: str) -> None:
        with self.meter.running():
            super()._wake(task, queue=queue)
        self._others.delete(queue)

    def close(self) -> None:
        """As Client's."""
        self._others.close()
        super().close()
